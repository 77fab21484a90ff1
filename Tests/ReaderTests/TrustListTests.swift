import Bytes
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// Signed lists of keys between colleagues: Bob's, for Alice.
@Suite struct TrustListTests {
    let fixture: Fixture
    private static let made = Timestamp(milliseconds: Fixture.first + 1000)

    init() async throws {
        fixture = try Fixture()
        try await fixture.addPeople()
        try await fixture.addKeys("bob", [fixture.bobEarlier.publicKey, fixture.bob.publicKey])
        try await fixture.addPage([fixture.encrypted("carols", "c", signer: fixture.stranger, by: "carol")])
    }

    private func list(
        _ entries: [TrustDecision]? = nil, of name: String = "bob", server: String = "https://chat.example.org",
        signer: PrivateKey? = nil, at time: Timestamp = made
    ) -> TrustList {
        TrustList(
            entries ?? [decision(.confirmed, "carol", fixture.stranger.publicKey)],
            of: Account(server: server, userID: id(name), username: name), usernames: [id("carol"): "carol"],
            signedBy: signer ?? fixture.bob, at: time)
    }

    private func decision(_ verb: TrustDecision.Verb, _ name: String, _ key: PublicKey) -> TrustDecision {
        TrustDecision(
            userID: id(name), verb: verb, signingPoint: key.signingPoint, encryptionPoint: key.encryptionPoint,
            at: Self.made, since: Timestamp(milliseconds: 1000))
    }

    private func take(_ list: TrustList) async throws {
        let checked = try CheckedTrustList(try TrustList(list.bytes), for: fixture.archive, at: Self.made)
        try await ArchiveWriter(fixture.directory).append(
            checked.document(at: Self.made), objects: .listedTrust)
    }

    private func refusal(_ list: TrustList) throws -> CheckedTrustList.Refusal? {
        let archive = try fixture.archive
        do throws(ReaderError) { _ = try CheckedTrustList(list, for: archive, at: Self.made) } catch {
            guard case .refusedTrustList(let refusal) = error else { throw error }
            return refusal
        }
        return nil
    }

    @Test func whatIsWrittenIsReadAndKept() async throws {
        let signer = TrustDecision(
            userID: id("carol"), verb: .adopted, signingPoint: fixture.own.publicKey.signingPoint, encryptionPoint: nil,
            at: Self.made)
        let written = list([
            decision(.confirmed, "carol", fixture.stranger.publicKey), signer,
            decision(.seen, "bob", fixture.bob.publicKey), decision(.rejected, "bob", fixture.bobEarlier.publicKey),
        ])
        let read = try TrustList(written.bytes)
        #expect(read.entries.map(\.verb) == [.confirmed, .adopted, .seen, .rejected])
        #expect(read.userID == id("bob") && read.username == "bob" && read.listedAt == Self.made)
        #expect(read.keyID == fixture.bob.id.description && read.server == "https://chat.example.org")
        #expect(read.usernames == [id("carol"): "carol", id("bob"): ""])
        #expect(read.isSigned(by: fixture.bob.publicKey) && !read.isSigned(by: fixture.bobEarlier.publicKey))
        #expect(try refusal(read) == nil)
        try await take(written)
        let kept = try fixture.archive.trustDecisions().filter { $0.colleague != nil }
        #expect(kept.map(\.verb) == read.entries.map(\.verb) && kept.allSatisfy { $0.colleague?.userID == id("bob") })
        #expect(kept.map(\.since?.milliseconds) == [1000, nil, 1000, 1000])
        // The fixture's answers about keys are not what the server would say; the rest must be whole.
        #expect(try await fixture.archive.check().damages.allSatisfy { $0.context.hasPrefix("keys") })
        // A rejection by a colleague is shown, and is theirs.
        let entry = try #require(try TrustRegister(fixture.archive).entries[id("bob")]?.first)
        #expect(entry.standing == .pinned && entry.said.map(\.verb) == [.rejected] && entry.decision == nil)
    }

    /// Not one character may be another; a space between members is one, too.
    @Test func aChangedListIsRefused() throws {
        let bytes = list().bytes
        var refused = 0
        for place in bytes.indices {
            for mask in [0x01, 0x20] as [UInt8] {
                var changed = bytes
                changed[place] ^= mask
                guard let read = try? TrustList(changed) else { continue }
                // What is still a list is not one that Bob signed, or not about this archive.
                #expect(try refusal(read) != nil, "byte \(place) ^ \(mask)")
                refused += 1
            }
        }
        #expect(refused > 100)
    }

