import Bytes
import Foundation
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

@Suite("Exports of an archive")
struct ExportTests {
    /// Two channels: a thread with an edit, a deletion, a stranger's words, a malformed post, plain ones.
    private func fixture() async throws -> Fixture {
        let fixture = try Fixture()
        try await fixture.addPeople()
        try await fixture.addKeys("bob", [fixture.bob.publicKey])
        let at = Fixture.first
        func sealed(_ text: String, _ sender: PrivateKey) -> String {
            Fixture.payload(text, from: sender, to: [fixture.own.publicKey])
        }
        try await fixture.addPage([
            Fixture.post("root", at: at, type: "custom_e2ee", payload: sealed("the question", fixture.bob)),
            Fixture.post(
                "reply", root: "root", at: at + 1000, editAt: at + 5000, type: "custom_e2ee",
                payload: sealed("the answer", fixture.bob)),
            Fixture.post(
                "old", root: "root", original: "reply", at: at + 1000, deleteAt: at + 5000, type: "custom_e2ee",
                payload: sealed("the anser", fixture.bob)),
            Fixture.post(
                "forged", at: at + 2000, type: "custom_e2ee", payload: sealed("forged words", fixture.stranger)),
            Fixture.post("bad", at: at + 3000, type: "custom_e2ee", payload: "{\"version\":1}"),
            Fixture.post("gone", by: "carol", at: at + 4000, message: "was here"),
        ])
        try await fixture.addPage([Fixture.post("gone", by: "carol", at: at + 4000, deleteAt: at + 9000)])
        try await fixture.addPage(
            [Fixture.post("plain", by: "carol", in: "second", at: at + 500, message: "plain words")], channel: "second")
        return fixture
    }

    private func run(
        _ fixture: Fixture, _ format: ExportFormat, _ name: String = "out", channels: [String] = ["channel", "second"],
        users: [String]? = nil, createAt: Range<Int64> = 0..<Int64.max, includesUnverified: Bool = false
    ) async throws -> [String: [UInt8]] {
        let known = try fixture.archive.channels()
        let request = ExportRequest(
            format: format, channels: channels.compactMap { word in known.first { $0.id == id(word) } },
            userIDs: users.map { $0.map { id($0) } }, createAt: createAt, includesUnverified: includesUnverified,
            asked: [("channel", "both")])
        _ = try await Export(archive: fixture.archive, reader: fixture.reader()).run(request, to: fixture.scratch[name])
        return try Fixture.files(fixture.scratch[name])
    }

