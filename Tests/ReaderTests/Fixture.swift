import Bytes
import Foundation
import GRDB
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// An archive made of hand-made answers, and the keys that go with it.
final class Fixture {
    static let first: Int64 = 1_795_422_665_000

    let scratch = Scratch()
    let directory: AccountDirectory
    let own = PrivateKey.generate()
    /// Bob's key as the server shows it, the one before, and one that was never his.
    let bob = PrivateKey.generate()
    let bobEarlier = PrivateKey.generate()
    let stranger = PrivateKey.generate()

    init() throws {
        directory = try Vault(path: scratch["vault"]).makeAccount(
            Account(server: "https://chat.example.org", userID: id("alice"), username: "alice"))
    }

    var archive: Archive { get throws { try Archive(directory) } }

    /// - Parameter mine: those of the keys that Alice says are her own; nil for all of them.
    func reader(_ keys: [PrivateKey]? = nil, mine: [PrivateKey]? = nil) throws -> PostReader {
        let archive = try archive
        let keyring = Keyring(keys ?? [own])
        return PostReader(
            archive, keyring: keyring,
            trusted: try TrustedKeys(
                archive, atHand: keyring.publicKeys, ownForOnce: mine?.map(\.publicKey) ?? keyring.publicKeys))
    }

    func read(
        _ query: PostQuery, keys: [PrivateKey]? = nil, mine: [PrivateKey]? = nil
    ) async throws -> [ReadPost] {
        var posts: [ReadPost] = []
        try await reader(keys, mine: mine).read(query) { posts.append($0) }
        return posts
    }

    private func document(_ kind: DocumentKind, _ body: [UInt8], channel: String? = nil) -> ReceivedDocument {
        ReceivedDocument(
            kind: kind, request: "GET /x", channelID: channel.map { id($0) },
            receivedAt: Timestamp(milliseconds: Fixture.first), body: body)
    }

    func append(_ document: ReceivedDocument, objects: ObjectKind?) async throws {
        let writer = try ArchiveWriter(directory)
        if let objects {
            try await writer.append(document, objects: objects)
        } else {
            let source: KeySighting.Source = document.kind == .ownKey ? .own : .server
            let keys = KeySighting.all(
                in: try JSONDocument(document.body).root, source: source, at: document.receivedAt)
            try await writer.append(document, keys: keys)
        }
    }

    /// Alice, Bob and Carol; a team with two channels.
    func addPeople() async throws {
        let writer = try ArchiveWriter(directory)
        let users = ["alice", "bob", "carol"].map { #"{"id":"\#(id($0))","username":"\#($0)","nickname":""}"# }
        try await writer.append(document(.users, Array("[\(users.joined(separator: ","))]".utf8)), objects: .user)
        try await writer.append(
            document(.teams, Array(#"[{"id":"\#(id("team"))","name":"team","display_name":"The team"}]"#.utf8)),
            objects: .team)
        let channels = ["channel", "second"].map {
            #"{"id":"\#(id($0))","type":"O","team_id":"\#(id("team"))","name":"\#($0)","display_name":"\#($0)!"}"#
        }
        try await writer.append(
            document(.channels, Array("[\(channels.joined(separator: ","))]".utf8)), objects: .channel)
    }

    /// The server shows `keys` for `word`, one after the other, and Alice takes the last one for theirs.
    func addKeys(_ word: String, _ keys: [PublicKey]) async throws {
        try await addPoints(word, keys.map { ($0.id.description, $0.encryptionPoint, $0.signingPoint) })
        if keys.count > 1, let last = keys.last { try await decide(.accepted, word, last) }
    }

    func addPoints(_ word: String, _ keys: [(id: String, encryption: [UInt8], signing: [UInt8])]) async throws {
        for key in keys {
            let sighting = KeySighting(
                userID: id(word), keyID: key.id, source: .server, at: Timestamp(milliseconds: Fixture.first),
                encryptionPoint: key.encryption, signingPoint: key.signing)
            try await ArchiveWriter(directory).append(document(.keys, Array("{}".utf8)), keys: [sighting])
        }
    }

    /// One page of posts, each as JSON.
    func addPage(_ posts: [(id: String, json: String)], channel: String = "channel") async throws {
        let order = posts.map { "\"\($0.id)\"" }.joined(separator: ",")
        let members = posts.map { "\"\($0.id)\":\($0.json)" }.joined(separator: ",")
        let body = Array(#"{"order":[\#(order)],"posts":{\#(members)}}"#.utf8)
        try await ArchiveWriter(directory).append(
            document(.posts, body, channel: channel), page: PostsPage(body), walk: nil)
    }

    /// A post as the server hands it out.
    static func post(
        _ word: String, by author: String = "bob", in channel: String = "channel", root: String = "",
        original: String = "", at: Int64 = first, editAt: Int64 = 0, deleteAt: Int64 = 0, type: String = "",
        message: String = "", payload: String? = nil
    ) -> (id: String, json: String) {
        var text = JSONWriter()
        text.string(nil, message)
        let props = payload.map { #"{"e2ee":\#($0)}"# } ?? "{}"
        let json = """
            {"id":"\(id(word))","channel_id":"\(id(channel))","user_id":"\(id(author))",\
            "root_id":"\(root.isEmpty ? "" : id(root))","original_id":"\(original.isEmpty ? "" : id(original))",\
            "create_at":\(at),"update_at":\(max(at, editAt, deleteAt)),"edit_at":\(editAt),"delete_at":\(deleteAt),\
            "type":"\(type)","message":\(text.text),"props":\(props)}
            """
        return (id(word), json)
    }

    static func payload(_ text: String, from sender: PrivateKey, to recipients: [PublicKey]) -> String {
        json(EncryptedMessage.seal(Array(text.utf8), from: sender, to: recipients))
    }

    static func json(_ message: EncryptedMessage) -> String {
        var json = JSONWriter()
        message.write(to: &json)
        return json.text
    }

    /// Everything below `path`, by name.
    static func files(_ path: String) throws -> [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: path)
        where !PrivateFile.isDirectory("\(path)/\(name)") {
            result[name] = try PrivateFile.read("\(path)/\(name)")
        }
        return result
    }

    /// As a failing disk might: the record is there, and its bytes are others.
    func damageBody(of sequence: Int64) throws {
        try tamper("UPDATE document SET body = zeroblob(length(body)) WHERE seq = \(sequence)")
    }

    /// Changes what the guards forbid, and puts the guards back.
    func tamper(_ sql: String) throws {
        let database = try Archive.open(directory.archivePath, .writing)
        try database.write { db in
            let guards = try Row.fetchAll(db, sql: "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            for row in guards { try db.execute(sql: "DROP TRIGGER \(row["name"] as String)") }
            try db.execute(sql: sql)
            for row in guards { try db.execute(sql: row["sql"] as String) }
        }
    }
}
