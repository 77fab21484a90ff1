internal import Archive
internal import AsyncHTTPClient
internal import Bytes
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPCompression
internal import NIOPosix
internal import NIOSSL

/// Speaks to one server, and to no other: redirects are not followed, no cookie is kept (one would win over the token),
/// and the token goes into one header of requests below the server's own address.
struct MattermostClient: Sendable {
    let address: ServerAddress
    private let token: String?
    private let patience: Patience
    private let http: HTTPClient
    private let onRetry: @Sendable (_ request: String, _ why: String, _ seconds: Double) -> Void

    /// More than the largest answer there is: 1000 posts, each for dozens of recipients.
    private static let maximumBody = 256 << 20
    static let userAgent = "mmvault"

    /// Opens a client for as long as `body` runs.
    ///
    /// - Parameter tls: whom to trust; tests have a certificate of their own.
    static func using<R>(
        _ address: ServerAddress, token: String?, patience: Patience,
        tls: TLSConfiguration = .makeClientConfiguration(),
        onRetry: @escaping @Sendable (String, String, Double) -> Void = { _, _, _ in },
        _ body: (MattermostClient) async throws(ExporterError) -> R
    ) async throws(ExporterError) -> R {
        var configuration = HTTPClient.Configuration()
        configuration.tlsConfiguration = tls
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .enabled(limit: .size(maximumBody))
        configuration.timeout = .init(
            connect: .seconds(15), read: .nanoseconds(Int64(patience.longestSilence * 1_000_000_000)))
        // A refused connection is told at once; how often to knock is this program's own affair.
        configuration.connectionPool.retryConnectionEstablishment = false
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let client = MattermostClient(address: address, token: token, patience: patience, http: http, onRetry: onRetry)
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
        try await insist(request.name) { try read(try await exchange(request)) }
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
            } catch ExporterError.noAnswer(_, let why, _) {
                failure = Failure(why: why)
            } catch ExporterError.badAnswer(let request, let why) {
                badAnswers += 1
                guard badAnswers < MattermostClient.mostBadAnswers else {
                    throw .badAnswer(request: request, why: why)
                }
                failure = Failure(why: why)
            } catch let error as ExporterError {
                throw error
            } catch is CancellationError {
                throw .cancelled
            } catch {
                if Task.isCancelled { throw .cancelled }
                let problem = MattermostClient.tlsProblem(error)
                failure = Failure(why: problem ?? MattermostClient.describe(error), isFinal: problem != nil)
            }
            guard !failure.isFinal,
                let seconds = patience.delay(after: attempt, requested: failure.requestedDelay)
            else {
                throw .noAnswer(request: name, why: failure.why, attempts: attempt)
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
    }

    private func exchange(_ request: Request) async throws -> Answer {
        let (response, deadline) = try await open(request)
        let body = try await collect(response, until: deadline)
        if let error = error(of: response, body, request) { throw error }
        return Answer(request: request.name, headers: response.headers, body: body, receivedAt: .now)
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// - Returns: the answer, and when it must have ended.
    func open(
        _ request: Request, headers: HTTPHeaders = [:]
    ) async throws -> (HTTPClientResponse, ContinuousClock.Instant) {
        var message = HTTPClientRequest(url: address.url + request.path)
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

    /// What an answer that is none means; nil where it is one.
    private func error(of response: HTTPClientResponse, _ body: [UInt8], _ request: Request) -> (any Error)? {
        switch response.status.code {
        case 200, 201: nil
        case 300..<400:
            ExporterError.redirected(from: address.url, to: response.headers.first(name: "Location") ?? "?")
        case 429:
            Failure(
                why: "the server asks for fewer requests (429)",
                requestedDelay: Patience.requestedDelay(response.headers))
        // 501 says that the server has no such thing, or has it switched off: it will say so again.
        case 408, 500, 502...:
            Failure(why: "the server failed (\(response.status.code))")
        default:
            refusal(Int(response.status.code), body, request)
        }
    }

    /// What an answer that was opened and is none means.
    func error(of response: HTTPClientResponse, until deadline: ContinuousClock.Instant, _ request: Request)
        async throws
        -> any Error
    {
        let body = try await collect(response, until: deadline)
        return error(of: response, body, request) ?? Failure(why: "an answer of another kind (\(response.status.code))")
    }

    /// The whole body. The client's own time limit ends with the head of an answer, so that a body which trickles has to
    /// be watched here.
    private func collect(
        _ response: HTTPClientResponse, until deadline: ContinuousClock.Instant
    ) async throws -> [UInt8] {
        var body: [UInt8] = []
        for try await chunk in response.body {
            guard body.count + chunk.readableBytes <= MattermostClient.maximumBody else {
                throw Failure(why: "the answer is larger than any answer may be", isFinal: true)
            }
            guard ContinuousClock.now < deadline else { throw Failure(why: "the answer did not end in time") }
            body.append(contentsOf: chunk.readableBytesView)
        }
        return body
    }

    private func refusal(_ status: Int, _ body: [UInt8], _ request: Request) -> ExporterError {
        // `{id, message, …}` from Mattermost; plain text from the plugin and for routes that do not exist.
        let root = try? JSONDocument(body).root
        let id = root?["id"]?.string ?? ""
        if status == 401, id == "api.context.session_expired.app_error" { return .sessionExpired(server: address.url) }
        let text = root?["message"]?.string ?? String(decoding: body.prefix(300), as: UTF8.self)
        return .refused(
            status: status, id: id, message: text.split(whereSeparator: \.isNewline).first.map(String.init) ?? "",
            request: request.name)
    }

    /// What is wrong with the server's TLS or its certificate, where it is that which keeps the connection from being made;
    /// it does not pass by asking again.
    static func tlsProblem(_ error: any Error) -> String? {
        switch error {
        case is NIOSSLExtraError: break
        case NIOSSLError.handshakeFailed: break
        default: return nil
        }
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return
                "the server's certificate cannot be trusted: no authority that this system knows stands behind it, or "
                + "its time is over"
        }
        // A plain HTTP answer where a handshake should begin.
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
            return "what answers there does not speak TLS (https)"
        }
        guard error as? NIOSSLExtraError == .failedToValidateHostname else { return nil }
        return "the server's certificate is for another address"
    }

    static func describe(_ error: any Error) -> String {
        if let problem = tlsProblem(error) { return problem }
        if let error = error as? HTTPClientError { return error.shortDescription }
        if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
        if let error = error as? NIOConnectionError {
            return error.connectionErrors.last.map { describe($0.error) } ?? "no address is known for \(error.host)"
        }
        if case ChannelError.connectTimeout = error { return "the server does not answer" }
        if case NIOSSLError.handshakeFailed = error { return "the TLS handshake failed" }
        return "\(error)".split(whereSeparator: \.isNewline).first.map { String($0.prefix(200)) } ?? "unknown error"
    }
}
