import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import Synchronization

/// Serves a `World` over HTTP/1.1 on 127.0.0.1, and makes things go wrong where it is told to.
public final class EmbeddedServer: Sendable {
    /// What the server serves; it may be changed at any time.
    public let world: World
    private let interceptor: (@Sendable (ServerRequest) -> Fault?)?
    private let afterRequest: (@Sendable (ServerRequest) -> Void)?
    private let running = Mutex<Running?>(nil)
    private let served = Mutex<[ServerRequest]>([])

    private struct Running {
        let server: Server<LiveChannel>
        let task: Task<Void, any Error>
        let port: Int
    }

    /// Thrown to make Hummingbird close the connection it is answering on.
    private struct Hangup: Error {}

    /// - Parameters:
    ///   - interceptor: Asked before each request but `/api/v4/system/ping`; nil lets the request be answered.
    ///   - afterRequest: Called when a request has been dealt with and just before its answer is sent, so that
    ///     what it does to the world has happened once the client reads on.
    public init(
        world: World, interceptor: (@Sendable (ServerRequest) -> Fault?)? = nil,
        afterRequest: (@Sendable (ServerRequest) -> Void)? = nil
    ) {
        self.world = world
        self.interceptor = interceptor
        self.afterRequest = afterRequest
    }

    /// Every request so far, in the order in which they came.
    public var requests: [ServerRequest] { served.withLock { $0 } }

    /// `http://127.0.0.1:PORT`, once started; without a slash at its end.
    public var url: String {
        guard let port = running.withLock({ $0?.port }) else { preconditionFailure("the server is not running") }
        return "http://127.0.0.1:\(port)"
    }

    /// Begins to listen on a free port.
    /// - Returns: The port, when connections to it are being taken.
    @discardableResult
    public func start() async throws -> Int {
        var logger = Logger(label: "DemoServer") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let server = Server(
            childChannelSetup: LiveChannel(
                responder: { [self] request, writer, channel in try await respond(to: request, writer, channel) },
                upgrade: { [self] head in upgrade(head) }),
            configuration: ServerConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                listening.yield(channel.localAddress?.port ?? 0)
                listening.finish()
            },
            eventLoopGroup: EventLoopGroupProvider.singleton.eventLoopGroup,
            logger: logger)
        let task = Task {
            defer { listening.finish() }
            try await server.run()
        }
        guard let port = await ports.first(where: { _ in true }) else {
            try await task.value
            throw Hangup()
        }
        running.withLock { $0 = Running(server: server, task: task, port: port) }
        return port
    }

    /// Stops listening and closes what is open; requests that are being stalled are given up.
    public func stop() async {
        guard let running = running.withLock({ running in running.take() }) else { return }
        world.hangUp()
        running.task.cancel()
        try? await running.server.shutdownGracefully()
        _ = try? await running.task.value
    }

    private func respond(
        to request: Request, _ writer: consuming ResponseWriter, _ channel: any NIOCore.Channel
    ) async throws {
        let body = try await request.body.collect(upTo: 1 << 20)
        let seen = record(request)
        let fault = seen.path == "/api/v4/system/ping" ? nil : interceptor?(seen)
        if case .reset = fault {
            afterRequest?(seen)
            try await channel.close()
            throw Hangup()
        }
        if case .stall(let duration) = fault { try await Task.sleep(for: duration) }
        let answer = fault?.answer ?? world.answer(Exchange(request, seen, body: Array(body.readableBytesView)))
        afterRequest?(seen)
        if case .hold(let untilReleased) = fault { await untilReleased() }
        if let cut = fault?.cut(of: answer.body.count) {
            // At least one byte is missing, of an empty answer too.
            var part = try await writer.writeHead(head(of: answer, length: max(answer.body.count, 1)))
            try await part.write(ByteBuffer(bytes: answer.body.prefix(cut)))
            throw Hangup()
        }
        if case .wrongLength(let difference) = fault {
            let length = max(0, answer.body.count + difference)
            let body = answer.body.prefix(length) + [UInt8](repeating: 0, count: max(0, length - answer.body.count))
            let other = Answer(
                status: answer.status, contentType: answer.contentType, headers: answer.headers, body: Array(body))
            return try await writer.write(
                response: head(of: other, length: length), body: ResponseBody(byteBuffer: ByteBuffer(bytes: other.body))
            )
        }
        let head = head(of: answer, length: answer.body.count)
        if case .trickle(let pause) = fault {
            var drops = try await writer.writeHead(head)
            for byte in answer.body {
                try await drops.write(ByteBuffer(bytes: [byte]))
                try await Task.sleep(for: pause)
            }
            return try await drops.finish(nil)
        }
        try await writer.write(response: head, body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
    }

    private func record(_ request: Request) -> ServerRequest {
        served.withLock { served in
            let seen = ServerRequest(
                sequence: served.count, method: request.method.rawValue, path: request.uri.path,
                query: request.uri.query ?? "", hasAuthorization: request.headers[.authorization] != nil,
                range: request.headers[.range])
            served.append(seen)
            return seen
        }
    }

    /// A request for the WebSocket becomes one, unless something is to go wrong with it, whatever it is: then its connection
    /// ends.
    private func upgrade(_ head: HTTPRequestHead) -> LiveConnection? {
        let uri = URI(head.uri)
        guard uri.path == LiveConnection.path else { return nil }
        let fields = HTTPFields(head.headers, splitCookie: false)
        let seen = ServerRequest(
            sequence: served.withLock(\.count), method: head.method.rawValue, path: uri.path, query: uri.query ?? "",
            hasAuthorization: fields[.authorization] != nil)
        if interceptor?(seen) != nil { return nil }
        served.withLock { $0.append(seen) }
        var query: [String: String] = [:]
        for (name, value) in uri.queryParameters { query[String(name)] = String(value) }
        return LiveConnection(world: world, token: Exchange.token(fields), query: query)
    }

    private func head(of answer: Answer, length: Int) -> HTTPResponse {
        var fields = HTTPFields()
        if let type = answer.contentType { fields[.contentType] = type }
        for header in answer.headers {
            if let name = HTTPFields.Element.Name(header.name) { fields[name] = header.value }
        }
        fields[.date] = HTTPDate.text(milliseconds: world.now)
        fields[.contentLength] = String(length)
        return HTTPResponse(status: .init(code: answer.status), headerFields: fields)
    }
}

