internal import GRDB

/// Finds single versions of posts, for whoever knows which: a search that has found them, say.
public final class VersionLookup {
    private let archive: Archive
    private let cache = DocumentCache()

    init(_ archive: Archive) { self.archive = archive }

    /// - Parameter sequences: places in the archive's order of arrival. Those that the archive does not have are left out.
    /// - Throws: `damagedDocument` where a document that holds one of them is not as its record says.
    public func versions(_ sequences: [Int64]) throws(ArchiveError) -> [StoredVersion] {
        guard !sequences.isEmpty else { return [] }
        let rows = sequences.map { "(\($0))" }.joined(separator: ",")
        return try archive.read { [cache] db in
            try StoredVersion.fetch(
                db, cache, "(SELECT column1 AS version FROM (VALUES \(rows))) AS chosen", arguments: [])
        }
    }

    /// A post as its newest version has it; nil where the archive has none.
    public func newestHeader(ofPost id: String) throws(ArchiveError) -> StoredVersion.Header? {
        try archive.read { db in
            try Row.fetchOne(
                db, sql: "SELECT * FROM version WHERE post_id = ? ORDER BY seq DESC LIMIT 1", arguments: [id]
            ).map(StoredVersion.Header.init)
        }
    }

    /// The posts around one of them, each by its newest version, in the order of time; the post itself is left out.
    ///
    /// - Parameters:
    ///   - count: how many to either side.
    ///   - isThread: whether only posts of the same thread count, and not all of the channel.
    public func neighbours(
        of post: StoredVersion.Header, count: Int, inThread isThread: Bool
    ) throws(ArchiveError) -> (before: [StoredVersion], after: [StoredVersion]) {
        let id = post.originalID.isEmpty ? post.id : post.originalID
        let thread = post.rootID.isEmpty ? id : post.rootID
        func sql(_ comparison: String, _ direction: String) -> String {
            """
            (SELECT seq AS version FROM version v WHERE channel_id = ? AND original_id = ''
              AND create_at \(comparison)= ? AND (create_at, post_id) \(comparison) (?, ?)
              \(isThread ? "AND (post_id = ? OR root_id = ?)" : "AND ? = ?")
              AND NOT EXISTS (SELECT 1 FROM version n WHERE n.post_id = v.post_id AND n.seq > v.seq)
            ORDER BY create_at \(direction), post_id \(direction) LIMIT ?) AS chosen
            """
        }
        let arguments: StatementArguments = [
            post.channelID, post.createAt, post.createAt, id, thread, thread, count,
        ]
        return try archive.read { [cache] db in
            let before = try StoredVersion.fetch(db, cache, sql("<", "DESC"), arguments: arguments)
            return (
                before.reversed(), try StoredVersion.fetch(db, cache, sql(">", "ASC"), arguments: arguments)
            )
        }
    }
}

extension Archive {
    public func lookup() -> VersionLookup { VersionLookup(self) }
}
