import Bytes
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// What decisions about keys make of verdicts.
@Suite struct TrustedKeysTests {
    let fixture: Fixture

    init() async throws {
        fixture = try Fixture()
        try await fixture.addPeople()
        try await fixture.addKeys("bob", [fixture.bobEarlier.publicKey, fixture.bob.publicKey])
        try await fixture.addPage([
            fixture.encrypted("now", "n"), fixture.encrypted("before", "b", signer: fixture.bobEarlier),
            fixture.encrypted("strange", "s", signer: fixture.stranger),
            fixture.encrypted("carols", "c", signer: fixture.stranger, by: "carol"),
        ])
    }

    private func verdicts() async throws -> [String: Authenticity] {
        let posts = try await fixture.read(PostQuery(channelID: id("channel")))
        return posts.reduce(into: [:]) { $0[word(of: $1.header.id)] = $1.verdict.authenticity }
    }

    private func post(_ name: String) async throws -> ReadPost {
        try #require(try await fixture.read(PostQuery(channelID: id("channel"))).first { $0.header.id == id(name) })
    }

    static let unjudged: [String: Authenticity] = [
        "now": .verified, "before": .verifiedByEarlierKey, "strange": .signatureInvalid, "carols": .unknownSender,
    ]

    /// The search must say what reading says, whatever was indexed before.
    private func expect(
        _ changed: [String: Authenticity], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let expected = Self.unjudged.merging(changed) { $1 }
        #expect(try await verdicts() == expected, sourceLocation: sourceLocation)
        for authenticity in Authenticity.allCases {
            let found = try await fixture.find("verdict:\(authenticity.rawValue)")
            #expect(
                Set(found) == Set(expected.filter { $0.value == authenticity }.keys), "\(authenticity)",
                sourceLocation: sourceLocation)
        }
        let clean = try await fixture.find("verdict:clean")
        #expect(Set(clean) == Set(expected.filter(\.value.isVerified).keys), sourceLocation: sourceLocation)
    }

    @Test func withoutDecisionsNothingChanges() async throws { try await expect([:]) }

    /// What was only pinned, or taken on the server's word, must be answered about again.
    @Test func afterAConfirmationTheOtherKeysAreUnanswered() async throws {
        try await expect([:])
        try await fixture.decide(.confirmed, "bob", fixture.bobEarlier.publicKey)
        try await expect(["now": .newKeyUnanswered, "before": .verified])
        // The server's word does no more then.
        try await fixture.decide(.accepted, "bob", fixture.bob.publicKey)
        try await expect(["now": .newKeyUnanswered, "before": .verified])
        let trusted = try TrustedKeys(fixture.archive, atHand: [])
        #expect(trusted.owners(ofKey: fixture.bob.id).map(trusted.accepts) == [false])
        try await fixture.decide(.confirmed, "bob", fixture.bob.publicKey)
        try await expect([:])
        try await fixture.decide(.confirmedEarlier, "bob", fixture.bobEarlier.publicKey)
        try await expect([:])
    }

    @Test func aConfirmationOfTheNewKeyAsksAboutThePinnedOne() async throws {
        try await fixture.decide(.confirmed, "bob", fixture.bob.publicKey)
        try await expect(["before": .newKeyUnanswered])
        try await fixture.decide(.confirmedEarlier, "bob", fixture.bobEarlier.publicKey)
        try await expect([:])
    }

    /// Each signature fits a second point, which anybody can compute. A server that shows it as one more key takes nothing
    /// away from the key that the message is by.
    @Test func theOtherPointThatASignatureFitsTakesNoMessageAway() async throws {
        let messages = (0..<8).map {
            EncryptedMessage.seal([UInt8($0)], from: fixture.bob, to: [fixture.own.publicKey])
        }
        let others = messages.flatMap(\.possibleSigners).filter { $0 != fixture.bob.publicKey.signingPoint }
        #expect(others.count == messages.count)
        try await fixture.addKeys(
            "bob",
            try others.map {
                try PublicKey(encryptionPoint: fixture.stranger.publicKey.encryptionPoint, signingPoint: $0)
            } + [fixture.bob.publicKey])
        let trusted = try TrustedKeys(fixture.archive, atHand: [])
        #expect(trusted.count(of: id("bob")) == 2 + others.count)
        for message in messages {
            #expect(trusted.judgement(of: message, by: id("bob")).signer == fixture.bob.publicKey.signer.id)
        }
    }

    /// The text is shown, and is not among what verifies.
    @Test func aNewKeyThatNobodyAnsweredForIsShownAndMarked() async throws {
        try await fixture.decide(.withdrawn, "bob", fixture.bob.publicKey)
        try await expect(["now": .newKeyUnanswered, "before": .verified])
        let post = try await post("now")
        #expect(post.text == .unanswered(UnansweredText(Array("n".utf8))) && !post.verdict.isClean)
        #expect(post.signedBy == fixture.bob.id && post.signer == fixture.bob.publicKey.signer.id)
        #expect(post.reason.hasPrefix("signed by the key \(fixture.bob.id.short), and nobody has said yet"))
    }

    @Test func aRejectedKeysPostsAreInvalidUntilItIsWithdrawn() async throws {
        try await expect([:])
        try await fixture.decide(.rejected, "bob", fixture.bob.publicKey)
        try await expect(["now": .signatureInvalid, "before": .verified])
        let post = try await post("now")
        #expect(post.reason == "signed by the key \(fixture.bob.id.short), which you rejected")
        #expect(post.signedBy == nil && post.signer == fixture.bob.publicKey.signer.id)
        #expect(post.text == .unverified(UnverifiedText(Array("n".utf8))))
        // What was answered before the rejection does not come back.
        try await fixture.decide(.withdrawn, "bob", fixture.bob.publicKey)
        try await expect(["now": .newKeyUnanswered, "before": .verified])
        try await fixture.decide(.accepted, "bob", fixture.bob.publicKey)
        try await expect([:])
    }

    /// Whoever rejected all keys of a user knows them: it is not that nobody does.
    @Test func whoseKeysAreAllRejectedIsNoUnknownSender() async throws {
        for key in [fixture.bob, fixture.bobEarlier] { try await fixture.decide(.rejected, "bob", key.publicKey) }
        try await expect(["now": .signatureInvalid, "before": .signatureInvalid])
    }

    /// Bob's private key, at hand to read for him or restored by mistake, does not make its holder of him: what Bob signed in
    /// Alice's name stays forged.
    @Test func aColleaguesKeyInTheOwnersHandsIsNotTheOwners() async throws {
        try await fixture.addPage([fixture.encrypted("forged", "f", signer: fixture.bob, by: "alice")])
        func forged(_ keys: [PrivateKey]) async throws -> Authenticity? {
            let posts = try await fixture.read(PostQuery(channelID: id("channel")), keys: keys, mine: [fixture.own])
            return posts.first { $0.header.id == id("forged") }?.verdict.authenticity
        }
        func other(_ keys: [PublicKey]) throws -> String? {
            try TrustedKeys(fixture.archive, atHand: keys).otherOwner(of: fixture.bob.publicKey, than: id("alice"))?
                .userID
        }
        #expect(try await forged([fixture.own]) == .signatureInvalid)
        #expect(try await forged([fixture.own, fixture.bob]) == .newKeyUnanswered)
        #expect(try other([fixture.bob.publicKey]) == id("bob"))
        let bob = fixture.bob.publicKey
        try await fixture.append(
            .ownKey(
                userID: id("alice"), encryptionPoint: bob.encryptionPoint, signingPoint: bob.signingPoint,
                at: Timestamp(milliseconds: Fixture.first)), objects: nil)
        #expect(try await forged([fixture.own]) == .newKeyUnanswered)
        let trusted = try TrustedKeys(fixture.archive, atHand: [])
        #expect(trusted.otherOwner(of: fixture.bob.publicKey, than: id("alice"))?.userID == id("bob"))
        #expect(trusted.otherOwner(of: fixture.stranger.publicKey, than: id("alice")) == nil)
        // That it is not Bob's does not make it the owner's: only they say so.
        try await fixture.decide(.rejected, "bob", fixture.bob.publicKey)
        #expect(try await forged([fixture.own]) == .newKeyUnanswered)
        #expect(try other([]) == nil)
        try await fixture.decide(.own, "alice", fixture.bob.publicKey)
        #expect(try await forged([fixture.own]) == .verifiedByEarlierKey)
        try await fixture.decide(.withdrawn, "alice", fixture.bob.publicKey)
        #expect(try await forged([fixture.own]) == .newKeyUnanswered)
        // Or it is theirs as well.
        try await fixture.decide(.withdrawn, "bob", fixture.bob.publicKey)
        try await fixture.decide(.confirmed, "alice", fixture.bob.publicKey)
        #expect(try await forged([fixture.own]) == .verified)
        #expect(try other([]) == nil)
    }

    /// The server shows the owner's key for somebody else as well: that must not keep it from being restored.
    @Test func anOwnKeyThatIsShownForAnotherMayBeTheOwners() async throws {
        try await fixture.addKeys("alice", [fixture.own.publicKey])
        try await fixture.addKeys("carol", [fixture.own.publicKey])
        for keys in [[], [fixture.own.publicKey]] {
            let trusted = try TrustedKeys(fixture.archive, atHand: keys)
            #expect(trusted.otherOwner(of: fixture.own.publicKey, than: id("alice")) == nil)
        }
    }

    /// Else a server could give a rejected key a new name, and all that it signed would count again.
    @Test func aRejectedSigningPointThatIsShownAnewIsRejectedToo() throws {
        let bob = fixture.bob.publicKey
        let renamed = try PublicKey(
            encryptionPoint: fixture.stranger.publicKey.encryptionPoint, signingPoint: bob.signingPoint)
        func decision(_ verb: TrustDecision.Verb, _ key: PublicKey, at time: Int64) -> TrustDecision {
            TrustDecision(
                userID: id("bob"), verb: verb, signingPoint: key.signingPoint, encryptionPoint: key.encryptionPoint,
                at: Timestamp(milliseconds: time))
        }
        /// Documents go by the time here; what the clock says of a decision does not count.
        func standing(shownAt time: Int64, _ decisions: TrustDecision...) -> Standing? {
            let document = time
            var decidedIn = TrustDocuments()
            for decision in decisions { decidedIn.add(decision, document: decision.at.milliseconds / 10) }
            let time = Timestamp(milliseconds: time)
            let sighting = KeySighting(
                userID: id("bob"), keyID: renamed.id.description, source: .server, at: time,
                encryptionPoint: renamed.encryptionPoint, signingPoint: renamed.signingPoint)
            var keys = KeyRecord()
            keys.add(document: document, at: time, keys: [sighting], keyless: [])
            let trusted = TrustedKeys(
                TrustRecord(ownerID: id("alice"), keys: keys, decisions: decisions, decidedIn: decidedIn))
            return trusted.owners(ofKey: renamed.id).first?.standing
        }
        let rejection = decision(.rejected, bob, at: 1000)
        #expect(standing(shownAt: 150) == .pinned)
        #expect(standing(shownAt: 50, rejection) == .pinned)
        #expect(standing(shownAt: 150, rejection) == .rejected)
        #expect(standing(shownAt: 150, rejection, decision(.confirmed, renamed, at: 2000)) == .confirmed)
    }

    @Test func anAdoptedSignersPostsAreByAnEarlierKey() async throws {
        try await expect([:])
        try await fixture.decide(.adopted, "carol", signer: fixture.stranger.publicKey.signer)
        try await expect(["carols": .verifiedByEarlierKey])
        let post = try await post("carols")
        #expect(post.signedBy == nil && post.signer == fixture.stranger.publicKey.signer.id)
        try await fixture.decide(.withdrawn, "carol", signer: fixture.stranger.publicKey.signer)
        try await expect([:])
        try await fixture.decide(.adopted, "carol", signer: fixture.stranger.publicKey.signer)
        try await expect(["carols": .verifiedByEarlierKey])
        try await fixture.decide(.rejected, "carol", signer: fixture.stranger.publicKey.signer)
        try await expect(["carols": .signatureInvalid])
    }

    @Test func anAdoptedSignerThatTheServerShowsIsTheCurrentKey() async throws {
        try await fixture.decide(.adopted, "carol", signer: fixture.stranger.publicKey.signer)
        try await fixture.addKeys("carol", [fixture.stranger.publicKey])
        try await expect(["carols": .verified])
        #expect(try await post("carols").signedBy == fixture.stranger.id)
    }

    /// The server hands out Bob's true signing point with an encryption point whose private number it knows.
    @Test func aFalsePairIsRejectedWithoutTheTrueKey() async throws {
        let pair = try PublicKey(
            encryptionPoint: fixture.stranger.publicKey.encryptionPoint,
            signingPoint: fixture.bob.publicKey.signingPoint)
        try await fixture.addKeys("bob", [pair])
        try await expect([:])
        try await fixture.decide(.rejected, "bob", pair)
        try await expect([:])
        #expect(try await post("now").signedBy == fixture.bob.id)
        // The other way about: then the false one alone is left, of which nothing was said.
        try await fixture.decide(.withdrawn, "bob", pair)
        try await fixture.decide(.rejected, "bob", fixture.bob.publicKey)
        try await expect(["now": .newKeyUnanswered, "before": .verified])
        #expect(try await post("now").signedBy == pair.id)
        // Without either, nothing is left of that signing point.
        try await fixture.decide(.rejected, "bob", pair)
        try await expect(["now": .signatureInvalid, "before": .verified])
    }

    /// To reject a signer is to reject every key with it, unless one was confirmed later.
    @Test func aRejectedSignerTakesItsKeysWithIt() async throws {
        try await fixture.decide(.confirmed, "bob", fixture.bob.publicKey)
        try await fixture.decide(.rejected, "bob", signer: fixture.bob.publicKey.signer)
        try await expect(["now": .signatureInvalid, "before": .verified])
        try await fixture.decide(.confirmed, "bob", fixture.bob.publicKey)
        try await expect(["before": .newKeyUnanswered])
    }

    @Test func anOwnKeyIsRejectedIfThatIsSaid() async throws {
        try await fixture.addPage([fixture.encrypted("mine", "m", signer: fixture.own, by: "alice")])
        try await expect(["mine": .verified])
        try await fixture.decide(.rejected, "alice", fixture.own.publicKey)
        try await expect(["mine": .signatureInvalid])
    }

    @Test(arguments: [
        (TrustDecision.Verb.confirmed, Authenticity.verifiedByEarlierKey), (.confirmedEarlier, .verifiedByEarlierKey),
        (.seen, .newKeyUnanswered), (.rejected, .unknownSender), (.withdrawn, .unknownSender),
    ])
    func aKeyInAColleaguesListIsAnEarlierOne(_ verb: TrustDecision.Verb, _ authenticity: Authenticity) async throws {
        try await fixture.list(verb, "carol", fixture.stranger.publicKey, by: fixture.bob)
        try await expect(["carols": authenticity])
        // Whose list it was is not who they seemed to be: nothing of it counts.
        try await fixture.decide(.rejected, "bob", fixture.bob.publicKey)
        try await expect(["now": .signatureInvalid, "before": .verified])
    }

    /// Whose key the owner neither compared nor took vouches for nobody: the key is known, and that is all.
    @Test func aListByAPinnedKeyIsAHint() async throws {
        try await fixture.list(.confirmed, "carol", fixture.stranger.publicKey, by: fixture.bobEarlier)
        try await expect(["carols": .newKeyUnanswered])
        try await fixture.decide(.confirmedEarlier, "bob", fixture.bobEarlier.publicKey)
        try await expect([
            "carols": .verifiedByEarlierKey, "now": .newKeyUnanswered,
        ])
    }

    @Test func aColleaguesAdoptionIsTheirs() async throws {
        try await fixture.list(.adopted, "carol", signer: fixture.stranger.publicKey.signer, by: fixture.bob)
        try await expect([:])
    }

    @Test func nobodyElseSaysWhichKeysAreTheOwners() async throws {
        try await fixture.addPage([fixture.encrypted("mine", "m", signer: fixture.stranger, by: "alice")])
        try await fixture.list(.confirmed, "alice", fixture.stranger.publicKey, by: fixture.bob)
        try await expect(["mine": .newKeyUnanswered])
    }

    @Test func nobodyIsVouchedForOnlyByTheVouchedFor() async throws {
        let dave = PrivateKey.generate()
        try await fixture.list(.confirmed, "carol", fixture.stranger.publicKey, by: fixture.bob)
        try await fixture.list(.confirmed, "dave", dave.publicKey, by: fixture.stranger, called: "carol")
        let trusted = try TrustedKeys(fixture.archive, atHand: [])
        #expect(trusted.owners(ofKey: fixture.stranger.id).map(\.userID) == [id("carol")])
        #expect(trusted.owners(ofKey: dave.id).isEmpty)
    }

    @Test func ownersAreToldWithWhatTheirKeysCount() async throws {
        try await fixture.addKeys("carol", [fixture.bob.publicKey])
        try await fixture.decide(.rejected, "bob", fixture.bob.publicKey)
        try await fixture.decide(.adopted, "carol", signer: fixture.stranger.publicKey.signer)
        let trusted = try TrustedKeys(fixture.archive, atHand: [])
        for owners in [
            trusted.owners(ofKey: fixture.bob.id), trusted.owners(ofSigner: fixture.bob.publicKey.signer.id),
        ] {
            #expect(owners.map(\.userID) == [id("bob"), id("carol")])
            #expect(owners.map(\.standing) == [.rejected, .succeeding])
        }
        let adopted = trusted.owners(ofSigner: fixture.stranger.publicKey.signer.id)
        #expect(adopted.map(\.userID) == [id("carol")] && adopted.map(\.standing) == [.adopted])
        #expect(adopted[0].key == nil && trusted.owners(ofKey: fixture.stranger.id).isEmpty)
        #expect(trusted.all.count == 4)
    }
}

