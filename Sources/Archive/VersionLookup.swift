internal import GRDB

/// Finds single versions of posts, for whoever knows which: a search that has found them, say.
public final class VersionLookup {
    let archive: Archive
    private let cache = DocumentCache()

    init(_ archive: Archive) { self.archive = archive }

    /// - Parameter sequences: places in the archive's order of arrival. Those that the archive does not have are left out,
    ///   and so are old revisions whose message stands in another row (`BlankRevisions`).
    /// - Throws: `damagedDocument` where a document that holds one of them is not as its record says.
    public func versions(_ sequences: [Int64]) throws(ArchiveError) -> [StoredVersion] {
        guard !sequences.isEmpty else { return [] }
        return try archive.read { [cache] db in
            let list = sequences.map(String.init).joined(separator: ",")
            let blank = Set(try BlankRevisions.find(db, cache, among: "c.seq IN (\(list))", arguments: []))
            let rows = sequences.filter { !blank.contains($0) }.map { "(\($0))" }.joined(separator: ",")
            guard !rows.isEmpty else { return [] }
            return try StoredVersion.fetch(
                db, cache, "(SELECT column1 AS version FROM (VALUES \(rows))) AS chosen", arguments: [])
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
            post.channelID, post.createAt, post.createAt, post.identityID, post.threadID, post.threadID, count,
        ]
        return try archive.read { [cache] db in
            let before = try StoredVersion.fetch(db, cache, sql("<", "DESC"), arguments: arguments)
            return (
                before.reversed(), try StoredVersion.fetch(db, cache, sql(">", "ASC"), arguments: arguments)
            )
        }
    }
}

extension VersionLookup {
    /// Whether any of the posts next to this one in its channel is encrypted: the 50 on either side.
    public func isAmongEncrypted(_ post: StoredVersion.Header) throws(ArchiveError) -> Bool {
        let sql = ["<= ?2 ORDER BY create_at DESC", ">= ?2 ORDER BY create_at"].map {
            """
            EXISTS (SELECT 1 FROM (SELECT seq, type FROM version WHERE channel_id = ?1 AND create_at \($0) LIMIT 50) v
              WHERE type = 'custom_e2ee' OR EXISTS (SELECT 1 FROM ciphertext c WHERE c.seq = v.seq))
            """
        }
        return try archive.read { db in
            try Bool.fetchOne(
                db, sql: "SELECT \(sql.joined(separator: " OR "))", arguments: [post.channelID, post.createAt]) ?? false
        }
    }
}

extension Archive {
    public func lookup() -> VersionLookup { VersionLookup(self) }
}