    @Test(arguments: [
        "server", "user_id", "username", "key_id", "listed", "decision", "sign", "encr", "since", "by", "by_key",
        "version", "entries", "signature", "list",
    ])
    func everyMemberIsNeededOnceAndNoOther(_ name: String) throws {
        let text = String(decoding: list().bytes, as: UTF8.self)
        #expect((try? TrustList(Array(text.utf8))) != nil)
        for changed in [
            text.replacing("\"\(name)\":", with: "\"\(name)s\":"),
            text.replacing("\"\(name)\":", with: "\"\(name)\":null,\"\(name)\":"),
            text.replacing("\"\(name)\":", with: "\"more\":1,\"\(name)\":"),
        ] {
            #expect(throws: ReaderError.self) { try TrustList(Array(changed.utf8)) }
        }
    }

    @Test(arguments: [
        ("}\n]", "}\n,{}]"), ("\"version\":1", "\"version\":2"), ("\"version\":1", "\"version\":\"1\""),
        ("\"decision\":\"confirmed\"", "\"decision\":\"believed\""), ("\n]},", "\n]}},"), ("{\"list\"", "[{\"list\""),
    ])
    func whatIsNoListIsRefused(_ old: String, _ new: String) throws {
        let text = String(decoding: list().bytes, as: UTF8.self)
        let changed = text.replacing(old, with: new)
        #expect(changed != text)
        #expect(throws: ReaderError.self) { try TrustList(Array(changed.utf8)) }
    }

    @Test func aKeyIsNamedOnceAndLiesOnTheCurve() throws {
        let carols = decision(.confirmed, "carol", fixture.stranger.publicKey)
        let nowhere = TrustDecision(
            userID: id("carol"), verb: .adopted, signingPoint: [4] + [UInt8](repeating: 1, count: 64),
            encryptionPoint: nil, at: Self.made)
        for entries in [[carols, decision(.rejected, "carol", fixture.stranger.publicKey)], [nowhere], []] {
            #expect(throws: ReaderError.self) { try TrustList(list(entries).bytes) }
        }
    }

