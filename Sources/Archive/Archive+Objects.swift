internal import Bytes
internal import GRDB

/// What the server said last of channels, teams, users and emoji.
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
        let walks = try walkStates()
        for place in channels.indices {
            let (id, walk) = (channels[place].id, walks[channels[place].id])
            channels[place].absence = absences[id]
            channels[place].hiddenUntil = walk?.hiddenUntil.map(Timestamp.init(milliseconds:))
            channels[place].gaps = walk?.gaps ?? []
            channels[place].mayLackRevisions = walk?.mayLackRevisions ?? false
        }
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

    /// The teams that the server listed, by id.
    public func teams() throws(ArchiveError) -> [Team] { try objects(.team).map(Team.init) }

    /// Everybody of whom the server, or an import, has told, by id.
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
