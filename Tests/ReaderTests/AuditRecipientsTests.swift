import Bytes
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// Recipients whom nobody knows, and members who are left out: each with a history that has it, and with one that just
/// does not.
@Suite struct AuditRecipientsTests {
    private let later = Fixture.first + 3_600_000

    // MARK: Recipients

    @Test func aRecipientWhomNobodyKnowsIsFound() async throws {
        let history = try await AuditedHistory()
        let stranger = history.fixture.stranger.publicKey
        try await history.say("read", by: "bob", to: history.everybody + [stranger], at: later)
        try await history.say("again", by: "carol", to: history.everybody + [stranger], at: later + 1000)
        let finding = try #require(try await history.audit().first)
        #expect(finding.kind == .unknownRecipients && !finding.isExplained)
        #expect(finding.keyIDs == [stranger.id])
        #expect(finding.userIDs == [id("bob"), id("carol")])
        #expect(try await history.brief() == ["!recipients-nobody-knows: again read"])

        try await history.know("dave", stranger)
        try await history.join("dave")
        #expect(try await history.brief() == [])
    }

    /// With a key that is not theirs nobody reads.
    @Test func whoseRejectedKeyStandsThereIsMissing() async throws {
        let history = try await AuditedHistory()
        let stranger = history.fixture.stranger.publicKey
        try await history.know("bob", stranger)
        try await history.know("bob", history.bob.publicKey)
        let others = [history.alice.publicKey, history.carol.publicKey]
        try await history.say("lost", by: "carol", to: others + [stranger], at: later)
        #expect(try await history.audit().allSatisfy { [.keysInTheMiddle, .unansweredKeys].contains($0.kind) })
        let rejected = TrustDecision(
            userID: id("bob"), verb: .rejected, signingPoint: stranger.signingPoint,
            encryptionPoint: stranger.encryptionPoint, at: Timestamp(milliseconds: later))
        let findings = try await history.audit([rejected])
        #expect(findings.first { $0.kind == .missingRecipients }?.userIDs.first == id("bob"))
    }

    @Test func aKeyOfSomebodyWhoWasNeverThereIsFound() async throws {
        let history = try await AuditedHistory()
        let stranger = history.fixture.stranger.publicKey
        try await history.know("dave", stranger)
        try await history.say("read", by: "bob", to: history.everybody + [stranger], at: later)
        #expect(try await history.brief() == ["!recipients-nobody-knows: read"])
        #expect(try await history.audit().first?.userIDs == [id("dave"), id("bob")])

        // Whoever was there once was there: nothing is said about when they came.
        try await history.remove("dave", at: later + 1000)
        #expect(try await history.brief() == [])
    }

    @Test func aRejectedKeyAmongTheRecipientsIsFound() async throws {
        let history = try await AuditedHistory()
        let stranger = history.fixture.stranger.publicKey
        try await history.know("carol", stranger, at: AuditedHistory.beginning - 1000)
        try await history.say("read", by: "bob", to: history.everybody + [stranger], at: later)
        #expect(try await history.brief() == [])
        let decision = TrustDecision(
            userID: id("carol"), verb: .rejected, signingPoint: stranger.signingPoint,
            encryptionPoint: stranger.encryptionPoint, at: Timestamp(milliseconds: 1))
        #expect(try await history.brief([decision]) == ["!recipients-nobody-knows: read"])
    }

    @Test func aRecipientNamedTwiceIsFound() async throws {
        let history = try await AuditedHistory()
        try await history.say("twice", by: "bob", to: history.everybody + [history.carol.publicKey], at: later)
        #expect(try await history.brief() == ["!duplicate-recipients: twice"])
    }

    /// A message that opens with the key of another one. The same message again is another finding.
    @Test func anEphemeralKeyOfAnotherMessageIsFound() async throws {
        let history = try await AuditedHistory()
        let message = EncryptedMessage.seal(Array("a secret".utf8), from: history.bob, to: history.everybody)
        try await history.put("original", by: "bob", message, at: later)
        try await history.put("copy", by: "bob", message, at: later + 1)
        #expect(try await history.brief().contains { $0.contains("shared-ephemeral-keys") } == false)
        try await history.put("probe", by: "carol", Self.probe(message), at: later + 2)
        let found = try await history.brief()
        #expect(found.contains("!shared-ephemeral-keys: copy original probe"), "\(found)")
    }

    /// The same keys, and another text: what a sender can make who has seen a message on the server.
    private static func probe(_ message: EncryptedMessage) throws -> EncryptedMessage {
        let text = String(decoding: Fixture.json(message).utf8, as: UTF8.self)
        let data = Base64.standard.encode(message.encryptedData)
        let other = text.replacing(data, with: Base64.standard.encode(Array(message.encryptedData.prefix(1))))
        return try EncryptedMessage(JSONDocument(Array(other.utf8)).root)
    }

