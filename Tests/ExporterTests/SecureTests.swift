import Archive
import DemoServer
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import Exporter

/// The way to a server over TLS, and doors that do not open.
@Suite(.serialized) struct SecureTests {
    /// Alice's session with the town behind a door.
    private func enter(_ town: Town, _ url: String) throws {
        try Session(address: ServerAddress(url), userID: town.alice, username: "alice", token: town.token)
            .save(in: town.directory())
    }

    @Test(arguments: ["127.0.0.1", "localhost"]) func pullAndFollow_GoOverTLS(_ host: String) async throws {
        let certificate = try await TestCertificate(names: "DNS:localhost,IP:127.0.0.1")
        try await Town.with { town in
            let door = try await FrontDoor(to: try town.port, tls: try certificate.server)
            try enter(town, "https://\(host):\(door.port)")
            town.write(3)
            try await Following.with(town, network: certificate.trusting) { following in
                let requests = town.server.requests.count
                let post = town.write(1)[0]
                try await eventually("the post is there") { try town.states(post) == [.live] }
                // By its event alone, which came over the WebSocket.
                #expect(town.server.requests.count == requests && following.gapCount == 0)
            }
            try await town.expectTruth()
            await door.close()
        }
    }

    private static let wrong: [(names: String, isTrusted: Bool, why: String)] = [
        ("DNS:localhost,IP:127.0.0.1", false, "certificate cannot be trusted"),
        ("DNS:other.example,IP:192.0.2.1", true, "certificate is for another address"),
    ]

    @Test(arguments: [0, 1], ["127.0.0.1", "localhost"])
    func aWrongCertificate_IsRefusedAtOnceAndNothingIsSent(_ place: Int, _ host: String) async throws {
        let (names, isTrusted, why) = Self.wrong[place]
        let certificate = try await TestCertificate(names: names)
        let network = isTrusted ? certificate.trusting : Network()
        try await Town.with { town in
            let door = try await FrontDoor(to: try town.port, tls: try certificate.server)
            try enter(town, "https://\(host):\(door.port)")
            // A pull, which is told so at once: asking again would change nothing.
            let error = await #expect(throws: ExporterError.self) {
                try await Pull(
                    town.directory(), Pull.Selection(), network: network, patience: .eager
                ).run()
            }
            guard case .noAnswer(_, let words, let attempts, .certificate) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(words.contains(why) && attempts == 1, "\(words), \(attempts)")
            // The WebSocket.
            let failure = await #expect(throws: WebSocket.Failure.self) {
                try await WebSocket.using(
                    network.route(to: ServerAddress("https://\(host):\(door.port)")), path: "/api/v4/websocket",
                    token: town.token
                ) { _ in }
            }
            #expect(failure?.why.contains(why) == true, "\(failure?.why ?? "")")
            #expect(town.server.requests.isEmpty)
            await door.close()
        }
    }

    @Test(arguments: [TLSVersion.tlsv1, .tlsv11, .tlsv12, .tlsv13])
    func tlsBelow12_IsRefusedAtOnceByBothAlike(_ version: TLSVersion) async throws {
        let certificate = try await TestCertificate(names: "DNS:localhost")
        let isTaken = version == .tlsv12 || version == .tlsv13
        try await Town.with { town in
            let door = try await FrontDoor(to: try town.port, tls: try certificate.server(speaking: version))
            let route = try certificate.trusting.route(to: ServerAddress("https://localhost:\(door.port)"))
            var found: (why: String, attempts: Int, obstacle: Obstacle?)?
            do {
                _ = try await MattermostClient.using(route, token: town.token, patience: .eager) {
                    client throws(ExporterError) in try await client.me()
                }
            } catch ExporterError.noAnswer(_, let why, let attempts, let obstacle) {
                found = (why, attempts, obstacle)
            }
            var failure: WebSocket.Failure?
            do {
                try await WebSocket.using(route, path: "/api/v4/websocket", token: town.token) { _ in }
            } catch let error as WebSocket.Failure { failure = error }
            let words = "the server speaks only TLS older than version 1.2, which is not safe"
            #expect(found?.why == (isTaken ? nil : words) && failure?.why == found?.why)
            #expect(found?.obstacle == (isTaken ? nil : .tls) && found?.attempts == (isTaken ? nil : 1))
            await door.close()
        }
    }

    /// https:// typed where http:// is spoken: a server answers what it takes for a bad request.
    @Test func aServerWithoutTLS_IsNamedAtOnceAndInPlainWords() async throws {
        final class BadRequest: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            typealias OutboundOut = ByteBuffer

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                context.writeAndFlush(
                    wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n")), promise: nil)
            }
        }
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(BadRequest()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let error = await #expect(throws: ExporterError.self) {
            try await MattermostClient.using(
                ServerAddress("https://127.0.0.1:\(server.localAddress?.port ?? 0)"), token: "x", patience: .eager
            ) { client throws(ExporterError) in try await client.me() }
        }
        try await server.close()
        guard case .noAnswer(_, let why, let attempts, .tls) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(why == "what answers there does not speak TLS (https)" && attempts == 1, "\(why), \(attempts)")
    }

    /// A proxy that knows no WebSockets, a session that may not have one, a server that is just starting: whatever the door
    /// says, it is knocked at again, and what was missed is asked for.
    @Test(arguments: [403, 404, 429, 502])
    func aRefusedUpgrade_IsTriedAgainAndNothingIsMissed(_ status: Int) async throws {
        let isOpen = Box(true)
        let refused = Box(0)
        try await Town.with { town in
            let door = try await FrontDoor(
                to: try town.port,
                refusal: {
                    if isOpen.value { return nil }
                    refused.change { $0 += 1 }
                    return status
                })
            try enter(town, "http://127.0.0.1:\(door.port)")
            try await Following.with(town) { following in
                isOpen.value = false
                town.world.hangUp()
                try await eventually("it was refused") { refused.value >= 3 }
                let post = town.write(1)[0]
                let words = following.events.value.compactMap { event -> String? in
                    if case .waiting(let why, _) = event { why } else { nil }
                }
                #expect(words.contains { $0.contains("opens no WebSocket (\(status))") }, "\(words)")
                isOpen.value = true
                try await eventually("it is connected again") { following.newCount + following.resumedCount >= 2 }
                #expect(following.resumedCount == (status == 429 || status >= 500 ? 1 : 0), "replayed where it may be")
                try await eventually("what was missed is there") { try town.states(post) == [.live] }
            }
            try await town.expectTruth()
            await door.close()
        }
    }
}
