internal import Archive
internal import AsyncHTTPClient
internal import Bytes
internal import NIOCore
internal import NIOHTTP1

/// Speaks to one server, and to no other: redirects are not followed, no cookie is kept (one would win over the token),
/// and the token goes into one header of requests below the server's own address.
struct MattermostClient: Sendable {
    let route: Route
    private let token: String?
    private let patience: Patience
    private let http: HTTPClient
    private let onRetry: @Sendable (_ request: String, _ why: String, _ seconds: Double) -> Void

    /// An answer that is an error has a line to say. What comes after this many bytes is not read.
    private static let longestRefusal = 64 << 10
    static let userAgent = "mmvault"

    /// Opens a client for as long as `body` runs.
    static func using<R>(
        _ route: Route, token: String?, patience: Patience,
        onRetry: @escaping @Sendable (String, String, Double) -> Void = { _, _, _ in },
        _ body: (MattermostClient) async throws(ExporterError) -> R
    ) async throws(ExporterError) -> R {
        var configuration = HTTPClient.Configuration()
        configuration.tlsConfiguration = route.tls
        configuration.proxy = route.proxy?.configuration
        configuration.redirectConfiguration = .disallow
        // The client would inflate what it has read at once, before anybody could say that there is no room.
        configuration.decompression = .disabled
        configuration.timeout = .init(
            connect: .seconds(15), read: .nanoseconds(Int64(patience.longestSilence * 1_000_000_000)))
        // A refused connection is told at once; how often to knock is this program's own affair.
        configuration.connectionPool.retryConnectionEstablishment = false
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let client = MattermostClient(route: route, token: token, patience: patience, http: http, onRetry: onRetry)
        do throws(ExporterError) {
            let result = try await body(client)
            try? await http.shutdown()
            return result
        } catch {
            try? await http.shutdown()
            throw error
        }
    }

    func me() async throws(ExporterError) -> RemoteUser {
        try await send(Request(.GET, "/api/v4/users/me")) { answer throws(ExporterError) in try RemoteUser(answer) }
    }

    /// Asks until there is an answer that `read` takes.
    ///
    /// Everything this program asks for may be asked twice. Tried again: no connection, a connection that breaks, a body
    /// that is cut, 408, 429, 5xx but 501; twice, a body that is whole and that `read` calls garbled. Not tried again: any
    /// other refusal.
    func send<R>(
        _ request: Request, _ read: (Answer) throws(ExporterError) -> R
    ) async throws(ExporterError) -> R {
        try await insist(request.name) {
            // It holds its memory until it has been looked at.
            let share = BodyBudget.shared.share()
            defer { withExtendedLifetime(share) {} }
            return try read(try await exchange(request, share))
        }
    }

    /// Does something again until it does not fail, or fails for good.
    func insist<R>(_ name: String, _ body: () async throws -> R) async throws(ExporterError) -> R {
        var attempt = 0
        var badAnswers = 0
        while true {
            attempt += 1
            let failure: Failure
            do {
                return try await body()
            } catch let error as Failure {
                failure = error
            } catch ExporterError.noAnswer(_, let why, _, let obstacle) {
                failure = Failure(why: why, obstacle: obstacle)
            } catch ExporterError.badAnswer(let request, let why) {
                badAnswers += 1
                guard badAnswers < MattermostClient.mostBadAnswers else {
                    throw .badAnswer(request: request, why: why)
                }
                failure = Failure(why: why)
            } catch ExporterError.foreignError(let request, let status) {
                badAnswers += 1
                guard badAnswers < MattermostClient.mostBadAnswers else {
                    throw .foreignError(request: request, status: status)
                }
                failure = Failure(why: "an error that is not Mattermost's (\(status))")
            } catch let error as ExporterError {
                throw error
            } catch is CancellationError {
                throw .cancelled
            } catch {
                if Task.isCancelled { throw .cancelled }
                let trouble = Trouble(error, on: route)
                failure = Failure(
                    why: trouble.why, isFinal: trouble.obstacle?.isFinal ?? false, obstacle: trouble.obstacle)
            }
            guard !failure.isFinal,
                let seconds = patience.delay(after: attempt, requested: failure.requestedDelay)
            else {
                throw .noAnswer(request: name, why: failure.why, attempts: attempt, obstacle: failure.obstacle)
            }
            onRetry(name, failure.why, seconds)
            do { try await Task.sleep(for: .seconds(seconds)) } catch { throw .cancelled }
        }
    }

