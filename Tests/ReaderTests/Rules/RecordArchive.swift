import Bytes
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// A real archive in which everything of a `RecordModel` happened.
final class RecordArchive {
    let scratch = Scratch()
    let directory: AccountDirectory
    private let record: RecordModel
    private var count = 0
    private var messages: [Int: EncryptedMessage] = [:]

    init(_ record: RecordModel) async throws {
        self.record = record
        directory = try Vault(path: scratch["vault"]).makeAccount(
            Account(server: "https://chat.example.org", userID: id(record.owner), username: record.owner))
        let writer = try ArchiveWriter(directory)
        let channel = #"[{"id":"\#(id("channel"))","type":"O","team_id":"","name":"channel","display_name":""}]"#
        try await writer.append(
            Self.document(.channels, channel, at: record.steps.first?.time ?? 0), objects: .channel)
        for step in record.steps { try await add(step, writer) }
    }

    private func add(_ step: RecordModel.Step, _ writer: ArchiveWriter) async throws {
        let time = Timestamp(milliseconds: step.time)
        switch step.what {
        case .pull(let pull): try await add(pull, time, writer)
        case .restored(let key):
            let key = Self.publicKey(key)
            let document = ReceivedDocument.ownKey(
                userID: id(record.owner), encryptionPoint: key.encryptionPoint, signingPoint: key.signingPoint, at: time
            )
            let root = try JSONDocument(document.body).root
            try await writer.append(document, keys: KeySighting.all(in: root, source: .own, at: time))
        case .answered(let user, let subject, let answer):
            let decision = TrustDecision(
                userID: id(user), verb: Self.verb(answer), signingPoint: Self.signer(subject).bytes,
                encryptionPoint: Self.encryption(subject), at: time)
            try await writer.append(TrustDecision.document([decision], at: time), objects: .trust)
        case .list(let by, let key, let entries):
            let colleague = TrustDecision.Colleague(
                userID: id(by), keyID: Self.publicKey(key).id.description, listedAt: time)
            var json = JSONWriter()
            json.object { json in
                json.object("list") { json in
                    json.array("entries") { json in
                        for entry in entries {
                            let key = Self.publicKey(entry.key)
                            TrustDecision(
                                userID: id(entry.user), verb: entry.isConfirmed ? .confirmed : .seen,
                                signingPoint: key.signingPoint, encryptionPoint: key.encryptionPoint,
                                colleague: colleague, at: time
                            ).write(to: &json)
                        }
                    }
                }
            }
            try await writer.append(TrustDecision.document(list: json.bytes, at: time), objects: .listedTrust)
        case .namedOriginal(let post, let ciphertext):
            guard let message = messages[ciphertext] else { return }
            let digest = SHA256Digest(of: message.iv + message.ephemeralPoint + message.encryptedData).bytes.prefix(16)
            let original = OriginalPost(postID: id(post), ciphertext: Hex.encode(Array(digest)), at: time)
            try await writer.append(OriginalPost.document([original], at: time), objects: .original)
        }
    }

