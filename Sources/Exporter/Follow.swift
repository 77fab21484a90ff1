public import Archive
internal import Bytes

/// Keeps an archive up to date as things happen: a pull, and beside it and after it whatever the server's WebSocket tells,
/// for as long as nobody stops it.
///
/// The WebSocket is never believed to have told everything. Where it may have left something out (a new connection, a
/// gap, a message that cannot be read) the walk asks; and so it does from time to time without any reason.
public struct Follow: Sendable {
    let pull: Pull
    let desk: FollowDesk
    let pace: FollowPace
    let onEvent: @Sendable (FollowEvent) -> Void
    private let patience: Patience

    /// Takes the archive's lock and holds it until the value is gone.
    ///
    /// - Throws: as `Pull`.
    public init(
        _ directory: AccountDirectory, _ selection: Pull.Selection = Pull.Selection(), network: Network,
        onEvent: @escaping @Sendable (FollowEvent) -> Void = { _ in }
    ) throws(ExporterError) {
        try self.init(
            directory, selection, patience: .long, limits: WalkLimits(), pace: FollowPace(), network: network,
            onEvent: onEvent)
    }

    init(
        _ directory: AccountDirectory, _ selection: Pull.Selection, patience: Patience, limits: WalkLimits,
        pace: FollowPace, network: Network,
        onEvent: @escaping @Sendable (FollowEvent) -> Void
    ) throws(ExporterError) {
        let desk = FollowDesk(isSelective: !selection.channels.isEmpty || !selection.teams.isEmpty)
        pull = try Pull(directory, selection, patience: patience, limits: limits, network: network) { event in
            desk.observe(event)
            onEvent(.pull(event))
        }
        self.desk = desk
        self.pace = pace
        self.patience = patience
        self.onEvent = onEvent
    }

    /// - Throws: `cancelled` once the task is; what ends everything, such as a session that has ended or an archive that
    ///   cannot be written. A server that does not answer is waited for.
    public func run() async throws(ExporterError) {
        let session = pull.session
        let onEvent = onEvent
        try await MattermostClient.using(
            pull.route, token: session.token, patience: patience,
            onRetry: { onEvent(.pull(.retrying(request: $0, why: $1, seconds: $2))) },
            { client throws(ExporterError) in
                try await follow(client)
            })
    }

    /// What happens from the connection on is told, and what was before it the pull asks for: so the connection is first.
    private func firstPull(_ client: MattermostClient) async throws(ExporterError) {
        await firstAttempt()
        var failures = 0
        while true {
            desk.beginPull()
            do throws(ExporterError) {
                let report = try await pull.run(client)
                onEvent(.pulled(report))
                return desk.add(FollowDesk.Agenda.left(by: report))
            } catch {
                switch error {
                case .noAnswer, .badAnswer, .foreignError: break
                default: throw error
                }
                failures += 1
                try await wait(Follow.describe(error), after: failures)
            }
        }
    }

