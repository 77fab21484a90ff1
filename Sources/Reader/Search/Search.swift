internal import Age
public import Archive
public import E2EE

/// A post that a search found.
public struct SearchHit: Sendable {
    /// The version in which the words stand, read from the archive again and judged by what is known now.
    public let post: ReadPost
    /// Whether it is neither encrypted nor signed, among posts that are.
    public let isBare: Bool
    /// The posts around it, in the order of time, where they were asked for.
    public internal(set) var before: [SearchHit] = []
    public internal(set) var after: [SearchHit] = []
}

/// Finds posts. What it shows comes from the archive: the index only says where to look.
public final class Search {
    public enum Order: Sendable {
        case newestFirst
        /// The best first, by bm25, of the newest `Search.candidates` that match.
        case relevance
    }

    /// How many matches are ranked at most: ranking all posts with a common word would take seconds.
    public static let candidates = 10_000

    private let archive: Archive
    private let index: SearchIndex
    private let reader: PostReader
    private let names: SearchNames
    private let lookup: VersionLookup

    /// - Throws: `ArchiveError`.
    public convenience init(
        _ archive: Archive, reader: PostReader, trusted: TrustedKeys, keyring: Keyring
    ) throws {
        try self.init(archive, reader: reader, trusted: trusted, keyring: keyring, partLength: 1 << 16)
    }

    /// - Parameter partLength: how many versions a part of the index holds at most.
    init(
        _ archive: Archive, reader: PostReader, trusted: TrustedKeys, keyring: Keyring, partLength: Int
    ) throws {
        let account = try archive.account()
        let users = try archive.users()
        index = try SearchIndex(
            archive, reader: reader, trusted: trusted, keyring: keyring, partLength: partLength)
        self.archive = archive
        self.reader = reader
        names = SearchNames(
            ownID: account.userID, users: users, channels: try archive.channels(),
            channelNames: ChannelNames(users: users, ownID: account.userID), trusted: trusted)
        lookup = archive.lookup()
    }

    /// The age identity that opens the index of what these keys open: `AGE-SECRET-KEY-1…` and a line end, for the caller
    /// to wipe; nil without a key.
    public static func identity(of keyring: Keyring) -> [UInt8]? {
        keyring.indexSecret.map { AgeIdentity(scalar: $0).secretCharacters + [UInt8(ascii: "\n")] }
    }

    /// How many versions of posts can be found.
    public func count() throws(ArchiveError) -> Int { try archive.differentVersionCount() }

    /// Whether the index is kept, sealed, for the next time; it is not without a private key.
    public var isKept: Bool { index.isKept }

    /// Brings the index up to date with the archive.
    ///
    /// - Parameter progress: called with how many versions of how many are done.
    public func update(progress: (Int, Int) -> Void = { _, _ in }) async throws {
        do {
            try await index.update(progress: progress)
        } catch is SealedFolder.Damage {
            index.discard()
            try await index.update(progress: progress)
        }
    }

    /// - Parameters:
    ///   - limit: how many posts at most.
    ///   - context: how many neighbours to show on either side of each: of a reply, those in its thread; of any other
    ///     post, those in its channel.
    /// - Returns: the posts, and whether there are more.
    /// - Throws: `SearchQueryError` for a name that is nobody's.
    public func find(
        _ query: SearchQuery, order: Order = .newestFirst, limit: Int, context: Int = 0,
        progress: (Int, Int) -> Void = { _, _ in }
    ) async throws -> (hits: [SearchHit], hasMore: Bool) {
        let expression = try SearchExpression(query, names)
        var found: [SearchHit]
        do {
            found = try hits(expression, query, order, limit + 1)
        } catch is SealedFolder.Damage {
            index.discard()
            try await index.update(progress: progress)
            found = try hits(expression, query, order, limit + 1)
        }
        let hasMore = found.count > limit
        if hasMore { found.removeLast() }
        guard context > 0 else { return (found, hasMore) }
        for place in found.indices {
            let header = found[place].post.header
            let (before, after) = try lookup.neighbours(
                of: header, count: context, inThread: !header.rootID.isEmpty)
            found[place].before = try before.map(hit)
            found[place].after = try after.map(hit)
        }
        return (found, hasMore)
    }

    private func hits(
        _ expression: SearchExpression, _ query: SearchQuery, _ order: Order, _ limit: Int
    ) throws -> [SearchHit] {
        var matches = try MatchStream(index, expression, order, limit)
        var hits: [SearchHit] = []
        var places: [String: Int] = [:]
        while hits.count < limit {
            let batch = try matches.next(max(16, limit - hits.count))
            guard !batch.isEmpty else { break }
            for version in try lookup.versions(batch.map(\.version)) {
                // A post of which several versions match is found once: as it is now, or else by the last to arrive.
                if let place = places[version.header.identityID] {
                    guard !version.state.isOld, hits[place].post.state.isOld else { continue }
                    let hit = try hit(version)
                    if query.admits(hit.post.verdict) { hits[place] = hit }
                    continue
                }
                guard try isWanted(version, query) else { continue }
                let hit = try hit(version)
                guard query.admits(hit.post.verdict) else { continue }
                places[version.header.identityID] = hits.count
                hits.append(hit)
                if hits.count == limit { break }
            }
        }
        return hits
    }

    private func hit(_ version: StoredVersion) throws -> SearchHit {
        let post = try reader.judge(version)
        let isBare =
            try post.verdict.content == .plain && !post.header.type.hasPrefix("system_")
            && lookup.isAmongEncrypted(post.header)
        return SearchHit(post: post, isBare: isBare)
    }

    /// What a filter leaves out it leaves out by what the post is now, not by what an older version was.
    private func isWanted(_ version: StoredVersion, _ query: SearchQuery) throws -> Bool {
        guard query.isDeleted == false || query.isEdited == false,
            let newest = try archive.header(ofPost: version.header.identityID)
        else { return true }
        if query.isDeleted == false, newest.deleteAt > 0 { return false }
        return query.isEdited != false || newest.editAt == 0
    }
}
