import Bytes
import Foundation
import TestSupport
import Testing

@testable import Archive
@testable import Reader

/// Files stand with their posts in every format, and no name places one elsewhere.
@Suite struct AttachmentTests {
    private struct Sent {
        var id: String
        var name: String
        var outcome: Outcome
        var mimeType = "text/plain"

        enum Outcome {
            case held([UInt8])
            case absent(FileRecord.Reason)
            case unasked
        }
    }

    private static let bytes: [UInt8] = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    private static let words = "From the list\n>From it\n--=_mmvault_x\n"

    /// One post with these files, and one with none.
    private func fixture(_ files: [Sent]) async throws -> Fixture {
        let fixture = try Fixture()
        try await fixture.addPeople()
        var json = JSONWriter()
        json.object { json in
            json.array("files") { json in
                for file in files {
                    json.object {
                        $0.string("id", id(file.id))
                        $0.string("name", file.name)
                        $0.string("mime_type", file.mimeType)
                    }
                }
            }
        }
        var post = Fixture.post("p", message: AttachmentTests.words)
        post.json = post.json.dropLast() + ",\"metadata\":\(json.text)}"
        try await fixture.addPage([post, Fixture.post("q", at: Fixture.first + 1, message: "none")])
        let records = try files.compactMap { file -> FileRecord? in
            let outcome: FileRecord.Outcome
            switch file.outcome {
            case .held(let bytes): outcome = .held(try fixture.store(bytes))
            case .absent(let reason): outcome = .missing(.init(reason, status: 404))
            case .unasked: return nil
            }
            return FileRecord(fileID: id(file.id), postID: id("p"), channelID: id("channel"), outcome: outcome)
        }
        try await ArchiveWriter(fixture.directory).append(
            FileRecord.document(records, channelID: id("channel"), at: Timestamp(milliseconds: Fixture.first)),
            objects: .file)
        return fixture
    }

    private func export(
        _ fixture: Fixture, _ format: ExportFormat, _ out: String = "out", includesFiles: Bool = true
    ) async throws -> [String: [UInt8]] {
        let channels = try fixture.archive.channels().filter { $0.id == id("channel") }
        let request = ExportRequest(format: format, channels: channels, includesFiles: includesFiles)
        _ = try await Export(archive: fixture.archive, reader: fixture.reader()).run(request, to: fixture.scratch[out])
        return try Fixture.files(fixture.scratch[out])
    }

