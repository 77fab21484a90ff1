internal import GRDB

/// Where a post stands in the order of time of its channel. Posts of one millisecond stand in the order of their ids.
public struct PostPlace: Hashable, Comparable, Sendable {
    public let createAt: Int64
    /// Before all ids: empty.
    public let postID: String

    public init(createAt: Int64, postID: String = "") {
        self.createAt = createAt
        self.postID = postID
    }

    /// - Parameter row: with the columns `create_at` and `post_id`.
    init(_ row: Row) throws {
        createAt = try row.decode(forColumn: "create_at")
        postID = try row.decode(forColumn: "post_id")
    }

    public static let first = PostPlace(createAt: .min)
    public static let last = PostPlace(createAt: .max)

    public static func < (left: PostPlace, right: PostPlace) -> Bool {
        // By bytes, as SQLite does.
        left.createAt != right.createAt
            ? left.createAt < right.createAt : left.postID.utf8.lexicographicallyPrecedes(right.postID.utf8)
    }
}

/// What the archive holds of a channel, by its posts. What a post said before is not counted.
public struct ChannelContents: Equatable, Sendable {
    public var live = 0
    /// Posts whose newest archived version is a tombstone.
    public var deleted = 0
    /// When the first and the last of them were written; times that cannot be right do not count.
    public var firstCreateAt: Int64?
    public var lastCreateAt: Int64?

    /// Of a channel without posts.
    public init() {}
}

extension Archive {
    /// The newest version of a post or old revision, without its text; nil where the archive does not hold it.
    public func header(ofPost id: String) throws(ArchiveError) -> StoredVersion.Header? {
        try read { db in
            let sql = "SELECT * FROM version WHERE post_id = ? ORDER BY seq DESC LIMIT 1"
            return try Row.fetchOne(db, sql: sql, arguments: [id]).map(StoredVersion.Header.init)
        }
    }

    /// The `count`th post before `place`, deleted ones included; where there are not so many, the first place of all.
    public func place(_ count: Int, before place: PostPlace, channelID: String) throws(ArchiveError) -> PostPlace {
        try self.place(count, from: place, "<", "DESC", channelID) ?? .first
    }

    /// The `count`th post after `place`, deleted ones included; where there are not so many, the last place of all.
    public func place(_ count: Int, after place: PostPlace, channelID: String) throws(ArchiveError) -> PostPlace {
        try self.place(count, from: place, ">", "ASC", channelID) ?? .last
    }

    private func place(
        _ count: Int, from place: PostPlace, _ comparison: String, _ direction: String, _ channelID: String
    ) throws(ArchiveError) -> PostPlace? {
        guard count > 0 else { return place }
        // The first comparison says nothing new; it lets SQLite begin at the place, and stop where it has enough.
        let sql = """
            SELECT DISTINCT create_at, CASE original_id WHEN '' THEN post_id ELSE original_id END AS identity_id
            FROM version WHERE channel_id = ?1 AND create_at \(comparison)= ?2
              AND (create_at, identity_id) \(comparison) (?2, ?3)
            ORDER BY create_at \(direction), identity_id \(direction) LIMIT 1 OFFSET ?4
            """
        return try read { db in
            try Row.fetchOne(db, sql: sql, arguments: [channelID, place.createAt, place.postID, count - 1]).map {
                PostPlace(
                    createAt: try $0.decode(forColumn: "create_at"), postID: try $0.decode(forColumn: "identity_id"))
            }
        }
    }

