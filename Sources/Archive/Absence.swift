internal import Bytes
internal import GRDB

/// What the archive holds and the server no longer shows, as it was noticed. The archive keeps it; this says so.
public struct Absence: Equatable, Sendable {
    public enum What: String, Sendable {
        /// A post that has gone without a tombstone: purged, or lost.
        case post
        case channel
        /// Somebody who was in a channel; the id is `CHANNEL:USER`.
        case member
        /// A draft; the id is `CHANNEL:USER:ROOT`.
        case draft
    }

    public enum Reason: String, Sendable {
        /// The server answers 404 to a question for it.
        case gone
        /// The server answers 403. A channel: that is listed, and whose posts are not given.
        case noAccess = "no-access"
        /// A channel that stands in no list of the account's: left, or removed. A member that stands in no list of the
        /// channel's. A draft that was sent or thrown away.
        case notListed = "not-listed"
        /// It was absent, and was seen again.
        case back

        /// For a person.
        public var words: String {
            switch self {
            case .gone: "gone from the server"
            case .noAccess: "closed to you on the server"
            case .notListed: "no longer listed by the server"
            case .back: "back on the server"
            }
        }
    }

    public let id: String
    public let what: What
    public let reason: Reason

    public init(id: String, what: What, reason: Reason) {
        self.id = id
        self.what = what
        self.reason = reason
    }

    init?(_ json: JSONValue) {
        guard let id = json["id"]?.string, let what = json["what"]?.string.flatMap(What.init(rawValue:)),
            let reason = json["reason"]?.string.flatMap(Reason.init(rawValue:))
        else { return nil }
        self.init(id: id, what: what, reason: reason)
    }

    init?(json: String) {
        guard let root = try? JSONDocument(Array(json.utf8)).root else { return nil }
        self.init(root)
    }

    /// The observations as a document of the archive: `[{"id": ID, "what": "post", "reason": "gone"}]`.
    public static func document(_ absences: [Absence], at time: Timestamp) -> ReceivedDocument {
        var json = JSONWriter()
        json.array { json in
            for absence in absences {
                json.object {
                    $0.string("id", absence.id)
                    $0.string("what", absence.what.rawValue)
                    $0.string("reason", absence.reason.rawValue)
                }
            }
        }
        return ReceivedDocument(kind: .absences, request: "-", channelID: nil, receivedAt: time, body: json.bytes)
    }
}

/// That something is absent now, and when this was noticed.
public struct NoticedAbsence: Equatable, Sendable {
    public let reason: Absence.Reason
    public let since: Timestamp

    public init(reason: Absence.Reason, since: Timestamp) {
        self.reason = reason
        self.since = since
    }

    /// - Returns: nil where it says that it is back.
    init?(_ absence: Absence, at: Int64) {
        guard absence.reason != .back else { return nil }
        self.init(reason: absence.reason, since: Timestamp(milliseconds: at))
    }
}

extension Archive {
    /// What is absent now, by its id: of posts, those that the server once delivered. Earlier builds asked it for what
    /// only an import had brought, too, and it cannot miss what nobody saw there.
    public func absences(_ what: Absence.What) throws(ArchiveError) -> [String: NoticedAbsence] {
        let sql = """
            SELECT id, at, json FROM object o WHERE kind = 'absence'
              AND CASE WHEN json_valid(json) THEN json_extract(json, '$.what') END = ?1
              AND seq = (SELECT max(seq) FROM object n WHERE n.kind = o.kind AND n.id = o.id)
              AND (?1 <> 'post' OR \(Archive.wasDelivered("o.id")))
            """
        return try read { db in
            var result: [String: NoticedAbsence] = [:]
            for row in try Row.fetchAll(db, sql: sql, arguments: [what.rawValue]) {
                let json: String = try row.decode(forColumn: "json")
                guard let absence = Absence(json: json), absence.what == what else { continue }
                result[absence.id] = NoticedAbsence(absence, at: try row.decode(forColumn: "at"))
            }
            return result
        }
    }

    /// For a walk through a channel that began when the archive had so many documents: what answers behind them show is seen.
    public func unseenPosts(channelID: String, since document: Int64) throws(ArchiveError) -> UnseenPosts {
        let unseen = try UnseenPosts(self)
        var last = document
        while true {
            let records = try records(after: last, limit: 500)
            guard let end = records.last?.sequence else { return unseen }
            for (sequence, text) in records {
                guard let record = DocumentRecord(text: text), record.channelID == channelID,
                    let kind = DocumentKind(rawValue: record.kind), kind == .posts || kind == .latePosts
                else { continue }
                let body = try self.document(sequence).body
                let posts = DocumentInspection.posts(in: body, kind, channelID: channelID)?.posts ?? []
                try unseen.saw(posts.map(\.id))
            }
            last = end
        }
    }
}

/// The posts of a channel that the server once delivered and a walk through its whole history does not come upon.
///
/// The ids seen are kept in a temporary table of SQLite, so that memory does not grow with the channel.
public final class UnseenPosts: Sendable {
    private let database: DatabaseQueue
    private let path: String

    init(_ archive: Archive) throws(ArchiveError) {
        path = archive.directory.archivePath
        database = try Archive.open(path, .reading)
        try Archive.rethrowing(path: path) { [database] in
            try database.unsafeReentrantRead {
                try $0.execute(sql: "CREATE TEMP TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID")
            }
        }
    }

    /// Takes note of posts that the walk came upon.
    public func saw(_ ids: [String]) throws(ArchiveError) {
        try Archive.rethrowing(path: path) { [database] in
            try database.unsafeReentrantRead { db in
                let insert = try db.cachedStatement(sql: "INSERT OR IGNORE INTO seen VALUES (?)")
                for id in ids { try insert.execute(arguments: [id]) }
            }
        }
    }

    /// Those of the channel that no tombstone was seen of either, the oldest first. Of those that only an export tells
    /// of, no server knows.
    ///
    /// - Parameter first: the first `limit` behind this post's place.
    public func posts(
        channelID: String, after first: PostPlace, limit: Int
    ) throws(ArchiveError) -> [PostPlace] {
        let sql = """
            SELECT DISTINCT create_at, post_id FROM version v
            WHERE channel_id = ?1 AND create_at >= ?2 AND (create_at, post_id) > (?2, ?3) AND original_id = ''
              AND post_id NOT LIKE 'import-%' AND post_id NOT IN (SELECT id FROM seen)
              AND NOT EXISTS (SELECT 1 FROM version d WHERE d.post_id = v.post_id AND d.delete_at > 0)
              AND \(Archive.wasDelivered("v.post_id"))
            ORDER BY create_at, post_id LIMIT ?4
            """
        return try Archive.rethrowing(path: path) { [database] in
            try database.unsafeReentrantRead { db in
                try Row.fetchAll(db, sql: sql, arguments: [channelID, first.createAt, first.postID, limit])
                    .map(PostPlace.init)
            }
        }
    }

    /// Which of `ids` were seen.
    public func seen(among ids: some Collection<String>) throws(ArchiveError) -> [String] {
        try Archive.rethrowing(path: path) { [database] in
            try database.unsafeReentrantRead { db in
                let find = try db.cachedStatement(sql: "SELECT 1 FROM seen WHERE id = ?")
                return try ids.filter { try Int.fetchOne(find, arguments: [$0]) != nil }
            }
        }
    }
}
