public import Bytes
internal import GRDB

/// A channel as the server last described it. Every name in it was chosen by somebody else.
public struct Channel: Equatable, Sendable {
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
}

public struct Team: Equatable, Sendable {
    public let id: String
    public let name: String
    public let displayName: String
}

public struct User: Equatable, Sendable {
    public let id: String
    public let username: String
    public let nickname: String
    public let firstName: String
    public let lastName: String
    /// A program, not a person.
    public internal(set) var isBot = false
    /// When the account was deactivated; 0 where it is in use.
    public internal(set) var deleteAt: Int64 = 0

    /// What people call the user: the nickname, else the full name, else the user name.
    public var displayName: String {
        if !nickname.isEmpty { return nickname }
        let full = [firstName, lastName].filter { !$0.isEmpty }.joined(separator: " ")
        return full.isEmpty ? username : full
    }
}

/// An emoji that people of the server made. Its name is their choice.
public struct CustomEmoji: Equatable, Sendable {
    public let id: String
    public let name: String
    /// Who made it; empty where the server does not say.
    public let creatorID: String
    public let createAt: Int64

    public init(id: String, name: String, creatorID: String, createAt: Int64) {
        self.id = id
        self.name = name
        self.creatorID = creatorID
        self.createAt = createAt
    }
}

/// What the archive holds of one channel.
public struct ChannelCounts: Equatable, Sendable {
    public var versions = 0
    public var firstCreateAt: Int64?
    public var lastCreateAt: Int64?
}

extension Archive {
    /// The channels that the server listed, and those that only posts tell of, by id.
    public func channels() throws(ArchiveError) -> [Channel] {
        var channels = try objects(.channel).map(Channel.init)
        let known = Set(channels.map(\.id))
        for id in try channelIDsOfPosts() where !known.contains(id) {
            channels.append(
                Channel(
                    id: id, kind: nil, teamID: "", name: id, displayName: "", deleteAt: 0, totalMessageCount: 0,
                    lastPostAt: 0))
        }
        let absences = try absences(.channel)
        for place in channels.indices { channels[place].absence = absences[channels[place].id] }
        return channels
    }

    /// Sorted. From each channel straight to the next one: there are many posts to a channel.
    private func channelIDsOfPosts() throws(ArchiveError) -> [String] {
        let sql = """
            WITH RECURSIVE channel (id) AS (
              SELECT min(channel_id) FROM version
              UNION ALL
              SELECT (SELECT min(channel_id) FROM version WHERE channel_id > channel.id) FROM channel WHERE id IS NOT NULL
            )
            SELECT id FROM channel WHERE id IS NOT NULL
            """
        return try read { try String.fetchAll($0, sql: sql) }
    }

    public func teams() throws(ArchiveError) -> [Team] { try objects(.team).map(Team.init) }

    public func users() throws(ArchiveError) -> [User] { try objects(.user).map(User.init) }

    /// The server's custom emoji by name; where a name was given anew, the last that had it.
    public func customEmoji() throws(ArchiveError) -> [String: CustomEmoji] {
        try objects(.emoji).map(CustomEmoji.init).reduce(into: [:]) { found, emoji in
            if let other = found[emoji.name], other.createAt > emoji.createAt { return }
            found[emoji.name] = emoji
        }
    }

    /// The ids of everybody who wrote an archived post, was seen as a channel's member, or made an emoji.
    public func peopleIDs() throws(ArchiveError) -> [String] {
        let writersAndMembers = try read { db in
            let sql = """
                SELECT user_id FROM version WHERE user_id <> '' UNION
                SELECT substr(id, 28) FROM object WHERE kind = 'member'
                """
            return try String.fetchSet(db, sql: sql)
        }
        return writersAndMembers.union(try customEmoji().values.map(\.creatorID).filter { !$0.isEmpty }).sorted()
    }

    public func counts() throws(ArchiveError) -> [String: ChannelCounts] {
        let sql = """
            SELECT channel_id, count(*) AS versions, min(create_at) AS first, max(create_at) AS last
            FROM version GROUP BY channel_id
            """
        return try read { db in
            var result: [String: ChannelCounts] = [:]
            for row in try Row.fetchAll(db, sql: sql) {
                result[try row.decode(forColumn: "channel_id")] = ChannelCounts(
                    versions: try row.decode(forColumn: "versions"), firstCreateAt: try row.decode(forColumn: "first"),
                    lastCreateAt: try row.decode(forColumn: "last"))
            }
            return result
        }
    }

    public func walkState(channelID: String) throws(ArchiveError) -> WalkState? {
        try read { db in
            try String.fetchOne(
                db, sql: "SELECT state FROM walk WHERE channel_id = ? ORDER BY seq DESC LIMIT 1", arguments: [channelID]
            )
        }.flatMap(WalkState.init(json:))
    }

    /// When the channel was last asked about, and got an answer.
    public func lastFetch(channelID: String) throws(ArchiveError) -> Timestamp? {
        try read { db in
            try Int64.fetchOne(
                db, sql: "SELECT at FROM walk WHERE channel_id = ? ORDER BY seq DESC LIMIT 1", arguments: [channelID])
        }.map(Timestamp.init(milliseconds:))
    }