extension World {
    func answer(_ exchange: Exchange) -> Answer {
        state.withLock { $0.answer(exchange) }
    }
}

extension Fault {
    /// The answer of a fault that has one of its own.
    fileprivate var answer: Answer? {
        switch self {
        case .status(let status, let body, let headers):
            Answer(
                status: status, contentType: "text/plain; charset=utf-8",
                headers: headers.map { (name: $0.0, value: $0.1) }, body: Array(body.utf8))
        case .garbled: .json(#"{"order":["abc"],"posts":{"abc":{"id":"abc","create_at":"#)
        case .redirect(let target): Answer(status: 302, contentType: nil, headers: [("Location", target)])
        case .cutBody, .cutBodyAfter, .wrongLength, .reset, .stall, .trickle, .hold: nil
        }
    }

    /// How many bytes of so many the answer has before the connection closes; nil where it is whole.
    fileprivate func cut(of length: Int) -> Int? {
        switch self {
        case .cutBody: max(length, 1) / 2
        case .cutBodyAfter(let count): count < max(length, 1) ? count : nil
        default: nil
        }
    }
}

extension Exchange {
    fileprivate init(_ request: Request, _ seen: ServerRequest, body: [UInt8]) {
        var generator = SeededGenerator(seed: UInt64(seen.sequence))
        var query: [String: String] = [:]
        for (name, value) in request.uri.queryParameters { query[String(name)] = String(value) }
        self.init(
            method: seen.method, path: seen.path, query: query, token: Self.token(request.headers), body: body,
            range: request.headers[.range], ifRange: request.headers[.ifRange],
            requestID: Identifier.make(using: &generator))
    }

    /// A cookie, if there is one, wins over the header.
    fileprivate static func token(_ headers: HTTPFields) -> String? {
        for cookie in headers[values: .cookie].flatMap({ $0.split(separator: ";") }) {
            let parts = cookie.split(separator: "=", maxSplits: 1).map { $0.trimmingPrefix(" ") }
            if parts.count == 2, parts[0] == "MMAUTHTOKEN" { return String(parts[1]) }
        }
        guard let value = headers[.authorization], value.lowercased().hasPrefix("bearer ") else { return nil }
        return String(value.dropFirst("bearer ".count))
    }
}
