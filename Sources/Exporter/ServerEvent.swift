internal import Archive
internal import Bytes

/// A message of the WebSocket, as far as this program needs it.
struct ServerEvent: Sendable {
    enum Kind: Equatable, Sendable {
        /// The first event of a new connection.
        case hello(connectionID: String)
        /// The answer to what the client sent.
        case reply(isOK: Bool)
        /// A post came, changed or went.
        case post(channelID: String, isDeleted: Bool)
        /// A post that only this user sees, and only now: `message`.
        case ephemeral(message: String)
        /// Something happened in a channel that asking for its posts will tell.
        case activity(channelID: String)
        /// A user's public key is another one.
        case key
        /// A user's name is another one, or a new user is there.
        case user(String)
        /// Channels or teams came, went, or changed.
        case lists
        /// Somebody came into a channel or left it.
        case members(channelID: String)
        /// Nothing that an archive holds.
        case other
    }

    let kind: Kind
    /// The place in the connection's sequence; nil for what is no event.
    let sequence: Int64?

    /// - Throws: `noAnswer`, which says what is wrong with a message that is no event.
    init(_ message: [UInt8]) throws(ExporterError) {
        func garbled(_ why: String) -> ExporterError {
            .noAnswer(request: ServerEvent.request, why: "garbled event: \(why)", attempts: 1)
        }
        let root: JSONValue
        do { root = try JSONDocument(message).root } catch { throw garbled(error.description) }
        guard let name = root["event"]?.string else {
            guard root["seq_reply"]?.int != nil || root["status"] != nil else { throw garbled("it says nothing") }
            kind = .reply(isOK: root["status"]?.string == "OK")
            sequence = nil
            return
        }
        guard let sequence = root["seq"]?.int, (0..<1 << 60).contains(sequence), let data = root["data"] else {
            throw garbled("\(name.prefix(60)) has no place in the sequence")
        }
        self.sequence = sequence
        func id(_ value: JSONValue?) -> String? { value?.string.flatMap { PostHeader.isIdentifier($0) ? $0 : nil } }
        let channelID = id(root["broadcast"]?["channel_id"]) ?? id(data["channel_id"])
        switch name {
        case "hello":
            guard let connectionID = data["connection_id"]?.string else { throw garbled("hello has no connection_id") }
            kind = .hello(connectionID: connectionID)
        case _ where PostEvents.names.contains(name):
            let post: PostHeader
            do throws(ArchiveError) {
                guard let found = try PostEvents(frames: [message]).posts.first else {
                    throw .notAPage(what: "no post")
                }
                post = found
            } catch { throw garbled("\(name) cannot be read") }
            kind = .post(channelID: post.channelID, isDeleted: name == "post_deleted")
        case "ephemeral_message":
            let post = data["post"]?.string.flatMap { try? JSONDocument(Array($0.utf8)).root }
            kind = .ephemeral(message: post?["message"]?.string ?? "")
        case "reaction_added", "reaction_removed":
            kind = channelID.map { .activity(channelID: $0) } ?? .other
        case KeyEvent.name: kind = .key
        case "new_user": kind = id(data["user_id"]).map(Kind.user) ?? .other
        case "user_updated": kind = id(data["user"]?["id"]).map(Kind.user) ?? .other
        case "user_added", "user_removed": kind = channelID.map { .members(channelID: $0) } ?? .lists
        case "channel_created", "channel_updated", "channel_deleted", "channel_restored", "channel_converted",
            "direct_added", "group_added", "added_to_team", "leave_team", "update_team", "delete_team":
            kind = .lists
        default: kind = .other
        }
    }

    static let request = "GET /api/v4/websocket"
}

/// Which events of a connection have come, so that one that is missing is noticed, and a reconnection can ask for it.
struct EventSequence: Equatable, Sendable {
    private(set) var connectionID: String?
    /// The number of the next event; nil where it is not known.
    private(set) var next: Int64?

    enum Finding: Equatable, Sendable {
        case inOrder
        /// Something did not come, or what came cannot be believed.
        case gap
        /// A connection that knows nothing of a former one.
        case new
    }

    mutating func follow(_ event: ServerEvent) -> Finding {
        guard let sequence = event.sequence else { return .inOrder }
        if case .hello(let id) = event.kind {
            if id == connectionID, next != nil { return .inOrder }
            connectionID = id
            next = sequence + 1
            return .new
        }
        defer { next = sequence + 1 }
        return sequence == next ? .inOrder : .gap
    }

    /// A message came that cannot be read. It had a number, most likely, and nobody knows which.
    mutating func skip() {
        next = next.map { $0 + 1 }
    }

    /// Do not ask for a replay any more.
    mutating func forget() {
        connectionID = nil
        next = nil
    }

    /// Path and query to connect to, asking for what was missed where that is possible.
    var path: String {
        guard let connectionID, let next, PostHeader.isIdentifier(connectionID) else { return "/api/v4/websocket" }
        return "/api/v4/websocket?connection_id=\(connectionID)&sequence_number=\(next)"
    }
}
