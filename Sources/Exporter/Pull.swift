public import Archive
internal import Bytes
internal import NIOHTTP1
internal import Synchronization

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
        /// Walk through the whole history again. Posts that an import dated back are not found in any other way.
        public var isFull = false
        /// Whether files are fetched.
        public var wantsFiles = true
        /// Files of more bytes than this are not fetched; nil for no limit.
        public var maximumFileSize: Int64?

        public init() {}
    }

    let session: Session
    let archive: Archive
    let writer: ArchiveWriter
    private(set) var selection: Selection
    private let patience: Patience
    private let limits: WalkLimits
    let route: Route
    private let histories = HistoryOffer()
    let onEvent: @Sendable (PullEvent) -> Void

    /// How many channels are walked at a time: enough to hide the way to the server, few enough for its rate limit.
    private static let width = 4

    /// - Throws: `notLoggedIn`; `archive(.inUse)` where another process writes to this archive; `badAuthority`, `badProxy`.
    public init(
        _ directory: AccountDirectory, _ selection: Selection = Selection(), network: Network,
        patience: Patience = .long, onEvent: @escaping @Sendable (PullEvent) -> Void = { _ in }
    ) throws(ExporterError) {
        try self.init(
            directory, selection, patience: patience, limits: WalkLimits(), network: network, onEvent: onEvent)
    }

    init(
        _ directory: AccountDirectory, _ selection: Selection, patience: Patience, limits: WalkLimits,
        network: Network, onEvent: @escaping @Sendable (PullEvent) -> Void
    ) throws(ExporterError) {
        session = try Session(in: directory)
        route = try session.route(network)
        do throws(ArchiveError) {
            writer = try ArchiveWriter(directory)
            archive = try Archive(directory)
        } catch { throw .archive(error) }
        self.selection = selection
        self.patience = patience
        self.limits = limits
        self.onEvent = onEvent
    }

    /// - Throws: where nothing can be done at all. What fails for one channel is in the report.
    public func run() async throws(ExporterError) -> PullReport {
        let onEvent = onEvent
        return try await MattermostClient.using(
            route, token: session.token, patience: patience,
            onRetry: { onEvent(.retrying(request: $0, why: $1, seconds: $2)) },
            { client throws(ExporterError) in try await run(client) })
    }

    func run(_ client: MattermostClient) async throws(ExporterError) -> PullReport {
        var report = PullReport()
        let me = try await client.me()
        guard me.id == session.userID else {
            throw .otherUser(expected: session.username, found: ServerText.line(me.username))
        }
        histories.open(to: me.serverVersion)
        if let server = ServerRecord(versionID: me.serverVersion) {
            try await kept { () throws(ArchiveError) in
                try await writer.append(server.document(at: .now), objects: .server)
            }
        }
        onEvent(.stage(.lists))
        let teams = try await fetchTeams(client)
        let (channels, frozen) = try await fetchChannels(client, of: teams)
        report.frozen = frozen
        try await noteFrozen(frozen, listed: channels)
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
        do throws(ExporterError) {
            try await fetchEmoji(client)
        } catch {
            if PullReport.endsAll(error) { throw error }
            report.emojiFailure = error
        }
        if Pull.mayKeepDrafts(me.serverVersion) {
            do throws(ExporterError) {
                try await fetchDrafts(client, of: teams)
            } catch {
                if PullReport.endsAll(error) { throw error }
                report.draftsFailure = error
            }
        }
        // Before the posts, so that what an interrupted pull leaves can be verified; and after them, for authors who
        // have left.
        let asked = try await fetchPeople(client, except: [], &report)
        report.outcomes = try await walk(client, channels, isWhole: true)
        // Who is in a channel that is closed is closed, too.
        let closed = Set(report.closed.map(\.channel.id))
        report.membersFailures.removeAll { closed.contains($0.channel.id) }
        try await fetchPeople(client, except: asked, &report)
        return report
    }

    // MARK: Posts

    /// - Parameter isWhole: whether everything is asked for that may have been left undone, and not what is new alone.
    func walk(
        _ client: MattermostClient, _ channels: [Channel], isWhole: Bool = false
    ) async throws(ExporterError) -> [ChannelOutcome] {
        let absences = try archived { () throws(ArchiveError) in try archive.absences(.channel) }
        var outcomes: [String: ChannelOutcome] = [:]
        var waiting = channels[...]
        var fatal: ExporterError?
        await withTaskGroup(of: ChannelOutcome.self) { group in
            func start() {
                guard fatal == nil, !Task.isCancelled, let channel = waiting.popFirst() else { return }
                group.addTask { await walk(client, channel, absences[channel.id], isWhole: isWhole) }
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

    private func walk(
        _ client: MattermostClient, _ channel: Channel, _ absence: NoticedAbsence?, isWhole: Bool
    ) async -> ChannelOutcome {
        onEvent(.started(channel))
        let counter = Counter()
        do throws(ExporterError) {
            var walk = try archived { () throws(ArchiveError) in
                try ChannelWalk(
                    client, archive: archive, writer: writer, channelID: channel.id, lastPostAt: channel.lastPostAt,
                    floor: selection.since?.milliseconds, isFull: selection.isFull, limits: limits,
                    onPage: { posts, added in
                        counter.add(added)
                        onEvent(.page(channel, posts: posts, added: added))
                    })
            }
            let (end, absent): (ChannelWalk.End, AbsentPosts)
            do throws(ExporterError) {
                (end, absent) = try await walk.run()
            } catch {
                guard try await closes(channel, error, client) else { throw error }
                let isNew = absence?.reason != .noAccess
                if isNew { try await note([Absence(id: channel.id, what: .channel, reason: .noAccess)]) }
                return ChannelOutcome(
                    channel: channel, added: counter.value, absent: AbsentPosts(), result: .closed(isNew: isNew))
            }
            if absence?.reason == .noAccess {
                try await note([Absence(id: channel.id, what: .channel, reason: .back)])
            }
            let files = try await fetchFiles(client, channel)
            // Where nothing came, nothing was edited.
            if counter.value > 0 || isWhole {
                try await HistoryFetch(
                    client: client, archive: archive, writer: writer, channelID: channel.id, userID: session.userID,
                    offer: histories
                ).run()
            }
            return ChannelOutcome(
                channel: channel, added: counter.value, absent: absent, result: .init(end),
                mayLackRevisions: walk.wasCut, files: files)
        } catch {
            return ChannelOutcome(
                channel: channel, added: counter.value, absent: AbsentPosts(), result: .failed(error))
        }
    }

    /// Whether an error says that this account may not read the channel: the server's own 403 to a question for its
    /// posts, from a server that still takes the session. What a proxy forbids says nothing about the channel.
    private func closes(
        _ channel: Channel, _ error: ExporterError, _ client: MattermostClient
    ) async throws(ExporterError) -> Bool {
        guard case .refused(403, let id, _, let request) = error, !id.isEmpty,
            request.hasPrefix("GET /api/v4/channels/\(channel.id)/posts?")
        else { return false }
        return try await client.me().id == session.userID
    }

    /// The same without a walk through all of history: what a pull is that follows another.
    var brief: Pull {
        var brief = self
        brief.selection.isFull = false
        return brief
    }

    func fetchFiles(_ client: MattermostClient, _ channel: Channel) async throws(ExporterError) -> FileReport {
        guard selection.wantsFiles else { return FileReport() }
        return try await FileFetch(
            client, archive: archive, writer: writer, channel: channel, limit: selection.maximumFileSize,
            isThorough: selection.isFull, onEvent: onEvent
        ).run()
    }

    func archived<T>(_ body: () throws(ArchiveError) -> T) throws(ExporterError) -> T {
        do { return try body() } catch { throw .archive(error) }
    }

    func kept(_ body: () async throws(ArchiveError) -> Void) async throws(ExporterError) {
        do { try await body() } catch { throw .archive(error) }
    }
}

/// Counts what several tasks add.
private final class Counter: Sendable {
    private let count = Mutex(0)

    func add(_ number: Int) { count.withLock { $0 += number } }
    var value: Int { count.withLock { $0 } }
}

extension ChannelOutcome.Result {
    fileprivate init(_ end: ChannelWalk.End) {
        switch end {
        case .complete: self = .complete
        case .narrowed: self = .narrowed
        case .partial(let gaps): self = .partial(gaps)
        }
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
