import Bytes
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// Keys that a server puts in between, keys of two, and names that move to another person.
@Suite struct AuditKeysTests {
    private let later = Fixture.first + 3_600_000
    private let minute: Int64 = 60_000

    // MARK: Keys without an answer

    /// It is found before it signs anything, with its posts afterwards, and until there is an answer.
    @Test func aKeyWithoutAnAnswerIsFound() async throws {
        let history = try await AuditedHistory()
        let next = PrivateKey.generate()
        try await history.know("bob", next.publicKey, at: later)
        let early = try await history.audit()
        #expect(early.map(\.kind) == [.unansweredKeys])
        #expect(early.first?.keyIDs == [next.id] && early.first?.places.isEmpty == true)
        try await history.say("new", by: "bob", from: next, to: history.everybody, at: later + minute)
        let found = try await history.audit()
        #expect(found.map(\.kind) == [.unansweredKeys])
        #expect(found.first?.places.flatMap(\.posts).map(\.id) == [id("new")])
        let accepted = TrustDecision(
            userID: id("bob"), verb: .accepted, signingPoint: next.publicKey.signingPoint,
            encryptionPoint: next.publicKey.encryptionPoint, at: Timestamp(milliseconds: later + 2 * minute))
        #expect(try await history.audit([accepted]).map(\.kind) == [])
    }

    // MARK: Keys in the middle

