import Bytes
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

@Suite("Verdicts")
struct PostReaderTests {
    /// Who signed, and what is known of the author's keys.
    enum Signer: CaseIterable {
        case current, earlier, own, stranger, noKey, unusable

        var expected: Authenticity {
            switch self {
            // The owner's is one at hand that the server never showed, and of which they say that it is theirs.
            case .current, .own: .verified
            case .earlier: .verifiedByEarlierKey
            case .stranger: .signatureInvalid
            case .noKey, .unusable: .unknownSender
            }
        }
    }

    private func author(_ signer: Signer) -> String {
        switch signer {
        case .current, .earlier, .stranger: "bob"
        case .own: "alice"
        case .noKey: "carol"
        case .unusable: "dave"
        }
    }

    private func sender(_ signer: Signer, _ fixture: Fixture) -> PrivateKey {
        switch signer {
        case .current, .noKey, .unusable: fixture.bob
        case .earlier: fixture.bobEarlier
        case .own: fixture.own
        case .stranger: fixture.stranger
        }
    }

    private func fixture() async throws -> Fixture {
        let fixture = try Fixture()
        try await fixture.addKeys("bob", [fixture.bobEarlier.publicKey, fixture.bob.publicKey])
        let nowhere: [UInt8] = [4] + [UInt8](repeating: 1, count: 64)
        try await fixture.addPoints("dave", [(String(repeating: "0", count: 64), nowhere, nowhere)])
        return fixture
    }