    /// Waits until the server sends events, or it is known that it does not yet.
    private func firstAttempt() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in desk.attempts.rings { return } }
            group.addTask { try? await Task.sleep(for: .seconds(pace.attempt)) }
            await group.next()
            group.cancelAll()
        }
    }

    private func follow(_ client: MattermostClient) async throws(ExporterError) {
        var failure: ExporterError?
        await withTaskGroup(of: ExporterError?.self) { group in
            func start(_ body: @escaping @Sendable () async throws(ExporterError) -> Void) {
                group.addTask {
                    do throws(ExporterError) { try await body() } catch { return error }
                    return nil
                }
            }
            start { () throws(ExporterError) in try await listen() }
            start { () throws(ExporterError) in try await keepFrames() }
            start { () throws(ExporterError) in
                try await firstPull(client)
                try await ask(client)
            }
            start { () throws(ExporterError) in try await askForDeleted() }
            start { () throws(ExporterError) in try await askForMissed() }
            start { () throws(ExporterError) in try await askForKeys(client) }
            start { () throws(ExporterError) in try await poll() }
            start { () throws(ExporterError) in try await remember() }
            // None of them ends but by an error, or because all of it is to end.
            failure = await group.next() ?? nil
            group.cancelAll()
        }
        // What has come is kept, whatever happens.
        try await keepWaitingFrames()
        try await keep(desk.takeKeyEvents())
        throw failure ?? .cancelled
    }

    // MARK: Writing

    /// Archives frames shortly after they have come, whatever else goes on: what comes together goes together.
    private func keepFrames() async throws(ExporterError) {
        for await _ in desk.frames.rings {
            try await sleep(pace.batch)
            try await keepWaitingFrames()
        }
    }

    private func keepWaitingFrames() async throws(ExporterError) {
        while true {
            let frames = desk.takeFrames()
            guard let last = frames.last else { return }
            do throws(ArchiveError) {
                let added = try await pull.writer.append(frames: frames.map(\.bytes), receivedAt: last.receivedAt)
                let channels = Dictionary(frames.map { ($0.channelID, 1) }, uniquingKeysWith: +)
                onEvent(.kept(channels: channels, added: added))
                // With its post a file goes: those of new posts are fetched now.
                let withFiles = frames.filter { $0.bytes.firstRange(of: Array("file_ids".utf8)) != nil }
                if !withFiles.isEmpty { desk.add(FollowDesk.Agenda(files: Set(withFiles.map(\.channelID)))) }
            } catch .notAPage {
                // Each could be read; together they cannot. What they said is asked for.
                desk.add(FollowDesk.Agenda(everything: true))
            } catch { throw .archive(error) }
        }
    }

    /// Asks for tombstones at once, and then not again for a while: each answer has all that changed in the minutes before,
    /// and nothing is lost by waiting, since the texts came with the events.
    private func askForDeleted() async throws(ExporterError) {
        for await _ in desk.deletions.rings where desk.askForDeleted() { try await sleep(pace.rest) }
    }

    /// Asks for everything where something may have been missed: at once, and the less often, the more often it happens. A
    /// server whose every event cannot be read would be asked for everything all the time.
    private func askForMissed() async throws(ExporterError) {
        var times = 0
        var last = ContinuousClock.now
        for await _ in desk.gaps.rings where desk.askForMissed() {
            times = last.duration(to: .now) > .seconds(pace.refresh) ? 1 : times + 1
            last = .now
            try await sleep(pace.delay(after: times))
        }
    }

    /// Asks for everything from time to time while no events come: a proxy may let no WebSocket through.
    private func poll() async throws(ExporterError) {
        while true {
            try await sleep(pace.poll)
            if desk.poll(after: pace.poll) { onEvent(.polling(seconds: pace.poll)) }
        }
    }

    /// Asks from time to time what the WebSocket may not have told.
    private func remember() async throws(ExporterError) {
        var rounds = 0
        while true {
            try await sleep(pace.refresh)
            rounds += 1
            if rounds % pace.refreshesPerRound == 0 {
                desk.add(FollowDesk.Agenda(everything: true))
            } else {
                desk.askForActive()
            }
        }
    }

    // MARK: Waiting

    func wait(_ why: String, after failures: Int) async throws(ExporterError) {
        let seconds = pace.delay(after: failures)
        onEvent(.waiting(why: why, seconds: seconds))
        try await sleep(seconds)
    }

    func sleep(_ seconds: Double) async throws(ExporterError) {
        do { try await Task.sleep(for: .seconds(seconds)) } catch { throw .cancelled }
    }

    /// Whether an error does not pass by itself.
    static func isFinal(_ error: ExporterError) -> Bool {
        switch error {
        case .sessionExpired, .otherUser, .archive, .cancelled: true
        // A password that is sent again and again may lock somebody out.
        case .noAnswer(_, _, _, .proxyPassword): true
        default: false
        }
    }
}

/// The measures by which a following goes; times are in seconds. Tests scale them down.
struct FollowPace: Sendable {
    /// How long to wait for more frames before they are archived.
    var batch = 0.1
    /// How long to wait for more to ask before it is asked.
    var settle = 0.2
    /// After tombstones were asked for, until they are asked for again. With what comes before and behind it, a deletion is
    /// archived as one within a second, in a series of them, too.
    var rest = 0.5
    /// How long the first pull waits for the connection.
    var attempt = 15.0
    /// Between two pings.
    var ping = 20.0
    /// After so long without a byte, the connection is dead.
    var silence = 50.0
    /// Bytes.
    var longestMessage = WebSocket.maximumMessage
    var firstDelay = 0.5
    var longestDelay = 60.0
    /// How often to ask for everything while no events come.
    var poll = 90.0
    /// How often to ask about channels in which something happened: reactions and old revisions come in no event, and the
    /// cursors of channels must not stay behind.
    var refresh = 600.0
    /// Every so many refreshes, a whole pull.
    var refreshesPerRound = 6

    /// Seconds to wait after so many failures in a row: doubled each time, up to a limit, with jitter, and for ever.
    func delay(after failures: Int) -> Double {
        min(longestDelay, firstDelay * Double(1 << min(failures - 1, 20))) * .random(in: 0.5...1)
    }
}

/// What happens while an archive is kept up to date.
public enum FollowEvent: Sendable {
    /// A step of a pull: the first one, or one that fills a gap. Events come beside the first one, too.
    case pull(PullEvent)
    /// The first pull has ended.
    case pulled(PullReport)
    /// The server sends events. `isResumed`: from where it had stopped, so that nothing was missed. `after`: for how long none
    /// had come, where some had before.
    case connected(isResumed: Bool, after: Duration?)
    /// No events come, and everything is asked for every so many seconds instead.
    case polling(seconds: Double)
    /// The server told of more changes of a user's key than keys were seen: so many more.
    case keysUnseen(userID: String, count: Int)
    /// Something may have been missed, and is asked for.
    case gap
    /// Events were archived: how many in each channel, and how many versions of posts among them were new.
    case kept(channels: [String: Int], added: Int)
    /// Something was asked for: how many versions of posts were new, and which keys other than before.
    case asked(added: Int, keyChanges: [KeyChange])
    /// Something failed, and is tried again.
    case waiting(why: String, seconds: Double)
}