    /// Waits as after a failure.
    func rest(after attempt: Int) async throws(ExporterError) {
        let seconds = patience.delay(after: attempt, requested: nil) ?? 0
        do { try await Task.sleep(for: .seconds(seconds)) } catch { throw .cancelled }
    }

    /// How often an answer is believed to be a slip.
    private static let mostBadAnswers = 3

    /// A failure that may pass.
    struct Failure: Error {
        let why: String
        var requestedDelay: Double?
        /// Whether asking again would only cost the same again.
        var isFinal = false
        var obstacle: Obstacle?
    }

    private func exchange(_ request: Request, _ share: BodyBudget.Share) async throws -> Answer {
        let (response, deadline) = try await open(request, headers: ["Accept-Encoding": "gzip"])
        guard [200, 201].contains(response.status.code) else {
            throw await error(of: response, until: deadline, request)
        }
        let body = try await collect(request, response, until: deadline, share)
        return Answer(request: request.name, headers: response.headers, body: body, receivedAt: .now)
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// - Returns: the answer, and when it must have ended.
    func open(
        _ request: Request, headers: HTTPHeaders = [:]
    ) async throws -> (HTTPClientResponse, ContinuousClock.Instant) {
        var message = HTTPClientRequest(url: route.address.url + request.path)
        message.method = request.method
        message.headers.add(name: "User-Agent", value: MattermostClient.userAgent)
        message.headers.add(name: "Accept", value: "application/json")
        message.headers.add(contentsOf: headers)
        if let token { message.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let body = request.body {
            message.headers.add(name: "Content-Type", value: "application/json")
            message.body = .bytes(ByteBuffer(bytes: body))
        }
        let deadline = ContinuousClock.now + .seconds(patience.longestAnswer)
        let response = try await http.execute(message, timeout: .seconds(Int64(patience.longestAnswer.rounded(.up))))
        return (response, deadline)
    }

    /// What an answer that is none means. Its body is read as far as it may have something to say.
    func error(
        of response: HTTPClientResponse, until deadline: ContinuousClock.Instant, _ request: Request
    ) async -> any Error {
        switch response.status.code {
        case 200..<300: Failure(why: "an answer of another kind (\(response.status.code))")
        case 300..<400:
            ExporterError.redirected(
                from: route.address.url,
                to: ServerText.line(response.headers.first(name: "Location") ?? "", orElse: "?"))
        case 429:
            Failure(
                why: "the server asks for fewer requests (429)",
                requestedDelay: Patience.requestedDelay(response.headers))
        case 500:
            await pluginError(response, until: deadline, request) ?? Failure(why: "the server failed (500)")
        case 408, 502...:
            Failure(why: "the server failed (\(response.status.code))")
        // 501, too, which says that the server has no such thing, or has it switched off: it will say so again.
        default:
            refusal(Int(response.status.code), await beginning(of: response, until: deadline), request)
        }
    }

    /// An error of the server's own has a name. One without is a plugin's, which will say the same again.
    private func pluginError(
        _ response: HTTPClientResponse, until deadline: ContinuousClock.Instant, _ request: Request
    ) async -> (any Error)? {
        let body = await beginning(of: response, until: deadline)
        guard (try? JSONDocument(body).root)?["id"]?.string == "" else { return nil }
        return refusal(500, body, request)
    }

    /// The whole body. The client's own time limit ends with the head of an answer, so that a body which trickles has to
    /// be watched here.
    private func collect(
        _ request: Request, _ response: HTTPClientResponse, until end: ContinuousClock.Instant,
        _ share: BodyBudget.Share
    ) async throws -> [UInt8] {
        let tooLong = ExporterError.tooLong(request: request.name)
        let inflation = try MattermostClient.inflation(of: response)
        if inflation == nil, let length = response.headers.first(name: "Content-Length").flatMap({ Int($0) }),
            length > BodyBudget.longestBody
        {
            throw tooLong
        }
        var deadline = end
        var body: [UInt8] = []
        func add(_ piece: some Collection<UInt8>) async throws {
            let asked = ContinuousClock.now
            do { try await share.take(piece.count) } catch is BodyBudget.TooLong { throw tooLong }
            // To wait for others is no fault of the server's.
            deadline += asked.duration(to: .now)
            // A large one is not copied as it grows; what is not written to takes no memory.
            if body.capacity < BodyBudget.longestBody, body.count + piece.count > 1 << 20 {
                body.reserveCapacity(BodyBudget.longestBody)
            }
            body.append(contentsOf: piece)
        }
        for try await chunk in response.body {
            guard ContinuousClock.now < deadline else { throw Failure(why: "the answer did not end in time") }
            if let inflation {
                inflation.feed(chunk.readableBytesView)
                while let piece = try inflation.next() { try await add(piece) }
            } else {
                try await add(chunk.readableBytesView)
            }
        }
        guard inflation?.isAtEnd ?? true else { throw Failure(why: "the answer was cut") }
        return body
    }

    /// What a refusal begins with, as far as it comes. The rest is left on the way.
    private func beginning(of response: HTTPClientResponse, until deadline: ContinuousClock.Instant) async -> [UInt8] {
        var body: [UInt8] = []
        do {
            let inflation = try MattermostClient.inflation(of: response)
            for try await chunk in response.body {
                if let inflation {
                    inflation.feed(chunk.readableBytesView)
                    while body.count < MattermostClient.longestRefusal, let piece = try inflation.next() {
                        body += piece
                    }
                } else {
                    body += chunk.readableBytesView
                }
                guard body.count < MattermostClient.longestRefusal, ContinuousClock.now < deadline else { break }
            }
        } catch {
            // That it is a refusal is known without it.
        }
        return Array(body.prefix(MattermostClient.longestRefusal))
    }

    /// nil where the body is not compressed.
    private static func inflation(of response: HTTPClientResponse) throws -> Inflation? {
        switch response.headers.first(name: "Content-Encoding")?.lowercased() {
        case nil, "identity", "": nil
        case "gzip", "x-gzip", "deflate": try Inflation()
        default: throw Failure(why: "the answer is in an encoding that was not asked for")
        }
    }

    /// A server may repeat what it was sent.
    private func concealing(_ text: String, _ request: Request) -> String {
        let sent = request.body.flatMap { try? JSONDocument($0).root }
        let secrets = [token, sent?["password"]?.string, sent?["token"]?.string].compactMap { $0 }
        return secrets.filter { !$0.isEmpty }.reduce(text) { $0.replacing($1, with: "…") }
    }

    private func refusal(_ status: Int, _ body: [UInt8], _ request: Request) -> ExporterError {
        // `{id, message, …}` from Mattermost; plain text from the plugin and for routes that do not exist.
        let root = try? JSONDocument(body).root
        let id = ServerText.line(root?["id"]?.string ?? "")
        // What a proxy forbids or does not find says nothing about the server.
        if root?["id"]?.string == nil, request.path.hasPrefix("/api/v4/") {
            return .foreignError(request: request.name, status: status)
        }
        if status == 401, id == "api.context.session_expired.app_error" {
            return .sessionExpired(server: route.address.url)
        }
        let text = root?["message"]?.string ?? String(decoding: body.prefix(2000), as: UTF8.self)
        return .refused(
            status: status, id: id, message: ServerText.line(concealing(text, request)), request: request.name)
    }
}