    /// What the archive holds of each channel that has posts, by the channel's id.
    public func contents() throws(ArchiveError) -> [String: ChannelContents] {
        // Few posts have several versions. To find them by an index, and to read the table once in its own order, takes
        // a third of the time of asking for each row whether a newer one exists.
        let sql = """
            WITH superseded AS MATERIALIZED (
              SELECT v.seq
              FROM (SELECT post_id, max(seq) AS newest FROM version GROUP BY post_id HAVING count(*) > 1) p
              CROSS JOIN version v ON v.post_id = p.post_id AND v.seq < p.newest
            )
            SELECT channel_id, sum(delete_at = 0) AS live, sum(delete_at > 0) AS deleted,
              min(CASE WHEN create_at BETWEEN ?1 AND ?2 THEN create_at END) AS first,
              max(CASE WHEN create_at BETWEEN ?1 AND ?2 THEN create_at END) AS last
            FROM version WHERE original_id = '' AND seq NOT IN superseded GROUP BY channel_id
            """
        return try read { db in
            var result: [String: ChannelContents] = [:]
            let times: StatementArguments = [Timestamp.plausible.lowerBound, Timestamp.plausible.upperBound]
            for row in try Row.fetchAll(db, sql: sql, arguments: times) {
                var contents = ChannelContents()
                contents.live = try row.decode(forColumn: "live")
                contents.deleted = try row.decode(forColumn: "deleted")
                contents.firstCreateAt = try row.decode(forColumn: "first")
                contents.lastCreateAt = try row.decode(forColumn: "last")
                result[try row.decode(forColumn: "channel_id")] = contents
            }
            return result
        }
    }

    /// Posts of a channel that the server delivered, and of which no tombstone came: those younger than `createAt`, the oldest
    /// first. A walk can take hold again at them when its anchor has gone from the server.
    public func livePosts(
        channelID: String, after createAt: Int64, limit: Int
    ) throws(ArchiveError) -> [(id: String, createAt: Int64)] {
        try livePosts(channelID, ">", createAt, "ORDER BY create_at", limit)
    }

    /// Those older than `createAt`, the youngest first.
    public func livePosts(
        channelID: String, before createAt: Int64, limit: Int
    ) throws(ArchiveError) -> [(id: String, createAt: Int64)] {
        try livePosts(channelID, "<", createAt, "ORDER BY create_at DESC", limit)
    }

    /// Those of one `create_at`.
    public func livePosts(channelID: String, at createAt: Int64, limit: Int) throws(ArchiveError) -> [String] {
        try livePosts(channelID, "=", createAt, "", limit).map(\.id)
    }

    private func livePosts(
        _ channelID: String, _ comparison: String, _ createAt: Int64, _ order: String, _ limit: Int
    ) throws(ArchiveError) -> [(id: String, createAt: Int64)] {
        let sql = """
            SELECT DISTINCT post_id, create_at FROM version v
            WHERE channel_id = ?1 AND create_at \(comparison) ?2 AND original_id = '' AND post_id NOT LIKE 'import-%'
              AND NOT EXISTS (SELECT 1 FROM version d WHERE d.post_id = v.post_id AND d.delete_at > 0)
              AND \(Archive.wasDelivered("v.post_id"))
            \(order) LIMIT ?3
            """
        return try read { db in
            try Row.fetchAll(db, sql: sql, arguments: [channelID, createAt, limit]).map {
                (try $0.decode(forColumn: "post_id"), try $0.decode(forColumn: "create_at"))
            }
        }
    }

    /// Whether any post of the channel was encrypted.
    public func holdsEncryptedPosts(channelID: String) throws(ArchiveError) -> Bool {
        try read { db in
            let sql = """
                SELECT 1 FROM version v WHERE channel_id = ?
                  AND (type = 'custom_e2ee' OR EXISTS (SELECT 1 FROM ciphertext c WHERE c.seq = v.seq)) LIMIT 1
                """
            return try Int.fetchOne(db, sql: sql, arguments: [channelID]) != nil
        }
    }

    /// How many versions arrived after one of them.
    public func versionCount(after version: Int64) throws(ArchiveError) -> Int {
        try read { try Int.fetchOne($0, sql: "SELECT count(*) FROM version WHERE seq > ?", arguments: [version]) ?? 0 }
    }

    /// How many versions of posts each channel has, by its id.
    public func versionCounts() throws(ArchiveError) -> [String: Int] {
        try read { db in
            let sql = "SELECT channel_id, count(*) AS versions FROM version GROUP BY channel_id"
            return try Row.fetchAll(db, sql: sql).reduce(into: [:]) {
                $0[try $1.decode(String.self, forColumn: "channel_id")] = try $1.decode(Int.self, forColumn: "versions")
            }
        }
    }
}