    // MARK: Members left out

    private func without(_ key: PrivateKey, _ history: AuditedHistory) -> [PublicKey] {
        history.everybody.filter { $0.id != key.id }
    }

    @Test func aMemberWhoIsLeftOutIsFound() async throws {
        let history = try await AuditedHistory()
        try await history.say("hidden", by: "bob", to: without(history.carol, history), at: later)
        try await history.say("shown", by: "bob", at: later + 1000)
        #expect(try await history.brief() == ["!missing-recipients: hidden"])
        #expect(try await history.audit().first?.userIDs == [id("carol"), id("bob")])
    }

    /// The plugin's client encrypts for the first page of a channel's members.
    @Test(arguments: [100, 101]) func ofALargeChannelTheAuditSaysWhatMayBeHarmless(_ count: Int) async throws {
        let history = try await AuditedHistory()
        try await history.members(["alice", "bob", "carol"] + (4...count).map { "member\($0)x" })
        try await history.say("hidden", by: "bob", to: without(history.carol, history), at: later)
        let finding = try #require(try await history.audit().first { $0.kind == .missingRecipients })
        #expect(!finding.isExplained)
        #expect(finding.canMean.contains { $0.contains("first page of members") } == (count > 100))
    }

    @Test func whoIsLeftOutTogetherIsFoundTogether() async throws {
        let history = try await AuditedHistory()
        try await history.say("hidden", by: "bob", to: [history.bob.publicKey], at: later)
        #expect(try await history.audit().map(\.userIDs) == [[id("alice"), id("carol"), id("bob")]])
    }

    @Test func aMessageForNobodyIsFound() async throws {
        let history = try await AuditedHistory()
        try await history.say("fornobody", by: "bob", to: [], at: later)
        #expect(try await history.brief() == ["!missing-recipients: fornobody"])
    }

    @Test(arguments: [true, false])
    func whoHasLeftIsNotLeftOut(wasRemoved: Bool) async throws {
        let history = try await AuditedHistory()
        wasRemoved
            ? try await history.remove("carol", at: later - 1000) : try await history.leave("carol", at: later - 1000)
        try await history.say("without", by: "bob", to: without(history.carol, history), at: later)
        #expect(try await history.brief() == [])
        // And who has come back is.
        try await history.join("carol", at: later + 60_000)
        try await history.say("with", by: "alice", at: later + 120_000)
        try await history.say("hidden", by: "bob", to: without(history.carol, history), at: later + 180_000)
        #expect(try await history.brief() == ["!missing-recipients: hidden"])
    }

    @Test func whoLeftTheTeamIsNotLeftOut() async throws {
        let history = try await AuditedHistory()
        try await history.addRaw("leaveteam", by: "carol", in: "second", at: later - 1000, type: "system_leave_team")
        try await history.say("without", by: "bob", to: without(history.carol, history), at: later)
        #expect(try await history.brief() == [])
    }

    @Test func aNewMemberIsNotLeftOutAtOnce() async throws {
        let history = try await AuditedHistory()
        let dave = PrivateKey.generate()
        try await history.know("dave", dave.publicKey)
        try await history.join("dave", at: later)
        try await history.members(["alice", "bob", "carol", "dave"], at: later + 86_400_000)
        try await history.say("before", by: "bob", at: later - 1000)
        try await history.say("soon", by: "bob", at: later + 5000)
        #expect(try await history.brief() == [])
        try await history.say("long", by: "bob", at: later + 3_600_000)
        #expect(try await history.brief() == ["!missing-recipients: long"])
    }

    @Test func aMemberWithoutAKeyIsNotLeftOut() async throws {
        let history = try await AuditedHistory()
        try await history.join("dave")
        try await history.members(["alice", "bob", "carol", "dave"], at: later + 86_400_000)
        #expect(try await history.brief() == [])
        // Nor is one whose key was seen for the first time after that.
        try await history.know("dave", PrivateKey.generate().publicKey, at: later)
        #expect(try await history.brief() == [])
    }

    @Test func aDeactivatedMemberIsNotLeftOut() async throws {
        let history = try await AuditedHistory()
        try await history.say("without", by: "bob", to: without(history.carol, history), at: later)
        try await history.append(
            .users, #"[{"id":"\#(id("carol"))","username":"carol","delete_at":\#(later - 1000)}]"#, objects: .user)
        // Once is enough: an account that is in use again does not tell for how long it was not.
        try await history.append(
            .users, #"[{"id":"\#(id("carol"))","username":"carol","delete_at":0}]"#, objects: .user)
        #expect(try await history.brief() == [])
    }

    @Test func behindTheLastSignOfAMemberNothingIsClaimed() async throws {
        let history = try await AuditedHistory()
        try await history.say(
            "late", by: "bob", to: without(history.carol, history), at: Fixture.first + 10 * 86_400_000)
        #expect(try await history.brief() == [])
    }
}
