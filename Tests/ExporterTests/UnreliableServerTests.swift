import Archive
import DemoServer
import NIOHTTP1
import Testing

@testable import Exporter

/// What goes wrong on the way: the archive ends the same.
struct UnreliableServerTests {
    private static let html = "<html>bad gateway</html>"

    /// Every second request goes wrong in this way.
    private func pull(through fault: Fault, patience: Patience = .eager) async throws {
        try await Town.with(
            interceptor: { request in request.sequence % 2 == 0 ? fault : nil },
            { town in
                let posts = town.write(60)
                town.world.edit(posts[7], message: "edited")
                town.world.delete(posts[8])
                let retries = Box<[Double]>([])
                let report = try await town.pull(patience: patience, limits: .small) { event in
                    if case .retrying(_, _, let seconds) = event { retries.change { $0.append(seconds) } }
                }
                #expect(report.failures.isEmpty)
                #expect(retries.value.count > 10)
                try await town.expectTruth()
            })
    }

    @Test func tooManyRequestsWithRetryAfter() async throws {
        try await pull(through: .status(429, body: "limit exceeded", headers: [("Retry-After", "0")]))
    }

    @Test func tooManyRequestsWithTheResetAlone() async throws {
        try await pull(through: .status(429, body: "limit exceeded", headers: [("X-Ratelimit-Reset", "0")]))
    }

    @Test(arguments: [408, 500, 502, 503, 504]) func aServerThatFails(_ status: Int) async throws {
        try await pull(
            through: .status(status, body: UnreliableServerTests.html, headers: [("Content-Type", "text/html")]))
    }

    @Test func aBodyThatIsCut() async throws { try await pull(through: .cutBody) }

    @Test func aConnectionThatIsReset() async throws { try await pull(through: .reset) }

    @Test func anAnswerThatIsGarbled() async throws { try await pull(through: .garbled) }

    @Test(arguments: ["", "null", "[]", "{}", #"{"order":null}"#, "<html></html>", #"{"order":["x"],"posts":{}}"#])
    func anAnswerThatIsNotOne(_ body: String) async throws {
        try await Town.with(
            interceptor: { request in
                request.isAboutPosts && request.sequence % 2 == 0 ? .status(200, body: body) : nil
            },
            { town in
                town.write(30)
                try await town.pullAll(limits: .small)
                try await town.expectTruth()
            })
    }

    @Test func anAnswerThatDoesNotCome() async throws {
        let impatient = Patience(
            attempts: 30, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0, longestSilence: 10)
        let silences = Box(0)
        try await Town.with(
            interceptor: { request in
                // The first request for posts of each kind.
                guard request.isAboutPosts, silences.value < (request.isSince ? 2 : 1) else { return nil }
                silences.value += 1
                return .stall(.seconds(600))
            },
            { town in
                town.write(10)
                let report = try await town.pull(patience: impatient, limits: .small)
                #expect(report.failures.isEmpty && silences.value == 2)
                try await town.expectTruth()
            })
    }

    @Test(arguments: UInt64(1)...20) func randomFaultsChangeNothing(_ seed: UInt64) async throws {
        var faults = Faults()
        faults.stallDuration = .milliseconds(1)
        try await Town.with(seed: seed, interceptor: faults.interceptor(seed: seed)) { town in
            let posts = town.write(40)
            for index in 0..<5 { town.world.edit(posts[index * 7], message: "edited") }
            town.world.delete(posts[11])
            try await town.pullAll(limits: .small)
            try await town.expectTruth()
            town.write(7)
            town.world.delete(posts[12])
            try await town.pullAll(limits: .small)
            try await town.expectTruth()
        }
    }

    @Test func aServerThatAlwaysFailsIsGivenUp() async throws {
        try await Town.with(
            interceptor: { _ in .status(500) },
            { town async throws in
                let patience = Patience(attempts: 7, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0)
                await #expect(
                    throws: ExporterError.noAnswer(
                        request: "GET /api/v4/users/me", why: "the server failed (500)", attempts: 7)
                ) { try await town.pull(patience: patience) }
                #expect(town.server.requests.count == 7)
            })
    }

    @Test func aServerThatAsksForTooMuchPatienceIsGivenUp() async throws {
        try await Town.with(
            interceptor: { _ in .status(429, headers: [("Retry-After", "86400")]) },
            {
                town async throws in
                await #expect(throws: ExporterError.self) { try await town.pull() }
                #expect(town.server.requests.count == 1)
            })
    }

    @Test func nobodyAtTheDoorIsGivenUp() async throws {
        try await Town.with { town in
            _ = try town.directory()
            await town.server.stop()
            let patience = Patience(attempts: 3, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0)
            do {
                try await town.pull(patience: patience)
                Issue.record("a pull from nobody")
            } catch ExporterError.noAnswer(_, _, let attempts, _) {
                #expect(attempts == 3)
            }
        }
    }

    @Test(arguments: [301, 302, 303, 307, 308]) func aRedirectIsNotFollowed(_ status: Int) async throws {
        try await Town.with { elsewhere in
            let target = elsewhere.server.url + "/api/v4/users/me"
            for path in ["/api/v4/users/me", "/posts"] {
                let fault = Fault.status(status, headers: [("Location", target)])
                try await Town.with(interceptor: { $0.path.hasSuffix(path) ? fault : nil }) { town async throws in
                    town.write(3)
                    let expected = ExporterError.redirected(from: town.server.url, to: target)
                    await #expect(throws: expected) { try await town.pull() }
                }
            }
            #expect(elsewhere.server.requests.isEmpty, "neither the token nor anything else goes there")
        }
    }

    @Test func aCookieIsNotKept() async throws {
        try await Town.with(
            interceptor: { request in
                // One that belonged to somebody else would win over the token.
                request.sequence == 0 ? .status(500, headers: [("Set-Cookie", "MMAUTHTOKEN=nonsense; Path=/")]) : nil
            },
            { town in
                town.write(3)
                try await town.pullAll()
                try await town.expectTruth()
                #expect(town.server.requests.allSatisfy { $0.hasAuthorization })
            })
    }
}