    /// The server shows Bob's key, another one, and Bob's again.
    @Test func aKeyThatWasShownAndTakenBackIsFound() async throws {
        let history = try await AuditedHistory()
        let other = PrivateKey.generate().publicKey
        try await history.know("bob", other, at: later)
        #expect(try await history.brief() == [])
        try await history.know("bob", other, at: later + 1)
        try await history.know("bob", history.bob.publicKey, at: later + 2)
        try await history.know("bob", history.bob.publicKey, at: later + 3)
        #expect(try await history.brief() == ["!keys-in-the-middle: "])
        #expect(
            try await history.audit().first { $0.kind == .keysInTheMiddle }?.keyIDs == [history.bob.id, other.id])
    }

    /// Others encrypt for a key of Bob's which Bob himself does not use, before and after.
    @Test func aKeyThatOnlyOthersUseIsFound() async throws {
        let history = try await AuditedHistory()
        let other = PrivateKey.generate().publicKey
        try await history.know("bob", other, at: later)
        let instead = [history.alice.publicKey, history.carol.publicKey, other]
        try await history.say("before", by: "bob", at: later)
        try await history.say("during", by: "carol", to: instead, at: later + 30 * minute)
        try await history.say("late", by: "carol", to: instead, at: later + 55 * minute)
        #expect(try await history.brief() == [])
        // However much Bob himself writes meanwhile.
        for after in [29, 31, 54, 60] as [Int64] {
            try await history.say("own\(after)x", by: "bob", at: later + after * minute)
        }
        #expect(try await history.brief() == ["!keys-in-the-middle: during"])
        #expect(
            try await history.audit().first { $0.kind == .keysInTheMiddle }?.keyIDs == [history.bob.id, other.id])
    }

    /// Bob makes a new key; Carol's client hears of it late, and uses it before Bob does.
    @Test func aNewKeyIsNotInTheMiddle() async throws {
        let history = try await AuditedHistory()
        let next = PrivateKey.generate()
        let then = [history.alice.publicKey, history.carol.publicKey, next.publicKey]
        try await history.say("before", by: "bob", at: later)
        try await history.know("bob", next.publicKey, at: later + 20 * minute)
        try await history.say("early", by: "carol", to: then, at: later + 30 * minute)
        try await history.say("first", by: "bob", from: next, to: then, at: later + 60 * minute)
        try await history.say("late", by: "carol", at: later + 65 * minute)
        try await history.say("then", by: "carol", to: then, at: later + 90 * minute)
        try await history.say("after", by: "bob", from: next, to: then, at: later + 120 * minute)
        #expect(try await history.brief() == [])
    }

    // MARK: Keys of several users

    @Test func aKeyOfTwoUsersIsFound() async throws {
        let history = try await AuditedHistory()
        try await history.know("dave", PrivateKey.generate().publicKey)
        #expect(try await history.brief() == [])
        try await history.know("dave", history.bob.publicKey)
        let finding = try #require(try await history.audit().first { $0.kind == .sharedKeys })
        #expect(!finding.isExplained)
        #expect(Set(finding.userIDs) == [id("bob"), id("dave")])
        #expect(finding.keyIDs == [history.bob.id])
    }

    /// A false key of Bob's: with his own signing point, and another one's point to encrypt for.
    @Test func aHalfOfAKeyThatIsAnothersIsFound() async throws {
        let history = try await AuditedHistory()
        let mixed = try PublicKey(
            encryptionPoint: history.carol.publicKey.encryptionPoint, signingPoint: history.bob.publicKey.signingPoint)
        try await history.know("bob", mixed)
        let finding = try #require(try await history.audit().first { $0.kind == .sharedKeys })
        #expect(Set(finding.keyIDs) == [history.carol.id, mixed.id])
        #expect(finding.seen.contains("One point to encrypt for"))
    }

    @Test func aRejectedKeyIsNobodys() async throws {
        let history = try await AuditedHistory()
        try await history.know("dave", history.bob.publicKey)
        let rejected = TrustDecision(
            userID: id("dave"), verb: .rejected, signingPoint: history.bob.publicKey.signingPoint,
            encryptionPoint: history.bob.publicKey.encryptionPoint, at: Timestamp(milliseconds: later))
        #expect(try await history.audit([rejected]).filter { $0.kind == .sharedKeys }.isEmpty)
    }

    /// The server had a key for Bob and has none now; it said so among others' keys, which are no news.
    @Test func aKeyThatTheServerShowsNoMoreIsKnown() async throws {
        let history = try await AuditedHistory()
        #expect(try history.fixture.archive.keyRecord().withoutKeyNow.isEmpty)
        let answer = #"{"pubKeys":{"\#(id("bob"))":null,"\#(id("dave"))":null}}"#
        try await ArchiveWriter(history.fixture.directory).append(
            history.document(.keys, answer, at: later), keys: [])
        #expect(
            try history.fixture.archive.keyRecord().withoutKeyNow == [id("bob"): Timestamp(milliseconds: later)])
        try await history.know("bob", history.bob.publicKey, at: later + 1)
        #expect(try history.fixture.archive.keyRecord().withoutKeyNow.isEmpty)
    }

    // MARK: Names

    private func call(_ names: [(user: String, name: String)], in history: AuditedHistory) async throws {
        let users = names.map { #"{"id":"\#(id($0.user))","username":"\#($0.name)","delete_at":0}"# }
        try await history.append(.users, "[\(users.joined(separator: ","))]", objects: .user, at: later)
    }

    @Test func aNameThatBecameAnothersIsFound() async throws {
        let history = try await AuditedHistory()
        try await call([("bob", "carol"), ("carol", "bob")], in: history)
        let findings = try await history.audit()
        #expect(findings.map(\.kind) == [.movedNames, .movedNames])
        #expect(findings.allSatisfy { !$0.isExplained })
        #expect(findings.map { Array($0.userIDs.prefix(2)) } == [[id("bob"), id("carol")], [id("carol"), id("bob")]])
        #expect(findings[0].seen.contains("@carol is user \(id("bob")), who was called @bob before"))
    }

    /// Capitals make no difference to who reads it.
    @Test func aNewUserUnderAnothersNameIsFound() async throws {
        let history = try await AuditedHistory()
        try await call([("erin", "Bob")], in: history)
        #expect(try await history.brief() == ["!names-that-moved: "])
    }

    @Test func aNewNameIsExplainedForWhoHasAKeyAndNoNewsOfOthers() async throws {
        let history = try await AuditedHistory()
        try await call([("bob", "robert"), ("dave", "david")], in: history)
        try await call([("bob", "robert"), ("dave", "david")], in: history)
        #expect(try await history.brief() == ["names-that-moved: "])
        try await call([("bob", "bob")], in: history)
        #expect(try await history.brief() == ["names-that-moved: ", "names-that-moved: "])
    }
}