    private func manifest(_ files: [String: [UInt8]]) throws -> JSONValue {
        try JSONDocument(try #require(files["manifest.json"])).root
    }

    @Test(
        "the same archive gives the same bytes, and the manifest tells what there is", arguments: ExportFormat.allCases)
    func same(_ format: ExportFormat) async throws {
        let fixture = try await fixture()
        let files = try await run(fixture, format)
        #expect(try await run(fixture, format, "again") == files)
        let data =
            format == .jsonl
            ? ["posts.jsonl"] : ["team/channel.\(format.fileExtension)", "team/second.\(format.fileExtension)"]
        #expect(Set(files.keys) == Set(data + ["SHA256SUMS", "manifest.json"]))
        let manifest = try manifest(files)
        #expect(manifest["complete"]?.bool == true && manifest["format"]?.string == format.rawValue)
        #expect(manifest["archive"]?["head"]?.string == (try fixture.archive.head().hash))
        let counts = try #require(manifest["counts"])
        #expect(counts["posts"]?.int == 8 && counts["exported"]?.int == 5 && counts["withheld"]?.int == 1)
        #expect(counts["unknown"]?.int == 1)
        #expect(counts["unverified"]?.int == 0 && counts["not_readable"]?["malformed"]?.int == 1)
        #expect(counts["states"]?.members.map { $0.value.int ?? 0 } == [5, 1, 1, 1])
        #expect(manifest["channels"]?.elements.compactMap { $0["counts"]?["posts"]?.int } == [7, 1])
        #expect(manifest["channels"]?.elements.compactMap { $0["file"]?.string } == (data + data).prefix(2).map { $0 })
        let entries = try #require(manifest["files"]?.elements)
        #expect(entries.compactMap { $0["name"]?.string } == data + ["SHA256SUMS"])
        for entry in entries {
            let bytes = try #require(files[entry["name"]?.string ?? ""])
            #expect(entry["size"]?.int == Int64(bytes.count))
            #expect(entry["sha256"]?.string == SHA256Digest(of: bytes).description)
        }
        let sums = data.map { "\(SHA256Digest(of: files[$0] ?? []))  \($0)\n" }.joined()
        #expect(files["SHA256SUMS"].map { String(decoding: $0, as: UTF8.self) } == sums)
    }

    @Test("a stranger's words are in no file unless asked for, and then they are", arguments: ExportFormat.allCases)
    func withheld(_ format: ExportFormat) async throws {
        let fixture = try await fixture()
        func holds(_ files: [String: [UInt8]], _ text: String) -> Bool {
            files.values.contains { String(decoding: $0, as: UTF8.self).contains(text) }
        }
        let files = try await run(fixture, format)
        #expect(!holds(files, "forged words") && holds(files, "the answer") && holds(files, "was here"))
        let more = try await run(fixture, format, "more", includesUnverified: true)
        #expect(holds(more, "forged words"))
        #expect(try manifest(more)["counts"]?["unverified"]?.int == 1)
        #expect(try manifest(more)["includes_unverified"]?.bool == true)
    }

    @Test("JSON Lines hold one object a post, in order of time, with null where there is no text")
    func jsonLines() async throws {
        let files = try await run(try await fixture(), .jsonl, channels: ["channel"])
        let lines = try #require(files["posts.jsonl"]).split(separator: 0x0A).map { try JSONDocument(Array($0)).root }
        #expect(
            lines.map { $0["id"]?.string } == ["root", "reply", "old", "forged", "bad", "gone", "gone"].map { id($0) })
        #expect(
            lines.map { $0["text"]?.string } == ["the question", "the answer", "the anser", nil, nil, nil, "was here"])
        #expect(
            lines.map { $0["state"]?.string } == ["live", "live", "revision", "live", "live", "deleted", "earlier"])
        #expect(lines[5]["authenticity"]?.isNull == true && lines[3]["authenticity"]?.string == "signatureInvalid")
    }

    @Test("users, times and channels narrow an export")
    func filters() async throws {
        let fixture = try await fixture()
        func ids(_ files: [String: [UInt8]]) throws -> Set<String> {
            Set(
                try #require(files["posts.jsonl"]).split(separator: 0x0A).map {
                    try JSONDocument(Array($0)).root["id"]?.string ?? ""
                })
        }
        #expect(try ids(await run(fixture, .jsonl, "a", users: ["carol"])) == [id("gone"), id("plain")])
        #expect(try ids(await run(fixture, .jsonl, "b", channels: ["second"])) == [id("plain")])
        let range = Fixture.first + 1000..<Fixture.first + 3000
        #expect(try ids(await run(fixture, .jsonl, "c", createAt: range)) == [id("reply"), id("old"), id("forged")])
        #expect(try ids(await run(fixture, .jsonl, "d", users: [])) == [])
    }

    @Test("a damaged document ends an export, which stays marked as incomplete", arguments: ExportFormat.allCases)
    func damaged(_ format: ExportFormat) async throws {
        let fixture = try await fixture()
        let last = try fixture.archive.head().documents
        try fixture.damageBody(of: last)
        await #expect {
            try await run(fixture, format)
        } throws: { error in
            guard case .damagedDocument(last, _) = error as? ArchiveError else { return false }
            return true
        }
        let names = PrivateFile.names(in: fixture.scratch["out"])
        #expect(names.contains("INCOMPLETE") && !names.contains("manifest.json") && !names.contains("SHA256SUMS"))
    }

    @Test("a cancelled export stays marked as incomplete")
    func cancelled() async throws {
        let fixture = try await fixture()
        let export = Export(archive: try fixture.archive, reader: try fixture.reader())
        let request = ExportRequest(format: .mbox, channels: try fixture.archive.channels())
        let path = fixture.scratch["out"]
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try await export.run(request, to: path)
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        let names = PrivateFile.names(in: fixture.scratch["out"])
        #expect(!names.contains("manifest.json") && names.contains("INCOMPLETE"))
    }
}
