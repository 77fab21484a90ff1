internal import Archive
internal import Bytes

/// What a package says of itself in `manifest.json`: everything that its other files are made of, besides the posts, the
/// keys and the documents. With these, whoever checks a package can make every other file of it again.
struct EvidenceFacts {
    /// The program that made it: `mmvault 0.1.0`.
    var program: String
    var account: Account
    /// The archive when the package was made: how many documents, and the hash of the last one's record.
    var head: (documents: Int64, hash: String)
    /// The narrowing in the owner's own words.
    var asked: [(name: String, value: String)]
    var includesUnverified: Bool
    var includesFiles: Bool
    /// Whether private keys were at hand.
    var hasKeys: Bool
    var channels: [EvidenceChannel]
    var teams: [Team]
    /// Everybody who is named.
    var users: [EvidenceUser] = []
    /// Emoji that people of the server made, as far as somebody reacted with one.
    var emoji: [CustomEmoji] = []
    /// Those that are in the package, in order.
    var documents: [EvidenceDocument] = []
    /// What these hold besides what was chosen.
    var disclosure = EvidenceDisclosure()

    static let version: Int64 = 1

    var people: ExportPeople { ExportPeople(account: account, users: users.map(\.user), teams: teams) }
}

struct EvidenceChannel {
    let channel: Channel
    /// The two who are in a direct channel, which is called by them.
    var userIDs: [String] {
        channel.kind == .direct ? channel.name.split(separator: "_").map(String.init) : []
    }
    /// `TEAM/CHANNEL`: its files are called so.
    let path: String
    /// Whether it has encrypted posts at all: then those that are not are marked.
    let isEncrypted: Bool
}

/// Somebody whose name is shown. Whom no document of the package describes is shown by id.
struct EvidenceUser {
    let user: User
    /// The document that describes the user so; nil where the id itself tells the name, as ids of imports do.
    let document: Int64?

    /// - Parameter included: the documents with posts that the package will hold. Those about users it holds all.
    /// - Returns: everybody in the archive of whom the package can say how they are called.
    static func all(in archive: Archive, included: Set<Int64>) throws(ArchiveError) -> [EvidenceUser] {
        var users: [EvidenceUser] = []
        for user in try archive.users() {
            let document = try archive.newestDocument(of: .user, id: user.id)
            let kind = try document.flatMap { sequence throws(ArchiveError) in try archive.kind(of: sequence) }
            if let document, kind == .users || included.contains(document) {
                users.append(EvidenceUser(user: user, document: document))
            } else if ImportID.user(called: user.username) == user.id {
                users.append(EvidenceUser(user: User(id: user.id, username: user.username), document: nil))
            }
        }
        return users
    }

    /// Whether the name needs no document.
    var isNamedByID: Bool {
        isDescribed(by: User(id: user.id, username: user.username))
            && ImportID.user(called: user.username) == user.id
    }

    /// Whether the server describes the user so, as far as a package shows it.
    func isDescribed(by other: User) -> Bool {
        (user.id, user.username, user.nickname, user.firstName, user.lastName)
            == (other.id, other.username, other.nickname, other.firstName, other.lastName)
    }
}

/// What a document of the package discloses.
struct EvidenceDocument: Equatable {
    let sequence: Int64
    let kind: String
    /// Posts and old revisions in it, and how many of them were chosen.
    var posts = 0
    var chosen = 0
    /// Channels of which it holds posts, and of which none was chosen.
    var otherChannels = 0

    /// - Parameter channels: the ids of those that were chosen.
    init(_ content: DocumentContent, chosen: Int, channels: Set<String>) {
        sequence = content.sequence
        kind = content.kind.rawValue
        posts = content.posts.count
        self.chosen = chosen
        otherChannels = Set(content.posts.map(\.channelID)).subtracting(channels).count
    }

    static func recordName(_ sequence: Int64) -> String { "documents/\(sequence).record" }
    static func bodyName(_ sequence: Int64) -> String { "documents/\(sequence).body" }
}

