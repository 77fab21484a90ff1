internal import Archive
internal import E2EE

/// One way through channels of an archive: each version of each post, channel by channel, in the order of time.
struct ArchivePass: Sendable {
    let archive: Archive
    let trusted: TrustedKeys
    let bots: Bots

    /// Versions a task works on at a time.
    private static let batch = 256

    init(_ archive: Archive, trusted: TrustedKeys) throws(ArchiveError) {
        self.archive = archive
        self.trusted = trusted
        bots = Bots(try archive.users())
    }

    private struct Batch: Sendable {
        let versions: [StoredVersion]
        let found: [String: FoundSigners]
    }

    /// - Parameters:
    ///   - found: the signers found so far, by author: whoever looks for them knows more with each batch.
    ///   - consume: takes the versions, one at a time, in order.
    func run(
        _ channel: Channel, found: () -> [String: FoundSigners] = { [:] }, consume: (SeenVersion) throws -> Void
    ) async throws {
        let plan = try archive.plan(PostQuery(channelID: channel.id))
        var batches = PlaceBatches(0..<plan.count, of: ArchivePass.batch)
        try await OrderedPipeline.run(
            next: { try batches.next().map { Batch(versions: try plan.load($0), found: found()) } },
            work: { batch in
                batch.versions.map { SeenVersion($0, trusted: trusted, bots: bots, found: batch.found) }
            },
            consume: { versions in for version in versions { try consume(version) } })
    }
}
