internal import Bytes
internal import GRDB

/// That the server was asked what a post of the account's own said before it was edited. Whatever it answers, it is
/// asked again only when the archive has learnt of a further old text that it lacks.
public struct HistoryRecord: Equatable, Sendable {
    public let postID: String
    /// Of HTTP: 200, or how it refused.
    public let status: Int

    public init(postID: String, status: Int) {
        self.postID = postID
        self.status = status
    }

    /// The document that says which posts were asked about: `[{"id":ID,"status":NUMBER,"at":MILLISECONDS}]`. By the
    /// time, the same answer to a second question is news.
    public static func document(
        _ records: [HistoryRecord], channelID: String, at time: Timestamp
    ) -> ReceivedDocument {
        var json = JSONWriter()
        json.array { json in
            for record in records {
                json.object {
                    $0.string("id", record.postID)
                    $0.int("status", record.status)
                    $0.int("at", time.milliseconds)
                }
            }
        }
        return ReceivedDocument(
            kind: .histories, request: "-", channelID: channelID, receivedAt: time, body: json.bytes)
    }
}

extension Archive {
    /// The edited posts of a user in a channel of which the archive lacks something that they said before, and about
    /// which the server was not asked since it was known that they said it; in the order of time.
    ///
    /// `since` shows old revisions without their texts, so that one counts as known only where the post itself was seen as
    /// it was then. That goes for encrypted ones as well: what `since` leaves out may be a text that a client wrote beside
    /// the message, in the clear. Where the server has answered, it has told all that came before.
    ///
    /// - Parameter first: the first `limit` behind this post's place.
    public func postsWithUnknownHistory(
        channelID: String, userID: String, after first: PostPlace, limit: Int
    ) throws(ArchiveError) -> [PostPlace] {
        let sql = """
            SELECT create_at, post_id FROM version v
            WHERE channel_id = ?1 AND create_at >= ?2 AND (create_at, post_id) > (?2, ?3) AND user_id = ?4
              AND original_id = '' AND edit_at > 0 AND delete_at = 0 AND post_id NOT LIKE 'import-%'
              AND NOT EXISTS (SELECT 1 FROM version n WHERE n.post_id = v.post_id AND n.seq > v.seq)
              AND (
                NOT EXISTS (SELECT 1 FROM object WHERE kind = 'history' AND id = v.post_id)
                  AND NOT EXISTS (SELECT 1 FROM version e WHERE e.post_id = v.post_id AND e.edit_at = 0)
                OR EXISTS (SELECT 1 FROM version r WHERE r.channel_id = ?1 AND r.create_at = v.create_at
                  AND r.original_id = v.post_id
                  AND r.document > coalesce(
                    (SELECT max(document) FROM object WHERE kind = 'history' AND id = v.post_id), 0)
                  AND NOT EXISTS (SELECT 1 FROM version e WHERE e.post_id = v.post_id AND e.edit_at = r.edit_at))
              )
            ORDER BY create_at, post_id LIMIT ?5
            """
        return try read { db in
            try Row.fetchAll(db, sql: sql, arguments: [channelID, first.createAt, first.postID, userID, limit])
                .map(PostPlace.init)
        }
    }
}
