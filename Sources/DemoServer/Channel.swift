/// What a channel is, in the server's one-letter words.
public enum ChannelType: String, Sendable {
    case open = "O"
    case `private` = "P"
    case direct = "D"
    case group = "G"
}

/// A channel and its counters.
struct Channel {
    let id: String
    /// "" for direct and group channels, which appear under every team.
    let teamID: String
    let type: ChannelType
    let name: String
    let displayName: String
    let creatorID: String
    let createAt: Int64
    var updateAt: Int64
    var deleteAt: Int64 = 0
    /// Ids of users, in the order in which they joined.
    var members: [String]
    var isEncrypted = false
    var lastPostAt: Int64 = 0
    var lastRootPostAt: Int64 = 0
    /// Counts deleted posts and not joins: progress only.
    var messageCount = 0
    var rootMessageCount = 0

    mutating func count(_ post: Post) {
        lastPostAt = max(lastPostAt, post.createAt)
        if post.rootID.isEmpty { lastRootPostAt = max(lastRootPostAt, post.createAt) }
        if post.type.hasPrefix("system_") { return }
        messageCount += 1
        if post.rootID.isEmpty { rootMessageCount += 1 }
    }

    var json: String {
        "{\"id\":\"\(id)\",\"create_at\":\(createAt),\"update_at\":\(updateAt),\"delete_at\":\(deleteAt)"
            + ",\"team_id\":\"\(teamID)\",\"type\":\"\(type.rawValue)\",\"display_name\":\(JSONText.string(displayName))"
            + ",\"name\":\(JSONText.string(name)),\"header\":\"\",\"purpose\":\"\",\"last_post_at\":\(lastPostAt)"
            + ",\"total_msg_count\":\(messageCount),\"extra_update_at\":0,\"creator_id\":\"\(creatorID)\""
            + ",\"scheme_id\":null,\"props\":null,\"group_constrained\":null"
            + ",\"shared\":\(type == .direct ? "false" : "null"),\"total_msg_count_root\":\(rootMessageCount)"
            + ",\"policy_id\":null,\"last_root_post_at\":\(lastRootPostAt)}"
    }

    func memberJSON(_ userID: String) -> String {
        "{\"channel_id\":\"\(id)\",\"user_id\":\"\(userID)\",\"roles\":\"channel_user\""
            + ",\"last_viewed_at\":\(lastPostAt),\"msg_count\":\(messageCount),\"mention_count\":0"
            + ",\"mention_count_root\":0,\"msg_count_root\":\(rootMessageCount)"
            + ",\"notify_props\":{\"desktop\":\"default\",\"email\":\"default\""
            + ",\"ignore_channel_mentions\":\"default\",\"mark_unread\":\"all\",\"push\":\"default\"}"
            + ",\"last_update_at\":\(lastPostAt),\"scheme_guest\":false,\"scheme_user\":true"
            + ",\"scheme_admin\":false,\"explicit_roles\":\"\"}"
    }
}

/// A team and who is in it.
struct Team {
    let id: String
    let name: String
    let displayName: String
    let createAt: Int64
    let inviteID: String
    var members: [String] = []

    var json: String {
        "{\"id\":\"\(id)\",\"create_at\":\(createAt),\"update_at\":\(createAt),\"delete_at\":0"
            + ",\"display_name\":\(JSONText.string(displayName)),\"name\":\(JSONText.string(name))"
            + ",\"description\":\"\",\"email\":\"\",\"type\":\"O\",\"company_name\":\"\",\"allowed_domains\":\"\""
            + ",\"invite_id\":\"\(inviteID)\",\"allow_open_invite\":false,\"scheme_id\":null"
            + ",\"group_constrained\":null,\"policy_id\":null}"
    }
}
