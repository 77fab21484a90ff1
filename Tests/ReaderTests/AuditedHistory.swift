import Bytes
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// A small history in which nothing is wrong, to which a test adds what it is about: Alice (the archive's owner), Bob and
/// Carol in one encrypted channel, each with a key that everybody knows.
final class AuditedHistory {
    let fixture: Fixture
    let carol = PrivateKey.generate()
    /// Before the first message by an hour: people come in, and keys are seen.
    static let beginning = Fixture.first - 3_600_000

    var alice: PrivateKey { fixture.own }
    var bob: PrivateKey { fixture.bob }
    var everybody: [PublicKey] { [alice, bob, carol].map(\.publicKey) }

    /// - Parameter isQuiet: whether the channel has its first messages already: one a minute, by each in turn.
    init(isQuiet: Bool = true) async throws {
        fixture = try Fixture()
        try await fixture.addPeople()
        try await append(
            .users,
            """
            [{"id":"\(id("bot"))","username":"e2ee","is_bot":true,"delete_at":0},\
            {"id":"\(id("dave"))","username":"dave","delete_at":0}]
            """, objects: .user)
        for (name, key) in [("alice", alice), ("bob", bob), ("carol", carol)] { try await know(name, key.publicKey) }
        for name in ["alice", "bob", "carol"] { try await join(name) }
        try await members(["alice", "bob", "carol"])
        try await notice(on: true, at: Self.beginning + 60_000)
        guard isQuiet else { return }
        for (place, author) in ["alice", "bob", "carol", "alice", "bob", "carol"].enumerated() {
            try await say("quiet\(place)x", by: author, at: Fixture.first + Int64(place) * 60_000)
        }
    }

    func key(_ name: String) -> PrivateKey { ["alice": alice, "bob": bob, "carol": carol][name] ?? alice }

    // MARK: What happens

    func say(
        _ word: String, by author: String, from signer: PrivateKey? = nil, to recipients: [PublicKey]? = nil,
        in channel: String = "channel", at: Int64, editAt: Int64 = 0, root: String = ""
    ) async throws {
        let message = EncryptedMessage.seal(
            Array(word.utf8), from: signer ?? key(author), to: recipients ?? everybody)
        try await put(word, by: author, message, in: channel, at: at, editAt: editAt, root: root)
    }

    func put(
        _ word: String, by author: String, _ message: EncryptedMessage, in channel: String = "channel", at: Int64,
        editAt: Int64 = 0, original: String = "", root: String = ""
    ) async throws {
        try await fixture.addPage(
            [
                Fixture.post(
                    word, by: author, in: channel, root: root, original: original, at: at, editAt: editAt,
                    deleteAt: original.isEmpty ? 0 : max(at, editAt) + 1000, type: EncryptedPost.type,
                    payload: Fixture.json(message))
            ], channel: channel)
    }

    func sayInClear(_ word: String, by author: String, in channel: String = "channel", at: Int64) async throws {
        try await fixture.addPage(
            [Fixture.post(word, by: author, in: channel, at: at, message: word)], channel: channel)
    }

    /// A post with these members instead of the usual ones: `"type":"system_join_channel"`.
    func addRaw(
        _ word: String, by author: String, in channel: String = "channel", at: Int64, type: String = "",
        message: String = "", props: String = "{}", updateAt: Int64? = nil, editAt: Int64 = 0, deleteAt: Int64 = 0,
        root: String = ""
    ) async throws {
        let json = """
            {"id":"\(id(word))","channel_id":"\(id(channel))","user_id":"\(id(author))",\
            "root_id":"\(root.isEmpty ? "" : id(root))","original_id":"","create_at":\(at),"update_at":\(updateAt ?? at),\
            "edit_at":\(editAt),"delete_at":\(deleteAt),"type":"\(type)","message":"\(message)","props":\(props)}
            """
        try await fixture.addPage([(id(word), json)], channel: channel)
    }

    func join(_ name: String, in channel: String = "channel", at: Int64 = beginning) async throws {
        try await addRaw("join\(name)\(channel)\(at)", by: name, in: channel, at: at, type: "system_join_channel")
    }

    func leave(_ name: String, at: Int64) async throws {
        try await addRaw("leave\(name)\(at)", by: name, at: at, type: "system_leave_channel")
    }

    func remove(_ name: String, at: Int64) async throws {
        try await addRaw(
            "remove\(name)\(at)", by: "alice", at: at, type: "system_remove_from_channel",
            props: #"{"removedUserId":"\#(id(name))"}"#)
    }

    func notice(on isOn: Bool, at: Int64, in channel: String = "channel") async throws {
        let text =
            isOn
            ? "@all: message on this channel are now encrypted. Set by @alice."
            : "@all: messages on this channel **aren't encrypted anymore**. Set by @alice"
        try await addRaw(
            "notice\(isOn)\(at)", by: "bot", in: channel, at: at, message: text, props: #"{"from_bot":"true"}"#)
    }

    func know(_ name: String, _ key: PublicKey, at: Int64 = beginning) async throws {
        let sighting = KeySighting(
            userID: id(name), keyID: key.id.description, source: .server, at: Timestamp(milliseconds: at),
            encryptionPoint: key.encryptionPoint, signingPoint: key.signingPoint)
        try await ArchiveWriter(fixture.directory).append(document(.keys, "{}", at: at), keys: [sighting])
    }

    /// The server's list of a channel's members, as it was long after all that was said.
    func members(_ names: [String], in channel: String = "channel", at: Int64 = Fixture.first + 86_400_000) async throws
    {
        let list = names.map { #"{"channel_id":"\#(id(channel))","user_id":"\#(id($0))","seen":\#(at)}"# }
        try await append(.members, "[\(list.joined(separator: ","))]", objects: .member, at: at)
    }

    func append(
        _ kind: DocumentKind, _ body: String, objects: ObjectKind, at: Int64 = Fixture.first
    ) async throws {
        try await ArchiveWriter(fixture.directory).append(document(kind, body, at: at), objects: objects)
    }

    func document(_ kind: DocumentKind, _ body: String, at: Int64) -> ReceivedDocument {
        ReceivedDocument(
            kind: kind, request: "GET /x", channelID: nil, receivedAt: Timestamp(milliseconds: at),
            body: Array(body.utf8))
    }

    // MARK: What an audit says

    func audit(_ decisions: [TrustDecision] = []) async throws -> [Finding] {
        let archive = try fixture.archive
        let trusted = TrustedKeys(
            TrustRecord(
                ownerID: id("alice"), keys: try archive.keyRecord(), decisions: decisions, atHand: [alice.publicKey],
                ownForOnce: [alice.publicKey]))
        return try await Audit(archive, trusted: trusted).run()
    }

    /// Each finding in brief: its kind and the posts, `!` before those that have no explanation. Keys without an answer have
    /// a test of their own, and are left out here.
    func brief(_ decisions: [TrustDecision] = []) async throws -> [String] {
        try await audit(decisions).filter { $0.kind != .unansweredKeys }.map { finding in
            let posts = finding.places.flatMap(\.posts).map { String($0.id.prefix { $0 != "0" }) }
            return "\(finding.isExplained ? "" : "!")\(finding.kind.rawValue): \(posts.sorted().joined(separator: " "))"
        }
    }
}
