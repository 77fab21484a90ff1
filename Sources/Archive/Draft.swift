internal import Bytes
internal import GRDB

/// A draft, as the server keeps it in the clear: where it is and when it was written. What it says stays in the answer.
public struct Draft: Equatable, Sendable {
    public let channelID: String
    public let userID: String
    /// The first post of the thread that it would be a reply in; empty for one that begins a thread.
    public let rootID: String
    /// When it was begun and when it was last changed, as the server says; in milliseconds.
    public let createAt: Int64
    public let updateAt: Int64

    /// A draft has no id. There is one for each user and thread, or channel.
    public var id: String { "\(channelID):\(userID):\(rootID)" }

    init?(_ json: JSONValue) {
        guard let channel = json["channel_id"]?.string, PostHeader.isIdentifier(channel),
            let user = json["user_id"]?.string, PostHeader.isIdentifier(user)
        else { return nil }
        let root = json["root_id"]?.string ?? ""
        guard root.isEmpty || PostHeader.isIdentifier(root) else { return nil }
        (channelID, userID, rootID) = (channel, user, root)
        createAt = json["create_at"]?.int ?? 0
        updateAt = json["update_at"]?.int ?? 0
    }

    static func isIdentifier(_ id: String) -> Bool {
        let parts = id.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        return parts.count == 3 && parts.prefix(2).allSatisfy(PostHeader.isIdentifier)
            && (parts[2].isEmpty || PostHeader.isIdentifier(parts[2]))
    }
}

/// A draft, with what the archive knows of when it was on the server.
public struct SeenDraft: Equatable, Sendable {
    /// As it was seen last.
    public let draft: Draft
    /// When the server first showed it in any form, and when it last showed it as it is here. An answer in which nothing is
    /// new is not kept.
    public let firstSeen: Timestamp
    public let lastSeen: Timestamp
    /// When it was noticed that the server lists it no more; nil where it does, as far as is known.
    public let goneSince: Timestamp?
}

extension Archive {
    /// The drafts that the server showed, those that have gone since included, by channel and time.
    public func drafts() throws(ArchiveError) -> [SeenDraft] {
        let sql = """
            SELECT json, at, (SELECT min(at) FROM object f WHERE f.kind = o.kind AND f.id = o.id) AS first
            FROM object o WHERE kind = 'draft'
              AND seq = (SELECT max(seq) FROM object n WHERE n.kind = o.kind AND n.id = o.id) ORDER BY id
            """
        let absences = try absences(.draft)
        let drafts = try read { db in
            try Row.fetchAll(db, sql: sql).compactMap { row -> SeenDraft? in
                let json: String = try row.decode(forColumn: "json")
                guard let draft = (try? JSONDocument(Array(json.utf8)).root).flatMap(Draft.init) else { return nil }
                return SeenDraft(
                    draft: draft, firstSeen: Timestamp(milliseconds: try row.decode(forColumn: "first")),
                    lastSeen: Timestamp(milliseconds: try row.decode(forColumn: "at")),
                    goneSince: absences[draft.id]?.since)
            }
        }
        return drafts.sorted {
            ($0.draft.channelID, $0.draft.createAt, $0.draft.id) < ($1.draft.channelID, $1.draft.createAt, $1.draft.id)
        }
    }
}
