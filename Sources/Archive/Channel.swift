public import Bytes

/// A channel as the server last described it. Every name in it was chosen by somebody else.
public struct Channel: Equatable, Sendable {
    /// The letters are the server's.
    public enum Kind: String, Sendable {
        case open = "O"
        case `private` = "P"
        case direct = "D"
        case group = "G"
    }

    public let id: String
    public let kind: Kind?
    /// Empty for direct and group channels.
    public let teamID: String
    public let name: String
    public let displayName: String
    /// When the channel was archived on the server; 0 where it was not.
    public let deleteAt: Int64
    /// What the server counts, deleted posts included: good for progress only.
    public let totalMessageCount: Int64
    public let lastPostAt: Int64
    /// What its members wrote above it, and what they say it is for; empty where nothing.
    public internal(set) var header = ""
    public internal(set) var purpose = ""
    /// Where the account's lists show it no longer: it is kept as it was.
    public var absence: NoticedAbsence?
    /// Where the server hides its old messages: when the newest of these was written.
    public var hiddenUntil: Timestamp?
    /// What the archive lacks of its history, where that was walked through.
    public var gaps: [HistoryGap] = []
    /// Whether more changed at a time than the server tells, so that what edited posts said before may never have come.
    public var mayLackRevisions = false
}

extension Channel {
    /// As the server describes it; what is missing is empty.
    public init(_ json: JSONValue) {
        id = json["id"]?.string ?? ""
        kind = (json["type"]?.string).flatMap(Kind.init(rawValue:))
        teamID = json["team_id"]?.string ?? ""
        name = json["name"]?.string ?? ""
        displayName = json["display_name"]?.string ?? ""
        deleteAt = json["delete_at"]?.int ?? 0
        totalMessageCount = json["total_msg_count"]?.int ?? 0
        lastPostAt = json["last_post_at"]?.int ?? 0
        header = json["header"]?.string ?? ""
        purpose = json["purpose"]?.string ?? ""
    }
}

/// A team as the server last described it.
public struct Team: Equatable, Sendable {
    public let id: String
    public let name: String
    public let displayName: String
}

extension Team {
    /// As the server describes it; what is missing is empty.
    public init(_ json: JSONValue) {
        id = json["id"]?.string ?? ""
        name = json["name"]?.string ?? ""
        displayName = json["display_name"]?.string ?? ""
    }
}
