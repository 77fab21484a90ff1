import Bytes
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// Clear text in an encrypted channel, with histories that have it, and that just do not.
@Suite struct AuditClearTextTests {
    private let later = Fixture.first + 3_600_000

    @Test func clearTextInAnEncryptedChannelIsFound() async throws {
        let history = try await AuditedHistory()
        try await history.sayInClear("plain", by: "bob", at: later)
        #expect(try await history.brief() == ["!clear-text-in-an-encrypted-channel: plain"])
    }

    @Test func clearTextIsFineWhereNothingIsEncryptedOrNotAnyMore() async throws {
        let history = try await AuditedHistory()
        try await history.sayInClear("elsewhere", by: "bob", in: "second", at: later)
        try await history.sayInClear("early", by: "bob", at: AuditedHistory.beginning)
        try await history.sayInClear("underway", by: "bob", at: AuditedHistory.beginning + 60_500)
        try await history.notice(on: false, at: later)
        try await history.sayInClear("off", by: "bob", at: later + 1000)
        try await history.notice(on: true, at: later + 2000)
        #expect(try await history.brief() == [])
        try await history.sayInClear("on", by: "bob", at: later + 60_000)
        #expect(try await history.brief() == ["!clear-text-in-an-encrypted-channel: on"])
    }

    @Test func onlyTheBotTurnsEncryptionOff() async throws {
        let history = try await AuditedHistory()
        try await history.addRaw(
            "forged", by: "bob", at: later,
            message: "@all: messages on this channel **aren't encrypted anymore**. Set by @alice")
        try await history.sayInClear("plain", by: "bob", at: later + 1000)
        #expect(try await history.brief() == ["!clear-text-in-an-encrypted-channel: forged plain"])
    }

    @Test func programsAndTheServerWriteInClear() async throws {
        let history = try await AuditedHistory()
        try await history.sayInClear("botsown", by: "bot", at: later)
        try await history.addRaw("header", by: "bob", at: later, type: "system_header_change")
        #expect(try await history.brief() == [])
    }

    /// A webhook posts as whoever made it, and everybody who can write to the server can say that a webhook did.
    @Test(arguments: ["from_webhook", "from_bot", "from_plugin"])
    func whatOnlySaysThatAProgramWroteItIsShown(mark: String) async throws {
        let history = try await AuditedHistory()
        try await history.addRaw("hook", by: "bob", at: later, props: #"{"\#(mark)":"true"}"#)
        #expect(try await history.brief() == ["clear-text-in-an-encrypted-channel: hook"])
    }

    @Test(arguments: ["me", "slack_attachment", "custom_foo"])
    func noTypeButTheServersOwnExcusesClearText(type: String) async throws {
        let history = try await AuditedHistory()
        try await history.addRaw("plain", by: "bob", at: later, type: type, message: "I agree")
        #expect(try await history.brief() == ["!clear-text-in-an-encrypted-channel: plain"])
    }

    @Test func aPostThatIsEncryptedByItsTypeAloneIsFound() async throws {
        let history = try await AuditedHistory()
        for (word, message) in [("empty", ""), ("usual", "Encrypted message"), ("edited", "Encrypted message 0.72")] {
            try await history.addRaw(word, by: "bob", at: later, type: EncryptedPost.type, message: message)
        }
        #expect(try await history.brief() == [])
        try await history.addRaw("plain", by: "bob", at: later, type: EncryptedPost.type, message: "I agree")
        #expect(try await history.brief() == ["!clear-text-in-an-encrypted-channel: plain"])
    }

    /// What newer web clients do of themselves.
    @Test func anEditThatLosesThePayloadIsExplained() async throws {
        let history = try await AuditedHistory()
        try await history.addRaw(
            "quiet1x", by: "bob", at: Fixture.first + 60_000, type: EncryptedPost.type, message: "in clear",
            updateAt: later, editAt: later)
        #expect(try await history.brief() == ["clear-text-in-an-encrypted-channel: quiet1x"])
    }
}