    @Test func aListCountsByTheKeyThatSignedIt() async throws {
        #expect(try refusal(list(signer: fixture.bobEarlier)) == nil)
        let unknown = fixture.stranger.id.description
        #expect(
            try refusal(list(signer: fixture.stranger)) == .unknownSigner(userID: id("bob"), keyID: unknown))
        // Somebody else's key is not Bob's.
        #expect(
            try refusal(list(of: "carol"))
                == .unknownSigner(userID: id("carol"), keyID: fixture.bob.id.description))
        try await fixture.decide(.rejected, "bob", fixture.bob.publicKey)
        #expect(try refusal(list()) == .rejectedSigner(userID: id("bob"), keyID: fixture.bob.id.description))
    }

    /// A list says which key signed it; one that another signed says so falsely.
    @Test func aListSignedByAnotherThanItSaysIsRefused() throws {
        let genuine = String(decoding: list().bytes, as: UTF8.self)
        let forged = String(decoding: list(signer: fixture.stranger).bytes, as: UTF8.self)
            .replacing(fixture.stranger.id.description, with: fixture.bob.id.description)
            .replacing(
                "\"key_id\":\"\(fixture.bob.id)\",\"sign\"", with: "\"key_id\":\"\(fixture.stranger.id)\",\"sign\"")
        #expect(forged.split(separator: "\n").dropLast() == genuine.split(separator: "\n").dropLast())
        #expect(try refusal(try TrustList(Array(forged.utf8))) == .badSignature)
    }

    @Test func theOwnersAndOtherServersListsAreRefused() throws {
        #expect(try refusal(list(of: "alice", signer: fixture.own)) == .own)
        #expect(try refusal(list(server: "https://other.example.org")) == .otherServer("https://other.example.org"))
    }

    @Test func aListIsTakenOnceAndNoOlderOneAfterIt() async throws {
        let older = list(
            [decision(.rejected, "carol", fixture.stranger.publicKey)],
            at: Timestamp(milliseconds: Self.made.milliseconds - 1))
        try await take(list())
        #expect(try refusal(list()) == .notNewer(than: Self.made))
        #expect(try refusal(older) == .notNewer(than: Self.made))
        // That it says nothing new must not make way for the older one.
        let later = Timestamp(milliseconds: Self.made.milliseconds + 10)
        try await take(list(at: later))
        #expect(try refusal(older) == .notNewer(than: later))
        let tomorrow = Timestamp(milliseconds: Self.made.milliseconds + 86_400_001)
        #expect(try refusal(list(at: tomorrow)) == .fromTheFuture(tomorrow))
    }

    @Test func aConfirmedSignerIsTold() async throws {
        #expect(try !CheckedTrustList(list(), for: fixture.archive, at: Self.made).isConfirmed)
        try await fixture.decide(.confirmed, "bob", fixture.bobEarlier.publicKey)
        #expect(try !CheckedTrustList(list(), for: fixture.archive, at: Self.made).isConfirmed)
        try await fixture.decide(.confirmed, "bob", fixture.bob.publicKey)
        #expect(try CheckedTrustList(list(), for: fixture.archive, at: Self.made).isConfirmed)
    }

    /// What Bob says is his to take back, and counts as long as his key does.
    @Test func whatAListBringsGoesWithIt() async throws {
        func verdict() async throws -> Authenticity? {
            try await fixture.read(PostQuery(channelID: id("channel"))).first?.verdict.authenticity
        }
        #expect(try await verdict() == .unknownSender)
        try await take(list())
        #expect(try await verdict() == .verifiedByEarlierKey)
        try await fixture.decide(.rejected, "bob", fixture.bob.publicKey)
        #expect(try await verdict() == .unknownSender)
        // It is bob's again, as far as the server says: that vouches for nobody.
        try await fixture.decide(.withdrawn, "bob", fixture.bob.publicKey)
        #expect(try await verdict() == .newKeyUnanswered)
        try await fixture.decide(.accepted, "bob", fixture.bob.publicKey)
        #expect(try await verdict() == .verifiedByEarlierKey)
        let later = Timestamp(milliseconds: Self.made.milliseconds + 1)
        try await take(list([decision(.withdrawn, "carol", fixture.stranger.publicKey)], at: later))
        #expect(try await verdict() == .unknownSender)
    }

    /// What rests on the list alone is told apart, and is shown by the audit; once the archive knows the key, it is not.
    @Test func whatRestsOnAListAloneIsTold() async throws {
        func state() async throws -> (voucher: String?, findings: [Finding]) {
            let archive = try fixture.archive
            let trusted = try TrustedKeys(archive, atHand: [])
            let findings = try await Audit(archive, trusted: trusted).run().filter { $0.kind == .unrecordedSigners }
            return (trusted.voucher(ofSigner: fixture.stranger.publicKey.signer.id, of: id("carol")), findings)
        }
        #expect(try await state().voucher == nil)
        try await take(list())
        let told = try await state()
        #expect(told.voucher == id("bob"))
        #expect(told.findings.map(\.isExplained) == [true])
        #expect(told.findings.first?.seen.contains("known only from @bob's list") == true)
        try await fixture.addKeys("carol", [fixture.stranger.publicKey])
        let known = try await state()
        #expect(known.voucher == nil && known.findings.isEmpty)
    }

    @Test func aListHoldsWhatWasDecidedAndTheRestIfWanted() async throws {
        try await fixture.decide(.confirmed, "bob", fixture.bob.publicKey)
        try await fixture.decide(.adopted, "carol", signer: fixture.stranger.publicKey.signer)
        try await fixture.decide(.withdrawn, "carol", signer: fixture.stranger.publicKey.signer)
        try await take(list())
        let archive = try fixture.archive
        let register = try TrustRegister(archive)
        func verbs(_ withSeen: Bool) throws -> [String: TrustDecision.Verb] {
            Dictionary(
                uniqueKeysWithValues: register.statements(withSeen: withSeen, history: try archive.trustDecisions())
                    .map { ($0.subject, $0.verb) })
        }
        let decided: [String: TrustDecision.Verb] = [
            fixture.bob.id.description: .confirmed, fixture.stranger.publicKey.signer.id.description: .withdrawn,
        ]
        #expect(try verbs(false) == decided)
        #expect(try verbs(true) == decided.merging([fixture.bobEarlier.id.description: .seen]) { $1 })
    }

    @Test func theTimelineTellsWhatHappened() async throws {
        try await fixture.addKeys("bob", [fixture.bobEarlier.publicKey])
        try await fixture.decide(.rejected, "bob", fixture.bob.publicKey)
        for place in 0..<2 {
            try await take(
                list(
                    [decision(.seen, "bob", fixture.bob.publicKey)], of: "bob", signer: fixture.bobEarlier,
                    at: Timestamp(milliseconds: Self.made.milliseconds + Int64(place))))
        }
        let (old, new) = (fixture.bobEarlier.id, fixture.bob.id)
        let words = try fixture.archive.keyTimeline(of: id("bob")).map { event in
            switch event.what {
            case .shown(let key, let replaced): "shown \(key.short) \(replaced?.short ?? "")"
            case .announced: "announced"
            case .restored(let key): "restored \(key.short)"
            case .decided(let decision): "\(decision.verb) \(decision.subject.prefix(16)) \(decision.colleague == nil)"
            }
        }
        #expect(
            words == [
                "shown \(old.short) ", "shown \(new.short) \(old.short)", "shown \(old.short) \(new.short)",
                "accepted \(new.short) true", "rejected \(new.short) true", "seen \(new.short) false",
            ])
    }
}
