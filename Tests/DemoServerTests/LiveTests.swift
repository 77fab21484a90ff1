import DemoServer
import Foundation
import Glibc
import Testing

/// The WebSocket, through a small client of its own, so that a mistake of the library is not on both sides.
struct LiveTests {
    /// An event as a test wants to see it.
    private func names(_ frames: [[String: Any]]) -> [String] { frames.compactMap { $0["event"] as? String } }

    private func post(in frame: [String: Any]) throws -> [String: Any] {
        let data = try #require(frame["data"] as? [String: Any])
        let text = try #require(data["post"] as? String)
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func connectionID(_ hello: [String: Any]) throws -> String {
        #expect(hello["event"] as? String == "hello" && hello["seq"] as? Int == 0)
        return try #require((hello["data"] as? [String: Any])?["connection_id"] as? String)
    }

    @Test func whatHappensComesInItsOrder() async throws {
        try await Site.with { site in
            let socket = try await RawSocket.open(site.server.url, token: site.token)
            _ = try await connectionID(socket.next())
            let posts = site.write(2)
            site.world.edit(posts[0], message: "edited")
            site.world.pin(posts[1])
            site.world.delete(posts[0])
            var frames: [[String: Any]] = []
            for _ in 0..<5 { frames.append(try await socket.next()) }
            #expect(names(frames) == ["posted", "posted", "post_edited", "post_edited", "post_deleted"])
            #expect(frames.map { $0["seq"] as? Int } == [1, 2, 3, 4, 5])
            #expect(try post(in: frames[3])["is_pinned"] as? Bool == true)
            let deleted = try post(in: frames[4])
            #expect(deleted["message"] as? String == "edited" && deleted["delete_at"] as? Int == 0)
        }
    }

    @Test func ofADeletedRootsRepliesNothingIsSaid() async throws {
        try await Site.with { site in
            let root = site.write(1)[0]
            _ = site.write(2, root: root)
            let socket = try await RawSocket.open(site.server.url, token: site.token)
            _ = try await socket.next()
            site.world.delete(root)
            _ = site.write(1)
            #expect(names(try await [socket.next(), socket.next()]) == ["post_deleted", "posted"])
        }
    }

    @Test func aReconnectionGetsWhatItMissedAndNoHello() async throws {
        try await Site.with { site in
            let first = try await RawSocket.open(site.server.url, token: site.token)
            let id = try await connectionID(first.next())
            _ = site.write(1)
            _ = try await first.next()
            first.close()
            let missed = site.write(2)
            let second = try await RawSocket.open(
                site.server.url, token: site.token, query: "?connection_id=\(id)&sequence_number=2")
            let frames = try await [second.next(), second.next()]
            #expect(try frames.map { try post(in: $0)["id"] as? String } == missed)
            #expect(frames.map { $0["seq"] as? Int } == [2, 3])
        }
    }

    @Test(arguments: ["?connection_id=abc&sequence_number=2", "?connection_id=ID&sequence_number=99"])
    func whatCannotBeReplayedIsANewConnection(_ query: String) async throws {
        try await Site.with { site in
            let first = try await RawSocket.open(site.server.url, token: site.token)
            let id = try await connectionID(first.next())
            first.close()
            let second = try await RawSocket.open(
                site.server.url, token: site.token, query: query.replacingOccurrences(of: "ID", with: id))
            #expect(try await connectionID(second.next()) != id)
        }
    }

    @Test func aTokenMayComeAsAChallenge() async throws {
        try await Site.with { site in
            let socket = try await RawSocket.open(site.server.url, token: nil)
            try socket.send(#"{"seq":1,"action":"ping"}"#)
            #expect(try await socket.next()["status"] as? String == "FAIL")
            try socket.send(#"{"seq":2,"action":"authentication_challenge","data":{"token":"\#(site.token)"}}"#)
            _ = try await connectionID(socket.next())
            #expect(try await socket.next()["seq_reply"] as? Int == 2)
            let wrong = try await RawSocket.open(site.server.url, token: nil)
            try wrong.send(#"{"seq":1,"action":"authentication_challenge","data":{"token":"nonsense"}}"#)
            await #expect(throws: RawSocket.Ended.self) { try await wrong.next() }
        }
    }

    @Test func theBackupComesToItsOwnerAlone() async throws {
        try await Site.with { site in
            let backup = "-----BEGIN PGP MESSAGE-----\n\nabc=\n-----END PGP MESSAGE-----"
            let points = [1, 2].map { Data([4] + Array(repeating: UInt8($0), count: 64)).base64EncodedString() }
            let push = try JSONSerialization.data(withJSONObject: [
                "pubkey": ["encr": points[0], "sign": points[1]], "backupGPG": backup,
            ])
            let pushed = try await site.send(
                "POST", Site.plugin + "/pubkey/push", body: String(decoding: push, as: UTF8.self), token: site.token)
            #expect(pushed.status == 200)
            let alice = try await RawSocket.open(site.server.url, token: site.token)
            let bobsToken = site.world.issueToken(for: site.bob)
            let bob = try await RawSocket.open(site.server.url, token: bobsToken)
            _ = try await (alice.next(), bob.next())
            let command = #"{"channel_id":"\#(site.channel)","command":"/e2ee show_backup"}"#
            for token in [bobsToken, site.token] {
                let reply = try await site.send("POST", "/api/v4/commands/execute", body: command, token: token)
                // As on the real server: an error of the plugin's has neither a name nor words.
                let isOwners = token == site.token
                #expect(reply.status == (isOwners ? 200 : 500))
                #expect(isOwners ? reply.object["text"] as? String == "" : reply.object["id"] as? String == "")
            }
            let frame = try await alice.next()
            #expect(frame["event"] as? String == "ephemeral_message")
            #expect(try post(in: frame)["message"] as? String == backup)
            // Had anything come for Bob, it would have come before this.
            _ = site.write(1)
            #expect(try await bob.next()["event"] as? String == "posted")
            let unknown = try await site.send(
                "POST", "/api/v4/commands/execute", body: command.replacingOccurrences(of: "e2ee", with: "nope"),
                token: site.token)
            #expect(unknown.status == 404)
        }
    }

    @Test func onlyMembersHearOfAChannel() async throws {
        try await Site.with { site in
            let other = site.world.addChannel(
                team: site.team, name: "cake", displayName: "Cake", type: .private, members: [site.bob])
            let socket = try await RawSocket.open(site.server.url, token: site.token)
            _ = try await socket.next()
            site.world.post(in: other, by: site.bob, message: "secret")
            _ = site.write(1)
            let frame = try await socket.next()
            #expect(try post(in: frame)["message"] as? String == "post 0" && frame["seq"] as? Int == 1)
        }
    }

    @Test func anUpgradeThatIsToFailEndsItsConnection() async throws {
        try await Site.with(
            interceptor: { $0.path == "/api/v4/websocket" ? .reset : nil },
            { site in
                await #expect(throws: RawSocket.Ended.self) {
                    try await RawSocket.open(site.server.url, token: site.token)
                }
            })
    }
}

/// As much of a WebSocket's client as these tests need, over a blocking socket on threads of its own.
final class RawSocket: @unchecked Sendable {
    struct Refused: Error, Equatable { let line: String }
    struct Ended: Error {}

    private let descriptor: Int32
    private var buffer: [UInt8] = []

    static func open(_ url: String, token: String?, query: String = "") async throws -> RawSocket {
        try await apart { try RawSocket(url, token: token, query: query) }
    }

    func next() async throws -> [String: Any] {
        let body = try await Self.apart { try self.frame() }
        return try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
    }

    /// Where it may wait, it must not hold up the threads on which the server runs.
    private static func apart<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
        }
    }

    private init(_ url: String, token: String?, query: String = "") throws {
        let port = try #require(url.split(separator: ":").last.flatMap { UInt16($0) })
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let authorization = token.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        try write(
            Array(
                ("GET /api/v4/websocket\(query) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
                    + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\(authorization)\r\n").utf8))
        var head = ""
        while !head.hasSuffix("\r\n\r\n") { head.unicodeScalars.append(Unicode.Scalar(try take(1)[0])) }
        let line = head.components(separatedBy: "\r\n")[0]
        guard line.contains(" 101 ") else { throw Refused(line: line) }
        // The example of RFC 6455, section 1.3.
        #expect(head.lowercased().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="))
    }

    deinit { close() }

    func close() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    private func frame() throws -> [UInt8] {
        let head = try take(2)
        var length = Int(head[1] & 0x7F)
        if length == 126 { length = try take(2).reduce(0) { $0 << 8 | Int($1) } }
        if length == 127 { length = try take(8).reduce(0) { $0 << 8 | Int($1) } }
        let body = try take(length)
        guard head[0] == 0x81 else { throw Ended() }
        return body
    }

    /// A masked frame of less than 126 bytes, or of less than 65536.
    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        let length =
            bytes.count < 126
            ? [0x80 | UInt8(bytes.count)] : [0xFE, UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)]
        let mask: [UInt8] = [1, 2, 3, 4]
        try write([0x81] + length + mask + bytes.enumerated().map { $1 ^ mask[$0 % 4] })
    }

    private func write(_ bytes: [UInt8]) throws {
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Ended()
        }
    }

    private func take(_ count: Int) throws -> [UInt8] {
        while buffer.count < count {
            var chunk = [UInt8](repeating: 0, count: 65536)
            let got = recv(descriptor, &chunk, chunk.count, 0)
            guard got > 0 else { throw Ended() }
            buffer += chunk.prefix(got)
        }
        defer { buffer.removeFirst(count) }
        return Array(buffer.prefix(count))
    }
}