    @Test(arguments: [ExportFormat.markdown, .jsonl]) func aFileIsCopiedBelowTheExport(
        _ format: ExportFormat
    ) async throws {
        let fixture = try await fixture([Sent(id: "one", name: "Übersicht 1.txt", outcome: .held(Self.bytes))])
        let files = try await export(fixture, format)
        let path = "files/\(id("one"))-Übersicht_1.txt"
        #expect(files[path] == Self.bytes)
        let sums = String(decoding: try #require(files["SHA256SUMS"]), as: UTF8.self)
        #expect(sums.contains("\(SHA256Digest(of: Self.bytes))  \(path)\n"))
        let text = String(
            decoding: try #require(files[format == .jsonl ? "posts.jsonl" : "team/channel.md"]), as: UTF8.self)
        #expect(
            text.contains(
                format == .jsonl
                    ? #""sha256":"\#(SHA256Digest(of: Self.bytes))","path":"\#(path)""#
                    : "- file: [Übersicht 1.txt](../files/\(id("one"))-%C3%9Cbersicht_1.txt) (text/plain)\n"))
        #expect(try await export(fixture, format, "again") == files)
    }

    @Test func inAnMbox_TheTextStaysExactAndTheFileIsAPart() async throws {
        let names = ["Übersicht 1.txt", String(repeating: "long", count: 40) + ".pdf"]
        let fixture = try await fixture(
            names.enumerated().map { Sent(id: "f\($0)", name: $1, outcome: .held(Self.bytes)) })
        let files = try await export(fixture, .mbox)
        let mail = try #require(files["team/channel.mbox"])
        try PrivateFile.replace(fixture.scratch["mail"], with: mail)
        let script = """
            import mailbox, email, email.policy, json, sys, base64
            for m in mailbox.mbox(sys.argv[1], factory=lambda f: email.message_from_binary_file(f, policy=email.policy.default)):
                parts = [m] if not m.is_multipart() else list(m.iter_parts())
                print(json.dumps([[p.get_content_type(), p.get_filename() or "", base64.b64encode(p.get_payload(decode=True)).decode(), len(p.defects)] for p in parts]))
            """
        let output = try await StockTool.run("python3", ["-c", script, fixture.scratch["mail"]])
        let mails = try output.split(separator: 0x0A).map { try JSONDocument(Array($0)).root.elements }
        #expect(mails.map(\.count) == [3, 1])
        let parts = mails[0].map(\.elements)
        // What a mail reader sees of the text: mboxrd's quoting is still on it, and the boundary's line end off.
        let quoted = Self.words.replacing("\n>From", with: "\n>>From").replacing("From the", with: ">From the")
        #expect(parts[0][2].string.flatMap(Base64.standard.decode) == Array(quoted.utf8))
        for (part, name) in zip(parts.dropFirst(), names) {
            #expect(part[0].string == "text/plain" && part[3].int == 0)
            #expect(part[1].string == ExportName.component(name))
            #expect(part[2].string.flatMap(Base64.standard.decode) == Self.bytes)
        }
        let text = String(decoding: mail, as: UTF8.self)
        #expect(text.split(separator: "\n").allSatisfy { $0.utf8.count <= 998 })
        // Without files, a mail is what it was.
        let bare = try await export(fixture, .mbox, "bare", includesFiles: false)["team/channel.mbox"]
        let plain = String(decoding: try #require(bare), as: UTF8.self)
        #expect(!plain.contains("multipart"))
        #expect(plain.hasSuffix("\n\nnone\n\n") && text.hasSuffix("\n\nnone\n\n"))
        let reader = MboxReader(try #require(bare))
        #expect(reader.complaints.isEmpty && reader.messages[0].text == Array(Self.words.utf8))
    }

    @Test(arguments: ExportFormat.allCases) func whatIsNotHeldSaysWhy(_ format: ExportFormat) async throws {
        let fixture = try await fixture([
            Sent(id: "gone", name: "a", outcome: .absent(.gone)),
            Sent(id: "big", name: "b", outcome: .absent(.tooLarge)),
            Sent(id: "new", name: "c", outcome: .unasked), Sent(id: "bad", name: "d", outcome: .held([1, 2, 3])),
        ])
        try fixture.damageContent([1, 2, 3])
        let files = try await export(fixture, format)
        let name = format == .jsonl ? "posts.jsonl" : "team/channel.\(format.fileExtension)"
        let text = String(decoding: try #require(files[name]), as: UTF8.self)
        for why in [
            FileRecord.Reason.gone.words, FileRecord.Reason.tooLarge.words, "it was never fetched",
            "its content is damaged",
        ] { #expect(text.contains(why), "\(why)") }
        #expect(!files.keys.contains { $0.hasPrefix("files/") })
        let counts = try JSONDocument(try #require(files["manifest.json"])).root["counts"]
        #expect(counts?["files"]?.int == 0 && counts?["missing_files"]?.int == 4)
    }

    @Test(arguments: ExportFormat.allCases) func noNamePlacesAFileElsewhere(_ format: ExportFormat) async throws {
        let names =
            hostileNames + ["../../../x", "/etc/passwd", "..", "CON", "a/b", "files", "x\".exe", "a;b=c", "%2e%2e/"]
        let fixture = try await fixture(
            names.enumerated().map {
                Sent(id: "f\($0)z", name: $1, outcome: .held([UInt8($0)]), mimeType: "message/rfc822\nX-Evil: 1")
            })
        let files = try await export(fixture, format)
        let copies = files.keys.filter { $0.hasPrefix("files/") }
        #expect(copies.count == (format == .mbox ? 0 : names.count))
        for path in copies {
            #expect(path.split(separator: "/").count == 2 && path.utf8.count < 200)
            #expect(path.dropFirst(6).prefix(27).hasSuffix("-") && !path.contains("\n"))
        }
        let allowed: Set<String> = ["team", "files"]
        #expect(files.keys.allSatisfy { !$0.contains("/") || allowed.contains(String($0.prefix { $0 != "/" })) })
        if format == .mbox {
            let mail = String(decoding: try #require(files["team/channel.mbox"]), as: UTF8.self)
            #expect(!mail.contains("\nX-Evil") && !mail.contains("Content-Type: message"))
        }
    }
}

extension Fixture {
    /// Puts a content into the vault, as a pull does.
    func store(_ bytes: [UInt8]) throws -> FileContent {
        let part = try PartialFile(FileStore(directory), fileID: id("part"))
        try part.begin(.init(length: Int64(bytes.count), lastModified: ""))
        try part.append(bytes)
        return try part.finish()
    }

    func damageContent(_ bytes: [UInt8]) throws {
        let digest = SHA256Digest(of: bytes)
        try PrivateFile.replace(FileStore(directory).path(of: digest), with: [UInt8](repeating: 0, count: bytes.count))
    }
}
