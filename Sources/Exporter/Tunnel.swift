internal import NIOCore
internal import NIOExtras
internal import NIOHTTP1
internal import NIOSOCKS

/// A way through a proxy, for what speaks over a channel that was connected to it.
enum Tunnel {
    /// Opens a way to `endpoint` where there is a proxy, and calls `body` once what is written to the channel goes there.
    static func open<R: Sendable>(
        _ channel: any NIOCore.Channel, _ proxy: Proxy?, to endpoint: ServerAddress.Endpoint, within time: TimeAmount,
        _ body: @escaping @Sendable (any NIOCore.Channel) throws -> EventLoopFuture<R>
    ) throws -> EventLoopFuture<R> {
        guard let proxy else { return try body(channel) }
        let opened: EventLoopFuture<Void> =
            switch proxy.kind {
            case .connect: try connect(channel, proxy, endpoint, within: time)
            case .socks: try greet(channel, endpoint)
            }
        return opened.flatMap {
            do { return try body(channel) } catch { return channel.eventLoop.makeFailedFuture(error) }
        }
    }

    private static func connect(
        _ channel: any NIOCore.Channel, _ proxy: Proxy, _ endpoint: ServerAddress.Endpoint, within time: TimeAmount
    ) throws -> EventLoopFuture<Void> {
        let host = endpoint.host.contains(":") ? "[\(endpoint.host)]" : endpoint.host
        var headers: HTTPHeaders = ["Host": "\(host):\(endpoint.port)"]
        if let authorization = proxy.authorization { headers.add(name: "Proxy-Authorization", value: authorization) }
        let opened = channel.eventLoop.makePromise(of: Void.self)
        let encoder = HTTPRequestEncoder()
        let decoder = ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes))
        let handler = NIOHTTP1ProxyConnectHandler(
            targetHost: host, targetPort: endpoint.port, headers: headers, deadline: .now() + time, promise: opened)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandlers([encoder, decoder, handler, TunnelEnd(opened)])
        return opened.futureResult.assumeIsolated().flatMap {
            pipeline.removeHandler(decoder).assumeIsolated().flatMap {
                pipeline.removeHandler(encoder)
            }.nonisolated()
        }.nonisolated()
    }

    private static func greet(
        _ channel: any NIOCore.Channel, _ endpoint: ServerAddress.Endpoint
    ) throws -> EventLoopFuture<Void> {
        let target: SOCKSAddress =
            endpoint.isNumeric
            ? .address(try SocketAddress(ipAddress: endpoint.host, port: endpoint.port))
            : .domain(endpoint.host, port: endpoint.port)
        let opened = channel.eventLoop.makePromise(of: Void.self)
        let handler = SOCKSClientHandler(targetAddress: target)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandlers([handler, TunnelEnd(opened)])
        return opened.futureResult.assumeIsolated().flatMap { pipeline.removeHandler(handler) }.nonisolated()
    }
}

/// Notes how the opening of a tunnel ended, where the handler before it does not, and leaves.
private final class TunnelEnd: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let opened: EventLoopPromise<Void>

    init(_ opened: EventLoopPromise<Void>) { self.opened = opened }

    func handlerAdded(context: ChannelHandlerContext) {
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        opened.futureResult.assumeIsolated().whenComplete { _ in
            context.value.pipeline.syncOperations.removeHandler(context: context.value, promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { opened.fail(ChannelError.eof) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is SOCKSProxyEstablishedEvent { opened.succeed() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        opened.fail(error)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        opened.fail(ChannelError.eof)
        context.fireChannelInactive()
    }
}
