import Bytes
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// Keys that signed posts and were never seen.
@Suite struct SignerSearchTests {
    /// Posts by Bob, a minute apart, each with its own message; `signer` nil for his key before.
    private func write(
        _ fixture: Fixture, _ count: Int, by author: String = "bob", from signer: PrivateKey? = nil,
        to recipients: [PublicKey]? = nil, at start: Int64 = Fixture.first, name: String = "post",
        channel: String = "channel"
    ) async throws {
        let signer = signer ?? fixture.bobEarlier
        let posts = (0..<count).map { place in
            Fixture.post(
                "\(name)\(place)", by: author, in: channel, at: start + Int64(place) * 60_000, type: EncryptedPost.type,
                payload: Fixture.payload(
                    "\(name) \(place)", from: signer,
                    to: recipients ?? [fixture.own.publicKey, signer.publicKey]))
        }
        try await fixture.addPage(posts, channel: channel)
    }

    private func search(_ fixture: Fixture, decisions: [TrustDecision] = []) async throws -> SignerReport {
        let archive = try fixture.archive
        let trusted = TrustedKeys(
            TrustRecord(
                ownerID: id("alice"), keys: try archive.keyRecord(), decisions: decisions,
                atHand: [fixture.own.publicKey], ownForOnce: [fixture.own.publicKey]))
        return try await SignerSearch(archive, trusted: trusted).run()
    }

    private func prepared() async throws -> Fixture {
        let fixture = try Fixture()
        try await fixture.addPeople()
        try await fixture.addKeys("bob", [fixture.bob.publicKey])
        return fixture
    }

    @Test func aKeyThatWasNeverSeenIsFoundByItsPosts() async throws {
        let fixture = try await prepared()
        try await write(fixture, 5)
        try await write(fixture, 3, at: Fixture.first + 3_600_000, name: "other", channel: "second")
        try await write(fixture, 4, from: fixture.bob, name: "known")
        let report = try await search(fixture)
        let signer = try #require(report.signers.first)
        #expect(report.signers.count == 1)
        #expect(signer.userID == id("bob"))
        #expect(signer.point.bytes == fixture.bobEarlier.publicKey.signingPoint)
        #expect(signer.posts.count == 8)
        #expect(signer.messages == 8)
        #expect(signer.channels == [id("channel"): 5, id("second"): 3])
        #expect(signer.first == Fixture.first)
        #expect(signer.last == Fixture.first + 3_600_000 + 120_000)
        #expect(report.unexplained.isEmpty && report.misattributed.isEmpty)
    }

    @Test func onePostAloneTellsNothing() async throws {
        let fixture = try await prepared()
        try await write(fixture, 1)
        let report = try await search(fixture)
        #expect(report.signers.isEmpty)
        #expect(report.unexplained[id("bob")]?.map(\.id) == [id("post0")])
    }

    @Test func twoPostsAreEnough() async throws {
        let fixture = try await prepared()
        try await write(fixture, 2)
        #expect(try await search(fixture).signers.map(\.posts.count) == [2])
    }

    /// The same message three times, once as another signature of it: whoever repeats a message makes no signer of it.
    @Test func aMessageRepeatedIsNoSecondMessage() async throws {
        let fixture = try await prepared()
        let message = EncryptedMessage.seal([1], from: fixture.bobEarlier, to: [fixture.own.publicKey])
        let posts = [("one", message), ("two", message), ("three", message.malleated), ("four", message.malleated)].map
        {
            Fixture.post($0, by: "bob", type: EncryptedPost.type, payload: Fixture.json($1))
        }
        try await fixture.addPage(posts)
        var report = try await search(fixture)
        #expect(report.signers.isEmpty)
        #expect(report.unexplained[id("bob")]?.count == 4)

        // A second message, and the copies are the signer's as well: it signed what they say.
        try await write(fixture, 1)
        report = try await search(fixture)
        #expect(report.signers.map(\.posts.count) == [5])
        #expect(report.signers.map(\.messages) == [2])
        #expect(report.unexplained.isEmpty)
    }