extension EvidenceFacts {
    /// The manifest, with what was counted.
    func json(_ tally: EvidenceTally) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.int("mmvault_evidence", EvidenceFacts.version)
            json.string("program", program)
            json.object("account") {
                $0.string("server", account.server)
                $0.string("user_id", account.userID)
                $0.string("username", account.username)
            }
            json.object("archive") {
                $0.int("documents", head.documents)
                $0.string("head", head.hash)
            }
            json.array("asked") { json in
                for (name, value) in asked {
                    json.object {
                        $0.string("name", name)
                        $0.string("value", value)
                    }
                }
            }
            json.bool("includes_unverified", includesUnverified)
            json.bool("includes_files", includesFiles)
            json.bool("has_keys", hasKeys)
            json.object("counts") { ExportManifest.write(tally.counts, to: &$0) }
            json.object("discloses") {
                $0.int("documents", disclosure.documents)
                $0.int("posts", disclosure.otherPosts)
                $0.int("plain_posts", disclosure.otherPlainPosts)
                $0.int("channels", disclosure.otherChannels)
            }
            json.array("channels") { json in
                for entry in channels { json.object { entry.write(to: &$0, tally.channels[entry.channel.id]) } }
            }
            json.array("teams") { json in
                for team in teams {
                    json.object {
                        $0.string("id", team.id)
                        $0.string("name", team.name)
                        $0.string("display_name", team.displayName)
                    }
                }
            }
            json.array("users") { json in for user in users { json.object { user.write(to: &$0) } } }
            json.array("emoji") { json in
                for emoji in emoji {
                    json.object {
                        $0.string("id", emoji.id)
                        $0.string("name", emoji.name)
                        $0.string("creator_id", emoji.creatorID)
                        $0.int("create_at", emoji.createAt)
                    }
                }
            }
            json.array("documents") { json in
                for document in documents {
                    json.object {
                        $0.int("document", document.sequence)
                        $0.string("kind", document.kind)
                        $0.int("posts", document.posts)
                        $0.int("chosen", document.chosen)
                        $0.int("other_channels", document.otherChannels)
                    }
                }
            }
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }

    /// Reads what `json` wrote; nil for anything else.
    init?(_ bytes: [UInt8]) {
        guard let root = try? JSONDocument(bytes).root, root["mmvault_evidence"]?.int == EvidenceFacts.version,
            let program = root["program"]?.string, let server = root["account"]?["server"]?.string,
            let userID = root["account"]?["user_id"]?.string, let username = root["account"]?["username"]?.string,
            let documents = root["archive"]?["documents"]?.int, let head = root["archive"]?["head"]?.string,
            let includesUnverified = root["includes_unverified"]?.bool,
            let includesFiles = root["includes_files"]?.bool, let hasKeys = root["has_keys"]?.bool
        else { return nil }
        func all<Value>(_ name: StaticString, _ read: (JSONValue) -> Value?) -> [Value]? {
            guard let list = root[name], list.kind == .array else { return nil }
            let values = list.elements.compactMap(read)
            return values.count == list.elements.count ? values : nil
        }
        guard
            let asked = all(
                "asked",
                { entry in
                    entry["name"]?.string.flatMap { name in entry["value"]?.string.map { (name: name, value: $0) } }
                }), let channels = all("channels", EvidenceChannel.init),
            let teams = all("teams", { $0["id"]?.string == nil ? nil : Team($0) }),
            let users = all("users", EvidenceUser.init), let emoji = all("emoji", CustomEmoji.init(evidence:)),
            let included = all("documents", EvidenceDocument.init),
            let disclosure = root["discloses"].flatMap(EvidenceDisclosure.init(evidence:))
        else { return nil }
        self.init(
            program: program, account: Account(server: server, userID: userID, username: username),
            head: (documents, head), asked: asked, includesUnverified: includesUnverified,
            includesFiles: includesFiles, hasKeys: hasKeys, channels: channels, teams: teams, users: users,
            emoji: emoji, documents: included, disclosure: disclosure)
    }
}