    @Test("authorship is judged by the author's keys alone, whatever becomes of the text", arguments: Signer.allCases)
    func combinations(_ signer: Signer) async throws {
        let fixture = try await fixture()
        let sender = sender(signer, fixture)
        let forOthers = EncryptedMessage.seal(Array("secret".utf8), from: sender, to: [fixture.stranger.publicKey])
        // A wrapped key is not part of what is signed: the server can damage it.
        let whole = EncryptedMessage.seal(Array("secret".utf8), from: sender, to: [fixture.own.publicKey])
        let damaged = EncryptedMessage(
            iv: whole.iv, ephemeralPoint: whole.ephemeralPoint,
            recipients: [.init(keyID: fixture.own.id, wrappedKey: whole.recipients[0].wrappedKey.map { $0 ^ 1 })],
            encryptedData: whole.encryptedData, signature: whole.signature)
        // Each a message of its own: one that stands in two posts is suspicious.
        func payload() -> String { Fixture.payload("secret", from: sender, to: [fixture.own.publicKey]) }
        let cases: [(String, String?, Content)] = [
            ("decrypted", payload(), .decrypted), ("notforus", Fixture.json(forOthers), .notForUs),
            ("unwrap", Fixture.json(damaged), .keyUnwrapFailed),
            ("malformed", payload().replacing("\"iv\":", with: "\"vi\":"), .malformed),
            ("version", payload().replacing("\"version\":1", with: "\"version\":2"), .unsupportedVersion),
            ("missing", nil, .missingPayload),
            ("clean", payload(), .decrypted),
        ]
        let author = author(signer)
        let posts = cases.map { name, payload, _ in
            Fixture.post(
                name, by: author, type: "custom_e2ee",
                message: payload == nil || name == "clean" ? "Encrypted message" : "decoy", payload: payload)
        }
        try await fixture.addPage(posts + [Fixture.post("plain", by: author, message: "open")])
        let read = try await fixture.read(PostQuery(channelID: id("channel")))
        let byID = Dictionary(uniqueKeysWithValues: read.map { ($0.header.id, $0) })
        #expect(read.count == 8)
        for (name, _, content) in cases {
            let post = try #require(byID[id(name)])
            let isMessage = [.decrypted, .notForUs, .keyUnwrapFailed].contains(content)
            // What stands beside a message in the clear is nobody's, and is told apart from it.
            let hasClearText = isMessage && name != "clean"
            #expect(
                post.verdict
                    == Verdict(
                        authenticity: isMessage ? signer.expected : .unchecked, content: content,
                        suspicions: hasClearText ? [.editedInTheClear] : []))
            #expect(post.clearText?.withheldString == (hasClearText ? "decoy" : nil), "\(name)")
            #expect((post.signedBy == sender.id) == (isMessage && signer.expected.isVerified), "\(name)")
            #expect((post.openedBy == fixture.own.id) == [.decrypted, .keyUnwrapFailed].contains(content), "\(name)")
            #expect(post.reason.isEmpty == post.verdict.isClean, "\(name): \(post.reason)")
            switch post.text {
            case .verified(let text):
                #expect(signer.expected.isVerified && content == .decrypted && text.string == "secret")
            case .unverified(let text) where isMessage:
                #expect(!signer.expected.isVerified && content == .decrypted && text.withheldString == "secret")
            case .unverified(let text):
                #expect([.malformed, .unsupportedVersion].contains(content) && text.withheldString == "decoy")
            case .unreadable: #expect([.notForUs, .keyUnwrapFailed, .missingPayload].contains(content))
            case .plain, .unknown, .unanswered: Issue.record("the text beside an encrypted post is shown: \(name)")
            }
        }
        let plain = try #require(byID[id("plain")])
        #expect(plain.verdict == Verdict(authenticity: nil, content: .plain) && plain.text == .plain("open"))
    }

    @Test("a key that another user has is not the author's")
    func otherUsersKey() async throws {
        let fixture = try await fixture()
        try await fixture.addKeys("carol", [fixture.stranger.publicKey])
        let payload = Fixture.payload("x", from: fixture.stranger, to: [fixture.own.publicKey])
        try await fixture.addPage([
            Fixture.post("a", by: "bob", type: "custom_e2ee", payload: payload),
            Fixture.post("b", by: "carol", type: "custom_e2ee", payload: payload),
            Fixture.post("c", by: "alice", type: "custom_e2ee", payload: payload),
        ])
        let read = try await fixture.read(PostQuery(channelID: id("channel")))
        let verdicts = Dictionary(uniqueKeysWithValues: read.map { ($0.header.id, $0.verdict.authenticity) })
        #expect(verdicts == [id("a"): .signatureInvalid, id("b"): .verified, id("c"): .signatureInvalid])
    }

    @Test("an unusable key that the server shows is told, and changes nothing")
    func unusable() async throws {
        let fixture = try Fixture()
        try await fixture.addKeys("bob", [fixture.bob.publicKey])
        let nowhere: [UInt8] = [4] + [UInt8](repeating: 1, count: 64)
        try await fixture.addPoints("bob", [(String(repeating: "0", count: 64), nowhere, nowhere)])
        let trusted = try TrustedKeys(fixture.archive, atHand: [])
        #expect(trusted.unusable.map(\.userID) == [id("bob")])
        let message = EncryptedMessage.seal([1], from: fixture.bob, to: [])
        let judgement = trusted.judgement(of: message, by: id("bob"))
        #expect(judgement.authenticity == .verified && judgement.key == fixture.bob.id)
    }

    @Test("posts come in the order of the query, however many there are")
    func order() async throws {
        let fixture = try Fixture()
        var random = Seeded(4)
        let times = (0..<3000).map { Fixture.first + Int64($0) }.shuffled(using: &random)
        for page in stride(from: 0, to: times.count, by: 200) {
            try await fixture.addPage(
                times[page..<min(page + 200, times.count)].map { Fixture.post("p\($0)", at: $0, message: "\($0)") })
        }
        let read = try await fixture.read(PostQuery(channelID: id("channel")))
        #expect(read.map(\.header.createAt) == times.sorted())
        #expect(read.allSatisfy { $0.text == .plain("\($0.header.createAt)") })
    }

    @Test("a survey counts each post once, by month and by the keys that would open it")
    func survey() async throws {
        let fixture = try Fixture()
        try await fixture.addPeople()
        let (october, november) = (Fixture.first - 40 * 86_400_000, Fixture.first)
        func post(_ word: String, _ at: Int64, _ keys: [PrivateKey]) -> (id: String, json: String) {
            let payload = Fixture.payload("x", from: fixture.bob, to: keys.map(\.publicKey))
            return Fixture.post(word, at: at, type: "custom_e2ee", payload: payload)
        }
        try await fixture.addPage([
            post("a", october, [fixture.own]), post("b", november, [fixture.own, fixture.bob]),
            post("c", november, [fixture.bob]), Fixture.post("d", at: november, message: "plain"),
            Fixture.post("e", at: november, type: "custom_e2ee"),
            Fixture.post("f", original: "d", at: november, deleteAt: november, message: "before"),
        ])
        let channel = try #require(try fixture.archive.channels().first { $0.id == id("channel") })
        let survey = try await Survey(fixture.archive, atHand: [fixture.own.id]).run(channel)
        #expect(survey.posts == 5 && survey.plain == 1 && survey.encrypted == 3 && survey.closed == 1)
        #expect(survey.unusable == [.missingPayload: 1])
        #expect(survey.openableBy == [fixture.own.id: 2, fixture.bob.id: 2])
        #expect(survey.months.count == 2)
        #expect(
            survey.months["2026-11"]
                == .init(
                    posts: 4, openableBy: [fixture.own.id: 1, fixture.bob.id: 2], closed: 1,
                    closedFor: [fixture.bob.id: 1]))
        #expect(survey.first?.milliseconds == october && survey.last?.milliseconds == november)
    }

    @Test("what the server says around a text is read, whatever its form, and changes no verdict")
    func circumstances() async throws {
        let fixture = try await fixture()
        var post = fixture.encrypted("liked", "text")
        post.json = post.json.replacing(
            "\"props\":{",
            with: #""is_pinned":true,"metadata":{"reactions":[{"user_id":"u1","emoji_name":"smile"},"#
                + #"{"user_id":"u2","emoji_name":"+1"},{"user_id":"u3","emoji_name":"smile"},{"user_id":7},null]},"#
                + #""props":{"from_webhook":"true","override_username":"robot","#)
        let bare = fixture.encrypted("bare", "text", at: Fixture.first + 1)
        try await fixture.addPage([post, bare])
        let read = try await fixture.read(PostQuery(channelID: id("channel")))
        #expect(read.map(\.verdict.isClean) == [true, true])
        #expect(
            read[0].circumstances
                == Circumstances(
                    reactions: [
                        .init(emoji: "smile", userIDs: ["u1", "u3"]), .init(emoji: "+1", userIDs: ["u2"]),
                    ], isPinned: true, postedAs: "robot"))
        #expect(read[1].circumstances == Circumstances())
    }
}
