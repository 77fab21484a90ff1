import Archive
import DemoServer
import Testing

@testable import Exporter

/// Twenty and more kinds of fault, each in every third request: the archive ends as the server is.
@Suite struct FaultKindTests {
    struct Kind: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let fault: Fault
        /// Where the answer would be taken for a true one if it came to another question.
        var isOnlyForPosts = false
    }

    private static func status(_ status: Int, _ headers: [(String, String)] = []) -> Kind {
        Kind(
            testDescription: "\(status) \(headers.map { "\($0.0): \($0.1)" }.joined())",
            fault: .status(status, body: "<html></html>", headers: headers))
    }

    private static func answer(_ body: String) -> Kind {
        Kind(testDescription: "200 with “\(body)”", fault: .status(200, body: body), isOnlyForPosts: true)
    }

    private static let refusals = [408, 500, 502, 503, 504, 520].map { status($0) }
    private static let limits = [("Retry-After", "0"), ("X-Ratelimit-Reset", "0"), ("Retry-After", "soon")].map {
        status(429, [$0])
    }
    private static let answers = ["", "null", "[]", "{}", "<html></html>", #"{"order":["x"],"posts":{}}"#].map(answer)
    private static let others: [Kind] = [
        Kind(testDescription: "a body cut in its middle", fault: .cutBody),
        Kind(testDescription: "a body cut before its first byte", fault: .cutBodyAfter(0)),
        Kind(testDescription: "a body cut behind its first byte", fault: .cutBodyAfter(1)),
        Kind(testDescription: "a body that is too short", fault: .wrongLength(-3)),
        Kind(testDescription: "a body with zeros behind it", fault: .wrongLength(5)),
        Kind(testDescription: "a reset", fault: .reset),
        Kind(testDescription: "JSON that ends too early", fault: .garbled),
        Kind(testDescription: "silence", fault: .stall(.milliseconds(1500))),
        Kind(testDescription: "a trickle", fault: .trickle(.milliseconds(20))),
    ]
    static let kinds: [Kind] = refusals + limits + answers + others

    @Test func thereAreTwentyAndMore() {
        #expect(Set(FaultKindTests.kinds.map(\.testDescription)).count >= 20)
    }

    @Test(arguments: kinds) func whateverGoesWrong_TheArchiveEndsAsTheServerIs(_ kind: Kind) async throws {
        let patience = Patience(
            attempts: 40, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 5, longestSilence: 1,
            longestAnswer: 1.5)
        let count = Box(0)
        try await Town.with(
            interceptor: { request in
                guard request.sequence % 3 == 1, request.isAboutPosts || !kind.isOnlyForPosts else { return nil }
                count.change { $0 += 1 }
                return kind.fault
            },
            { town in
                let posts = town.write(30)
                town.world.edit(posts[7], message: "edited")
                town.world.delete(posts[8])
                let report = try await town.pull(patience: patience, limits: .small)
                #expect(report.failures.isEmpty && report.frozen.isEmpty && count.value > 2)
                try await town.expectTruth()
            })
    }
}
