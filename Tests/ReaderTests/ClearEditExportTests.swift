import Archive
import Bytes
import Testing

@testable import Reader

/// A text that the server has in the clear beside a message: later than the message, and nobody's.
struct ClearEditExportTests {
    private let draft = Draft("first", verified: "the signed words") {
        $0.clearText = "the open words\nFrom the second line"
        $0.suspicions = [.editedInTheClear]
        $0.editAt = Fixture.first + 60_000
    }

    private func export(_ format: ExportFormat, _ includesUnverified: Bool) throws -> String {
        var rendering = Rendering(format: format)
        rendering.includesUnverified = includesUnverified
        return try rendering.text([draft])
    }

    @Test(arguments: ExportFormat.allCases, [false, true]) func itsTextIsShownOnRequestAndMarked(
        _ format: ExportFormat, _ includesUnverified: Bool
    ) throws {
        let text = try export(format, includesUnverified)
        #expect(text.contains("the signed words"))
        #expect(text.contains("the open words") == includesUnverified)
        switch format {
        case .jsonl:
            let edit = try #require(try JSONDocument(Array(text.utf8.dropLast())).root["clear_edit"])
            #expect(edit["at"]?.int == Fixture.first + 60_000)
            #expect(edit["text"]?.string == (includesUnverified ? draft.clearText : nil))
        case .markdown:
            #expect(text.contains("**NOT VERIFIED**, edited in the clear") == includesUnverified)
            #expect(text.contains("text withheld: nobody signed it") != includesUnverified)
        case .mbox:
            let read = MboxReader(Array(text.utf8))
            #expect(read.messages.count == 2 && read.complaints.isEmpty)
            let mail = try #require(read.messages.last)
            #expect(mail["X-Mattermost-Clear-Edit-At"] == String(Fixture.first + 60_000))
            #expect(mail["X-Mattermost-Text"] == (includesUnverified ? "unverified" : "withheld"))
            #expect(mail["In-Reply-To"] == read.messages.first?["Message-ID"])
            // Not in its author's name.
            #expect(mail["From"]?.contains("<unsigned@") == true)
            if includesUnverified { #expect(mail.text == draft.clearText.map { Array($0.utf8) }) }
        }
    }

    @Test func itIsCounted() throws {
        var counts = ExportCounts()
        for includesUnverified in [false, true] {
            let edit = ShownText(clearEditOf: draft.post, includesUnverified: includesUnverified)
            counts.count(draft.post, ShownText(draft.post, includesUnverified: includesUnverified), edit, [])
        }
        #expect(counts.clearEdits == 2 && counts.withheldClearEdits == 1 && counts.exported == 2)
    }
}

/// A post with a time that cannot be right is kept, and is not clean.
struct ImplausibleTimeTests {
    @Test(arguments: [-1, 0, 1_700_000_000, 1_700_000_000_000_000] as [Int64]) func itIsMarked(_ time: Int64)
        async throws
    {
        let fixture = try Fixture()
        try await fixture.addPage([
            Fixture.post("odd", by: "alice", at: time, message: "one"),
            Fixture.post("even", by: "alice", message: "two"),
        ])
        let read = try await fixture.read(PostQuery(channelID: id("channel")))
        let posts = Dictionary(uniqueKeysWithValues: read.map { ($0.header.id, $0) })
        let odd = try #require(posts[id("odd")])
        #expect(odd.text == .plain("one"))
        #expect(odd.verdict == Verdict(authenticity: nil, content: .plain, suspicions: [.implausibleTime]))
        #expect(!odd.verdict.isClean && odd.reason == Suspicion.implausibleTime.reason)
        #expect(posts[id("even")]?.verdict.isClean == true)
        #expect(Timestamp(milliseconds: time).minute == "time \(time)")
    }
}
