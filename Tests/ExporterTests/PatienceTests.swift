import Archive
import NIOHTTP1
import Testing

@testable import Exporter

/// How long a request is tried, and what the server can ask for.
struct PatienceTests {
    private let patience = Patience(attempts: 12, firstDelay: 0.25, longestDelay: 20, longestRequestedDelay: 600)

    @Test func theWaitDoublesUpToItsBound() throws {
        for attempt in 1..<12 {
            let full = min(20, 0.25 * Double(1 << (attempt - 1)))
            for _ in 0..<50 {
                let delay = try #require(patience.delay(after: attempt, requested: nil))
                #expect(delay >= full / 2 && delay <= full)
            }
        }
    }

    @Test func thereIsAnEnd() {
        #expect(patience.delay(after: 12, requested: nil) == nil)
        #expect(patience.delay(after: 12, requested: 0) == nil)
        #expect(patience.delay(after: .max, requested: nil) == nil)
    }

    @Test func manyAttemptsDoNotOverflow() throws {
        let patience = Patience(attempts: .max, firstDelay: 1, longestDelay: 5, longestRequestedDelay: 5)
        #expect(try #require(patience.delay(after: 1_000_000, requested: nil)) <= 5)
    }

    @Test func whatTheServerAsksForIsHonoured() throws {
        for wanted in [0, 0.5, 7, 600] {
            let delay = try #require(patience.delay(after: 1, requested: wanted))
            #expect(delay >= wanted && delay <= wanted + 0.2)
        }
        #expect(patience.delay(after: 1, requested: 601) == nil)
    }

    @Test(
        arguments: [
            ([("Retry-After", "3")], 3), ([("X-Ratelimit-Reset", "4")], 4),
            ([("Retry-After", "3"), ("X-Ratelimit-Reset", "4")], 3), ([("retry-after", "2.5")], 2.5),
            ([("Retry-After", "soon"), ("X-Ratelimit-Reset", "4")], 4), ([("Retry-After", "-1")], nil),
            ([("Retry-After", "nan")], nil), ([("Retry-After", "inf")], nil), ([("Retry-After", "")], nil), ([], nil),
            ([("Retry-After", "Mon, 23 Nov 2015 08:31:05 GMT")], 0),
        ] as [([(String, String)], Double?)])
    func aRequestedDelayIsRead(_ headers: [(String, String)], _ seconds: Double?) {
        #expect(Patience.requestedDelay(HTTPHeaders(headers)) == seconds)
    }

    @Test func aDateInTheFutureIsWaitedFor() throws {
        let headers = HTTPHeaders([("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT")])
        let seconds = try #require(Patience.requestedDelay(headers))
        #expect(seconds > 1e9 && patience.delay(after: 1, requested: seconds) == nil)
    }
}

/// The `Date` header.
struct HTTPDateTests {
    @Test(
        arguments: [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Tue, 14 Nov 2023 22:13:20 GMT", 1_700_000_000_000),
            ("Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_800_000), ("Mon, 23 Nov 2026 08:33:55 GMT", 1_795_422_835_000),
            ("Sun, 28 Feb 2100 23:59:59 GMT", 4_107_542_399_000), ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800_000),
        ] as [(String, Int64)]) func aDateIsRead(_ text: String, _ time: Int64)
    {
        #expect(HTTPDate.parse(text)?.milliseconds == time)
    }

    @Test(arguments: [
        "", "now", "0", "1700000000", "Tue, 14 Nov 2023 22:13:20", "Tue, 14 Nov 2023 22:13:20 CET",
        "Thu, 29 Feb 2023 00:00:00 GMT", "Tue, 32 Nov 2023 22:13:20 GMT", "Tue, 14 Foo 2023 22:13:20 GMT",
        "Tue, 14 Nov 2023 24:00:00 GMT", "Tue, 14 Nov 2023 22:60:00 GMT", "Tue, 14 Nov 2023 22:13 GMT",
        "Tue, 14 Nov 2023 22:13:20:1 GMT", "Tue, 14 Nov -2023 22:13:20 GMT", "Tue, 14 Nov 99999 22:13:20 GMT",
        "Tuesday, 14-Nov-23 22:13:20 GMT", "2023-11-14T22:13:20Z",
    ]) func whatIsNoDateIsNone(_ text: String) {
        #expect(HTTPDate.parse(text) == nil)
    }
}
