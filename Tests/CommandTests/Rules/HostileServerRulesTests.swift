import Archive
import Bytes
import DemoServer
import E2EE
import Foundation
import TestSupport
import Testing

/// Every row of the table of sequences, played by a hostile server: keys that change from pull to pull, names that move,
/// messages that come again, edits that are taken back, posts with false dates. The real program pulls, days apart by its
/// own clock, answers, and says what it holds of each post.
@Suite(.enabled(if: StockTool.isInstalled("faketime"), "faketime is not installed"))
struct HostileServerRulesTests {
    @Test(arguments: SequenceRow.all) func theProgramIsNotMadeToSayMore(_ row: SequenceRow) async throws {
        let server = try await HostileServer(row.history.record)
        do {
            let verdicts = try await server.play()
            #expect(verdicts == row.expected)
        } catch {
            await server.close()
            throw error
        }
        await server.close()
    }
}

/// A Mattermost that does what a record says, and the user's folder beside it.
private final class HostileServer: Home {
    let folder = newFolder()
    var url: String { server.url }
    private let record: RecordModel
    private let world: World
    private let server: EmbeddedServer
    private let ids: [String: String]
    private let channel: String
    private let messages: Messages

    private static let names = ["alice", "bob", "carol", "mallory", "zoe"]

    init(_ record: RecordModel) async throws {
        self.record = record
        world = World(seed: 7, startingAt: (record.steps.first?.time ?? 0) - 3_600_000, tick: 1)
        var ids: [String: String] = [:]
        for name in Self.names { ids[name] = world.addUser(username: name, password: Story.password) }
        self.ids = ids
        let everybody = Self.names.compactMap { ids[$0] }
        let team = world.addTeam(name: "harbour", displayName: "Harbour", members: everybody)
        channel = world.addChannel(
            team: team, name: "release", displayName: "Release", type: .private, members: everybody)
        messages = Messages()
        server = EmbeddedServer(world: world)
        try await server.start()
        try furnish()
        try write("token.txt", world.issueToken(for: ids["alice"] ?? "") + "\n")
        try await mmvault("login $URL --token-file token.txt", at: record.steps.first?.time ?? 0)
    }

    func close() async {
        await remove()
        await server.stop()
    }

    /// - Returns: what the program says of each version that the record has, in its order.
    func play() async throws -> [String] {
        var posts: [String: String] = [:]
        var order: [(post: String, props: String, message: String)] = []
        for step in record.steps {
            world.advance(by: max(0, step.time - world.now))
            switch step.what {
            case .pull(let pull):
                for name in Self.names {
                    guard let id = ids[name] else { continue }
                    if case .some(.some(let key)) = pull.shown[name] {
                        let key = TestRuleKeys.publicKey(key)
                        world.pushKey(
                            id, encr: Base64.standard.encode(key.encryptionPoint),
                            sign: Base64.standard.encode(key.signingPoint))
                    } else {
                        world.removeKey(id)
                    }
                }
                for (name, username) in pull.names { if let id = ids[name] { world.rename(id, username: username) } }
                for version in pull.versions {
                    let (props, message) = messages.post(version)
                    if let post = posts[version.post] {
                        world.edit(post, message: message, props: props)
                    } else {
                        posts[version.post] = world.post(
                            in: channel, by: ids[version.author] ?? "", message: message, type: "custom_e2ee",
                            props: props, at: version.createAt)
                    }
                    order.append((posts[version.post] ?? "", props, message))
                }
                try await mmvault("pull --full --no-files", at: step.time)
            case .restored(let key):
                try write("key.asc", KeyBackup.text(of: TestRuleKeys.privateKey(key)))
                try await makeGpgKey(at: step.time - 1000)
                try await mmvault("key restore key.asc --recipient alice@harbour.invalid", at: step.time)
            case .answered(let user, let subject, let answer): try await self.answer(user, subject, answer, step.time)
            case .list(let by, let key, let entries): try await list(by, key, entries, step.time)
            case .namedOriginal(let post, _):
                try await mmvault("trust original \(posts[post] ?? "") --yes", at: step.time)
            }
        }
        return try await verdicts(order, at: (record.steps.last?.time ?? 0) + 1000)
    }

