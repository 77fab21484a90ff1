internal import Bytes

/// What the names in an export stand for: people, channels and teams that the archive knows, and where it knows none,
/// or more than one, new ones of the import.
struct ImportNames {
    private let account: Account
    private var users: [String: String] = [:]
    private var channels: [String: String] = [:]
    private var teams: [String: String] = [:]
    private var usernames: [String: String] = [:]
    /// What the archive has a description of, or will have.
    private var described: Set<String>
    private(set) var newUsers = 0
    private(set) var newChannels = 0

    /// What the part under way has used, and described.
    private var used = Used()

    struct Used {
        var users: [String: String] = [:]
        var channels: [String: String] = [:]
        var descriptions: [(kind: ObjectKind, members: [(String, String)])] = []
    }

    /// - Parameter members: the ids of each channel's members, as far as they are known.
    init(
        account: Account, users: [User], channels: [Channel], teams: [Team], members: [String: Set<String>],
        index: JSONValue?
    ) {
        self.account = account
        described = Set(users.map(\.id) + channels.map(\.id) + teams.map(\.id))
        // A name that several had at different times is nobody's; what a server says goes before an import.
        func unique<T>(_ values: [T], _ entry: (T) -> (name: String, id: String)?) -> [String: String] {
            let entries = values.compactMap(entry)
            let own = Dictionary(entries.filter { ImportID.isOwn($0.id) }.map { ($0.name, $0.id) }) { first, _ in first
            }
            let other = Dictionary(grouping: entries.filter { !ImportID.isOwn($0.id) }, by: \.name)
            return own.merging(other.filter { $1.count == 1 }.mapValues { $0[0].id }) { $1 }
                .filter { other[$0.key].map { $0.count == 1 } ?? true }
        }
        self.users = [account.username: account.userID].merging(unique(users) { ($0.username, $0.id) }) { $1 }
        for (id, user) in index?["users"]?.members ?? [] where PostHeader.isIdentifier(id) {
            if let name = user["username"]?.string, !name.isEmpty { self.users[name] = id }
        }
        for (name, id) in self.users { usernames[id] = name }
        for user in users { usernames[user.id] = user.username }
        self.teams = unique(teams) { ($0.name, $0.id) }
        let teamNames = Dictionary(teams.map { ($0.id, $0.name) }) { first, _ in first }
        let names = usernames
        self.channels = unique(channels) { channel in
            switch channel.kind {
            case .open, .private:
                return teamNames[channel.teamID].map { ("\($0)/\(channel.name)", channel.id) }
            case .direct:
                let ids = Set(channel.name.split(separator: "_").map(String.init))
                return (ImportNames.key(ofMembers: ids.map { names[$0] ?? $0 }), channel.id)
            case .group:
                return members[channel.id].map { ids in
                    (ImportNames.key(ofMembers: ids.map { names[$0] ?? $0 }), channel.id)
                }
            case nil: return nil
            }
        }
    }

    private static func key(ofMembers names: [String]) -> String { ImportedPost.Place.members(names.sorted()).key }

    /// Begins a new part.
    mutating func takeUsed() -> Used {
        defer { used = Used() }
        return used
    }

    // MARK: What is meant

    mutating func user(_ username: String, nickname: String = "", firstName: String = "", lastName: String = "")
        -> String
    {
        let id = users[username] ?? ImportID.user(called: username)
        users[username] = id
        usernames[id] = usernames[id] ?? username
        used.users[username] = id
        if described.insert(id).inserted {
            newUsers += 1
            used.descriptions.append(
                (
                    .user,
                    [
                        ("id", id), ("username", username), ("nickname", nickname), ("first_name", firstName),
                        ("last_name", lastName),
                    ]
                ))
        }
        return id
    }

    /// Takes the word of whoever else knows for whose name it is, unless something is known already.
    mutating func learn(_ username: String, id: String) {
        if users[username] == nil, !id.isEmpty { users[username] = id }
    }

    mutating func team(_ name: String, id known: String? = nil, displayName: String = "") -> String {
        let id = known ?? teams[name] ?? ImportID.make("team", name)
        if known == nil { teams[name] = id }
        if described.insert(id).inserted {
            used.descriptions.append((.team, [("id", id), ("name", name), ("display_name", displayName)]))
        }
        return id
    }

    mutating func channel(
        _ place: ImportedPost.Place, displayName: String = "", type: String = "O"
    ) -> String {
        let key = place.key
        let id = channels[key] ?? ImportID.make("channel", key)
        channels[key] = id
        used.channels[key] = id
        if described.contains(id) { return id }
        switch place {
        case .channel(let team, let name):
            describe(id, teamID: self.team(team), name: name, displayName: displayName, type: type == "P" ? "P" : "O")
        case .members(let names):
            let ids = names.map { user($0) }.sorted()
            describeMembers(id, ids, name: ids.count > 2 ? key : (ids + ids).prefix(2).sorted().joined(separator: "__"))
        }
        return id
    }

    /// A channel of a legal hold, by its id.
    mutating func channel(_ id: String, row: LegalHoldRow, index: JSONValue?) {
        used.channels[""] = id
        if described.contains(id) { return }
        let type = row["ChannelType"]
        guard type == "O" || type == "P" else {
            let ids = type == "D" ? row["ChannelName"].split(separator: "_").map(String.init) : []
            if type == "G", ids.isEmpty {
                return describe(
                    id, teamID: "", name: row["ChannelName"], displayName: row["ChannelDisplayName"], type: "G")
            }
            return describeMembers(id, ids, name: row["ChannelName"])
        }
        let teams = index?["teams"]?.elements ?? []
        let listed = teams.first { team in
            team["channels"]?.elements.contains { $0["id"]?.string == id } ?? false
        }
        let teamID = (listed?["id"]?.string).flatMap { PostHeader.isIdentifier($0) ? $0 : nil }
        describe(
            id, teamID: team(row["TeamName"], id: teamID, displayName: row["TeamDisplayName"]),
            name: row["ChannelName"],
            displayName: row["ChannelDisplayName"], type: type)
    }

    /// Two people are direct messages only where one of them is the archive's owner: of others' a reader must see both.
    private mutating func describeMembers(_ id: String, _ ids: [String], name: String) {
        let isOwn = ids.count <= 2 && (ids.isEmpty || ids.contains(account.userID))
        let names = ids.map { usernames[$0] ?? $0 }.sorted().joined(separator: ", ")
        describe(id, teamID: "", name: name, displayName: isOwn ? "" : names, type: isOwn ? "D" : "G")
    }

    private mutating func describe(_ id: String, teamID: String, name: String, displayName: String, type: String) {
        described.insert(id)
        newChannels += 1
        used.descriptions.append(
            (
                .channel,
                [("id", id), ("team_id", teamID), ("type", type), ("name", name), ("display_name", displayName)]
            ))
    }
}
