import Archive
import Bytes
import E2EE
import Foundation
import Reader
import TestSupport
import Testing

/// A backup in every form in which people have it: what the server mails and shows, and what becomes of that on its way.
struct BackupForm: Sendable, CustomTestStringConvertible {
    let name: String
    /// Which of Alice's keys is in it.
    let key: Int
    let bytes: @Sendable () throws -> [UInt8]
    var testDescription: String { name }

    init(_ name: String, key: Int = 1, _ bytes: @escaping @Sendable () throws -> [UInt8]) {
        self.name = name
        self.key = key
        self.bytes = bytes
    }

    init(_ name: String, key: Int = 1, text: @escaping @Sendable () throws -> String) {
        self.init(name, key: key) { Array(try text().utf8) }
    }

    static let encrypted: [BackupForm] = [
        BackupForm("the mail as a mail client saves it", key: 2) { try Fixture.bytes("backup-mail.eml") },
        BackupForm("the mail with CRLF", key: 2, text: { try mail().replacing("\n", with: "\r\n") }),
        BackupForm(
            "the mail in an mbox", key: 2, text: { "From mm@example.com Mon Nov 23 08:31:48 2026\n" + (try mail()) }),
        BackupForm("the mail's text part, encoded as it is", key: 2, text: { try part("text/plain") }),
        BackupForm("the mail's text part without its headers", key: 2, text: { try body(of: "text/plain") }),
        BackupForm("the mail's HTML part, encoded as it is", key: 2, text: { try part("text/html") }),
        BackupForm(
            "the page that the HTML part is, with references", key: 2,
            text: {
                "<html><body>"
                    + decoded(try body(of: "text/html")).replacing("+", with: "&#43;")
                    .replacing("=", with: "&#61;").replacing("\n", with: "\r\n") + "</body></html>"
            }),
        BackupForm("a quoted reply", text: { "On Monday, Mattermost wrote:\n" + quoted(try armor(1)) + "\nThanks!\n" }),
        BackupForm("a reply to a reply", text: { quoted(quoted(try armor(1))) }),
        BackupForm("the armor") { try Fixture.bytes("alice.1.gpg.asc") },
        BackupForm("the other key's armor", key: 2) { try Fixture.bytes("alice.2.gpg.asc") },
        BackupForm("the armor after a byte order mark", text: { "\u{FEFF}" + (try armor(1)) }),
        BackupForm("the armor with CRLF and spaces", text: { try armor(1).replacing("\n", with: "  \r\n") }),
        BackupForm("binary OpenPGP") {
            let base64 = try armor(1).split(separator: "\n").filter { !$0.hasPrefix("-----") && !$0.hasPrefix("=") }
            return Array(try #require(Data(base64Encoded: base64.joined())))
        },
    ]

    static let clear: [BackupForm] = [
        BackupForm("clear text") { try Fixture.bytes("alice.1.asc") },
        BackupForm(
            "clear text with chat around it",
            text: {
                "e2ee 8:31 AM\nHere is your backup:\n```\n\(try Fixture.text("alice.1.asc"))```\n(only visible to you)\n"
            }),
        BackupForm("clear text, quoted", text: { quoted(try Fixture.text("alice.1.asc")) }),
        BackupForm("clear text with CRLF", text: { try Fixture.text("alice.1.asc").replacing("\n", with: "\r\n") }),
    ]

    /// The mail with LF as its line end; the file has CRLF in the parts that the server wrote.
    private static func mail() throws -> String {
        try Fixture.text("backup-mail.eml").replacing("\r\n", with: "\n")
    }
    private static func armor(_ number: Int) throws -> String { try Fixture.text("alice.\(number).gpg.asc") }

    private static func quoted(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { "> \($0)" }.joined(separator: "\n")
    }

    /// A part of the mail, with its headers and its transfer encoding.
    private static func part(_ type: String) throws -> String {
        let parts = try mail().components(
            separatedBy: "--40f47cfaff0b5a7eaa3b2580bffb262a82a9cb18f90c9826a9566efd68d0\n")
        return try #require(parts.first { $0.contains("Content-Type: \(type)") })
    }

    private static func body(of type: String) throws -> String {
        try part(type).components(separatedBy: "\n\n").dropFirst().joined(separator: "\n\n")
    }

    private static func decoded(_ quotedPrintable: String) -> String { quotedPrintable.replacing("=3D", with: "=") }
}

@Suite(.serialized, .enabled(if: StockTool.isInstalled("gpg"), "needs gpg"))
struct KeyStoreTests {
    @Test(arguments: BackupForm.encrypted)
    func gpgBackup_IsFoundAndKeptAsItIs(_ form: BackupForm) async throws {
        try await Recording.with { recording in
            try await GpgHome.with {
                let store = KeyStore(recording.directory)
                let restored = try await store.restore(form.bytes(), source: "backup", encryption: nil)
                let id = try Fixture.key(form.key).id
                #expect(restored.map(\.id) == [id])
                #expect(restored.map(\.encryption) == [nil])
                #expect(store.ids == [id])
                #expect(try await store.load().map(\.id) == [id])
                #expect(
                    try await store.restore(form.bytes(), source: "again", encryption: nil).map(\.wasKnown) == [true])
            }
        }
    }

