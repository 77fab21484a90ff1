public import Archive
internal import Bytes
internal import NIOHTTP1

/// Fetches what is new on the server into the archive.
public struct Pull: Sendable {
    /// Which channels, and how far back.
    public struct Selection: Sendable {
        /// Channel names, display names or ids; empty for all.
        public var channels: [String] = []
        /// Team names or ids; empty for all. Direct and group channels belong to none.
        public var teams: [String] = []
        /// Do not fetch posts older than this.
        public var since: Timestamp?

        public init() {}
    }

    private let session: Session
    private let archive: Archive
    private let writer: ArchiveWriter
    private let selection: Selection
    private let patience: Patience
    private let onEvent: @Sendable (PullEvent) -> Void

    /// How many channels are walked at a time: enough to hide the way to the server, few enough for its rate limit.
    private static let width = 4
    /// Users per question; the server's own client asks for as many.
    private static let batch = 100

    /// - Throws: `notLoggedIn`; `archive(.inUse)` where another process writes to this archive.
    public init(
        _ directory: AccountDirectory, _ selection: Selection = Selection(), patience: Patience = .long,
        onEvent: @escaping @Sendable (PullEvent) -> Void = { _ in }
    ) throws(ExporterError) {
        session = try Session(in: directory)
        do throws(ArchiveError) {
            writer = try ArchiveWriter(directory)
            archive = try Archive(directory)
        } catch { throw .archive(error) }
        self.selection = selection
        self.patience = patience
        self.onEvent = onEvent
    }

    /// - Throws: where nothing can be done at all. What fails for one channel is in the report.
    public func run() async throws(ExporterError) -> PullReport {
        let onEvent = onEvent
        return try await MattermostClient.using(
            session.address, token: session.token, patience: patience,
            onRetry: { onEvent(.retrying(request: $0, why: $1, seconds: $2)) },
            { client throws(ExporterError) in try await run(client) })
    }

    private func run(_ client: MattermostClient) async throws(ExporterError) -> PullReport {
        var report = PullReport()
        let me = try await client.me()
        guard me.id == session.userID else {
            throw .otherUser(expected: session.username, found: me.username)
        }
        onEvent(.stage(.lists))
        let (channels, frozen) = try await fetchChannels(client)
        report.frozen = frozen
        onEvent(.channels(channels))
        onEvent(.stage(.members))
        for channel in channels {
            do throws(ExporterError) {
                try await fetchMembers(client, channel)
            } catch {
                if PullReport.endsAll(error) { throw error }
                report.membersFailures.append((channel, error))
            }
        }
        // Before the posts, so that what an interrupted pull leaves can be verified; and after them, for authors who
        // have left.
        let asked = try await fetchPeople(client, except: [], &report)
        report.outcomes = try await walk(client, channels)
        _ = try await fetchPeople(client, except: asked, &report)
        return report
    }

    // MARK: Lists

    private func fetchChannels(
        _ client: MattermostClient
    ) async throws(ExporterError) -> (chosen: [Channel], frozen: [Channel]) {
        let teams = try await fetchList(client, Request(.GET, "/api/v4/users/me/teams"), .teams, .team)
        var ids: [String] = []
        for team in teams {
            ids += try await fetchList(
                client, Request(.GET, "/api/v4/users/me/teams/\(team)/channels?include_deleted=true"), .channels,
                .channel)
        }
        // Direct and group channels stand under every team; whoever is in none still has them.
        if teams.isEmpty {
            ids += try await fetchList(client, Request(.GET, "/api/v4/users/me/channels"), .channels, .channel)
        }
        let known = try archived { () throws(ArchiveError) in try archive.channels() }
        let names = try archived { () throws(ArchiveError) in try archive.teams() }
        let listed = Set(ids)
        let wantedTeams = Set(
            names.filter { selection.teams.contains($0.name) || selection.teams.contains($0.id) }.map { $0.id })
        for team in selection.teams where !names.contains(where: { $0.name == team || $0.id == team }) {
            throw .noSuchChannel("team \(team)")
        }
        var chosen = known.filter { listed.contains($0.id) }
        if !selection.teams.isEmpty { chosen = chosen.filter { wantedTeams.contains($0.teamID) } }
        if !selection.channels.isEmpty {
            let people = try archived { () throws(ArchiveError) in try archive.users() }
            let labels = ChannelNames(users: people, ownID: session.userID)
            for name in selection.channels where !known.contains(where: { labels.matches($0, name) }) {
                throw .noSuchChannel(name)
            }
            chosen = chosen.filter { channel in selection.channels.contains { labels.matches(channel, $0) } }
        }
        return (chosen, known.filter { !listed.contains($0.id) })
    }

