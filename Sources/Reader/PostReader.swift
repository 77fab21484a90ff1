public import Archive
public import E2EE

/// Reads archived posts: verifies, decrypts and judges them on all cores, in the order of the query.
public struct PostReader: Sendable {
    private let archive: Archive
    private let verdicts: PostJudge
    /// Whether posts of damaged documents are left out, and those of which the index says something else.
    let skipsDamaged: Bool

    /// Posts a task works on at a time.
    private static let batch = 256

    /// - Parameter skipsDamaged: whether posts of damaged documents are left out; else the reading ends with the first of them.
    public init(_ archive: Archive, keyring: Keyring, trusted: TrustedKeys, skipsDamaged: Bool = false) {
        self.init(archive, keyring: keyring, trusted: trusted, disclosesKeys: false, skipsDamaged: skipsDamaged)
    }

    /// - Parameter disclosesKeys: whether each post that was opened is to carry its message's key.
    init(
        _ archive: Archive, keyring: Keyring, trusted: TrustedKeys, disclosesKeys: Bool, skipsDamaged: Bool = false
    ) {
        self.archive = archive
        self.skipsDamaged = skipsDamaged
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
                return try plan.load(start..<end, skipsDamaged: skipsDamaged)
            },
            work: { [verdicts, skipsDamaged] batch in
                try batch.compactMap { version throws(ArchiveError) -> ReadPost? in
                    do throws(ArchiveError) { return try verdicts.read(version) } catch {
                        guard case .damagedDocument = error, skipsDamaged else { throw error }
                        return nil
                    }
                }
            },
            consume: { posts in for post in posts { try consume(post) } })
    }

    /// Reads one version.
    func judge(_ version: StoredVersion) throws(ArchiveError) -> ReadPost { try verdicts.read(version) }
}
