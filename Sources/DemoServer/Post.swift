/// One row of the server's posts: a live post, a tombstone or an old revision.
///
/// Times are milliseconds since 1970, 0 meaning never. The server tells the three kinds apart by
/// `deleteAt` and `originalID` alone, and so does this.
public struct Post: Sendable, Equatable {
    /// 26 characters. An old revision has an id of its own.
    public internal(set) var id: String
    public let channelID: String
    /// The author's id.
    public let userID: String
    public let createAt: Int64
    public internal(set) var updateAt: Int64
    public internal(set) var editAt: Int64 = 0
    public internal(set) var deleteAt: Int64 = 0
    public internal(set) var isPinned = false
    /// The thread's first post, or "" for a post that is no reply.
    public let rootID: String
    /// The post that this is an old revision of, or "".
    public internal(set) var originalID = ""
    /// The text; "" in tombstones and old revisions, of which the server never gives the text.
    public internal(set) var message: String
    /// The text of an old revision, which newer servers give to its author alone.
    var formerMessage = ""
    /// "" for an ordinary post, `custom_e2ee` for an encrypted one, `system_…` for the server's own.
    public let type: String
    /// A JSON object, served byte for byte; it outlives deletion.
    public internal(set) var props: String
    public internal(set) var files: [StoredFile] = []
    public internal(set) var reactions: [Reaction] = []
    /// The place among posts of equal `create_at`: arbitrary, but always the same.
    var rank: UInt64

    /// Neither deleted nor an old revision: what `page`, `before` and `after` show.
    public var isLive: Bool { deleteAt == 0 }
    /// A post that was deleted: only `since` shows it.
    public var isTombstone: Bool { deleteAt != 0 && originalID.isEmpty }
    /// What an edit or a pin left behind: only `since` shows it.
    public var isOldRevision: Bool { !originalID.isEmpty }

    /// The post as `since` serves it.
    public var json: String { json(replyCount: 0) }

    /// An old revision as its author is given it.
    var historyJSON: String {
        var told = self
        told.message = formerMessage
        return told.json
    }

    /// The post in the server's fixed order of fields.
    /// - Parameter replyCount: Several endpoints give 0 whatever the truth: the field is volatile.
    func json(replyCount: Int) -> String {
        var text = "{\"id\":\"\(id)\",\"create_at\":\(createAt),\"update_at\":\(updateAt)"
        text += ",\"edit_at\":\(editAt),\"delete_at\":\(deleteAt),\"is_pinned\":\(isPinned)"
        text += ",\"user_id\":\"\(userID)\",\"channel_id\":\"\(channelID)\",\"root_id\":\"\(rootID)\""
        text += ",\"original_id\":\"\(originalID)\",\"message\":\(JSONText.string(message))"
        text += ",\"type\":\(JSONText.string(type)),\"props\":"
        text += props
        text += ",\"hashtags\":\"\""
        if !files.isEmpty { text += ",\"file_ids\":\(JSONText.strings(files.map(\.id)))" }
        text += ",\"pending_post_id\":\"\""
        if !reactions.isEmpty { text += ",\"has_reactions\":true" }
        text += ",\"reply_count\":\(replyCount),\"last_reply_at\":0,\"participants\":null"
        text += ",\"metadata\":\(metadata)}"
        return text
    }

    /// What an edit or a pin leaves behind: the post as it was, under an id of its own, without its text.
    func oldRevision(id revisionID: String, at time: Int64, rank: UInt64) -> Post {
        var revision = self
        revision.id = revisionID
        revision.originalID = id
        revision.formerMessage = message
        revision.message = ""
        revision.updateAt = time
        revision.deleteAt = time
        revision.rank = rank
        return revision
    }

    private var metadata: String {
        var parts: [String] = []
        if isLive && !files.isEmpty {
            parts.append("\"files\":[\(files.map { $0.json(in: self) }.joined(separator: ","))]")
        }
        if isLive && !reactions.isEmpty {
            parts.append("\"reactions\":[\(reactions.map { $0.json(on: id) }.joined(separator: ","))]")
        }
        return "{\(parts.joined(separator: ","))}"
    }
}

/// Someone's emoji on a post.
public struct Reaction: Sendable, Equatable {
    public let userID: String
    /// The emoji's name without colons, `smile`.
    public let emoji: String
    public let createAt: Int64

    func json(on postID: String) -> String {
        "{\"user_id\":\"\(userID)\",\"post_id\":\"\(postID)\",\"emoji_name\":\(JSONText.string(emoji))"
            + ",\"create_at\":\(createAt),\"update_at\":\(createAt),\"delete_at\":0,\"remote_id\":\"\"}"
    }
}