    /// - Returns: the ids in the list, each once.
    private func fetchList(
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

    private func fetchMembers(_ client: MattermostClient, _ channel: Channel) async throws(ExporterError) {
        var page = 0
        while true {
            let request = Request(.GET, "/api/v4/channels/\(channel.id)/members?page=\(page)&per_page=200")
            let members = try await fetchList(client, request, .members, .member)
            guard members.count == 200 else { return }
            page += 1
        }
    }

    // MARK: People and their keys

    /// Fetches the names and keys of everybody who wrote or can read, less those already asked for.
    private func fetchPeople(
        _ client: MattermostClient, except asked: Set<String>, _ report: inout PullReport
    ) async throws(ExporterError) -> Set<String> {
        let people = try archived { () throws(ArchiveError) in try archive.peopleIDs() }.filter { !asked.contains($0) }
        guard !people.isEmpty else { return asked }
        onEvent(.stage(.keys))
        for start in stride(from: 0, to: people.count, by: Pull.batch) {
            let ids = Array(people[start..<min(start + Pull.batch, people.count)])
            var body = JSONWriter()
            body.array { json in for id in ids { json.string(nil, id) } }
            _ = try await fetchList(client, Request(.POST, "/api/v4/users/ids", body: body.bytes), .users, .user)
            guard report.keysFailure == nil else { continue }
            do throws(ExporterError) {
                report.keyChanges += try await KeyFetch(client, archive, writer).run(ids)
            } catch .refused(let status, let id, let message, let request) {
                // No plugin, or one that refuses: the posts are worth having all the same.
                report.keysFailure = .refused(status: status, id: id, message: message, request: request)
            }
        }
        return asked.union(people)
    }

    // MARK: Posts

    private func walk(_ client: MattermostClient, _ channels: [Channel]) async throws(ExporterError) -> [ChannelOutcome]
    {
        var outcomes: [String: ChannelOutcome] = [:]
        var waiting = channels[...]
        var fatal: ExporterError?
        await withTaskGroup(of: ChannelOutcome.self) { group in
            func start() {
                guard fatal == nil, !Task.isCancelled, let channel = waiting.popFirst() else { return }
                group.addTask { await walk(client, channel) }
            }
            for _ in 0..<Pull.width { start() }
            for await outcome in group {
                outcomes[outcome.channel.id] = outcome
                onEvent(.finished(outcome))
                if case .failed(let error) = outcome.result, PullReport.endsAll(error) {
                    fatal = fatal ?? error
                    group.cancelAll()
                }
                start()
            }
        }
        if let fatal { throw fatal }
        if Task.isCancelled { throw .cancelled }
        return channels.compactMap { outcomes[$0.id] }
    }

    private func walk(_ client: MattermostClient, _ channel: Channel) async -> ChannelOutcome {
        onEvent(.started(channel))
        let counter = Counter()
        do throws(ExporterError) {
            var walk = try archived { () throws(ArchiveError) in
                try ChannelWalk(
                    client, archive: archive, writer: writer, channelID: channel.id,
                    floor: selection.since?.milliseconds,
                    onPage: { posts, added in
                        counter.add(added)
                        onEvent(.page(channel, posts: posts, added: added))
                    })
            }
            let isComplete = try await walk.run()
            return ChannelOutcome(
                channel: channel, added: counter.value, result: isComplete ? .complete : .narrowed)
        } catch {
            return ChannelOutcome(channel: channel, added: counter.value, result: .failed(error))
        }
    }

    private func archived<T>(_ body: () throws(ArchiveError) -> T) throws(ExporterError) -> T {
        do { return try body() } catch { throw .archive(error) }
    }

    private func kept(_ body: () async throws(ArchiveError) -> Void) async throws(ExporterError) {
        do { try await body() } catch { throw .archive(error) }
    }
}

extension PullReport {
    /// Whether an error concerns more than the one channel in which it came up.
    static func endsAll(_ error: ExporterError) -> Bool {
        switch error {
        case .sessionExpired, .archive, .cancelled, .redirected: true
        default: false
        }
    }
}
