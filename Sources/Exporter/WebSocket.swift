internal import Bytes
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import NIOWebSocket
internal import Synchronization

/// One connection to the server's WebSocket (RFC 6455), below the server's own address and under the same rules as
/// `MattermostClient`: certificates are verified, redirects are not followed, no cookie is sent, and the token goes into
/// one header of the one request.
struct WebSocket: Sendable {
    /// Why there is no connection, or no longer.
    struct Failure: Error {
        let why: String
        /// What the server answered instead of opening a WebSocket.
        var status: UInt?
        var obstacle: Obstacle?
        /// Whether it is what the server sends that cannot be taken.
        var isUnreadable = false
    }

    /// The largest message that is taken; a post for hundreds of recipients has some hundred kilobytes.
    static let maximumMessage = 8 << 20
    private static let connectTime: TimeAmount = .seconds(15)

    private let inbound: NIOAsyncChannelInboundStream<WebSocketFrame>
    private let outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>

    private typealias Frames = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

    private enum Outcome: Sendable {
        case open(Frames)
        case refused(NIOAsyncChannel<HTTPClientResponsePart, ByteBuffer>)
    }

    /// Holds the channel while it is being opened, so that a cancelled task need not wait for a server that is not there.
    private final class Opening: Sendable {
        let channel = Mutex<(any NIOCore.Channel)?>(nil)

        func close() { channel.withLock { $0?.close(promise: nil) } }
    }

    /// Opens a connection for as long as `body` runs.
    ///
    /// - Parameters:
    ///   - path: path and query below the server's address.
    ///   - limit: bytes of the largest message that is taken.
    /// - Throws: `Failure`; `CancellationError`; what `body` throws.
    static func using<R: Sendable>(
        _ route: Route, path: String, token: String, limit: Int = maximumMessage,
        _ body: @Sendable (WebSocket) async throws -> R
    ) async throws -> R {
        let outcome: Outcome
        do {
            outcome = try await open(route, path: path, token: token, limit)
        } catch {
            if Task.isCancelled { throw CancellationError() }
            if error is Failure { throw error }
            let trouble = Trouble(error, on: route)
            throw Failure(why: trouble.why, obstacle: trouble.obstacle)
        }
        switch outcome {
        case .open(let frames):
            return try await frames.executeThenClose { inbound, outbound in
                try await body(WebSocket(inbound: inbound, outbound: outbound))
            }
        case .refused(let answer):
            let status = try await answer.executeThenClose { inbound, _ in
                for try await case .head(let head) in inbound { return head.status.code }
                return UInt(0)
            }
            throw Failure(
                why: status == 0 ? "the server closed the connection" : "the server opens no WebSocket (\(status))",
                status: status)
        }
    }

