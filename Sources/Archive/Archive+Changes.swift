internal import GRDB

/// Two sights of one post, one after the other in the order of arrival, where the later one differs in something that no
/// edit and no deletion changes, or says something else though it names the same time of edit.
public struct VersionChange: Sendable {
    public let earlier: StoredVersion
    public let later: StoredVersion
    /// When the answer or event with the later one came.
    public let arrivedAt: Timestamp
}

extension Archive {
    /// The changes of all posts, in the order in which they arrived, a batch at a time.
    ///
    /// An old revision has an id of its own; it is held against the post that it is a revision of. What was imported is
    /// left out: an export says less of a post than the server, and may say it otherwise.
    ///
    /// - Parameter version: the place of the later version of the last change that was seen.
    public func changes(after version: Int64, limit: Int = 256) throws(ArchiveError) -> [VersionChange] {
        let sql = """
            SELECT v.seq AS later, p.seq AS earlier, d.record FROM version v
            JOIN version p ON p.seq = CASE v.original_id
              WHEN '' THEN (SELECT max(q.seq) FROM version q WHERE q.post_id = v.post_id AND q.seq < v.seq)
              ELSE coalesce(
                (SELECT max(q.seq) FROM version q WHERE q.post_id = v.post_id AND q.seq < v.seq),
                (SELECT min(q.seq) FROM version q WHERE q.post_id = v.original_id)) END
            JOIN document d ON d.seq = v.document
            WHERE v.seq > ?1 AND v.said <> p.said AND (
              v.channel_id <> p.channel_id OR v.user_id <> p.user_id OR v.root_id <> p.root_id OR v.type <> p.type
              OR v.create_at <> p.create_at
              OR v.post_id = p.post_id AND (
                v.original_id <> p.original_id OR v.delete_at = 0 AND (p.delete_at > 0 OR v.edit_at = p.edit_at)))
              AND \(Archive.isFromServer("v")) AND \(Archive.isFromServer("p"))
            ORDER BY v.seq LIMIT ?2
            """
        return try read { db in
            let cache = DocumentCache()
            return try Row.fetchAll(db, sql: sql, arguments: [version, limit]).compactMap { row in
                let places: [Int64] = [try row.decode(forColumn: "earlier"), try row.decode(forColumn: "later")]
                let versions = try StoredVersion.fetch(
                    db, cache, "(SELECT ? AS version UNION ALL SELECT ?) AS chosen",
                    arguments: StatementArguments(places))
                let record = DocumentRecord(text: try row.decode(forColumn: "record"))
                guard versions.count == 2, let at = record.flatMap({ Timestamp(iso8601: $0.receivedAt) }) else {
                    return nil
                }
                return VersionChange(earlier: versions[0], later: versions[1], arrivedAt: at)
            }
        }
    }
}