    private func answer(
        _ user: String, _ subject: RecordModel.Subject, _ answer: RecordModel.Answer, _ time: Int64
    ) async throws {
        let id = ids[user] ?? ""
        guard case .key(let key) = subject else {
            // To adopt takes two messages of a signer.
            guard case .signer(let signer) = subject else { return }
            let decision = TrustDecision(
                userID: id, verb: .adopted, signingPoint: TestRuleKeys.signers[signer].publicKey.signingPoint,
                encryptionPoint: nil, at: Timestamp(milliseconds: time))
            try await append(TrustDecision.document([decision], at: decision.at), .trust)
            return
        }
        let keyID = TestRuleKeys.publicKey(key).id
        switch answer {
        case .confirmed: try await mmvault("trust confirm \(id) \(keyID) --yes", at: time)
        case .confirmedEarlier:
            let isShown = try archive().knownKeys()[id]?.contains { $0.sighting.keyID == keyID.description } ?? false
            guard !isShown else {
                try await mmvault("trust confirm \(id) \(keyID) --no-longer-used --yes", at: time)
                return
            }
            // A key that was never shown comes from somewhere else: a list, say.
            let key = TestRuleKeys.publicKey(key)
            let decision = TrustDecision(
                userID: id, verb: .confirmedEarlier, signingPoint: key.signingPoint,
                encryptionPoint: key.encryptionPoint, at: Timestamp(milliseconds: time))
            try await append(TrustDecision.document([decision], at: decision.at), .trust)
        case .rejected: try await mmvault("trust reject \(id) \(keyID) --yes", at: time)
        case .accepted:
            let isRefused = try TrustedConfirmations.has(id, in: archive())
            try await mmvault("trust accept \(id) --key \(keyID) --yes", at: time, code: isRefused ? 64 : 0)
        case .own: try await mmvault("key mine \(keyID) --yes", at: time)
        case .adopted, .withdrawn: throw StageError(what: "no row has it")
        }
    }

    private func list(
        _ by: String, _ signer: RecordModel.Key, _ entries: [RecordModel.Entry], _ time: Int64
    ) async throws {
        let at = Timestamp(milliseconds: time)
        let colleague = TrustDecision.Colleague(
            userID: ids[by] ?? "", keyID: TestRuleKeys.publicKey(signer).id.description, listedAt: at)
        var json = JSONWriter()
        json.object { json in
            json.object("list") { json in
                json.array("entries") { json in
                    for entry in entries {
                        let key = TestRuleKeys.publicKey(entry.key)
                        TrustDecision(
                            userID: ids[entry.user] ?? "", verb: entry.isConfirmed ? .confirmed : .seen,
                            signingPoint: key.signingPoint, encryptionPoint: key.encryptionPoint,
                            colleague: colleague, at: at
                        ).write(to: &json)
                    }
                }
            }
        }
        try await append(TrustDecision.document(list: json.bytes, at: at), .listedTrust)
    }

    // MARK: The program

    private func archive() throws -> Archive { try Archive(account()) }

    private func account() throws -> AccountDirectory { try Vault(path: "\(folder)/vault").account(named: nil) }

    private func append(_ document: ReceivedDocument, _ kind: ObjectKind) async throws {
        try await ArchiveWriter(account()).append(document, objects: kind)
    }

    /// Runs the program with its clock at a time.
    @discardableResult
    private func mmvault(_ line: String, at time: Int64, code: Int32 = 0) async throws -> Outcome {
        let seconds = "@\(time / 1000).\(String(time % 1000 + 1000).dropFirst())"
        let outcome = try await run("FAKETIME_DONT_FAKE_MONOTONIC=1 faketime '\(seconds)' mmvault \(line)")
        guard outcome.code == code else { throw StageError(what: "mmvault \(line): \(outcome.everything)") }
        return outcome
    }

