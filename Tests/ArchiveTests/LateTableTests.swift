import Bytes
import Testing

@testable import Archive

/// The tables that archives of earlier builds lack: which message each version of a post holds, and of whom the server said
/// that they have no key.
@Suite struct LateTableTests {
    let sandbox: Sandbox
    let directory: AccountDirectory

    init() async throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
        let writer = try ArchiveWriter(directory)
        let post = PostText("p1", at: start, "Encrypted message").with { $0.props = Self.props(1) }
        let edited = post.edited(at: start + 5, "Encrypted message 1").with { $0.props = Self.props(2) }
        let old = post.revision("r1", replacedAt: start + 5).with { $0.props = Self.props(1) }
        try await writer.keep([post, PostText("p2", at: start + 1, "plain")])
        try await writer.keep([edited, old])
        for answer in [#"{"pubKeys":{"\#(alice)":null,"\#(bob)":null}}"#, #"{"pubKeys":{"\#(bob)":{"encr":"x"}}}"#] {
            try await writer.append(
                ReceivedDocument(
                    kind: .keys, request: "POST /x", channelID: nil, receivedAt: Timestamp(milliseconds: start),
                    body: Array(answer.utf8)), keys: [])
        }
    }

    private static func props(_ number: UInt8) -> String {
        func base64(_ count: Int) -> String { Base64.standard.encode([UInt8](repeating: number, count: count)) }
        return #"{"e2ee":{"iv":"\#(base64(16))","pubECDHE":"\#(base64(65))","encryptedData":"\#(base64(9))"}}"#
    }

    private func rows() async throws -> String {
        try await sandbox.run(
            """
            sqlite3 '\(directory.archivePath)' 'SELECT seq, document, post_id, hex(digest) FROM ciphertext ORDER BY seq;
              SELECT * FROM keyless ORDER BY seq; SELECT sql FROM sqlite_master ORDER BY name'
            """)
    }

    @Test func eachMessageAndEachNullHasItsRow() async throws {
        let rows = try await rows().split(separator: "\n").prefix(6)
        #expect(
            rows.prefix(3).map { $0.split(separator: "|").prefix(3).joined(separator: " ") } == [
                "1 2 \(id("p1"))", "3 3 \(id("p1"))", "4 3 \(id("p1"))",
            ])
        let digests = rows.prefix(3).map { $0.split(separator: "|")[3] }
        #expect(digests[0] == digests[2] && digests[0] != digests[1])
        // What has not the form of a key is none.
        #expect(
            rows.dropFirst(3) == [
                "1|4|\(alice)|\(start)", "2|4|\(bob)|\(start)", "3|5|\(bob)|\(start)",
            ])
        try await Archive(directory).expectClean()
    }

    static let changes = [
        "DELETE FROM ciphertext WHERE seq = 1", "UPDATE ciphertext SET digest = zeroblob(16) WHERE seq = 1",
        "UPDATE ciphertext SET post_id = '\(id("p2"))' WHERE seq = 1",
        "UPDATE ciphertext SET seq = 2 WHERE seq = 1", "UPDATE ciphertext SET document = 3 WHERE seq = 1",
        "UPDATE ciphertext SET document = 77 WHERE seq = 1",
        "INSERT INTO ciphertext SELECT 2, document, post_id, digest FROM ciphertext WHERE seq = 1",
        "DELETE FROM keyless WHERE seq = 1", "UPDATE keyless SET user_id = '\(bob)' WHERE seq = 1",
        "UPDATE keyless SET at = 0 WHERE seq = 1", "UPDATE keyless SET document = 5 WHERE seq = 2",
        "INSERT INTO keyless SELECT 9, document, user_id, at FROM keyless WHERE seq = 3",
        "DROP INDEX ciphertext_by_digest", "DROP INDEX keyless_by_user",
    ]

    @Test(arguments: changes) func aChangeOfTheirRowsIsDamage(_ change: String) async throws {
        try await sandbox.tamper(directory, change)
        #expect(try await isNoticed(directory))
    }

    /// An archive as an earlier build made it gets the tables, as they would have been, from whatever opens it.
    @Test func whoeverOpensAnOlderArchiveCompletesIt() async throws {
        let before = try await rows()
        try await sandbox.run(
            "sqlite3 '\(directory.archivePath)' 'DROP TABLE ciphertext; DROP TABLE keyless; VACUUM'")
        try await Archive(directory).expectClean()
        #expect(try await rows() == before)
    }

    /// A table that was taken out leaves a gap in the list of tables.
    @Test(arguments: ["ciphertext", "keyless"]) func aTableThatWasRemovedIsDamage(_ table: String) async throws {
        try await sandbox.run("sqlite3 '\(directory.archivePath)' 'DROP TABLE \(table)'")
        let damages = try await damages(in: directory)
        #expect(damages.contains { $0.what.contains(table) }, "\(damages)")
        #expect(throws: ArchiveError.self) { try ArchiveWriter(directory) }
    }
}