    @Test func aTamperedPostStaysOutside() async throws {
        let fixture = try await prepared()
        try await write(fixture, 9)
        let message = EncryptedMessage.seal(Array("pay 10".utf8), from: fixture.bobEarlier, to: [fixture.own.publicKey])
        func changed(
            _ word: String, _ change: (inout [UInt8], inout [EncryptedMessage.Recipient]) -> Void
        ) -> (id: String, json: String) {
            var (data, recipients) = (message.encryptedData, message.recipients)
            change(&data, &recipients)
            let tampered = EncryptedMessage(
                iv: message.iv, ephemeralPoint: message.ephemeralPoint, recipients: recipients, encryptedData: data,
                signature: message.signature)
            return Fixture.post(word, by: "bob", type: EncryptedPost.type, payload: Fixture.json(tampered))
        }
        try await fixture.addPage([
            changed("flipped") { data, _ in data[4] ^= 3 }, changed("shorter") { data, _ in data.removeLast() },
            changed("nobody") { _, recipients in recipients = [] },
            changed("twice") { _, recipients in recipients += recipients },
        ])
        let report = try await search(fixture)
        #expect(report.signers.map(\.posts.count) == [9])
        #expect(
            Set(try #require(report.unexplained[id("bob")]).map(\.id))
                == Set(["flipped", "shorter", "nobody", "twice"].map { id($0) }))
    }

    @Test func twoAuthorsAndTwoKeysAreKeptApart() async throws {
        let fixture = try await prepared()
        try await write(fixture, 4, name: "first")
        try await write(fixture, 3, from: fixture.stranger, at: Fixture.first + 3_600_000, name: "second")
        try await write(fixture, 2, by: "carol", from: .generate(), name: "carol")
        // The same key in two names: each author's posts count for themselves.
        try await write(fixture, 2, by: "carol", from: fixture.stranger, name: "shared")
        let report = try await search(fixture)
        #expect(report.signers.count == 4)
        #expect(report.signers.filter { $0.userID == id("bob") }.map(\.posts.count) == [4, 3])
        #expect(report.signers.filter { $0.userID == id("carol") }.map(\.posts.count) == [2, 2])
    }

    @Test func postsSignedBySomebodyElsesKeyAreNamedAsSuch() async throws {
        let fixture = try await prepared()
        try await write(fixture, 3, by: "carol", from: fixture.bob)
        let report = try await search(fixture)
        #expect(report.signers.isEmpty && report.unexplained.isEmpty)
        let found = try #require(report.misattributed.first)
        #expect(report.misattributed.count == 1)
        #expect(found.userID == id("carol") && found.ownerID == id("bob"))
        #expect(found.keyID == fixture.bob.id && found.posts.count == 3 && !found.isRejected)
    }

    @Test func versionsOfOnePostCountOnce() async throws {
        let fixture = try await prepared()
        try await write(fixture, 2)
        let edited = Fixture.payload("edited", from: fixture.bobEarlier, to: [fixture.own.publicKey])
        try await fixture.addPage([
            Fixture.post(
                "post0", at: Fixture.first, editAt: Fixture.first + 5000, type: EncryptedPost.type, payload: edited)
        ])
        let signer = try #require(try await search(fixture).signers.first)
        #expect(signer.posts.map(\.id) == [id("post0"), id("post1")])
        #expect(signer.messages == 3)
    }

    @Test func whatWasRejectedIsNotFoundAgain() async throws {
        let fixture = try await prepared()
        try await write(fixture, 3)
        let decision = TrustDecision(
            userID: id("bob"), verb: .rejected, signingPoint: fixture.bobEarlier.publicKey.signingPoint,
            encryptionPoint: nil, at: Timestamp(milliseconds: 1))
        let report = try await search(fixture, decisions: [decision])
        #expect(report.signers.isEmpty && report.unexplained.isEmpty)
    }

    @Test func whatWasAdoptedIsReportedAsSuch() async throws {
        let fixture = try await prepared()
        try await write(fixture, 3)
        let decision = TrustDecision(
            userID: id("bob"), verb: .adopted, signingPoint: fixture.bobEarlier.publicKey.signingPoint,
            encryptionPoint: nil, at: Timestamp(milliseconds: 1))
        let report = try await search(fixture, decisions: [decision])
        #expect(report.signers.isEmpty && report.unexplained.isEmpty)
        #expect(report.adopted.map(\.posts.count) == [3])
        #expect(report.adopted.map(\.companions).first?.map(\.keyID) == [fixture.bobEarlier.id])
    }

    // MARK: The id of the whole key