extension EvidenceChannel {
    fileprivate func write(to json: inout JSONWriter, _ counts: ExportCounts?) {
        json.string("id", channel.id)
        json.string("type", channel.kind?.rawValue)
        json.string("team_id", channel.teamID)
        json.string("name", channel.name)
        json.string("display_name", channel.displayName)
        json.string("path", path)
        json.bool("has_encrypted_posts", isEncrypted)
        json.absence(channel.absence)
        json.object("counts") { ExportManifest.write(counts ?? ExportCounts(), to: &$0) }
    }

    fileprivate init?(_ json: JSONValue) {
        guard let path = json["path"]?.string, let isEncrypted = json["has_encrypted_posts"]?.bool,
            json["id"]?.string != nil,
            // What is made under this name when a package is checked is only hashed, and still it is one.
            !path.split(separator: "/", omittingEmptySubsequences: false).contains("..")
        else { return nil }
        var channel = Channel(json)
        channel.absence = NoticedAbsence(json["absence"])
        self.init(channel: channel, path: path, isEncrypted: isEncrypted)
    }
}

extension NoticedAbsence {
    /// Reads what `JSONWriter.absence` wrote; nil for null.
    init?(_ json: JSONValue?) {
        guard let reason = (json?["reason"]?.string).flatMap(Absence.Reason.init(rawValue:)),
            let since = json?["since"]?.int
        else { return nil }
        self.init(reason: reason, since: Timestamp(milliseconds: since))
    }
}

extension CustomEmoji {
    fileprivate init?(evidence json: JSONValue) {
        guard let id = json["id"]?.string, let name = json["name"]?.string,
            let creatorID = json["creator_id"]?.string, let createAt = json["create_at"]?.int
        else { return nil }
        self.init(id: id, name: name, creatorID: creatorID, createAt: createAt)
    }
}

extension EvidenceUser {
    fileprivate func write(to json: inout JSONWriter) {
        json.string("id", user.id)
        json.string("username", user.username)
        json.string("nickname", user.nickname)
        json.string("first_name", user.firstName)
        json.string("last_name", user.lastName)
        if let document { json.int("document", document) } else { json.null("document") }
    }

    fileprivate init?(_ json: JSONValue) {
        guard json["id"]?.string != nil, let document = json["document"] else { return nil }
        self.init(user: User(json), document: document.int)
    }
}

extension EvidenceDisclosure {
    fileprivate init?(evidence json: JSONValue) {
        func count(_ name: StaticString) -> Int? { json[name]?.int.flatMap(Int.init(exactly:)) }
        guard let documents = count("documents"), let posts = count("posts"), let plain = count("plain_posts"),
            let channels = count("channels")
        else { return nil }
        self.init(documents: documents, otherPosts: posts, otherPlainPosts: plain, otherChannels: channels)
    }
}

extension EvidenceDocument {
    fileprivate init?(_ json: JSONValue) {
        guard let sequence = json["document"]?.int, let kind = json["kind"]?.string,
            let posts = json["posts"]?.int.flatMap(Int.init(exactly:)),
            let chosen = json["chosen"]?.int.flatMap(Int.init(exactly:)),
            let others = json["other_channels"]?.int.flatMap(Int.init(exactly:))
        else { return nil }
        (self.sequence, self.kind, self.posts, self.chosen, otherChannels) = (sequence, kind, posts, chosen, others)
    }
}

extension DocumentKind {
    /// Whether the verdicts of a package, or the names in it, rest on documents of this kind: then all of them are there,
    /// since one that is left out could have taken back what the others say.
    var isDecisive: Bool {
        switch self {
        case .users, .keys, .ownKey, .trust, .trustList: true
        default: false
        }
    }
}
