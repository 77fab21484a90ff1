import Bytes
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// Who shows a post compares its row in the index with the post itself, whatever was checked before.
@Suite struct ForgedRowTests {
    static let changes = [
        "user_id = '\(id("carol"))'", "post_id = '\(id("other"))'", "root_id = '\(id("other"))'",
        "original_id = '\(id("other"))'", "type = ''", "create_at = create_at + 1", "update_at = update_at + 1",
        "edit_at = 7", "delete_at = 7",
        // Another post's place, and another document's.
        "start = (SELECT start FROM version WHERE seq = 2), length = (SELECT length FROM version WHERE seq = 2)",
        "document = document + 1",
    ]

    @Test(arguments: changes) func aForgedRowIsNotShown(_ change: String) async throws {
        let fixture = try Fixture()
        try await fixture.addPeople()
        try await fixture.addKeys("bob", [fixture.bob.publicKey])
        for text in ["one", "two"] {
            try await fixture.addPage(
                ["a", "b"].map { name in
                    Fixture.post(
                        "\(text)\(name)", type: "custom_e2ee", message: "Encrypted message",
                        payload: Fixture.payload(text, from: fixture.bob, to: [fixture.own.publicKey]))
                })
        }
        let honest = try await fixture.read(PostQuery(channelID: id("channel")))
        #expect(honest.count == 4 && honest.allSatisfy { $0.verdict.authenticity == .verified })
        try fixture.tamper("UPDATE version SET \(change) WHERE seq = 1")
        await #expect(throws: ArchiveError.self) { try await fixture.read(PostQuery(channelID: id("channel"))) }
        let lookup = try fixture.archive.lookup()
        let reader = try fixture.reader()
        #expect(throws: ArchiveError.self) { try lookup.versions([1]).map { try reader.judge($0) } }
    }

    /// A record and a body that fit each other, and not the hash that the chain goes on from.
    @Test func aForgedDocumentIsNotShown() async throws {
        let fixture = try Fixture()
        try await fixture.addPeople()
        try await fixture.addPage([Fixture.post("a", message: "the meeting is at ten")])
        try await fixture.addPage([Fixture.post("b", message: "the meeting is at two")])
        let archive = try fixture.archive
        let last = try archive.head().documents
        try fixture.tamper(
            "UPDATE document SET (record, body) = (SELECT record, body FROM document WHERE seq = \(last)) "
                + "WHERE seq = \(last - 1)")
        await #expect(throws: ArchiveError.self) { try await fixture.read(PostQuery(channelID: id("channel"))) }
    }
}