    /// The posts younger than `createAt` that no tombstone was seen of, the oldest first: where a walk can take hold again
    /// when its anchor has gone from the server.
    public func livePosts(
        channelID: String, after createAt: Int64, limit: Int
    ) throws(ArchiveError) -> [(id: String, createAt: Int64)] {
        let sql = """
            SELECT DISTINCT post_id, create_at FROM version v
            WHERE channel_id = ? AND create_at > ? AND original_id = '' AND post_id NOT LIKE 'import-%'
              AND NOT EXISTS (SELECT 1 FROM version d WHERE d.post_id = v.post_id AND d.delete_at > 0)
            ORDER BY create_at LIMIT ?
            """
        return try read { db in
            try Row.fetchAll(db, sql: sql, arguments: [channelID, createAt, limit]).map {
                (try $0.decode(forColumn: "post_id"), try $0.decode(forColumn: "create_at"))
            }
        }
    }

    /// Who is known to be, or to have been, in a channel: by user id, with the time when it was first noticed.
    public func members(channelID: String) throws(ArchiveError) -> [String: Timestamp] {
        let sql = """
            SELECT substr(id, length(?1) + 2) AS user_id, min(at) AS since FROM object
            WHERE kind = 'member' AND id >= ?1 || ':' AND id < ?1 || ';' GROUP BY id
            """
        return try read { db in
            try Row.fetchAll(db, sql: sql, arguments: [channelID]).reduce(into: [:]) {
                $0[try $1.decode(forColumn: "user_id")] = Timestamp(milliseconds: try $1.decode(forColumn: "since"))
            }
        }
    }

    /// Whether any post of the channel was encrypted.
    public func holdsEncryptedPosts(channelID: String) throws(ArchiveError) -> Bool {
        try read { db in
            let sql = "SELECT 1 FROM version WHERE channel_id = ? AND type = 'custom_e2ee' LIMIT 1"
            return try Int.fetchOne(db, sql: sql, arguments: [channelID]) != nil
        }
    }

    /// The number of documents and the hash that vouches for all of them.
    public func head() throws(ArchiveError) -> (documents: Int64, hash: String) {
        try read(Archive.head)
    }

    static func head(_ database: Database) throws -> (documents: Int64, hash: String) {
        try Row.fetchOne(database, sql: "SELECT seq, hash FROM document ORDER BY seq DESC LIMIT 1")
            .map { (try $0.decode(forColumn: "seq"), try $0.decode(forColumn: "hash")) } ?? (0, "")
    }

    /// How many versions arrived after one of them.
    public func versionCount(after version: Int64) throws(ArchiveError) -> Int {
        try read { try Int.fetchOne($0, sql: "SELECT count(*) FROM version WHERE seq > ?", arguments: [version]) ?? 0 }
    }

    /// The hash of one document's record; nil where there is none of that number.
    public func hash(ofDocument sequence: Int64) throws(ArchiveError) -> String? {
        try read { try String.fetchOne($0, sql: "SELECT hash FROM document WHERE seq = ?", arguments: [sequence]) }
    }

    /// The number of the document whose record has this hash, 64 hexadecimal digits in lower case; nil where none has.
    public func sequence(ofHash hash: String) throws(ArchiveError) -> Int64? {
        try read { try Int64.fetchOne($0, sql: "SELECT seq FROM document WHERE hash = ?", arguments: [hash]) }
    }

    /// The newest description of each object, by id.
    private func objects(_ kind: ObjectKind) throws(ArchiveError) -> [JSONValue] {
        let sql = """
            SELECT json FROM object o WHERE kind = ?
              AND seq = (SELECT max(seq) FROM object n WHERE n.kind = o.kind AND n.id = o.id) ORDER BY id
            """
        let texts = try read { try String.fetchAll($0, sql: sql, arguments: [kind.rawValue]) }
        return texts.compactMap { try? JSONDocument(Array($0.utf8)).root }
    }
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

extension CustomEmoji {
    init(_ json: JSONValue) {
        id = json["id"]?.string ?? ""
        name = json["name"]?.string ?? ""
        creatorID = json["creator_id"]?.string ?? ""
        createAt = json["create_at"]?.int ?? 0
    }
}

extension Team {
    /// As the server describes it; what is missing is empty.
    public init(_ json: JSONValue) {
        id = json["id"]?.string ?? ""
        name = json["name"]?.string ?? ""
        displayName = json["display_name"]?.string ?? ""
    }
}

extension User {
    /// Of whom no more is known than a name.
    public init(id: String, username: String) {
        self.init(id: id, username: username, nickname: "", firstName: "", lastName: "")
    }

    /// As the server describes it; what is missing is empty.
    public init(_ json: JSONValue) {
        id = json["id"]?.string ?? ""
        username = json["username"]?.string ?? ""
        nickname = json["nickname"]?.string ?? ""
        firstName = json["first_name"]?.string ?? ""
        lastName = json["last_name"]?.string ?? ""
        isBot = json["is_bot"]?.bool ?? false
        deleteAt = json["delete_at"]?.int ?? 0
    }
}