    private func add(_ pull: RecordModel.Pull, _ time: Timestamp, _ writer: ArchiveWriter) async throws {
        if !pull.names.isEmpty {
            let users = pull.names.sorted { $0.key < $1.key }.map {
                #"{"id":"\#(id($0.key))","username":"\#($0.value)"}"#
            }
            try await writer.append(
                Self.document(.users, "[\(users.joined(separator: ","))]", at: time.milliseconds), objects: .user)
        }
        var body = JSONWriter()
        body.object { json in
            json.object("pubKeys") { json in
                for (user, key) in pull.shown.sorted(by: { $0.key < $1.key }) {
                    if let key { Self.publicKey(key).write(to: &json, id(user)) } else { json.null(id(user)) }
                }
            }
        }
        let answer = Self.document(.keys, body.text, at: time.milliseconds)
        let root = try JSONDocument(answer.body).root
        try await writer.append(answer, keys: KeySighting.all(in: root, source: .server, at: time))
        for version in pull.versions {
            let (postID, json) = try post(version)
            let page = Array(#"{"order":["\#(postID)"],"posts":{"\#(postID)":\#(json)}}"#.utf8)
            let document = ReceivedDocument(
                kind: .posts, request: "GET /x", channelID: id("channel"), receivedAt: time, body: page)
            try await writer.append(document, page: PostsPage(page), walk: nil)
        }
        let walk = WalkState(cursor: time.milliseconds, backward: nil, hasAskedForPast: true, isComplete: true)
        try await writer.note(walk, channelID: id("channel"), at: time)
    }

    /// The version as the server hands it out. Each says something else than all others: an edit gives the placeholder a
    /// number.
    private func post(_ version: RecordModel.Version) throws -> (id: String, json: String) {
        count += 1
        let message =
            messages[version.ciphertext] ?? Self.message(version, to: [Self.publicKey(.init(signer: 0, encryption: 0))])
        messages[version.ciphertext] = message
        let post = Fixture.post(
            version.isRevision ? "revision\(Self.letters(count))" : version.post, by: version.author,
            original: version.isRevision ? version.post : "", at: version.createAt, editAt: version.editAt,
            // Not right behind the edit: that is how older servers give a revision.
            deleteAt: version.isRevision ? max(version.createAt, version.editAt) + 2 : 0,
            type: EncryptedPost.type,
            message: version.hasClearText ? "Clear \(count)" : "Encrypted message \(count)",
            payload: Fixture.json(message))
        return post
    }

    /// What the program says of each version, in the order of arrival.
    func judgements() async throws -> [RulesModel.Judgement] {
        let archive = try Archive(directory)
        let trusted = try TrustedKeys(archive, atHand: [])
        var judged: [Int64: RulesModel.Judgement] = [:]
        let reader = PostReader(archive, keyring: Keyring([]), trusted: trusted)
        try await reader.read(PostQuery(channelID: id("channel"))) { post in
            let verdict = post.verdict
            let authenticity = verdict.authenticity.flatMap { RulesModel.Authenticity(rawValue: $0.rawValue) }
            judged[post.header.sequence] = RulesModel.Judgement(
                authenticity: try #require(authenticity),
                suspicions: Set(verdict.suspicions.compactMap { RulesModel.Suspicion(rawValue: $0.rawValue) }),
                isClean: verdict.authenticity?.isVerified == true && verdict.suspicions.isEmpty)
        }
        return judged.sorted { $0.key < $1.key }.map(\.value)
    }

    func standings() throws -> [String: String] {
        let trusted = try TrustedKeys(Archive(directory), atHand: [])
        return trusted.all.reduce(into: [:]) { result, owned in
            guard let number = Self.numbers[owned.signer.id] else { return }
            let name = owned.userID.prefix { $0 != "0" }
            let place = "\(name) \(number)"
            // A key may be rejected beside another one with its signer.
            if result[place] != nil, owned.standing == .rejected { return }
            result[place] = "\(owned.standing.rawValue)\(owned.isCurrent ? ", current" : "")"
        }
    }

    // MARK: Numbers as keys and messages

    private static let pool = (0..<8).map { _ in PrivateKey.generate() }
    private static let encryptions = (0..<3).map { _ in PrivateKey.generate() }
    private static let numbers = Dictionary(
        uniqueKeysWithValues: pool.enumerated().map { ($1.publicKey.signer.id, $0) })

    static func publicKey(_ key: RecordModel.Key) -> PublicKey {
        let points = (encryptions[key.encryption].publicKey.encryptionPoint, pool[key.signer].publicKey.signingPoint)
        guard let key = try? PublicKey(encryptionPoint: points.0, signingPoint: points.1) else {
            fatalError("the points of two keys make a key")
        }
        return key
    }

    private static func signer(_ subject: RecordModel.Subject) -> SigningPoint {
        switch subject {
        case .key(let key): pool[key.signer].publicKey.signer
        case .signer(let number): pool[number].publicKey.signer
        }
    }

    private static func encryption(_ subject: RecordModel.Subject) -> [UInt8]? {
        guard case .key(let key) = subject else { return nil }
        return encryptions[key.encryption].publicKey.encryptionPoint
    }

    private static func verb(_ answer: RecordModel.Answer) -> TrustDecision.Verb {
        switch answer {
        case .confirmed: .confirmed
        case .confirmedEarlier: .confirmedEarlier
        case .rejected: .rejected
        case .accepted: .accepted
        case .own: .own
        case .adopted: .adopted
        case .withdrawn: .withdrawn
        }
    }

    private static func message(_ version: RecordModel.Version, to recipients: [PublicKey]) -> EncryptedMessage {
        let text = Array("message \(version.ciphertext)".utf8)
        guard let signer = version.signer else {
            let sealed = EncryptedMessage.seal(text, from: PrivateKey.generate(), to: recipients)
            return sealed
        }
        return EncryptedMessage.seal(text, from: pool[signer], to: recipients)
    }

    private static func document(_ kind: DocumentKind, _ body: String, at: Int64) -> ReceivedDocument {
        ReceivedDocument(
            kind: kind, request: "GET /x", channelID: nil, receivedAt: Timestamp(milliseconds: at),
            body: Array(body.utf8))
    }

    /// `ab` for 1: ids are told by their beginnings, and zeros fill them.
    private static func letters(_ number: Int) -> String {
        String(number).map { String(UnicodeScalar(UInt8(ascii: "a") + UInt8($0.wholeNumberValue ?? 0))) }.joined()
    }
}