    @Test func theIDThatStandsInEachPostAndGoesWithTheNextKeyIsProbablyTheSigners() async throws {
        let fixture = try await prepared()
        let other = PrivateKey.generate().publicKey
        let (own, earlier) = (fixture.own.publicKey, fixture.bobEarlier.publicKey)
        try await write(fixture, 3, to: [own, earlier, other], name: "with")
        try await write(fixture, 3, to: [own, earlier], at: Fixture.first + 1000, name: "without")
        try await write(fixture, 2, from: fixture.bob, to: [own, fixture.bob.publicKey], at: Fixture.first + 3_600_000)
        let signer = try #require(try await search(fixture).signers.first)
        #expect(signer.companions.map(\.keyID) == [fixture.bobEarlier.id])
        #expect(signer.companions.map(\.isGone) == [true])
        #expect(signer.hasLaterKey)
        #expect(signer.probableKeyID == fixture.bobEarlier.id)
    }

    @Test func anIDThatGoesOnBesideTheNextKeyIsNotTheSigners() async throws {
        let fixture = try await prepared()
        let (own, earlier) = (fixture.own.publicKey, fixture.bobEarlier.publicKey)
        try await write(fixture, 3, to: [own, earlier])
        try await write(
            fixture, 2, from: fixture.bob, to: [own, fixture.bob.publicKey, earlier], at: Fixture.first + 200_000,
            name: "later")
        let signer = try #require(try await search(fixture).signers.first)
        #expect(signer.companions.map(\.isGone) == [false])
        #expect(signer.probableKeyID == nil)
    }

    @Test func ofTwoIDsNeitherIsHeldToBeTheSigners() async throws {
        let fixture = try await prepared()
        let other = PrivateKey.generate().publicKey
        try await write(fixture, 3, to: [fixture.own.publicKey, fixture.bobEarlier.publicKey, other])
        try await write(
            fixture, 2, from: fixture.bob, to: [fixture.bob.publicKey], at: Fixture.first + 3_600_000, name: "later")
        let signer = try #require(try await search(fixture).signers.first)
        #expect(signer.companions.map(\.isGone) == [true, true])
        #expect(signer.probableKeyID == nil)
    }

    /// Carol made a new key before Bob did: what went with that is Carol's, though it stands in each of Bob's posts.
    @Test func anIDThatWentWithAnothersNextKeyIsTheirs() async throws {
        let fixture = try await prepared()
        let (carolBefore, carol) = (PrivateKey.generate().publicKey, PrivateKey.generate().publicKey)
        try await fixture.addKeys("carol", [carol])
        let (own, earlier) = (fixture.own.publicKey, fixture.bobEarlier.publicKey)
        try await write(fixture, 3, to: [own, earlier, carolBefore])
        try await write(
            fixture, 2, by: "alice", from: fixture.own, to: [own, earlier, carol], at: Fixture.first + 3_600_000,
            name: "between")
        try await write(
            fixture, 2, from: fixture.bob, to: [own, fixture.bob.publicKey, carol], at: Fixture.first + 7_200_000,
            name: "later")
        let signer = try #require(try await search(fixture).signers.first)
        #expect(signer.companions.count == 2)
        #expect(signer.companions.map(\.isGone) == [true, true])
        #expect(signer.probableKeyID == fixture.bobEarlier.id)
    }

    @Test func withoutALaterKeyNothingHasGone() async throws {
        let fixture = try await prepared()
        try await write(fixture, 3)
        let signer = try #require(try await search(fixture).signers.first)
        #expect(!signer.hasLaterKey)
        #expect(signer.companions.map(\.isGone) == [false])
    }
}

extension EncryptedMessage {
    /// The other signature of the same message: (r, n − s).
    var malleated: EncryptedMessage {
        let order = Hex.decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") ?? []
        var (s, borrow) = (Array(signature.suffix(32)), 0)
        for place in s.indices.reversed() {
            let difference = Int(order[place]) - Int(s[place]) - borrow
            borrow = difference < 0 ? 1 : 0
            s[place] = UInt8(truncatingIfNeeded: difference)
        }
        return EncryptedMessage(
            iv: iv, ephemeralPoint: ephemeralPoint, recipients: recipients, encryptedData: encryptedData,
            signature: Array(signature.prefix(32)) + s)
    }
}