    @Test(arguments: BackupForm.clear)
    func clearTextBackup_IsKeptEncryptedToTheUsersOwnKey(_ form: BackupForm) async throws {
        try await Recording.with { recording in
            try await GpgHome.with {
                let store = KeyStore(recording.directory)
                let restored = try await store.restore(form.bytes(), source: "backup", encryption: nil)
                let key = try Fixture.key(form.key)
                #expect(restored.map(\.id) == [key.id])
                let file = try Data(contentsOf: URL(filePath: "\(recording.directory.keysPath)/\(key.id).asc"))
                #expect(String(decoding: file, as: UTF8.self).hasPrefix("-----BEGIN PGP MESSAGE-----\n"))
                #expect(try await store.load().map(\.id) == [key.id])
            }
        }
    }

    /// Wherever it stands: in a quoted mail, or as the bytes that they are.
    @Test(arguments: [["--store"], ["-z", "0", "--store"]], [true, false])
    func openPGPThatIsNotEncrypted_IsNeverKeptAsItIs(_ command: [String], isArmored: Bool) async throws {
        try await Recording.with { recording in
            try await GpgHome.with {
                let store = KeyStore(recording.directory)
                let key = try Fixture.key(1)
                let message = try await StockTool.run(
                    "gpg", ["--batch", "--quiet"] + (isArmored ? ["--armor"] : []) + command,
                    input: Fixture.bytes("alice.1.asc"))
                var backup = message
                if isArmored {
                    let lines = String(decoding: message, as: UTF8.self).split(
                        separator: "\n", omittingEmptySubsequences: false)
                    backup = Array(lines.map { "> \($0)" }.joined(separator: "\n").utf8)
                }
                #expect(try await store.keys(in: backup, source: "backup").map(\.id) == [key.id])
                var notices: [KeyStore.Notice] = []
                let restored = try await store.restore(
                    backup, source: "backup", encryption: nil, onNotice: { notices.append($0) })
                let own = Gpg.Encryption.recipient(try await Gpg().ownKey())
                #expect(restored.map(\.id) == [key.id] && restored.map(\.encryption) == [own])
                // Not compressed and not armored, it is as good as clear text, and taken for that.
                #expect(notices.suffix(2) == [.unsealed(.none), .encrypting(own)] || notices == [.encrypting(own)])
                #expect(notices.count == 2 || (!isArmored && command.contains("-z")))
                let path = "\(recording.directory.keysPath)/\(key.id).asc"
                let packets = try await StockTool.run("gpg", ["--batch", "--list-packets", "--list-only", path])
                #expect(String(decoding: packets, as: UTF8.self).contains(":pubkey enc packet:"))
                #expect(try await store.load().map(\.id) == [key.id])

                // Stored as it is, it is not loaded.
                try Data(message).write(to: URL(filePath: path))
                await #expect(throws: ReaderError.notEncrypted(path: path)) { try await store.load() }
            }
        }
    }

    @Test func everyBackupInAFile_IsRead() async throws {
        try await Recording.with { recording in
            try await GpgHome.with {
                let both = try Fixture.bytes("alice.1.gpg.asc") + Fixture.bytes("alice.2.asc")
                let keys = try await KeyStore(recording.directory).keys(in: both, source: "both")
                #expect(Set(keys.map(\.id)) == [try Fixture.key(1).id, try Fixture.key(2).id])
                #expect(KeyStore(recording.directory).ids.isEmpty)
            }
        }
    }

    /// One was cut on its way, or is damaged, or is for somebody else's key.
    @Test(arguments: ["alice.1.gpg.asc", "alice.1.asc"])
    func aBackupBehindAGarbledOne_IsRead(_ name: String) async throws {
        try await Recording.with { recording in
            try await GpgHome.with {
                let store = KeyStore(recording.directory)
                let good = try Fixture.text(name)
                let lines = good.split(separator: "\n", omittingEmptySubsequences: false)
                let garbled = [
                    "\(lines[0])\n\(lines[1])\n\(lines[2])\n", good.replacing(lines[3], with: "x&y"),
                    "\(lines[0])\n\n\(lines.last { $0.hasPrefix("-----END") } ?? "")\n",
                ]
                for first in garbled {
                    var failures: [ReaderError] = []
                    let keys = try await store.keys(
                        in: Array("\(first)and again:\n\(good)".utf8), source: "chat",
                        onFailure: { failures.append($0) })
                    #expect(keys.map(\.id) == [try Fixture.key(1).id])
                    // An OpenPGP message without an end is none, and the next one begins.
                    #expect(failures.count == (first == garbled[0] && name.contains("gpg") ? 0 : 1))
                    await #expect(throws: ReaderError.self) {
                        try await store.keys(in: Array(first.utf8), source: "chat")
                    }
                }
            }
        }
    }

    @Test func messageForAKeyThatIsNotHere_SaysWhichOne() async throws {
        try await Recording.with { recording in
            try await GpgHome.with {
                try await GpgHome.forgetSecretKeys()
                do {
                    _ = try await KeyStore(recording.directory).keys(in: Fixture.bytes("alice.1.gpg.asc"), source: "x")
                    Issue.record("it was opened")
                } catch ReaderError.noSecretKey(let ids) {
                    #expect(ids.count == 1 && ids[0].count == 16, "\(ids)")
                }
            }
        }
    }

    @Test func messageForSomebodyElse_IsGpgsRefusal() async throws {
        try await Recording.with { recording in
            try await GpgHome.with {
                var damaged = try Fixture.text("alice.1.gpg.asc")
                damaged.replace("hF4DK1uohZFH1wASAQdA", with: "hF4DK1uohZFH1wBSAQdA")
                await #expect(throws: ReaderError.self) {
                    try await KeyStore(recording.directory).restore(
                        Array(damaged.utf8), source: "backup", encryption: nil)
                }
                #expect(KeyStore(recording.directory).ids.isEmpty)
            }
        }
    }
}
