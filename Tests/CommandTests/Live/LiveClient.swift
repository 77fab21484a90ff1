import AsyncHTTPClient
import Bytes
import E2EE
import NIOCore
import NIOHTTP1

/// Somebody who writes to a Mattermost, as the web client would for them, and has a new key for that.
struct LiveClient: Sendable {
    let url: String
    let token: String
    let id: String
    let key = PrivateKey.generate()

    private static let plugin = "/plugins/com.quarkslab.e2ee/api/v1"

    init(url: String, token: String) async throws {
        self.url = url
        self.token = token
        let answer = try await LiveClient.send(.GET, "\(url)/api/v4/users/me", token)
        id = try LiveClient.string("id", in: answer)
    }

    /// - Returns: the answer's bytes.
    /// - Throws: `StageError`, with what the server said, for everything but success.
    private static func send(
        _ method: HTTPMethod, _ url: String, _ token: String, _ body: [UInt8]? = nil
    ) async throws -> [UInt8] {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
        if let body { request.body = .bytes(body) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let answer = Array(try await response.body.collect(upTo: 1 << 20).readableBytesView)
        guard (200..<300).contains(response.status.code) else {
            let words = String(decoding: answer, as: UTF8.self)
            throw StageError(what: "\(method) \(url): \(response.status.code) \(words)")
        }
        return answer
    }

    private static func string(_ name: StaticString, in answer: [UInt8]) throws -> String {
        guard let value = try JSONDocument(answer).root[name]?.string else {
            throw StageError(what: "no \(name) in \(String(decoding: answer, as: UTF8.self))")
        }
        return value
    }

    private func api(_ method: HTTPMethod, _ path: String, _ body: [UInt8]? = nil) async throws -> [UInt8] {
        try await LiveClient.send(method, "\(url)/api/v4\(path)", token, body)
    }

    private func askPlugin(_ method: HTTPMethod, _ path: String, _ body: [UInt8]) async throws -> [UInt8] {
        try await LiveClient.send(method, url + LiveClient.plugin + path, token, body)
    }

    // MARK: Channels

    /// Makes a private channel with other accounts in it.
    /// - Returns: its id.
    func makeChannel(_ name: String, in team: String, with others: [LiveClient]) async throws -> String {
        let teamID = try LiveClient.string("id", in: try await api(.GET, "/teams/name/\(team)"))
        let answer = try await api(
            .POST, "/channels",
            object {
                $0.string("team_id", teamID)
                $0.string("name", name)
                $0.string("display_name", name)
                $0.string("type", "P")
            })
        let channel = try LiveClient.string("id", in: answer)
        for other in others {
            _ = try await api(.POST, "/channels/\(channel)/members", object { $0.string("user_id", other.id) })
        }
        return channel
    }

    /// Opens the direct channel with another account, or the group channel with several; the server has one of each.
    /// - Returns: its id.
    func openPrivateChannel(with others: [LiveClient]) async throws -> String {
        var ids = JSONWriter()
        ids.array { json in for member in [self] + others { json.string(nil, member.id) } }
        let kind = others.count == 1 ? "direct" : "group"
        return try LiveClient.string("id", in: try await api(.POST, "/channels/\(kind)", ids.bytes))
    }

    func archive(_ channel: String) async throws { _ = try await api(.DELETE, "/channels/\(channel)") }

    // MARK: Posts

    /// - Parameter time: its `create_at`, which servers take from administrators only.
    /// - Returns: the post's id.
    func post(
        _ text: String, in channel: String, file: String? = nil, at time: Int64? = nil
    ) async throws -> String {
        let answer = try await api(
            .POST, "/posts",
            object { json in
                json.string("channel_id", channel)
                json.string("message", text)
                if let time { json.int("create_at", time) }
                if let file { json.array("file_ids") { $0.string(nil, file) } }
            })
        return try LiveClient.string("id", in: answer)
    }

    /// Writes a message that all these accounts can open.
    /// - Returns: the post's id.
    func postEncrypted(_ text: String, in channel: String, with others: LiveClient...) async throws -> String {
        let answer = try await api(
            .POST, "/posts",
            object {
                $0.string("channel_id", channel)
                $0.string("message", "Encrypted message")
                $0.string("type", "custom_e2ee")
                writeProps(text, others, &$0)
            })
        return try LiveClient.string("id", in: answer)
    }

    func edit(_ post: String, _ text: String) async throws {
        _ = try await api(.PUT, "/posts/\(post)/patch", object { $0.string("message", text) })
    }

    func editEncrypted(_ post: String, _ text: String, with other: LiveClient) async throws {
        _ = try await api(
            .PUT, "/posts/\(post)/patch",
            object {
                $0.string("message", "Encrypted message 0.25")
                writeProps(text, [other], &$0)
            })
    }

    /// Leaves a draft in the clear, as a client does while somebody types.
    func saveDraft(_ text: String, in channel: String) async throws {
        _ = try await api(
            .POST, "/drafts",
            object {
                $0.string("channel_id", channel)
                $0.string("message", text)
            })
    }

    func delete(_ post: String) async throws { _ = try await api(.DELETE, "/posts/\(post)") }

    /// - Returns: the file's id, to hang on a post.
    func upload(_ content: String, named name: String, to channel: String) async throws -> String {
        let answer = try await api(.POST, "/files?channel_id=\(channel)&filename=\(name)", Array(content.utf8))
        guard let id = try JSONDocument(answer).root["file_infos"]?.elements.first?["id"]?.string else {
            throw StageError(what: "no file in \(String(decoding: answer, as: UTF8.self))")
        }
        return id
    }

    private func writeProps(_ text: String, _ others: [LiveClient], _ json: inout JSONWriter) {
        let message = EncryptedMessage.seal(
            Array(text.utf8), from: key, to: [key.publicKey] + others.map(\.key.publicKey))
        json.object("props") { message.write(to: &$0, "e2ee") }
    }

    // MARK: The plugin

    /// Whether the plugin shows a key for this account.
    func hasKey() async throws -> Bool {
        let answer = try await askPlugin(.POST, "/pubkey/get", object { $0.array("userIds") { $0.string(nil, id) } })
        return try JSONDocument(answer).root["pubKeys"]?.members.contains { $0.key == id && !$0.value.isNull } ?? false
    }

    /// - Parameter backup: the private key as a GPG message, which the plugin keeps, and mails to its owner. A test server
    ///   that cannot send mail has kept both when it says so (the plugin's source, server/api.go).
    func pushKey(backup: String?) async throws {
        do {
            try await push(backup)
        } catch let error as StageError where error.what.contains("Error while sending GPG backup") {
            print("the plugin could not mail the backup; it keeps it all the same")
        }
    }

    private func push(_ backup: String?) async throws {
        _ = try await askPlugin(
            .POST, "/pubkey/push",
            object {
                key.publicKey.write(to: &$0, "pubkey")
                $0.string("backupGPG", backup)
            })
    }

    func encrypt(_ channel: String) async throws {
        _ = try await askPlugin(.POST, "/channel/encryption_method?chanID=\(channel)&method=p2p", Array("{}".utf8))
    }

    private func object(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
        var json = JSONWriter()
        json.object(nil, members)
        return json.bytes
    }
}
