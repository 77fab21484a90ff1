import Archive
import DemoServer
import Foundation
import TestSupport
import Testing

@testable import Exporter

/// The way to a server that only a proxy knows.
@Suite(.serialized) struct ProxyTests {
    private static let password = "s3cret"
    private static let authorization = "Basic " + Data("carol:\(password)".utf8).base64EncodedString()

    enum Way: String, CaseIterable, Sendable { case open, password, socks }

    private func enter(_ town: Town, _ url: String) throws {
        try Session(
            address: ServerAddress(url, allowsHTTP: true), userID: town.alice, username: "alice", token: town.token
        ).save(in: town.directory())
    }

    private func proxy(_ way: Way, to port: Int) async throws -> (TestProxy, url: String) {
        switch way {
        case .open:
            let proxy = try await TestProxy(to: port, .connect(authorization: nil))
            return (proxy, "http://127.0.0.1:\(proxy.port)")
        case .password:
            let proxy = try await TestProxy(to: port, .connect(authorization: ProxyTests.authorization))
            return (proxy, "http://carol:\(ProxyTests.password)@127.0.0.1:\(proxy.port)")
        case .socks:
            let proxy = try await TestProxy(to: port, .socks)
            return (proxy, "socks5h://127.0.0.1:\(proxy.port)")
        }
    }

    /// With a private CA, and the WebSocket by the same way.
    @Test(arguments: Way.allCases) func pullAndFollow_GoThroughTheProxy(_ way: Way) async throws {
        let certificate = try await TestCertificate(names: "DNS:chat.example")
        try await Town.with { town in
            let door = try await FrontDoor(to: try town.port, tls: try certificate.server)
            let (proxy, url) = try await proxy(way, to: door.port)
            try enter(town, "https://chat.example")
            town.write(3)
            let network = NetworkTests.network(["https_proxy": url], caFile: certificate.file)
            try await Following.with(town, network: network) { following in
                let requests = town.server.requests.count
                let post = town.write(1)[0]
                try await eventually("the post is there") { try town.states(post) == [.live] }
                // By its event alone, which came over the WebSocket.
                #expect(town.server.requests.count == requests && following.gapCount == 0)
            }
            try await town.expectTruth()
            #expect(proxy.targets.count >= 2 && Set(proxy.targets) == ["chat.example:443"])
            await proxy.close()
            await door.close()
        }
    }

    @Test func plainHTTP_GoesThroughATunnelToo() async throws {
        try await Town.with { town in
            let (proxy, url) = try await proxy(.password, to: try town.port)
            try enter(town, "http://chat.example:8065")
            try await Following.with(town, network: NetworkTests.network(["http_proxy": url])) { _ in }
            #expect(proxy.targets.count >= 2 && Set(proxy.targets) == ["chat.example:8065"])
            await proxy.close()
        }
    }

    @Test func anException_GoesStraight() async throws {
        try await Town.with { town in
            let (proxy, url) = try await proxy(.open, to: try town.port)
            let name = "localhost.localdomain"
            let network = NetworkTests.network(["http_proxy": url, "no_proxy": "localdomain"])
            let route = try network.route(to: ServerAddress("http://\(name):\(town.port)", allowsHTTP: true))
            #expect(route.proxy == nil)
            _ = try await Pull(town.directory(), network: NetworkTests.network(["ALL_PROXY": url]), patience: .eager)
                .run()
            #expect(proxy.targets.isEmpty, "the server is on this machine")
            await proxy.close()
        }
    }

    /// - Returns: what the API's client says, and what the WebSocket does.
    private func knock(
        _ town: Town, _ proxyURL: String
    ) async throws -> (why: String, attempts: Int, obstacle: Obstacle?, socket: WebSocket.Failure) {
        let network = NetworkTests.network(["https_proxy": proxyURL])
        let route = try network.route(to: ServerAddress("https://chat.example"))
        let error = await #expect(throws: ExporterError.self) {
            try await MattermostClient.using(
                route, token: town.token,
                patience: Patience(attempts: 3, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0)
            ) { client throws(ExporterError) in try await client.me() }
        }
        let failure = await #expect(throws: WebSocket.Failure.self) {
            try await WebSocket.using(route, path: "/api/v4/websocket", token: town.token) { _ in }
        }
        guard case .noAnswer(_, let why, let attempts, let obstacle) = error else { throw NotSo() }
        return (why, attempts, obstacle, try #require(failure))
    }

    /// Asking again could lock somebody out.
    @Test(arguments: ["carol:wr0ng@", "carol@", ""])
    func aWrongPassword_IsToldAtOnce(_ user: String) async throws {
        try await Town.with { town in
            let (proxy, _) = try await proxy(.password, to: try town.port)
            let place = "127.0.0.1:\(proxy.port)"
            let found = try await knock(town, "http://\(user)\(place)")
            let words =
                user.isEmpty
                ? "the proxy \(place) asks for a user name and password (407)"
                : "the proxy \(place) does not accept the user name and password (407)"
            #expect(found.why == words && found.socket.why == words)
            #expect(found.obstacle == .proxyPassword && found.socket.obstacle == .proxyPassword)
            #expect(found.attempts == 1 && proxy.targets.count == 2)
            #expect(town.server.requests.isEmpty)
            await proxy.close()
        }
    }

    /// A following waits for a server that is away, but not for a password to become right.
    @Test func aWrongPassword_EndsAFollowing() async throws {
        try await Town.with { town in
            let (proxy, _) = try await proxy(.password, to: try town.port)
            try enter(town, "https://chat.example")
            let url = "http://carol:wr0ng@127.0.0.1:\(proxy.port)"
            let error = await #expect(throws: ExporterError.self) {
                try await Follow(town.directory(), network: NetworkTests.network(["https_proxy": url])).run()
            }
            guard case .noAnswer(_, _, _, .proxyPassword) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            await proxy.close()
        }
    }

    @Test(arguments: [403, 502]) func aProxyThatOpensNoWay_IsNamedAndAskedAgain(_ status: Int) async throws {
        try await Town.with { town in
            let proxy = try await TestProxy(to: try town.port, .refuse(status))
            let found = try await knock(town, "http://127.0.0.1:\(proxy.port)")
            let words = "the proxy 127.0.0.1:\(proxy.port) refused to connect to the server"
            #expect(found.why == words && found.socket.why == words)
            #expect(found.obstacle == .proxy && found.socket.obstacle == .proxy && found.attempts == 3)
            await proxy.close()
            // And one that is not there, for each kind.
            for scheme in ["http", "socks5"] {
                let found = try await knock(town, "\(scheme)://127.0.0.1:\(proxy.port)")
                let words = "Connection refused (proxy 127.0.0.1:\(proxy.port))"
                #expect(found.why == words && found.socket.why == words)
                #expect(found.obstacle == .proxy && found.socket.obstacle == .proxy)
            }
            let other = try await TestProxy(to: try town.port, .misunderstand)
            for scheme in ["http", "socks5"] {
                let found = try await knock(town, "\(scheme)://127.0.0.1:\(other.port)")
                #expect(found.obstacle == .proxy && found.socket.obstacle == .proxy, "\(found)")
            }
            await other.close()
            #expect(town.server.requests.isEmpty)
        }
    }
}
