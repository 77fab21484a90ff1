import Bytes
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// What stood above a channel, and who was in it, goes with every export.
@Suite struct ChannelPastTests {
    private static let day: Int64 = 86_400_000

    /// A header that changed, a purpose that was taken away, and a member who left, a day each.
    private func fixture() async throws -> Fixture {
        let fixture = try Fixture()
        try await fixture.addPeople()
        func keep(_ json: String, _ kind: DocumentKind, _ objects: ObjectKind, day: Int64) async throws {
            try await fixture.append(
                ReceivedDocument(
                    kind: kind, request: "GET /x", channelID: nil,
                    receivedAt: Timestamp(milliseconds: Fixture.first + day * Self.day), body: Array(json.utf8)),
                objects: objects)
        }
        func channel(_ header: String, _ purpose: String, day: Int64) async throws {
            let json =
                #"[{"id":"\#(id("channel"))","type":"O","team_id":"\#(id("team"))","name":"channel","#
                + #""display_name":"channel!","header":"\#(header)","purpose":"\#(purpose)","total_msg_count":\#(day)}]"#
            try await keep(json, .channels, .channel, day: day)
        }
        try await channel("Ship on *Friday*", "Ships", day: 1)
        try await channel("Ship on *Friday*", "Ships", day: 2)
        try await channel("Shipped", "", day: 3)
        let members = ["alice", "bob"].map { #"{"channel_id":"\#(id("channel"))","user_id":"\#(id($0))"}"# }
        try await keep("[\(members.joined(separator: ","))]", .members, .member, day: 1)
        let absence = Absence(id: "\(id("channel")):\(id("bob"))", what: .member, reason: .notListed)
        try await fixture.append(
            Absence.document([absence], at: Timestamp(milliseconds: Fixture.first + 2 * Self.day)), objects: .absence)
        try await fixture.addPage([Fixture.post("p", message: "text")])
        return fixture
    }

    private func at(_ day: Int64) -> Timestamp { Timestamp(milliseconds: Fixture.first + day * Self.day) }

    @Test func theArchiveTellsWhatStoodAboveAChannelAndSinceWhen() async throws {
        let past = try await fixture().archive.past(ofChannel: id("channel"))
        #expect(
            past.headers == [
                .init(text: "Ship on *Friday*", since: at(1), until: at(3)), .init(text: "Shipped", since: at(3)),
            ])
        #expect(past.purposes == [.init(text: "Ships", since: at(1), until: at(3))])
        #expect(
            past.members == [
                .init(userID: id("alice"), since: at(1), left: nil),
                .init(userID: id("bob"), since: at(1), left: at(2)),
            ])
        #expect(try await fixture().archive.past(ofChannel: id("second")) == ChannelPast())
    }

    @Test(arguments: ExportFormat.allCases) func itStandsInTheManifestOfEveryExport(_ format: ExportFormat) async throws
    {
        let fixture = try await fixture()
        _ = try await Export(archive: fixture.archive, reader: fixture.reader()).run(
            ExportRequest(format: format, channels: try fixture.archive.channels()), to: fixture.scratch["out"])
        let files = try Fixture.files(fixture.scratch["out"])
        let channels = try JSONDocument(try #require(files["manifest.json"])).root["channels"]?.elements ?? []
        let channel = try #require(channels.first { $0["id"]?.string == id("channel") })
        func written(_ name: String) -> String? {
            channel.members.first { $0.key == name }.map { String(decoding: $0.value.bytes, as: UTF8.self) }
        }
        let times = (0...3).map { at($0).milliseconds }
        #expect(
            written("headers") == #"[{"text":"Ship on *Friday*","since":\#(times[1]),"until":\#(times[3])},"#
                + #"{"text":"Shipped","since":\#(times[3]),"until":null}]"#)
        #expect(written("purposes") == #"[{"text":"Ships","since":\#(times[1]),"until":\#(times[3])}]"#)
        #expect(
            written("members")
                == #"[{"user_id":"\#(id("alice"))","username":"alice","since":\#(times[1]),"left":null},"#
                + #"{"user_id":"\#(id("bob"))","username":"bob","since":\#(times[1]),"left":\#(times[2])}]"#)
        guard format == .markdown else { return }
        let text = String(decoding: try #require(files["team/channel.md"]), as: UTF8.self)
        #expect(
            text.contains(
                """

                - header (seen since 2026-11-26): Shipped
                - header (seen 2026-11-24, no longer on 2026-11-26): Ship on \\*Friday\\*
                - purpose (seen 2026-11-24, no longer on 2026-11-26): Ships
                - members: @alice (seen 2026-11-24), @bob (seen 2026-11-24, no longer on 2026-11-25)

                ## 2026-11-23
                """))
        #expect(!String(decoding: try #require(files["team/second.md"]), as: UTF8.self).contains("\n- "))
    }

    @Test func theHeadStaysShort_AndSaysWhatItLeavesOut() {
        var past = ChannelPast()
        past.headers = (1...30).map { .init(text: "header \($0)", since: at($0)) }
        past.members = (1...30).map { .init(userID: "u\($0)", since: at($0), left: nil) }
        let people = ExportPeople(
            account: Account(server: "https://chat.example.org", userID: "a", username: "a"), users: [], teams: [])
        let lines = MarkdownHead.lines(past, people)
        #expect(lines.count == 22 && lines[0].hasSuffix("header 30") && lines[20] == "10 more headers in manifest.json")
        #expect(lines[21].hasSuffix(", 10 more in manifest.json"))
    }

    @Test func aFilesAbsenceIsSaidInWords() async throws {
        let fixture = try await fixture()
        let digest = SHA256Digest(of: [])
        let outcomes: [(String, FileRecord.Outcome)] = [
            ("gone", .missing(.init(.gone, status: 404))), ("refused", .missing(.init(.refused, status: 403))),
            ("held", .held(FileContent(sha256: digest, size: 0))),
        ]
        let records = outcomes.map {
            FileRecord(fileID: id($0.0), postID: id("p"), channelID: id("channel"), outcome: $0.1)
        }
        try await fixture.append(
            FileRecord.document(records, channelID: id("channel"), at: at(1)), objects: .file)
        let archive = try fixture.archive
        func why(_ fileID: String) throws -> String? {
            try archive.reasonMissing(AttachedFile(id: fileID, name: nil, size: nil, mimeType: nil))
        }
        #expect(try why(id("gone")) == "the server has it no longer")
        #expect(try why(id("refused")) == "the server does not hand it out")
        #expect(try why(id("held")) == nil)
        #expect(try why(id("other")) == "it was never fetched" && why("../x") == "it was never fetched")
    }
}
