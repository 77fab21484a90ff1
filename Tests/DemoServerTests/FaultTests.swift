import AsyncHTTPClient
import DemoServer
import NIOCore
import NIOHTTP1
import Testing

/// Each fault as a real client sees it.
struct FaultTests {
    private func with(_ fault: Fault, _ body: (Site) async throws -> Void) async throws {
        try await Site.with(interceptor: { _ in fault }, body)
    }

    @Test func aStatusComesWithItsBodyAndHeaders() async throws {
        try await with(.status(429, body: "limit exceeded", headers: [("Retry-After", "3")])) { site in
            let reply = try await site.get("/api/v4/users/me")
            #expect(reply.status == 429 && reply.text == "limit exceeded")
            #expect(reply.headers["Retry-After"] == "3")
            #expect(reply.headers["Content-Type"]?.hasPrefix("text/plain") == true)
        }
    }

    @Test func aCutBodyIsSeenAsABrokenConnection() async throws {
        try await with(.cutBody) { site in
            _ = site.write(50)
            var request = HTTPClientRequest(url: site.server.url + "/api/v4/channels/\(site.channel)/posts")
            request.headers.add(name: "Authorization", value: "Bearer \(site.token)")
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
            let declared = response.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
            #expect(response.status == .ok && declared > 10_000)
            var received = 0
            await #expect(throws: (any Error).self) {
                for try await chunk in response.body { received += chunk.readableBytes }
            }
            #expect(received == declared / 2)
        }
    }

    @Test func anEmptyAnswerCanBeCutToo() async throws {
        try await with(.cutBody) { site in
            await #expect(throws: (any Error).self) {
                try await site.send(
                    "POST", Site.plugin + "/channel/encryption_method?chanID=\(site.channel)&method=p2p",
                    token: site.token)
            }
            #expect(site.world.posts(in: site.channel).count == 1, "the request has had its effect")
        }
    }

    @Test func aResetIsSeenAsABrokenConnectionAndDoesNothing() async throws {
        try await with(.reset) { site in
            await #expect(throws: (any Error).self) {
                try await site.send(
                    "POST", Site.plugin + "/channel/encryption_method?chanID=\(site.channel)&method=p2p",
                    token: site.token)
            }
            #expect(site.world.posts(in: site.channel).isEmpty)
        }
    }

    @Test func aGarbledAnswerIsWholeButNoJSON() async throws {
        try await with(.garbled) { site in
            let reply = try await site.get("/api/v4/users/me")
            #expect(reply.status == 200 && reply.headers["Content-Type"] == "application/json")
            #expect(!reply.text.isEmpty && reply.json == nil)
        }
    }

    @Test func aStalledAnswerIsTrueButLate() async throws {
        try await with(.stall(.milliseconds(80))) { site in
            let clock = ContinuousClock()
            let start = clock.now
            let reply = try await site.get("/api/v4/users/me")
            #expect(reply.status == 200 && clock.now - start >= .milliseconds(80))
        }
    }

    @Test func aClientCanGiveUpAndTheServerStopsAllTheSame() async throws {
        // A server that waited for its stalled answer would keep this test for an hour.
        try await with(.stall(.seconds(3600))) { site in
            await #expect(throws: (any Error).self) {
                try await site.send("GET", "/api/v4/users/me", token: site.token, timeout: .milliseconds(100))
            }
        }
    }

    @Test func aRedirectLeadsElsewhereAndWhatArrivesThereIsRecorded() async throws {
        try await Site.with { elsewhere in
            try await with(.redirect(elsewhere.server.url + "/api/v4/users/me?x=1")) { site in
                let reply = try await site.get("/api/v4/users/me")
                #expect(reply.status == 401, "the client does not carry the header over")
                #expect(site.server.requests.map(\.hasAuthorization) == [true])
                #expect(elsewhere.server.requests.map(\.target) == ["/api/v4/users/me?x=1"])
                #expect(elsewhere.server.requests.map(\.hasAuthorization) == [false])
            }
        }
    }

    @Test func pingIsNeverFaulted() async throws {
        try await with(.reset) { site in
            let ping = try await site.send("GET", "/api/v4/system/ping")
            #expect(ping.status == 200)
        }
    }

    @Test func theConnectionLivesOnAfterAFault() async throws {
        let interceptor: @Sendable (ServerRequest) -> Fault? = {
            $0.sequence < 3 ? [.reset, .cutBody, .garbled][$0.sequence] : nil
        }
        try await Site.with(interceptor: interceptor) { site in
            for _ in 0..<2 {
                await #expect(throws: (any Error).self) { try await site.get("/api/v4/users/me") }
            }
            for valid in [false, true, true] {
                let reply = try await site.get("/api/v4/users/me")
                #expect((reply.json != nil) == valid)
            }
            #expect(site.server.requests.map(\.sequence) == [0, 1, 2, 3, 4])
        }
    }

    @Test func theWorldCanChangeBetweenPages() async throws {
        let hook: @Sendable (World, ServerRequest) -> Void = { world, request in
            guard let channel = request.path.split(separator: "/").dropFirst(3).first else { return }
            let author = world.posts(in: String(channel))[0].userID
            world.post(in: String(channel), by: author, message: "while you read")
        }
        try await Site.with(afterRequest: hook) { site in
            let posts = site.write(4)
            #expect(try await site.order("per_page=2&page=0") == [posts[3], posts[2]])
            let second = try await site.order("per_page=2&page=1")
            #expect(second.first == posts[2], "paging by number repeats")
            #expect(site.world.posts(in: site.channel).count == 6)
        }
    }

    @Test func randomFaultsComeAtTheirRatesAndAreRepeatable() {
        let (once, again) = (Faults.random(seed: 5), Faults.random(seed: 5))
        var counts: [String: Int] = [:]
        for sequence in 0..<20_000 {
            let request = ServerRequest(sequence: sequence, method: "GET", path: "/api/v4/users/me")
            let name = once(request).map { "\($0)" } ?? "none"
            #expect(name == again(request).map { "\($0)" } ?? "none")
            counts[String(name.prefix { $0 != "(" }), default: 0] += 1
        }
        #expect((14_100...14_700).contains(counts["none"] ?? 0))
        #expect((3_000...3_400).contains(counts["status"] ?? 0))
        #expect((1_080...1_320).contains(counts["cutBody"] ?? 0))
        #expect((500...700).contains(counts["reset"] ?? 0))
        #expect((320...480).contains(counts["garbled"] ?? 0))
        #expect((140...260).contains(counts["stall"] ?? 0))
    }
}
