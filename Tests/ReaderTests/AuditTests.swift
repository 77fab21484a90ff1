import Bytes
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// Each finding with a history that has it, and with one that just does not.
@Suite struct AuditTests {
    private let later = Fixture.first + 3_600_000

    @Test func aQuietHistoryHasNoFindings() async throws {
        #expect(try await AuditedHistory().brief() == [])
    }

    // MARK: Repeated ciphertext

    @Test(arguments: [("bob", "channel"), ("carol", "channel"), ("bob", "second"), ("carol", "second")])
    func aMessageThatStandsThereAgainIsFound(author: String, channel: String) async throws {
        let history = try await AuditedHistory()
        let message = EncryptedMessage.seal([1], from: history.bob, to: history.everybody)
        try await history.put("original", by: "bob", message, at: later)
        try await history.put("copy", by: author, message, in: channel, at: later + 1000)
        let findings = try await history.audit().filter { $0.kind == .repeatedCiphertext }
        #expect(findings.map { $0.original?.id } == [id("original")])
        #expect(findings.first?.places.map { $0.posts.map(\.id) } == [[id("copy")]])
        // In another one's name it is, besides, signed by a key that is not theirs.
        let others = try await history.audit().filter { $0.kind != .repeatedCiphertext }.map(\.kind)
        #expect(others == (author == "bob" ? [] : [.misattributedPosts]))
    }

    @Test func aCopyWithAnotherSignatureIsACopy() async throws {
        let history = try await AuditedHistory()
        let message = EncryptedMessage.seal([1], from: history.bob, to: history.everybody)
        try await history.put("original", by: "bob", message, at: later)
        try await history.put("copy", by: "bob", message.malleated, at: later + 1000)
        #expect(try await history.brief() == ["!repeated-ciphertext: copy"])
    }

    @Test func whatAPostSaidBeforeIsNoCopy() async throws {
        let history = try await AuditedHistory()
        let message = EncryptedMessage.seal([1], from: history.bob, to: history.everybody)
        try await history.put("post", by: "bob", message, at: later)
        try await history.put("post", by: "bob", message, at: later, editAt: later + 1000)
        try await history.put("revision", by: "bob", message, at: later, original: "post")
        #expect(try await history.brief() == [])
    }

    @Test func aPostOutOfAnExportIsNoCopyOfItself() {
        func post(_ id: String, _ channel: String, _ user: String, _ at: Int64) -> PostReference {
            PostReference(id: id, channelID: channel, userID: user, createAt: at)
        }
        let known = post("a", "town", "bob", 7)
        #expect(post("import-1", "town", "bob", 7).isImport(of: known))
        #expect(post("import-1", "import-2", "import-3", 7).isImport(of: known))
        #expect(!post("import-1", "town", "bob", 8).isImport(of: known))
        #expect(!post("import-1", "square", "bob", 7).isImport(of: known))
        #expect(!post("import-1", "town", "carol", 7).isImport(of: known))
        #expect(!post("b", "town", "bob", 7).isImport(of: known))
    }

    // MARK: Signers

    @Test func aSignerWhoseKeyHasGoneIsExplained() async throws {
        let history = try await AuditedHistory(isQuiet: false)
        let earlier = PrivateKey.generate()
        let before = [history.alice, earlier, history.carol].map(\.publicKey)
        for place in 0..<4 {
            try await history.say(
                "before\(place)x", by: place < 2 ? "bob" : "alice", from: place < 2 ? earlier : nil, to: before,
                at: Fixture.first + Int64(place) * 60_000)
        }
        try await history.say("after1", by: "bob", at: later)
        try await history.say("after2", by: "alice", at: later + 1000)
        let findings = try await history.audit()
        #expect(findings.map(\.kind) == [.unrecordedSigners, .unknownRecipients])
        #expect(findings.map(\.isExplained) == [true, true])
        #expect(findings.map(\.posts) == [2, 4])
        #expect(findings.map(\.keyIDs) == [[earlier.id], [earlier.id]])
    }

    @Test func aTamperedPostIsNobodys() async throws {
        let history = try await AuditedHistory()
        let message = EncryptedMessage.seal([1, 2], from: history.bob, to: history.everybody)
        let tampered = EncryptedMessage(
            iv: message.iv, ephemeralPoint: message.ephemeralPoint, recipients: message.recipients,
            encryptedData: [7, 7], signature: message.signature)
        try await history.put("tampered", by: "bob", tampered, at: later)
        #expect(try await history.brief() == ["!unrecorded-signers: tampered"])
    }

    @Test func withoutAnybodysKeyNothingIsSaidOfSigners() async throws {
        let fixture = try Fixture()
        try await fixture.addPeople()
        let payload = Fixture.payload("text", from: fixture.bob, to: [fixture.stranger.publicKey])
        try await fixture.addPage([Fixture.post("post", type: EncryptedPost.type, payload: payload)])
        let archive = try fixture.archive
        let trusted = TrustedKeys(known: [:], decisions: [], own: [fixture.own.publicKey], ownerID: id("alice"))
        let audit = Audit(archive, trusted: trusted)
        #expect(try !audit.knowsKeys)
        #expect(try await audit.run().isEmpty)
    }

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
        #expect(try await history.brief() == [])
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

