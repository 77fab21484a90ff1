internal import Archive
internal import Bytes
internal import NIOHTTP1

/// Which channels there are, and who is in them.
extension Pull {
    func fetchChannels(
        _ client: MattermostClient
    ) async throws(ExporterError) -> (chosen: [Channel], frozen: [Channel]) {
        try await fetchChannels(client, of: fetchTeams(client))
    }

    /// The ids of the account's teams.
    func fetchTeams(_ client: MattermostClient) async throws(ExporterError) -> [String] {
        try await fetchList(client, Request(.GET, "/api/v4/users/me/teams"), .teams, .team)
    }

    func fetchChannels(
        _ client: MattermostClient, of teams: [String]
    ) async throws(ExporterError) -> (chosen: [Channel], frozen: [Channel]) {
        var ids: [String] = []
        for team in teams {
            ids += try await fetchChannelIDs(client, "/api/v4/users/me/teams/\(team)/channels?include_deleted=true")
        }
        // Direct and group channels stand under every team; whoever is in none still has them.
        if teams.isEmpty { ids += try await fetchChannelIDs(client, "/api/v4/users/me/channels") }
        let known = try archived { () throws(ArchiveError) in try archive.channels() }
        let listed = Set(ids)
        var chosen = known.filter { listed.contains($0.id) }
        if !selection.teams.isEmpty {
            let wanted = try selectedTeams()
            chosen = chosen.filter { wanted.contains($0.teamID) }
        }
        if !selection.channels.isEmpty {
            // A direct channel is called by the other's name, which a first pull has yet to learn.
            try await fetchNames(client, of: known)
            let people = try archived { () throws(ArchiveError) in try archive.users() }
            let labels = ChannelNames(users: people, ownID: session.userID)
            for name in selection.channels where !known.contains(where: { labels.matches($0, name) }) {
                throw .noSuchChannel(name)
            }
            chosen = chosen.filter { channel in selection.channels.contains { labels.matches(channel, $0) } }
        }
        return (chosen, known.filter { !listed.contains($0.id) && !ImportID.isOwn($0.id) })
    }

    /// Notes which channels have gone from the account's lists, and which have come back. One that is listed and closed is
    /// back only when its posts come.
    func noteFrozen(_ frozen: [Channel], listed: [Channel]) async throws(ExporterError) {
        let known = try archived { () throws(ArchiveError) in try archive.absences(.channel) }
        let absences =
            frozen.filter { known[$0.id] == nil }.map { Absence(id: $0.id, what: .channel, reason: .notListed) }
            + listed.filter { known[$0.id]?.reason == .notListed }.map {
                Absence(id: $0.id, what: .channel, reason: .back)
            }
        try await note(absences)
    }

    func note(_ absences: [Absence]) async throws(ExporterError) {
        guard !absences.isEmpty else { return }
        try await kept { () throws(ArchiveError) in
            try await writer.append(Absence.document(absences, at: .now), objects: .absence)
        }
    }

    /// The channels of a list. A server says 404 where there are none, and 403 of a team that one has just left.
    private func fetchChannelIDs(_ client: MattermostClient, _ path: String) async throws(ExporterError) -> [String] {
        do throws(ExporterError) {
            return try await fetchList(client, Request(.GET, path), .channels, .channel)
        } catch .refused(let status, _, _, _) where status == 404 || status == 403 {
            return []
        }
    }

    private func selectedTeams() throws(ExporterError) -> Set<String> {
        let teams = try archived { () throws(ArchiveError) in try archive.teams() }
        var wanted: Set<String> = []
        for name in selection.teams {
            let found = teams.filter { $0.name == name || $0.id == name }
            guard !found.isEmpty else { throw .noSuchChannel("team \(name)") }
            wanted.formUnion(found.map(\.id))
        }
        return wanted
    }

    private func fetchNames(_ client: MattermostClient, of channels: [Channel]) async throws(ExporterError) {
        let known = Set(try archived { () throws(ArchiveError) in try archive.users() }.map(\.id))
        let others = channels.filter { $0.kind == .direct }
            .flatMap { $0.name.split(separator: "_").map(String.init) }
        let unknown = Set(others.filter { PostHeader.isIdentifier($0) && !known.contains($0) }).sorted()
        for ids in Pull.batches(unknown) { try await fetchUsers(client, ids) }
    }

    /// - Returns: the ids in the list, each once.
    @discardableResult
    func fetchList(
        _ client: MattermostClient, _ request: Request, _ document: DocumentKind, _ object: ObjectKind
    ) async throws(ExporterError) -> [String] {
        // A failure in mid-stream gives 200 with broken JSON, which `json()` calls garbled.
        let (answer, ids) = try await client.send(request) { answer throws(ExporterError) in
            let root = try answer.json().root
            guard root.kind == .array || root.isNull else { throw answer.garbled("it is no list") }
            let ids = root.elements.compactMap { object.identifier(of: $0) }
            guard ids.count == root.elements.count else { throw answer.garbled("something in the list has no id") }
            return (answer, ids)
        }
        if !ids.isEmpty {
            try await kept { () throws(ArchiveError) in
                try await writer.append(answer.document(document), objects: object)
            }
        }
        return ids
    }

    /// Keeps the names of custom emoji and who made them: of a reaction, a post says nothing but a name. A server that has
    /// none to give, or has them switched off, keeps nobody from the posts.
    func fetchEmoji(_ client: MattermostClient) async throws(ExporterError) {
        // By name, since without an order pages may overlap. A hundred thousand are more than any server has.
        for page in 0..<500 {
            do throws(ExporterError) {
                let request = Request(.GET, "/api/v4/emoji?page=\(page)&per_page=200&sort=name")
                guard try await fetchList(client, request, .emoji, .emoji).count == 200 else { return }
            } catch .refused {
                return
            }
        }
    }

    /// Keeps who is in a channel, and notes who was and is no longer.
    func fetchMembers(_ client: MattermostClient, _ channel: Channel) async throws(ExporterError) {
        var present: Set<String> = []
        var isWhole = false
        // Pages may overlap and leave somebody out, as those of posts do. Other sizes give other pages.
        for size in [200, 199, 193] where !isWhole {
            let rows = try await fetchMemberPages(client, channel, size: size)
            present.formUnion(rows)
            isWhole = present.count >= rows.count
        }
        let known = try archived { () throws(ArchiveError) in try archive.members(channelID: channel.id) }
            .keys.map { "\(channel.id):\($0)" }
        let absent = Set(
            try archived { () throws(ArchiveError) in try archive.absentMembers(channelID: channel.id) }
                .keys.map { "\(channel.id):\($0)" })
        // Who is not in the list has left only if everybody is in it.
        let gone = isWhole ? known.filter { !present.contains($0) && !absent.contains($0) } : []
        let absences =
            gone.sorted().map { Absence(id: $0, what: .member, reason: .notListed) }
            + present.filter(absent.contains).sorted().map { Absence(id: $0, what: .member, reason: .back) }
        try await note(absences)
    }

    /// - Returns: the members as the pages list them, each as often as they do.
    private func fetchMemberPages(
        _ client: MattermostClient, _ channel: Channel, size: Int
    ) async throws(ExporterError) -> [String] {
        var all: [String] = []
        var before: [String] = []
        // Two million members are more than any server has: an end for one that never comes to it.
        for page in 0..<10_000 {
            let request = Request(.GET, "/api/v4/channels/\(channel.id)/members?page=\(page)&per_page=\(size)")
            let members = try await fetchList(client, request, .members, .member)
            all += members
            guard members.count == size, members != before else { return all }
            before = members
        }
        return all
    }
}