extension Fixture {
    /// Alice decides about a key, or about a signer.
    func decide(_ verb: TrustDecision.Verb, _ word: String, _ key: PublicKey) async throws {
        try await decide(verb, word, key.signer, key.encryptionPoint)
    }

    func decide(_ verb: TrustDecision.Verb, _ word: String, signer: SigningPoint) async throws {
        try await decide(verb, word, signer, nil)
    }

    private func decide(
        _ verb: TrustDecision.Verb, _ word: String, _ signer: SigningPoint, _ encryption: [UInt8]?
    ) async throws {
        let time = Timestamp(milliseconds: Fixture.first + (try archive.head().documents))
        let decision = TrustDecision(
            userID: id(word), verb: verb, signingPoint: signer.bytes, encryptionPoint: encryption, at: time)
        try await ArchiveWriter(directory).append(TrustDecision.document([decision], at: time), objects: .trust)
    }

    /// A colleague's list arrives; its signature was checked by whoever let it in.
    func list(
        _ verb: TrustDecision.Verb, _ word: String, _ key: PublicKey, by signer: PrivateKey, called name: String = "bob"
    ) async throws {
        try await list(verb, word, key.signer, key.encryptionPoint, signer, name)
    }

    func list(
        _ verb: TrustDecision.Verb, _ word: String, signer point: SigningPoint, by signer: PrivateKey
    ) async throws { try await list(verb, word, point, nil, signer, "bob") }

    private func list(
        _ verb: TrustDecision.Verb, _ word: String, _ point: SigningPoint, _ encryption: [UInt8]?,
        _ signer: PrivateKey, _ name: String
    ) async throws {
        let time = Timestamp(milliseconds: Fixture.first)
        let entry = TrustDecision(
            userID: id(word), verb: verb, signingPoint: point.bytes, encryptionPoint: encryption,
            colleague: .init(userID: id(name), keyID: signer.id.description, listedAt: time), at: time)
        var json = JSONWriter()
        json.object { json in
            json.object("list") { json in json.array("entries") { entry.write(to: &$0) } }
        }
        try await ArchiveWriter(directory).append(
            TrustDecision.document(list: json.bytes, at: time), objects: .listedTrust)
    }
}
