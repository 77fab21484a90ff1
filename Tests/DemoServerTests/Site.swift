import AsyncHTTPClient
import DemoServer
import Foundation
import NIOCore
import NIOHTTP1

/// A world of three people and some channels, served, and a client that is logged in as Alice.
struct Site {
    let world: World
    let server: EmbeddedServer
    let alice: String
    let bob: String
    let team: String
    /// An open channel with Alice and Bob in it.
    let channel: String
    let token: String

    static let start: Int64 = 1_700_000_000_000
    static let plugin = "/plugins/com.quarkslab.e2ee/api/v1"

    /// Runs `body` against a fresh world, which starts at `start` and, with a tick of 0, lets posts tie.
    static func with(
        seed: UInt64 = 7, tick: Int64 = 1, interceptor: (@Sendable (ServerRequest) -> Fault?)? = nil,
        afterRequest: (@Sendable (World, ServerRequest) -> Void)? = nil, _ body: (Site) async throws -> Void
    ) async throws {
        let world = World(seed: seed, startingAt: start, tick: tick)
        let hook = afterRequest.map { hook in { @Sendable (request: ServerRequest) in hook(world, request) } }
        let server = EmbeddedServer(world: world, interceptor: interceptor, afterRequest: hook)
        let alice = world.addUser(username: "alice", firstName: "Alice", password: "wonderland")
        let bob = world.addUser(username: "bob")
        let team = world.addTeam(name: "demo", displayName: "Demo")
        let channel = world.addChannel(
            team: team, name: "tea", displayName: "Tea", type: .open, members: [alice, bob])
        try await server.start()
        let site = Site(
            world: world, server: server, alice: alice, bob: bob, team: team, channel: channel,
            token: world.issueToken(for: alice))
        do {
            try await body(site)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    struct Reply {
        let status: Int
        let headers: [String: String]
        let text: String

        var json: Any? { try? JSONSerialization.jsonObject(with: Data(text.utf8)) }
        var object: [String: Any] { json as? [String: Any] ?? [:] }
        var array: [[String: Any]] { json as? [[String: Any]] ?? [] }
        /// The `id` of a refusal.
        var refusal: String? { object["id"] as? String }
    }

    func get(_ target: String, token: String? = nil) async throws -> Reply {
        try await send("GET", target, token: token ?? self.token)
    }

    func send(
        _ method: String, _ target: String, body: String? = nil, token: String? = nil, cookie: String? = nil,
        headers extra: [(String, String)] = [], timeout: TimeAmount = .seconds(10)
    ) async throws -> Reply {
        var request = HTTPClientRequest(url: server.url + target)
        request.method = .init(rawValue: method)
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let cookie { request.headers.add(name: "Cookie", value: cookie) }
        for (name, value) in extra { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: timeout)
        let bytes = try await response.body.collect(upTo: 64 << 20)
        var headers: [String: String] = [:]
        for header in response.headers { headers[header.name] = header.value }
        return Reply(status: Int(response.status.code), headers: headers, text: String(buffer: bytes))
    }

    struct Page {
        let order: [String]
        let posts: [String: [String: Any]]
        let next: String
        let previous: String
    }

    /// A page of the channel's posts: `page("per_page=2&before=ID")`.
    func page(_ query: String, of channel: String? = nil) async throws -> Page {
        let reply = try await get("/api/v4/channels/\(channel ?? self.channel)/posts?\(query)")
        return Page(
            order: reply.object["order"] as? [String] ?? [],
            posts: reply.object["posts"] as? [String: [String: Any]] ?? [:],
            next: reply.object["next_post_id"] as? String ?? "",
            previous: reply.object["prev_post_id"] as? String ?? "")
    }

    /// The ids of a page.
    func order(_ query: String) async throws -> [String] {
        try await page(query).order
    }

    /// How many posts a page has.
    func count(_ query: String) async throws -> Int {
        try await page(query).order.count
    }

    /// Writes posts by Alice, each 1 ms after the other where the world ticks.
    func write(_ count: Int, root: String = "") -> [String] {
        (0..<count).map { world.post(in: channel, by: alice, message: "post \($0)", root: root) }
    }
}