    // MARK: Clear text

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
        try await history.addRaw("hook", by: "bob", at: later, props: #"{"from_webhook":"true"}"#)
        try await history.addRaw("bots", by: "bob", at: later, props: #"{"from_bot":"true"}"#)
        try await history.sayInClear("botsown", by: "bot", at: later)
        try await history.addRaw("header", by: "bob", at: later, type: "system_header_change")
        #expect(try await history.brief() == [])
    }

    // MARK: Times

    @Test func aChangeBeforeTheCreationIsFound() async throws {
        let history = try await AuditedHistory()
        try await history.addRaw("edited", by: "bob", in: "second", at: later, editAt: later - 1)
        try await history.addRaw("deleted", by: "bob", in: "second", at: later, deleteAt: later - 1)
        try await history.addRaw("fine", by: "bob", in: "second", at: later, editAt: later, deleteAt: later)
        #expect(try await history.brief() == ["!times-that-run-backwards: deleted edited"])
    }

    @Test func aReplyBeforeItsRootIsFound() async throws {
        let history = try await AuditedHistory()
        try await history.addRaw("root", by: "bob", in: "second", at: later)
        try await history.addRaw("reply", by: "bob", in: "second", at: later + 1, root: "root")
        try await history.addRaw("orphan", by: "bob", in: "second", at: later, root: "unknown")
        #expect(try await history.brief() == [])
        try await history.addRaw("early", by: "bob", in: "second", at: later - 1, root: "root")
        #expect(try await history.brief() == ["!times-that-run-backwards: early"])
    }

    @Test func aLaterVersionWithAnEarlierTimeIsFound() async throws {
        let history = try await AuditedHistory()
        func version(_ message: String, _ updateAt: Int64, _ editAt: Int64) async throws {
            try await history.addRaw(
                "post", by: "bob", in: "second", at: later, message: message, updateAt: updateAt, editAt: editAt)
        }
        try await version("one", later, 0)
        try await version("two", later + 9, later + 9)
        #expect(try await history.brief() == [])
        try await version("three", later + 5, later + 5)
        #expect(try await history.brief() == ["!times-that-run-backwards: post"])
    }

    /// What the server does by itself: a reply that is dated back takes its root's `update_at` back with it.
    @Test func aReplyThatIsDatedBackMovesItsRoot() async throws {
        let history = try await AuditedHistory()
        func root(_ message: String, _ updateAt: Int64) async throws {
            try await history.addRaw("root", by: "bob", in: "second", at: later, message: message, updateAt: updateAt)
        }
        try await root("one", later + 9)
        try await root("two", later + 5)
        #expect(try await history.brief() == ["!times-that-run-backwards: root"])
        try await history.addRaw("reply", by: "bob", in: "second", at: later + 5, root: "root")
        #expect(try await history.brief() == [])
    }

    @Test func aPostThatAppearsInThePastIsFound() async throws {
        let history = try await AuditedHistory()
        let state = WalkState(cursor: later, backward: nil, hasAskedForPast: true)
        try await ArchiveWriter(history.fixture.directory).note(
            state, channelID: id("channel"), at: Timestamp(milliseconds: later))
        try await history.say("new", by: "bob", at: later + 1)
        try await history.addRaw("older", by: "bob", at: AuditedHistory.beginning - 1, type: "system_header_change")
        try await history.addRaw("tombstone", by: "bob", at: Fixture.first, type: "system_x", deleteAt: later)
        #expect(try await history.brief() == [])
        try await history.say("inserted", by: "bob", at: Fixture.first + 90_000)
        #expect(try await history.brief() == ["!times-that-run-backwards: inserted"])
    }

    // MARK: Vanished posts

    @Test func aPostThatVanishedIsFoundAndOneThatIsBackIsNot() async throws {
        let history = try await AuditedHistory()
        func note(_ reason: Absence.Reason) async throws {
            let absence = Absence(id: id("quiet1x"), what: .post, reason: reason)
            try await ArchiveWriter(history.fixture.directory).append(
                Absence.document([absence], at: Timestamp(milliseconds: later)), objects: .absence)
        }
        try await note(.gone)
        #expect(try await history.brief() == ["!vanished-posts: quiet1x"])
        try await note(.back)
        #expect(try await history.brief() == [])
    }

    // MARK: The whole

    @Test func channelsChosenLeaveOutWhatIsElsewhere() async throws {
        let history = try await AuditedHistory()
        try await history.sayInClear("plain", by: "bob", at: later)
        let archive = try history.fixture.archive
        let audit = Audit(archive, trusted: try TrustedKeys(archive, own: []))
        let channels = try archive.channels()
        #expect(try await audit.run(channels: channels.filter { $0.id == id("channel") }).count == 1)
        #expect(try await audit.run(channels: channels.filter { $0.id == id("second") }).isEmpty)
    }

    @Test func aFindingIsOneObjectOfItsKeys() async throws {
        let history = try await AuditedHistory()
        let message = EncryptedMessage.seal([1], from: history.bob, to: history.everybody)
        try await history.put("original", by: "bob", message, at: later)
        try await history.put("copy", by: "bob", message, at: later + 1000)
        var json = JSONWriter()
        try #require(try await history.audit().first).write(to: &json)
        let root = try JSONDocument(json.bytes).root
        #expect(
            root.members.map(\.key) == [
                "kind", "explained", "seen", "can_mean", "cannot_mean", "explanation", "users", "key_ids", "posts",
                "first",
                "last", "original", "places", "see",
            ])
        #expect(root["original"]?["id"]?.string == id("original"))
        #expect(root["places"]?.elements.first?["posts"]?.elements.first?["id"]?.string == id("copy"))
        #expect(root["see"]?.string == "docs/threat-model.md#repeated-ciphertext")
    }

    @Test func aNameCannotDriveTheTerminal() async throws {
        let history = try await AuditedHistory()
        try await history.append(
            .users, #"[{"id":"\#(id("bob"))","username":"bob\u001b[2J","delete_at":0}]"#, objects: .user)
        try await history.sayInClear("plain", by: "bob", at: later)
        let finding = try #require(try await history.audit().first)
        #expect(finding.seen.contains("@bob\\u{1B}[2J"))
    }
}