    private static func open(
        _ route: Route, path: String, token: String, _ limit: Int
    ) async throws -> Outcome {
        let endpoint = route.address.endpoint
        var headers = HTTPHeaders()
        headers.add(name: "Host", value: endpoint.authority)
        headers.add(name: "User-Agent", value: MattermostClient.userAgent)
        headers.add(name: "Authorization", value: "Bearer \(token)")
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: endpoint.path + path, headers: headers)
        let tls = endpoint.isSecure ? try NIOSSLContext(configuration: route.tls) : nil
        let opening = Opening()
        return try await withTaskCancellationHandler {
            let negotiation = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connectTimeout(connectTime)
                .connect(host: route.proxy?.host ?? endpoint.host, port: route.proxy?.port ?? endpoint.port) {
                    channel in
                    opening.channel.withLock { $0 = channel }
                    return channel.eventLoop.makeCompletedFuture {
                        let negotiation = try Tunnel.open(channel, route.proxy, to: endpoint, within: connectTime) {
                            channel in
                            if let tls {
                                // Without a name, the certificate must be for the address.
                                let name = endpoint.isNumeric ? nil : endpoint.host
                                try channel.pipeline.syncOperations.addHandler(
                                    try NIOSSLClientHandler(context: tls, serverHostname: name))
                            }
                            return try negotiate(channel, head, limit)
                        }
                        let end = channel.eventLoop.scheduleTask(in: connectTime) { channel.close(promise: nil) }
                        negotiation.whenComplete { _ in end.cancel() }
                        return negotiation
                    }
                }
            if Task.isCancelled { opening.close() }
            return try await negotiation.get()
        } onCancel: {
            opening.close()
        }
    }

    private static func negotiate(
        _ channel: any NIOCore.Channel, _ head: HTTPRequestHead, _ limit: Int
    ) throws -> EventLoopFuture<Outcome> {
        let upgrader = NIOTypedWebSocketClientUpgrader<Outcome>(
            maxFrameSize: limit,
            // What cannot be read is told to whoever reads.
            enableAutomaticErrorHandling: false,
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOWebSocketFrameAggregator(
                            minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 10_000,
                            maxAccumulatedFrameSize: limit))
                    return .open(try Frames(wrappingChannelSynchronously: channel))
                }
            })
        let settings = NIOTypedHTTPClientUpgradeConfiguration<Outcome>(
            upgradeRequestHead: head, upgraders: [upgrader],
            notUpgradingCompletionHandler: { channel in
                channel.eventLoop.makeCompletedFuture {
                    .refused(try NIOAsyncChannel(wrappingChannelSynchronously: channel))
                }
            })
        var configuration = NIOUpgradableHTTPClientPipelineConfiguration(upgradeConfiguration: settings)
        // The server's first frame may come together with its answer to the upgrade.
        configuration.leftOverBytesStrategy = .forwardBytes
        return try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(configuration: configuration)
    }

    // MARK: Messages

    /// Hands over each message as it comes, until the server ends the connection; nil for a frame that is none, such as a
    /// ping, which is answered.
    func read(_ consume: ([UInt8]?) throws -> Void) async throws {
        do {
            for try await frame in inbound {
                switch frame.opcode {
                case .text, .binary: try consume(Array(frame.unmaskedData.readableBytesView))
                case .connectionClose: return
                default:
                    if frame.opcode == .ping { try await write(.pong, frame.unmaskedData) }
                    try consume(nil)
                }
            }
        } catch let error {
            guard error is NIOWebSocketError || error is NIOWebSocketFrameAggregator.Error else { throw error }
            throw Failure(why: "what the server sends is no message, or too large for one", isUnreadable: true)
        }
    }

    func send(_ text: [UInt8]) async throws { try await write(.text, ByteBuffer(bytes: text)) }

    private func write(_ opcode: WebSocketOpcode, _ data: ByteBuffer) async throws {
        try await outbound.write(WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data))
    }
}

extension ServerAddress {
    /// Where to connect to.
    struct Endpoint: Equatable, Sendable {
        let isSecure: Bool
        /// A name or a number, without brackets.
        let host: String
        /// Whether the host is an address and not a name.
        let isNumeric: Bool
        let port: Int
        /// Whether the port stands in the address.
        let namesPort: Bool
        /// Whether it is this machine itself.
        let isLoopback: Bool
        /// As it stands in the address, for the header `Host`.
        let authority: String
        /// "", or the subfolder in which the server is.
        let path: String
    }

    var endpoint: Endpoint {
        let isSecure = url.hasPrefix("https://")
        let rest = url.dropFirst(isSecure ? 8 : 7)
        let authority = rest.prefix { $0 != "/" }
        let bracket = authority.lastIndex(of: "]")
        let colon = authority[(bracket ?? authority.startIndex)...].lastIndex(of: ":")
        var host = authority[..<(colon ?? authority.endIndex)]
        if bracket != nil { host = host.dropFirst().dropLast() }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return Endpoint(
            isSecure: isSecure, host: String(host),
            isNumeric: bracket != nil || (parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }),
            port: colon.flatMap { Int(authority[authority.index(after: $0)...]) } ?? (isSecure ? 443 : 80),
            namesPort: colon != nil, isLoopback: ServerAddress.isLoopback(authority[..<(colon ?? authority.endIndex)]),
            authority: String(authority), path: String(rest.dropFirst(authority.count)))
    }
}
