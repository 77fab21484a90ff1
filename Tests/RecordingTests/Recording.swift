import Archive
import Bytes
import E2EE
import Foundation
import Reader

/// What a real server answered to one account, in an archive as a pull leaves it: `Fixtures/recording`.
struct Recording {
    let archive: Archive
    let directory: AccountDirectory
    let folder: String

    static let ownID = "yho86rjkybdo7bfus9bq59ny3c"
    static let at = Timestamp(milliseconds: 1_795_500_000_000)

    /// Runs `body` with a fresh archive, which goes away with its folder.
    static func with(_ body: (Recording) async throws -> Void) async throws {
        let account = Account(server: "http://localhost:8065", userID: ownID, username: "fixture.alice")
        try await with(account, fill, body)
    }

    /// - Parameter fill: makes the archive what a pull leaves.
    static func with(
        _ account: Account, _ fill: (AccountDirectory) async throws -> Void,
        _ body: (Recording) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/mmvault-recording.\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let directory = try Vault(path: folder).makeAccount(account)
        try await fill(directory)
        try await body(Recording(archive: try Archive(directory), directory: directory, folder: folder))
    }

    private static func fill(_ directory: AccountDirectory) async throws {
        let writer = try ArchiveWriter(directory)
        func document(_ kind: DocumentKind, _ file: String, channel: String? = nil) throws -> ReceivedDocument {
            ReceivedDocument(
                kind: kind, request: "GET /\(file)", channelID: channel, receivedAt: at, body: try Fixture.bytes(file))
        }
        try await writer.append(document(.teams, "teams.json"), objects: .team)
        try await writer.append(document(.channels, "channels.json"), objects: .channel)
        try await writer.append(document(.users, "users.json"), objects: .user)
        let keys = try document(.keys, "keys.json")
        try await writer.append(keys, keys: try sightings(keys.body, at: at))
        for file in try Fixture.names where file.hasSuffix(".posts.json") {
            let posts = try document(.posts, file, channel: String(file.prefix { $0 != "." }))
            try await writer.append(posts, page: try PostsPage(posts.body), walk: nil)
        }
    }

    static func sightings(_ body: [UInt8], at: Timestamp) throws -> [KeySighting] {
        let keys = try JSONDocument(body).root["pubKeys"]?.members ?? []
        return keys.compactMap { userID, key in
            guard let encryption = key["encr"]?.string.flatMap(Base64.standard.decode),
                let signing = key["sign"]?.string.flatMap(Base64.standard.decode)
            else { return nil }
            return KeySighting(
                userID: userID, keyID: SHA256Digest(of: encryption + signing).description, source: .server, at: at,
                encryptionPoint: encryption, signingPoint: signing)
        }
    }

    /// Every post and old revision, as it reads with these private keys at hand, which their owner says are theirs.
    func read(with keys: [PrivateKey]) async throws -> [String: Reading] {
        try await posts(with: keys).mapValues(Reading.init)
    }

    func posts(with keys: [PrivateKey]) async throws -> [String: ReadPost] {
        let own = keys.map(\.publicKey)
        let reader = PostReader(
            archive, keyring: Keyring(keys), trusted: try TrustedKeys(archive, atHand: own, ownForOnce: own))
        var posts: [String: ReadPost] = [:]
        for channel in try archive.channels() {
            try await reader.read(PostQuery(channelID: channel.id)) { post in
                guard posts.updateValue(post, forKey: post.header.id) == nil else {
                    throw SeveralVersions(id: post.header.id)
                }
            }
        }
        return posts
    }
}

/// A post or an old revision was read more than once.
struct SeveralVersions: Error { let id: String }

/// One post's verdict and text, as `expected.json` has them.
struct Reading: Equatable {
    var state: String
    var channelID: String
    var userID: String
    var authenticity: String?
    var content: String
    /// nil where there is none, and for plain posts, whose text the recording's list does not repeat.
    var text: String?

    init(_ post: ReadPost) {
        state = post.state.rawValue
        channelID = post.header.channelID
        userID = post.header.userID
        authenticity = post.verdict.authenticity?.rawValue
        content = post.verdict.content.rawValue
        switch post.text {
        case .verified(let text): self.text = text.string
        case .unanswered(let text): self.text = text.markedString
        case .unverified(let text): self.text = text.withheldString
        case .plain, .unreadable, .unknown: text = nil
        }
    }

    init(_ json: JSONValue) {
        state = json["state"]?.string ?? ""
        channelID = json["channel_id"]?.string ?? ""
        userID = json["user_id"]?.string ?? ""
        authenticity = json["authenticity"]?.string
        content = json["content"]?.string ?? ""
        text = json["text"]?.string
    }

    static func expected() throws -> [String: Reading] {
        let members = try JSONDocument(Fixture.bytes("expected.json")).root.members
        return Dictionary(uniqueKeysWithValues: members.map { ($0.key, Reading($0.value)) })
    }
}

enum Fixture {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Fixtures/recording")
        .standardized.path

    static var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() } }

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
    }

    static func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }

    /// Alice's key before (1) and after (2) she made a new one.
    static func key(_ number: Int) throws -> PrivateKey {
        try KeyBackup.privateKeys(in: text("alice.\(number).asc"))[0]
    }
}
