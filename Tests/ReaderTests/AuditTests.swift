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

    /// The server may write any time into the copy.
    @Test func theOriginalIsThePostThatAnEarlierPullBrought() async throws {
        let history = try await AuditedHistory()
        let message = EncryptedMessage.seal([1], from: history.bob, to: history.everybody)
        try await history.put("genuine", by: "bob", message, at: later)
        try await history.know("bob", history.bob.publicKey, at: later + 5000)
        try await history.put("copy", by: "bob", message, at: later - 1000)
        let finding = try #require(try await history.audit().first)
        #expect(finding.original?.id == id("genuine"))
        #expect(finding.places.flatMap(\.posts).map(\.id) == [id("copy")])
        #expect(finding.seen.contains("archived before"))
    }

    @Test(arguments: ["genuine", "copy"])
    func theOriginalIsThePostThatTheOwnerNamed(_ name: String) async throws {
        let history = try await AuditedHistory()
        let message = EncryptedMessage.seal([1], from: history.bob, to: history.everybody)
        try await history.put("genuine", by: "bob", message, at: later)
        try await history.put("copy", by: "bob", message, at: later + 1000)
        #expect(try await history.audit().first?.seen.contains("Only the times") == true)
        let digest = try #require(try history.fixture.archive.repeatedMessages(inPost: id("copy")).first)
        let original = OriginalPost(
            postID: id(name), ciphertext: digest, at: Timestamp(milliseconds: later + 2000))
        try await ArchiveWriter(history.fixture.directory).append(
            OriginalPost.document([original], at: original.at), objects: .original)
        #expect(try await history.audit().map { $0.original?.id } == [id(name)])
    }

    /// Whose message it was can be told from the edit that put it into the older post; who was left out still counts.
    @Test func anOlderPostThatWasEditedToCarryALaterMessageIsNotTheOriginal() async throws {
        let history = try await AuditedHistory()
        let message = EncryptedMessage.seal(
            [1], from: history.bob, to: [history.bob, history.carol].map(\.publicKey))
        try await history.say("older", by: "bob", at: later)
        try await history.put("genuine", by: "bob", message, at: later + 1000)
        try await history.put("older", by: "bob", message, at: later, editAt: later + 2000)
        #expect(
            try await history.brief() == [
                "!repeated-ciphertext: genuine older", "!missing-recipients: genuine older",
            ])
        #expect(try await history.audit().first?.original == nil)
    }

    /// Where no edit is named, the time of the change tells.
    @Test func anOlderPostThatSilentlyCarriesALaterMessageIsNotTheOriginal() async throws {
        let history = try await AuditedHistory()
        let message = EncryptedMessage.seal([1], from: history.bob, to: history.everybody)
        try await history.say("older", by: "bob", at: later)
        try await history.put("genuine", by: "bob", message, at: later + 1000)
        try await history.addRaw(
            "older", by: "bob", at: later, type: EncryptedPost.type, props: #"{"e2ee":\#(Fixture.json(message))}"#,
            updateAt: later + 2000)
        let findings = try await history.audit()
        #expect(findings.map(\.kind) == [.repeatedCiphertext, .changedInPlace])
        #expect(findings[0].original == nil)
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
        let trusted = TrustedKeys(
            TrustRecord(ownerID: id("alice"), keys: KeyRecord(), atHand: [fixture.own.publicKey]))
        let audit = Audit(archive, trusted: trusted)
        #expect(try !audit.knowsKeys)
        #expect(try await audit.run().isEmpty)
    }

    // MARK: The whole

    @Test func channelsChosenLeaveOutWhatIsElsewhere() async throws {
        let history = try await AuditedHistory()
        try await history.sayInClear("plain", by: "bob", at: later)
        let archive = try history.fixture.archive
        let audit = Audit(archive, trusted: try TrustedKeys(archive, atHand: []))
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
        #expect(root["see"]?.string == "threat-model.md#repeated-ciphertext")
    }

    /// The text is the server's to read; the message is not.
    @Test func anEditInTheClearIsToldWithItsTimesAndTheServersVersion() async throws {
        let history = try await AuditedHistory()
        let sealed = Fixture.payload("sealed", from: history.bob, to: history.everybody)
        func put(_ message: String, editAt: Int64) async throws {
            try await history.fixture.addPage([
                Fixture.post(
                    "edited", by: "bob", at: later, editAt: editAt, type: EncryptedPost.type, message: message,
                    payload: sealed)
            ])
        }
        try await put("in the clear", editAt: later + 60_000)
        let before = try #require(try await history.audit().first { $0.kind == .editedInTheClear })
        #expect(before.serverVersions == [] && !before.seen.contains("version"))
        let server = try #require(ServerRecord(versionID: "11.2.0.11.2.0.x"))
        try await history.fixture.append(server.document(at: Timestamp(milliseconds: later)), objects: .server)
        try await put("in the clear again", editAt: later + 120_000)
        let finding = try #require(try await history.audit().first { $0.kind == .editedInTheClear })
        #expect(finding.edits == [id("edited"): [later + 60_000, later + 120_000]])
        #expect(finding.seen.contains("The server has read that text"))
        #expect(finding.seen.contains(Timestamp(milliseconds: later + 60_000).minute))
        #expect(finding.serverVersions == ["11.2.0"] && finding.seen.contains("version 11.2.0"))
        var json = JSONWriter()
        finding.write(to: &json)
        let root = try JSONDocument(json.bytes).root
        let post = root["places"]?.elements.first?["posts"]?.elements.first
        #expect(post?["edited_at"]?.elements.count == 2)
        #expect(root["server_versions"]?.elements.map(\.string) == ["11.2.0"])
    }

    /// Its text is nobody's to show.
    @Test func aDraftForAnEncryptedChannelIsFound() async throws {
        let history = try await AuditedHistory()
        func draft(_ channel: String, root: String = "") -> String {
            """
            {"create_at":\(later),"update_at":\(later + 60_000),"user_id":"\(id("alice"))","channel_id":"\(id(channel))",\
            "root_id":"\(root)","message":"unsaid","props":{}}
            """
        }
        try await history.append(
            .drafts, "[\(draft("channel")),\(draft("channel", root: id("quiet0x"))),\(draft("second"))]",
            objects: .draft, at: later + 120_000)
        let findings = try await history.audit()
        #expect(findings.map(\.kind) == [.drafts, .drafts])
        let finding = try #require(findings.first { !$0.isExplained })
        #expect(finding.places.map(\.channelID) == [id("channel")] && finding.posts == 0)
        #expect(finding.drafts.count == 2 && finding.userIDs == [id("alice")])
        #expect(finding.seen.contains("with encrypted posts"))
        #expect(finding.seen.contains("last seen \(Timestamp(milliseconds: later + 120_000).minute)"))
        #expect(findings.first { $0.isExplained }?.places.map(\.channelID) == [id("second")])
        for finding in findings {
            var json = JSONWriter()
            finding.write(to: &json)
            #expect(!json.text.contains("unsaid"))
            #expect(try JSONDocument(json.bytes).root["drafts"]?.elements.count == finding.drafts.count)
            #expect(EvidenceFinding(finding, channels: Set(finding.places.map(\.channelID))) == nil)
        }

        #expect(!DocumentKind.drafts.isDecisive)
        // Neither read nor found; an index does not hold it.
        let read = try await history.fixture.read(PostQuery(channelID: id("channel")))
        #expect(read.allSatisfy { $0.text != .plain("unsaid") })
        #expect(try await history.fixture.find("unsaid") == [])

        let gone = Absence(id: "\(id("channel")):\(id("alice")):", what: .draft, reason: .notListed)
        try await history.fixture.append(
            Absence.document([gone], at: Timestamp(milliseconds: later + 240_000)), objects: .absence)
        let last = try #require(try await history.audit().first { !$0.isExplained })
        #expect(last.seen.contains("no longer there on \(Timestamp(milliseconds: later + 240_000).minute)"))
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
