import Foundation
import Testing

@testable import Archive
@testable import Reader

@Suite("mbox")
struct MboxTests {
    private let names: Set<String> = [
        "From", "To", "Date", "Subject", "Message-ID", "In-Reply-To", "References", "List-Id", "X-Mattermost-Post-Id",
        "X-Mattermost-Channel-Id", "X-Mattermost-User-Id", "X-Mattermost-Root-Id", "X-Mattermost-Original-Id",
        "X-Mattermost-Type", "X-Mattermost-State", "X-Mattermost-Authenticity", "X-Mattermost-Content",
        "X-Mattermost-Key-Id", "X-Mattermost-Reason", "X-Mattermost-Text", "X-Mattermost-Create-At",
        "X-Mattermost-Edit-At", "X-Mattermost-Delete-At", "X-Mattermost-Absent", "X-Mattermost-File-In",
        "X-Mattermost-Channel-Absent", "X-Mattermost-Pinned", "X-Mattermost-Posted-As", "X-Mattermost-Reaction",
        "X-Mattermost-File", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding",
    ]

    @Test("undoing the quoting gives back every text exactly")
    func texts() throws {
        let drafts = hostileTexts.enumerated().map { Draft("p\($0.offset)", verified: $0.element) }
        let mbox = MboxReader(try Rendering(format: .mbox).bytes(drafts))
        #expect(mbox.complaints == [])
        #expect(mbox.messages.count == hostileTexts.count)
        for (message, text) in zip(mbox.messages, hostileTexts) { #expect(message.text == Array(text.utf8)) }
    }

    @Test("any text of pieces that matter comes back")
    func random() throws {
        var random = Seeded(2)
        let pieces = [
            "From ", ">", "\n", "\n\n", "\r", "\0", "x", " ", "From", "é", ":", "=?",
            String(repeating: "y", count: 500),
        ]
        let texts = (0..<2000).map { _ in
            (0..<Int.random(in: 0...12, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
                .joined()
        }
        let drafts = texts.enumerated().map { Draft("p\($0.offset)", plain: $0.element) }
        let mbox = MboxReader(try Rendering(format: .mbox).bytes(drafts))
        #expect(mbox.complaints == [])
        #expect(mbox.messages.map(\.text) == texts.map { Array($0.utf8) })
    }

    @Test("a text that a mail carries stands there as it is, another one in base64 of 76 columns")
    func encodings() throws {
        let texts = ["a\nFrom b", String(repeating: "x", count: 990), String(repeating: "x", count: 991), "a\rb", "\0"]
        let mbox = MboxReader(try Rendering(format: .mbox).bytes(texts.map { Draft("p", plain: $0) }))
        let encodings = mbox.messages.map { $0["Content-Transfer-Encoding"] }
        #expect(encodings == ["8bit", "8bit", "base64", "base64", "base64"])
        #expect(mbox.messages[2].body.split(separator: 0x0A).map(\.count).max() == 76)
    }

    @Test("no name adds a header, and every name comes back", arguments: hostileNames)
    func injection(_ name: String) throws {
        var rendering = Rendering(format: .mbox)
        rendering.users = [user("alice", name, username: name)]
        rendering.channel = .named(name, display: name)
        rendering.server = "https://\(name)"
        let draft = Draft("p", plain: name) {
            $0.type = "custom_\(name)"
            $0.reason = "because \(name)"
            $0.circumstances.isPinned = true
            $0.circumstances.postedAs = name
            let maker = CustomEmoji(id: id("e"), name: name, creatorID: name, createAt: 0)
            $0.circumstances.reactions = [.init(emoji: name, userIDs: [id("alice")], custom: maker)]
            $0.root = "root"
            $0.files = [AttachedFile(id: name, name: name, size: 5, mimeType: name)]
        }
        let mbox = MboxReader(try rendering.bytes([draft]))
        #expect(mbox.complaints == [])
        let message = try #require(mbox.messages.first)
        #expect(mbox.messages.count == 1)
        #expect(message.headers.map(\.name).filter { !names.contains($0) } == [])
        #expect(message.headers.count == 26, "\(message.headers.map(\.name))")
        #expect(Set(message.headers.map(\.name)).count == message.headers.count)
        var complaints: [String] = []
        let shown = SafeText.line(user("alice", name, username: name).displayName)
        let from = try #require(message["From"])
        let address = try #require(from.range(of: " <", options: .backwards))
        #expect(MboxReader.unquoted(String(from[..<address.lowerBound]), complaints: &complaints) == shown)
        let atoms = from[address.upperBound...].dropLast()
        #expect(atoms.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-@".contains($0)) }, "\(atoms)")
        #expect(atoms.count { $0 == "@" } == 1)
        let type = try #require(message["X-Mattermost-Type"])
        #expect(MboxReader.decoded(type, complaints: &complaints) == SafeText.line("custom_\(name)"))
        let reason = try #require(message["X-Mattermost-Reason"])
        #expect(MboxReader.decoded(reason, complaints: &complaints) == SafeText.line("because \(name)"))
        let postedAs = try #require(message["X-Mattermost-Posted-As"])
        #expect(MboxReader.decoded(postedAs, complaints: &complaints) == SafeText.line(name))
        let reaction = try #require(message["X-Mattermost-Reaction"])
        #expect(reaction.hasPrefix("\(id("alice")) "), "\(reaction)")
        #expect(complaints == [])
    }

    @Test("subjects come back, whatever the text", arguments: hostileTexts + hostileNames)
    func subjects(_ text: String) throws {
        let mbox = MboxReader(try Rendering(format: .mbox, isEncrypted: false).bytes([Draft("p", plain: text)]))
        var complaints = mbox.complaints
        let subject = MboxReader.decoded(try #require(mbox.messages.first?["Subject"]), complaints: &complaints)
        #expect(complaints == [])
        let first = text.split(whereSeparator: \.isNewline).first { $0.contains { !$0.isWhitespace } }
        guard let first else { return #expect(subject == "(no text)") }
        #expect(subject == SafeText.line(first.count > 70 ? "\(first.prefix(69))…" : String(first)))
    }

    private var conversation: [Draft] {
        [
            Draft("root", unverified: "secret words"),
            Draft("reply", verified: "answer") { $0.root = "root" },
            Draft("old", verified: "answr") { ($0.root, $0.original, $0.state) = ("root", "reply", .revision) },
            Draft("old", verified: "ans") {
                ($0.root, $0.original, $0.state, $0.sequence) = ("root", "reply", .revision, 7)
            },
            Draft("gone") { ($0.text, $0.state, $0.deleteAt) = (.unknown, .deleted, $0.at + 1) },
            Draft("gone", plain: "was here") { ($0.state, $0.sequence) = (.earlier, 9) },
        ]
    }

    @Test("ids are unique, and references lead to the thread and to what superseded a post")
    func threads() throws {
        let messages = MboxReader(try Rendering(format: .mbox).bytes(conversation)).messages
        func mail(_ word: String, _ version: String = "") -> String { "<\(id(word))\(version)@chat.example.org>" }
        #expect(
            messages.map { $0["Message-ID"] } == [
                mail("root"), mail("reply"), mail("old"), mail("old", ".v7"), mail("gone"), mail("gone", ".v9"),
            ])
        #expect(
            messages.map { $0["In-Reply-To"] } == [nil, mail("root"), mail("reply"), mail("reply"), nil, mail("gone")])
        #expect(
            messages.map { $0["References"] } == [
                nil, mail("root"), "\(mail("root")) \(mail("reply"))", "\(mail("root")) \(mail("reply"))", nil,
                mail("gone"),
            ])
    }

    @Test("withheld words are nowhere; unverified ones are marked and in their own message only")
    func withheld() throws {
        var rendering = Rendering(format: .mbox)
        let text = try rendering.text(conversation)
        #expect(!text.contains("secret") && !text.contains("words"))
        var messages = MboxReader(try rendering.bytes(conversation)).messages
        #expect(messages[0]["Subject"] == "[withheld] post \(id("root"))")
        #expect(messages[0]["X-Mattermost-Text"] == "withheld")
        rendering.includesUnverified = true
        messages = MboxReader(try rendering.bytes(conversation)).messages
        #expect(messages[0]["Subject"] == "[NOT VERIFIED] secret words")
        #expect(messages[0]["X-Mattermost-Text"] == "unverified")
        #expect(messages[0]["X-Mattermost-Authenticity"] == "signatureInvalid")
        #expect(messages[1]["Subject"] == "Re: post of Alice")
        #expect(messages[4]["Subject"] == "[text unknown] [deleted] [not encrypted] post \(id("gone"))")
        #expect(!messages.dropFirst().contains { $0.headers.contains { $0.value.contains("secret") } })
    }

    @Test("reactions, pins and the names of webhooks stand in headers, and old versions have no reactions")
    func circumstances() throws {
        let liked = Draft("p", verified: "Done.") {
            $0.circumstances.isPinned = true
            $0.circumstances.postedAs = "Alice"
            let maker = CustomEmoji(id: id("e"), name: "ship", creatorID: id("bob"), createAt: 0)
            $0.circumstances.reactions = [
                .init(emoji: "+1", userIDs: [id("alice"), id("bob")]),
                .init(emoji: "ship", userIDs: [id("bob")], custom: maker),
            ]
        }
        var old = liked
        old.state = .earlier
        let messages = MboxReader(try Rendering(format: .mbox).bytes([liked, old, Draft("q", plain: "x")])).messages
        #expect(messages.map { $0["X-Mattermost-Pinned"] } == ["yes", "yes", nil])
        #expect(messages.map { $0["X-Mattermost-Posted-As"] } == ["Alice", "Alice", nil])
        #expect(
            messages.map { $0.all("X-Mattermost-Reaction") } == [
                [
                    "\(id("alice")) \"alice\" \"+1\"", "\(id("bob")) \"bob\" \"+1\"",
                    "\(id("bob")) \"bob\" \"ship\" \(id("bob"))",
                ], [], [],
            ])
    }

    @Test("dates are those of asctime and RFC 5322")
    func dates() throws {
        let message = try #require(
            MboxReader(try Rendering(format: .mbox).bytes([Draft("p") { $0.at = 1_772_355_845_123 }])).messages.first)
        #expect(message.envelope == "From mmvault@localhost Sun Mar  1 09:04:05 2026")
        #expect(message["Date"] == "Sun, 01 Mar 2026 09:04:05 +0000")
    }
}
