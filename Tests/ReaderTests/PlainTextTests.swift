import Bytes
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// Whatever text the archive holds is shown, as what it is; and where there is none, nobody is told that it was empty.
@Suite struct PlainTextTests {
    private typealias Sent = (id: String, json: String)

    private func post(
        _ word: String, _ at: Int64 = 0, message: String = "", type: String = "", props: String = "{}",
        original: String = "", deleteAt: Int64 = 0
    ) -> Sent {
        let post = Fixture.post(
            word, original: original, at: Fixture.first + at, deleteAt: deleteAt, type: type, message: message)
        return (post.id, post.json.replacing("\"props\":{}", with: "\"props\":\(props)"))
    }

    private func fixture(_ posts: [Sent]) async throws -> Fixture {
        let fixture = try Fixture()
        try await fixture.addPeople()
        try await fixture.addPage(posts)
        return fixture
    }

    private func read(_ posts: [Sent]) async throws -> [ReadPost] {
        try await fixture(posts).read(PostQuery(channelID: id("channel")))
    }

    private func export(
        _ fixture: Fixture, _ format: ExportFormat, _ name: String, includesUnverified: Bool = false
    ) async throws -> (text: String, manifest: JSONValue) {
        let channels = try fixture.archive.channels().filter { $0.id == id("channel") }
        _ = try await Export(archive: fixture.archive, reader: fixture.reader()).run(
            ExportRequest(format: format, channels: channels, includesUnverified: includesUnverified),
            to: fixture.scratch[name])
        let files = try Fixture.files(fixture.scratch[name])
        let texts = files.filter { !["manifest.json", "SHA256SUMS"].contains($0.key) }
        return (
            texts.values.map { String(decoding: $0, as: UTF8.self) }.joined(),
            try JSONDocument(try #require(files["manifest.json"])).root
        )
    }

    // MARK: Clear text in an encrypted post

    @Test(arguments: ["Lunch at one", "Encrypted messages", "Encrypted message 12 and more", "encrypted message", " "])
    func clearTextOfAnEncryptedPostIsUnverified(_ text: String) async throws {
        let read = try #require(try await read([post("p", message: text, type: "custom_e2ee")]).first)
        #expect(read.text == .unverified(UnverifiedText(Array(text.utf8))))
        #expect(read.verdict == Verdict(authenticity: .unchecked, content: .missingPayload))
        #expect(read.reason.contains("not encrypted and not signed") && read.signer == nil)
    }

    @Test(arguments: [
        "", "Encrypted message", "Encrypted message 2763413250", "Encrypted message 0.7136", "Encrypted message 1.2e-7",
    ])
    func thePlaceholderIsNoText(_ text: String) async throws {
        let read = try #require(try await read([post("p", message: text, type: "custom_e2ee")]).first)
        #expect(read.text == .unreadable && read.reason == "an encrypted post without a payload")
    }

    @Test func aTextBesideAPayloadThatNobodyCanRead_IsUnverified() async throws {
        let payloads: [(String, Content)] = [
            (#"{"e2ee":{"version":2}}"#, .unsupportedVersion), (#"{"e2ee":{}}"#, .malformed),
            (#"{"e2ee":null}"#, .malformed), (#"{"e2ee":[]}"#, .malformed), ("{}", .missingPayload),
        ]
        for (props, content) in payloads {
            for (text, isShown) in [("Lunch at one", true), ("Encrypted message 0.7136", false), ("", false)] {
                let posts = try await read([post("p", message: text, type: "custom_e2ee", props: props)])
                let read = try #require(posts.first)
                #expect(read.verdict == Verdict(authenticity: .unchecked, content: content), "\(props)")
                #expect(read.text == (isShown ? .unverified(UnverifiedText(Array(text.utf8))) : .unreadable))
                #expect(read.reason.contains("not encrypted and not signed") == isShown, "\(read.reason)")
            }
        }
    }

    @Test func aTextBesideAMessageIsNotShown() async throws {
        let fixture = try Fixture()
        try await fixture.addPeople()
        let payload = Fixture.payload("secret", from: fixture.bob, to: [fixture.stranger.publicKey])
        try await fixture.addPage([
            Fixture.post("p", by: "bob", type: "custom_e2ee", message: "decoy", payload: payload)
        ])
        let read = try await fixture.read(PostQuery(channelID: id("channel")))
        #expect(read.map(\.text) == [.unreadable] && read.map(\.verdict.content) == [.notForUs])
    }

    @Test(arguments: ExportFormat.allCases) func clearTextIsWithheldUnlessAskedFor(_ format: ExportFormat) async throws
    {
        let fixture = try await fixture([post("p", message: "Lunch at one", type: "custom_e2ee")])
        let withheld = try await export(fixture, format, "out")
        #expect(!withheld.text.contains("Lunch"))
        #expect(withheld.manifest["counts"]?["withheld"]?.int == 1)
        let shown = try await export(fixture, format, "more", includesUnverified: true)
        #expect(shown.text.contains("Lunch at one") && shown.text.contains("not encrypted and not signed"))
        #expect(shown.manifest["counts"]?["unverified"]?.int == 1 && shown.manifest["counts"]?["exported"]?.int == 0)
        if format != .jsonl { #expect(shown.text.contains("NOT VERIFIED")) }
    }

    @Test func clearTextIsFound_AsWhatItIs() async throws {
        let fixture = try await fixture([post("p", message: "Lunch at one", type: "custom_e2ee")])
        let (hits, _) = try await fixture.search().find(try SearchQuery("lunch", today: today), limit: 5)
        #expect(hits.map(\.post.text) == [.unverified(UnverifiedText(Array("Lunch at one".utf8)))])
    }

    // MARK: Attachments

    private static let attachments = #"""
        {"attachments":[
          {"fallback":"not shown","pretext":"Build","author_name":"CI","title":"#7","title_link":"http://ci/7",
           "text":"It *failed*.","fields":[{"title":"Branch","value":"main","short":true},{"value":12},{}],"footer":"CI 2"},
          {"fallback":"the fallback"}, {"title_link":"http://ci"}, {"text":{"no":"text"}}, 7, null
        ]}
        """#

    @Test func attachmentsArePartOfTheText() async throws {
        let words = """
            Build
            CI
            #7 (http://ci/7)
            It *failed*.
            Branch: main
            12
            CI 2

            the fallback

            http://ci
            """
        let posts = [
            post("a", 1, type: "slack_attachment", props: Self.attachments),
            post("b", 2, message: "See:", props: Self.attachments),
            post("c", 3, message: "none", props: #"{"attachments":{"text":"x"}}"#),
            // Not beside a payload that is missing: there it would pass for the message.
            post("d", 4, type: "custom_e2ee", props: Self.attachments),
        ]
        #expect(
            try await read(posts).map(\.text) == [
                .plain(words), .plain("See:\n\n\(words)"), .plain("none"), .unreadable,
            ])
        let fixture = try await fixture(posts)
        #expect(try await fixture.find("branch main") == ["b", "a"])
        #expect(try await export(fixture, .mbox, "out").text.contains("\n\n\(words)\n\nFrom mmvault"))
    }

    // MARK: Events

    @Test(arguments: [
        ("system_join_channel", "{}", "joined the channel"),
        ("system_leave_team", #"{"username":"bob"}"#, "left the team"),
        ("system_add_to_channel", #"{"addedUsername":"carol"}"#, "added @carol to the channel"),
        ("system_remove_from_channel", #"{"removedUsername":7}"#, "removed somebody from the channel"),
        (
            "system_header_change", #"{"old_header":"a","new_header":"b"}"#,
            "changed the channel's header from “a” to “b”"
        ),
        ("system_header_change", #"{"old_header":"a","new_header":""}"#, "removed the channel's header “a”"),
        ("system_purpose_change", #"{"old_purpose":"","new_purpose":"b"}"#, "changed the channel's purpose to “b”"),
        ("system_displayname_change", "{}", "changed the channel's name"),
        ("system_something_new", "{}", "(system_something_new)"),
    ])
    func anEventWithoutWordsIsToldByItsType(_ type: String, _ props: String, _ words: String) async throws {
        let fixture = try await fixture([post("p", type: type, props: props)])
        let read = try #require(try await fixture.read(PostQuery(channelID: id("channel"))).first)
        #expect(read.text == .plain(words) && read.isToldByType)
        for format in ExportFormat.allCases {
            let text = try await export(fixture, format, format.rawValue).text
            #expect(text.contains(words) && !text.contains("(no text)"), "\(format)")
        }
    }

    @Test func theServersOwnWordsStay() async throws {
        let read = try await read([
            post("p", message: "bob joined the channel.", type: "system_join_channel", props: #"{"username":"bob"}"#)
        ])
        #expect(read.map(\.text) == [.plain("bob joined the channel.")] && read.map(\.isToldByType) == [false])
    }

    // MARK: Unknown texts

    @Test func whatTheServerTookOutIsUnknown_AndWhatIsEmptyIsEmpty() async throws {
        let read = try await read([
            post("now", 1, message: "now"), post("old", 1, original: "now", deleteAt: Fixture.first + 9),
            post("kept", 1, message: "said", original: "now", deleteAt: Fixture.first + 9),
            post("tomb", 2, deleteAt: Fixture.first + 9), post("file", 3),
        ])
        let texts = Dictionary(uniqueKeysWithValues: read.map { ($0.header.id, $0.text) })
        #expect(
            texts == [
                id("now"): .plain("now"), id("old"): .unknown, id("kept"): .plain("said"), id("tomb"): .unknown,
                id("file"): .plain(""),
            ])
        #expect(
            read.filter { $0.text == .unknown }.map(\.reason) == [
                "the server does not say what", "the server no longer says what",
            ])
    }

    @Test func everyExportSaysThatATextIsUnknown() async throws {
        let fixture = try await fixture([post("tomb", deleteAt: Fixture.first + 9)])
        for format in ExportFormat.allCases {
            let (text, manifest) = try await export(fixture, format, format.rawValue)
            let counts = try #require(manifest["counts"])
            #expect(counts["unknown"]?.int == 1 && counts["exported"]?.int == 0, "\(format)")
            #expect(text.contains("the server no longer says what") && !text.contains("(no text)"), "\(format)")
            switch format {
            case .jsonl: #expect(text.contains(#""text":null"#))
            case .mbox: #expect(text.contains("\nX-Mattermost-Text: unknown\n"))
            case .markdown: #expect(text.contains("> *\\[Text unknown (the server no longer says what)\\]*"))
            }
        }
    }
}
