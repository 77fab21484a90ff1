public import Archive
public import E2EE

/// Reads archived posts: verifies, decrypts and judges them on all cores, in the order of the query.
public struct PostReader: Sendable {
    private let archive: Archive
    private let verdicts: PostJudge

    /// Posts a task works on at a time.
    private static let batch = 256

    public init(_ archive: Archive, keyring: Keyring, trusted: TrustedKeys) {
        self.init(archive, keyring: keyring, trusted: trusted, disclosesKeys: false)
    }

    /// - Parameter disclosesKeys: whether each post that was opened is to carry its message's key.
    init(_ archive: Archive, keyring: Keyring, trusted: TrustedKeys, disclosesKeys: Bool) {
        self.archive = archive
        // Whoever cannot read them reads no post either.
        let emoji = (try? archive.customEmoji()) ?? [:]
        verdicts = PostJudge(keyring, trusted, emoji, disclosesKeys: disclosesKeys)
    }

    /// Hands each selected version to `consume`, one at a time, in order.
    ///
    /// - Throws: `ArchiveError` where the archive itself cannot be read, and what `consume` throws. What is wrong with
    ///   one post is in its verdict.
    public func read(_ query: PostQuery, consume: (ReadPost) throws -> Void) async throws {
        let plan = try archive.plan(query)
        var start = 0
        try await OrderedPipeline.run(
            next: { () throws -> [StoredVersion]? in
                guard start < plan.count else { return nil }
                let end = min(start + PostReader.batch, plan.count)
                defer { start = end }
                return try plan.load(start..<end)
            },
            work: { [verdicts] batch in try batch.map(verdicts.read) },
            consume: { posts in for post in posts { try consume(post) } })
    }

    /// Reads one version.
    func judge(_ version: StoredVersion) throws(ArchiveError) -> ReadPost { try verdicts.read(version) }
}