    /// An OpenPGP key of the program's time: one of the future is no key to gpg.
    private func makeGpgKey(at time: Int64) async throws {
        let outcome = try await run(
            """
            gpgconf --kill all; rm -rf gnupg; mkdir -m 700 gnupg
            FAKETIME_DONT_FAKE_MONOTONIC=1 faketime '@\(time / 1000)' gpg --batch --quiet --pinentry-mode loopback \
              --passphrase '' --quick-gen-key 'Alice <alice@harbour.invalid>' future-default default never
            """)
        guard outcome.code == 0 else { throw StageError(what: outcome.errors) }
    }

    private func verdicts(
        _ order: [(post: String, props: String, message: String)], at time: Int64
    ) async throws -> [String] {
        let outcome = try await run(
            "FAKETIME_DONT_FAKE_MONOTONIC=1 faketime '@\(time / 1000)' mmvault verify --json --no-keys")
        // Without a private key nothing is clean; what is said of authors is what this is about.
        guard outcome.code == 2 else { throw StageError(what: outcome.everything) }
        var said: [String: [String]] = [:]
        for line in outcome.lines {
            let json = try JSONDocument(Array(line.utf8)).root
            guard json["state"]?.string != "revision", let id = json["id"]?.string,
                let authenticity = json["authenticity"]?.string
            else { continue }
            let suspicions = (json["suspicions"]?.elements ?? []).compactMap(\.string).sorted()
            said[id, default: []].append(([authenticity] + suspicions).joined(separator: " "))
        }
        // The post as it is comes first, and then what it said before, the oldest first.
        for (post, versions) in said { said[post] = Array(versions.dropFirst()) + versions.prefix(1) }
        var result: [String] = []
        var places: [String: Int] = [:]
        for version in order {
            let all = said[version.post] ?? []
            let place = places[version.post, default: 0]
            places[version.post] = place + 1
            result.append(place < all.count ? all[place] : "none")
        }
        return result
    }
}

/// Keys for the numbers of a record.
private enum TestRuleKeys {
    static let signers = (0..<8).map { _ in PrivateKey.generate() }
    private static let encryptions = (0..<3).map { _ in PrivateKey.generate() }

    static func privateKey(_ key: RecordModel.Key) -> PrivateKey { signers[key.signer] }

    static func publicKey(_ key: RecordModel.Key) -> PublicKey {
        let own = signers[key.signer].publicKey
        guard key.encryption > 0 else { return own }
        let other = encryptions[key.encryption].publicKey.encryptionPoint
        guard let mixed = try? PublicKey(encryptionPoint: other, signingPoint: own.signingPoint) else {
            preconditionFailure("the points of two keys make a key")
        }
        return mixed
    }
}

/// Whether a user has a confirmed key: then “accept” is refused.
private enum TrustedConfirmations {
    static func has(_ userID: String, in archive: Archive) throws -> Bool {
        try archive.trustDecisions().contains { $0.userID == userID && $0.verb.isConfirmation && $0.colleague == nil }
    }
}

/// The messages of a record, each sealed once.
private final class Messages: @unchecked Sendable {
    private var props: [Int: String] = [:]
    private var count = 0

    func post(_ version: RecordModel.Version) -> (props: String, message: String) {
        count += 1
        let sealed = props[version.ciphertext] ?? seal(version)
        props[version.ciphertext] = sealed
        return (sealed, version.hasClearText ? "In the clear \(count)" : "Encrypted message \(count)")
    }

    private func seal(_ version: RecordModel.Version) -> String {
        let key = version.signer.map { TestRuleKeys.signers[$0] } ?? .generate()
        let message = EncryptedMessage.seal(Array("message \(version.ciphertext)".utf8), from: key, to: [])
        var json = JSONWriter()
        json.object { message.write(to: &$0, "e2ee") }
        return json.text
    }
}
