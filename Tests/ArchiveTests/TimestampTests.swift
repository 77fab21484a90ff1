import Archive
import Foundation
import Testing

@Suite struct TimestampTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"), (1_709_164_799_000, "2024-02-28T23:59:59.000Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (1_795_422_665_881, "2026-11-23T08:31:05.881Z"), (-2_203_891_200_000, "1900-03-01T00:00:00.000Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        ] as [(Int64, String)])
    func aMomentIsWrittenAndReadBack(_ milliseconds: Int64, _ text: String) {
        #expect(Timestamp(milliseconds: milliseconds).iso8601 == text)
        #expect(Timestamp(iso8601: text) == Timestamp(milliseconds: milliseconds))
    }

    @Test func eachFormIsWhatItsStandardSays() {
        let time = Timestamp(milliseconds: 1_793_606_705_042)
        #expect(time.rfc5322 == "Mon, 02 Nov 2026 08:05:05 +0000")
        #expect(time.asctime == "Mon Nov  2 08:05:05 2026")
        #expect(time.date == "2026-11-02" && time.month == "2026-11" && time.timeOfDay == "08:05")
        #expect(time.minute == "2026-11-02 08:05")
        #expect(Timestamp(milliseconds: 1_795_422_665_881).asctime == "Mon Nov 23 08:31:05 2026")
    }

    /// Against date(1), over years 1 to 9999.
    @Test func datesAreThoseOfTheStockTool() async throws {
        var generator = Sequence64(state: 7)
        let seconds = (0..<400).map { _ in Int64.random(in: -62_135_596_800...253_402_300_799, using: &generator) }
        let sandbox = try Sandbox()
        try seconds.map { "@\($0)" }.joined(separator: "\n").write(
            toFile: "\(sandbox.path)/seconds", atomically: true, encoding: .utf8)
        let answer = try await sandbox.run("date -u -f seconds '+%Y-%m-%dT%H:%M:%S.000Z|%a %b %e %H:%M:%S %Y|%w'")
        let lines = answer.split(separator: "\n")
        #expect(lines.count == seconds.count)
        for (second, line) in zip(seconds, lines) {
            let time = Timestamp(milliseconds: second * 1000)
            #expect("\(time.iso8601)|\(time.asctime)|\(time.components.weekday)" == line)
            let c = time.components
            let day = Timestamp(year: c.year, month: c.month, day: c.day)
            #expect(day?.milliseconds == second * 1000 - Int64((c.hour * 60 + c.minute) * 60 + c.second) * 1000)
        }
    }

    @Test func aDateThatDoesNotExistIsNone() {
        for (year, month, day) in [
            (2023, 2, 29), (2100, 2, 29), (2024, 2, 30), (2024, 4, 31), (2024, 0, 1), (2024, 13, 1), (2024, 1, 0),
            (2024, 1, 32), (0, 1, 1), (10_000, 1, 1),
        ] { #expect(Timestamp(year: year, month: month, day: day) == nil, "\(year)-\(month)-\(day)") }
        #expect(Timestamp(year: 2000, month: 2, day: 29)?.date == "2000-02-29")
    }

    @Test(arguments: [
        "", "2026-11-23", "2026-11-23T08:31:05Z", "2026-11-23T08:31:05.881", "2026-11-23 08:31:05.881Z",
        "2026-11-23T24:00:00.000Z", "2026-11-23T08:60:05.881Z", "2026-11-23T08:31:60.881Z", "2026-02-30T08:31:05.881Z",
        "2026-1１-23T08:31:05.881Z", "+026-11-23T08:31:05.881Z", "2026-11-23T08:31:05.881z",
    ])
    func aMomentHasOneSpelling(_ text: String) { #expect(Timestamp(iso8601: text) == nil) }

    @Test func noMomentIsTooFarAway() {
        for milliseconds in [Int64.min, .min + 1, .max] {
            let c = Timestamp(milliseconds: milliseconds).components
            #expect((1...12).contains(c.month) && (1...31).contains(c.day) && (0...6).contains(c.weekday))
        }
    }
}

/// The same numbers each time.
struct Sequence64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 33
    }
}
