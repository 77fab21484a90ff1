internal import Archive
internal import Bytes

/// The connection to the WebSocket, made anew for as long as it takes.
extension Follow {
    func listen() async throws(ExporterError) {
        let session = pull.session
        var failures = 0
        while true {
            desk.beginConnection()
            let start = ContinuousClock.now
            let why: String
            do {
                try await WebSocket.using(
                    pull.route, path: desk.path, token: session.token, limit: pace.longestMessage
                ) { socket in try await attend(socket) }
                why = "the server ended the connection"
            } catch let failure as WebSocket.Failure {
                why = failure.why
                if failure.obstacle == .proxyPassword {
                    throw .noAnswer(request: ServerEvent.request, why: why, attempts: 1, obstacle: failure.obstacle)
                }
                // What is too large would come again with the replay.
                if failure.isUnreadable { desk.missed() }
                // It may be the question for a replay that the server does not like.
                if let status = failure.status, (400..<500).contains(status), status != 429 { desk.forgetConnection() }
            } catch {
                why = Trouble(error, on: pull.route).why
            }
            desk.endConnection()
            if Task.isCancelled { throw .cancelled }
            let held = desk.isAccepted && start.duration(to: .now) > .seconds(pace.longestDelay)
            failures = held ? 1 : failures + 1
            if !desk.isAccepted { try await checkSession() }
            try await wait(why, after: failures)
        }
    }

    /// The WebSocket does not say that a session has ended.
    private func checkSession() async throws(ExporterError) {
        let once = Patience(attempts: 1, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0, longestAnswer: 15)
        do throws(ExporterError) {
            _ = try await MattermostClient.using(
                pull.route, token: pull.session.token, patience: once,
                { client throws(ExporterError) in try await client.me() })
        } catch {
            if Follow.isFinal(error) { throw error }
        }
    }

    private func attend(_ socket: WebSocket) async throws {
        // It may be the replay that cannot be read, and would not be the next time.
        defer { if !desk.isAccepted { desk.forgetConnection() } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await keepAlive(socket) }
            group.addTask { try await read(socket) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func read(_ socket: WebSocket) async throws {
        try await socket.read { message in
            desk.heard()
            switch message.map({ desk.take($0, at: .now) }) {
            case .some(.none), nil: break
            case .accepted(let isResumed, let gap): onEvent(.connected(isResumed: isResumed, after: gap))
            case .gap: onEvent(.gap)
            case .refused: throw WebSocket.Failure(why: "the server does not accept the token for its events")
            }
        }
    }

    /// Pings as Mattermost's own client does. The first answer also says that the server knows who is listening: a
    /// connection that is resumed gets no `hello`.
    private func keepAlive(_ socket: WebSocket) async throws {
        for number in 1... {
            var json = JSONWriter()
            json.object {
                $0.int("seq", number)
                $0.string("action", "ping")
            }
            try await socket.send(json.bytes)
            try await Task.sleep(for: .seconds(pace.ping))
            if desk.sinceHeard > .seconds(pace.silence) {
                throw WebSocket.Failure(why: "nothing was heard from the server for \(Int(pace.silence)) seconds")
            }
        }
    }
}
