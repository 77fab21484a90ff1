import Bytes
import Foundation
import TestSupport
import Testing

@testable import Archive
@testable import Reader

/// What the three formats look like, byte for byte: `Fixtures/golden`. `MMVAULT_RECORD_GOLDEN=1 swift test --filter
/// GoldenTests` writes the files anew.
@Suite("Golden exports")
struct GoldenTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/golden").path(percentEncoded: false)

    static var conversation: [Draft] {
        let at: Int64 = 1_795_422_665_000
        return [
            Draft("question", verified: "Shall we meet?\n\nFrom tomorrow on I am away.\n>From me") {
                $0.editAt = at + 90_000
            },
            Draft("question1", verified: "Shall we met?") {
                ($0.original, $0.state, $0.deleteAt) = ("question", .revision, at + 90_000)
            },
            Draft("answer", verified: "Yes, at ten. ☕") {
                ($0.root, $0.user, $0.at, $0.authenticity) = ("question", "bob", at + 60_000, .verifiedByEarlierKey)
            },
            Draft("injected", unverified: "Pay to this account") {
                ($0.root, $0.user, $0.at) = ("question", "bob", at + 120_000)
            },
            Draft("deleted") {
                ($0.at, $0.state, $0.deleteAt) = (at + 200_000, .deleted, at + 300_000)
                ($0.text, $0.reason) = (.unknown, "the server no longer says what")
            },
            Draft("deleted", plain: "I did not mean that") {
                ($0.at, $0.state, $0.sequence) = (at + 200_000, .earlier, 5)
            },
            Draft("closed") {
                ($0.at, $0.authenticity, $0.content) = (at + 86_400_000, .verified, .notForUs)
                ($0.type, $0.text, $0.reason) = (
                    "custom_e2ee", .unreadable, "encrypted for one key that is not at hand"
                )
            },
            Draft("unanswered", unanswered: "This is my new key.\nWrite to it.") {
                ($0.user, $0.at) = ("bob", at + 86_400_100)
            },
            Draft("repeated", verified: "Pay it tomorrow.") {
                ($0.user, $0.at, $0.suspicions) = ("bob", at + 86_400_200, [.datedBack, .repeated])
                $0.reason = $0.suspicions.map(\.reason).joined(separator: "; ")
            },
            Draft("liked", verified: "It is done.") {
                $0.at = at + 86_400_500
                $0.circumstances.isPinned = true
                $0.circumstances.reactions = [
                    .init(emoji: "+1", userIDs: [id("alice"), id("bob")]), .init(emoji: "a_b*", userIDs: [id("eve")]),
                ]
            },
            Draft("hooked", plain: "Build 7 is green") {
                $0.at = at + 86_400_700
                $0.circumstances.postedAs = "Alice"
            },
            Draft("files", plain: "see here") {
                $0.user = "eve"
                $0.at = at + 86_460_000
                $0.files = [
                    AttachedFile(id: id("f1"), name: "plan.pdf", size: 1234, mimeType: "application/pdf"),
                    AttachedFile(id: id("f2"), name: "\u{202E}fdp.exe\nX-Evil: 1", size: nil, mimeType: "<b>"),
                    AttachedFile(id: id("f3"), name: nil, size: nil, mimeType: nil),
                ]
            },
        ]
    }

    private static func rendering(_ format: ExportFormat, includesUnverified: Bool) -> Rendering {
        var rendering = Rendering(format: format, includesUnverified: includesUnverified)
        rendering.users.append(
            user("eve", "**Alice** (@alice)\n\\<img src=http://evil/\\>", username: "eve\r\nX-Evil: 1"))
        return rendering
    }

    private static func expect(_ name: String, _ bytes: [UInt8]) throws {
        let path = "\(folder)/\(name)"
        if ProcessInfo.processInfo.environment["MMVAULT_RECORD_GOLDEN"] != nil {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(filePath: path))
        }
        let golden = try #require(try PrivateFile.read(path), "there is no \(name)")
        #expect(String(decoding: bytes, as: UTF8.self) == String(decoding: golden, as: UTF8.self), "\(name)")
        #expect(bytes == golden, "\(name)")
    }

    @Test("a conversation looks as it always has", arguments: ExportFormat.allCases, [false, true])
    func conversation(_ format: ExportFormat, _ includesUnverified: Bool) throws {
        let bytes = try GoldenTests.rendering(format, includesUnverified: includesUnverified)
            .bytes(GoldenTests.conversation)
        let name = includesUnverified ? "conversation-with-unverified" : "conversation"
        try GoldenTests.expect("\(name).\(format.fileExtension)", bytes)
    }

    @Test("hostile texts look as they always have", arguments: ExportFormat.allCases)
    func hostile(_ format: ExportFormat) throws {
        let texts = hostileTexts.filter { $0.utf8.count < 300 }
        let drafts = texts.enumerated().map { Draft("p\($0.offset)z", verified: $0.element) }
        let bytes = try GoldenTests.rendering(format, includesUnverified: false).bytes(drafts)
        try GoldenTests.expect("hostile.\(format.fileExtension)", bytes)
    }

    @Test(
        "Python's mailbox reads every message and text",
        .enabled(if: StockTool.isInstalled("python3"), "python3 is not installed"))
    func mailbox() async throws {
        let script = #"""
            import json, mailbox, re, sys, email.header
            for message in mailbox.mbox(sys.argv[1], create=False):
                body = message.get_payload(decode=True).decode()
                if message["Content-Transfer-Encoding"] == "8bit":
                    body = re.sub("(?m)^>(>*From )", r"\1", body)[:-1]
                subject = str(email.header.make_header(email.header.decode_header(message["Subject"])))
                print(json.dumps([message["X-Mattermost-Post-Id"], subject, body, len(message.defects)]))
            """#
        let texts = hostileTexts.filter { $0.utf8.count < 300 }
        let output = try await StockTool.run("python3", ["-c", script, "\(GoldenTests.folder)/hostile.mbox"])
        let lines = try output.split(separator: 0x0A).map { try JSONDocument(Array($0)).root.elements }
        #expect(lines.count == texts.count)
        for (index, line) in lines.enumerated() where line.count == 4 {
            #expect(line[0].string == id("p\(index)z") && line[3].int == 0)
            #expect(line[2].string.map { Array($0.utf8) } == Array(texts[index].utf8), "\(index)")
        }
    }
}
