import Bytes
import Testing

@testable import Archive
@testable import Reader

/// What the server shows no longer is exported as it was, and every format says so.
@Suite struct AbsenceTests {
    private static let noticed = NoticedAbsence(
        reason: .gone, since: Timestamp(milliseconds: 1_795_422_665_000))
    private let gone = Draft("p", plain: "text") { $0.absence = AbsenceTests.noticed }
    private let there = Draft("q", plain: "text")

    @Test func jsonLinesSayThatAPostHasGoneAndSinceWhen() throws {
        let lines = try Rendering(format: .jsonl).text([gone, there]).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines[0].contains(#""absence":{"reason":"gone","since":1795422665000}"#))
        #expect(lines[1].contains(#""absence":null"#))
    }

    @Test func mailsSayThatAPostHasGoneAndSinceWhen() throws {
        let mbox = MboxReader(try Rendering(format: .mbox).bytes([gone, there]))
        #expect(mbox.messages.map { $0["X-Mattermost-Absent"] } == ["gone 1795422665000", nil])
        #expect(mbox.messages.allSatisfy { $0["X-Mattermost-Channel-Absent"] == nil })
    }

    @Test func markdownSaysThatAPostHasGoneAndSinceWhen() throws {
        let text = try Rendering(format: .markdown).text([gone, there])
        #expect(
            text.split(separator: " · ").filter { $0.contains("**gone from the server** (noticed 2026-11-23)") }.count
                == 1)
    }

    @Test func whatIsSaidOfAChannelStandsAboveItAndInEachMail() throws {
        var rendering = Rendering(format: .markdown)
        rendering.channel.absence = NoticedAbsence(reason: .notListed, since: AbsenceTests.noticed.since)
        #expect(
            try rendering.text([there]).contains("*no longer listed by the server since 2026-11-23; kept as it was*"))
        rendering.format = .mbox
        let mbox = MboxReader(try rendering.bytes([there]))
        #expect(mbox.messages.map { $0["X-Mattermost-Channel-Absent"] } == ["not-listed 1795422665000"])
    }
}
