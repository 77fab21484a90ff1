import Synchronization

/// Who gets an event of the WebSocket.
enum Audience {
    case everybody
    case user(String)
    /// The members of a channel.
    case channel(String)
}

/// What can go wrong with one event on its way to one connection.
public enum LiveFault: Sendable {
    /// It never comes, and is not kept for a replay: a gap in the sequence.
    case lost
    /// It comes cut off in the middle.
    case garbled
    /// The connection ends just before it; a reconnection may still replay it.
    case cut
    /// Neither it nor anything after it comes, and the connection stays open.
    case silence
}

/// An event as a connection is about to get it.
public struct LiveEvent: Sendable {
    public let name: String
    public let sequence: Int
    public let userID: String
}

/// What the server does on a connection.
enum LiveSignal: Sendable {
    case frame(String)
    case silence
    case hangUp
}

/// The connections of the WebSocket. As on the real server, one that has broken off is kept for a while, with what it was
/// sent last, so that its client can go on where it was.
struct LiveHub {
    typealias Outlet = AsyncStream<LiveSignal>.Continuation

    /// How many events are kept for a replay, as on the real server.
    static let replayLength = 128

    private struct Connection {
        let userID: String
        var next = 0
        var sent: [(sequence: Int, frame: String)] = []
        var outlet: Outlet?
        /// Counts who has held the connection, so that a former holder cannot end it.
        var holder = 0
    }

    private var connections: [String: Connection] = [:]
    private var generator: SeededGenerator
    /// Asked before each event but `hello`.
    var interceptor: (@Sendable (LiveEvent) -> LiveFault?)?

    init(seed: UInt64) { generator = SeededGenerator(seed: SeededGenerator.scramble(seed ^ 0x6C69_7665)) }

    /// The right to end a connection.
    struct Hold: Sendable {
        let id: String
        let holder: Int
    }

    /// Begins a connection, or goes on with a former one: from the event `sequence`, where it is still known.
    mutating func attach(_ userID: String, id: String?, sequence: Int?, _ outlet: Outlet) -> Hold {
        if let id, let sequence, sequence > 0, var connection = connections[id], connection.userID == userID,
            sequence == connection.next || connection.sent.contains(where: { $0.sequence == sequence })
        {
            connection.outlet?.yield(.hangUp)
            connection.outlet = outlet
            connection.holder += 1
            connections[id] = connection
            // Without another hello: only a new connection gets one.
            for event in connection.sent where event.sequence >= sequence { outlet.yield(.frame(event.frame)) }
            return Hold(id: id, holder: connection.holder)
        }
        let new = Identifier.make(using: &generator)
        connections[new] = Connection(userID: userID, outlet: outlet)
        deliver("hello", "{\"connection_id\":\"\(new)\",\"server_version\":\"6.2.0.6.2.0..false\"}", new, (userID, ""))
        return Hold(id: new, holder: 0)
    }

    mutating func detach(_ hold: Hold) {
        if connections[hold.id]?.holder == hold.holder { connections[hold.id]?.outlet = nil }
    }

    /// Sends an event to the connections of those users for whom `isWanted` says so.
    mutating func publish(
        _ event: String, _ data: String, user: String = "", channel: String = "", where isWanted: (String) -> Bool
    ) {
        for (id, connection) in connections.sorted(by: { $0.key < $1.key }) where isWanted(connection.userID) {
            deliver(event, data, id, (user, channel))
        }
    }

    private mutating func deliver(
        _ event: String, _ data: String, _ id: String, _ broadcast: (user: String, channel: String)
    ) {
        guard var connection = connections[id] else { return }
        defer { connections[id] = connection }
        let sequence = connection.next
        connection.next += 1
        let frame =
            "{\"event\":\"\(event)\",\"data\":\(data),\"broadcast\":{\"omit_users\":null"
            + ",\"user_id\":\"\(broadcast.user)\",\"channel_id\":\"\(broadcast.channel)\",\"team_id\":\"\"}"
            + ",\"seq\":\(sequence)}"
        let seen = LiveEvent(name: event, sequence: sequence, userID: connection.userID)
        let fault = connection.outlet == nil || event == "hello" ? nil : interceptor?(seen)
        if case .lost = fault { return }
        connection.sent.append((sequence, frame))
        if connection.sent.count > LiveHub.replayLength { connection.sent.removeFirst() }
        switch fault {
        case .garbled: connection.outlet?.yield(.frame(String(frame.prefix(frame.count / 2))))
        case .silence: connection.outlet?.yield(.silence)
        case .cut:
            connection.outlet?.yield(.hangUp)
            connection.outlet = nil
        case .lost, nil: connection.outlet?.yield(.frame(frame))
        }
    }

    /// Ends all connections.
    /// - Parameter forgets: whether nobody can go on where they were, as after a restart.
    mutating func hangUp(forgets: Bool) {
        for id in connections.keys {
            connections[id]?.outlet?.yield(.hangUp)
            connections[id]?.outlet = nil
        }
        if forgets { connections = [:] }
    }

    /// How many connections are open.
    var openCount: Int { connections.values.count { $0.outlet != nil } }
}

extension WorldState {
    mutating func publish(_ event: String, _ data: String, to audience: Audience) {
        switch audience {
        case .everybody: hub.publish(event, data) { _ in true }
        case .user(let id): hub.publish(event, data, user: id) { $0 == id }
        case .channel(let id):
            let members = Set(channels[id]?.members ?? [])
            hub.publish(event, data, channel: id) { members.contains($0) }
        }
    }

    mutating func publishPosted(_ post: Post) {
        guard let channel = channels[post.channelID] else { return }
        let data =
            "{\"channel_display_name\":\(JSONText.string(channel.displayName))"
            + ",\"channel_name\":\(JSONText.string(channel.name)),\"channel_type\":\"\(channel.type.rawValue)\""
            + ",\"post\":\(JSONText.string(post.json)),\"sender_name\":"
            + JSONText.string("@" + (users[post.userID]?.username ?? ""))
            + ",\"set_online\":true,\"team_id\":\"\(channel.teamID)\"}"
        publish("posted", data, to: .channel(post.channelID))
    }

    mutating func publishEdited(_ id: String) {
        guard let post = post(id) else { return }
        publish("post_edited", "{\"post\":\(JSONText.string(post.json))}", to: .channel(post.channelID))
    }

    /// - Parameter post: as it was: with its text, and not deleted.
    mutating func publishDeleted(_ post: Post, by userID: String) {
        let data = "{\"delete_by\":\"\(userID)\",\"post\":\(JSONText.string(post.json))}"
        publish("post_deleted", data, to: .channel(post.channelID))
    }

    mutating func publishAdded(_ userID: String, to channel: Channel) {
        publish("user_added", "{\"team_id\":\"\(channel.teamID)\",\"user_id\":\"\(userID)\"}", to: .channel(channel.id))
    }

    mutating func publishKey(of userID: String) {
        publish("custom_com.quarkslab.e2ee_newPubkey", "{\"userID\":\"\(userID)\"}", to: .everybody)
    }

    /// Shows a post to one user that nobody else sees and no request ever finds.
    mutating func publishEphemeral(_ message: String, in channelID: String, to userID: String) {
        let post = Post(
            id: hub.makeID(), channelID: channelID, userID: botID ?? userID, createAt: now, updateAt: 0, rootID: "",
            message: message, type: "system_ephemeral", props: "{}", rank: 0)
        publish("ephemeral_message", "{\"post\":\(JSONText.string(post.json))}", to: .user(userID))
    }
}

extension LiveHub {
    fileprivate mutating func makeID() -> String { Identifier.make(using: &generator) }
}

extension World {
    /// What goes wrong with events; asked before each but `hello`. nil lets everything come.
    public func misbehaveLive(_ interceptor: (@Sendable (LiveEvent) -> LiveFault?)?) {
        state.withLock { $0.hub.interceptor = interceptor }
    }

    /// Ends every connection of the WebSocket.
    /// - Parameter forgets: whether the server has forgotten what it sent, as after a restart.
    public func hangUp(forgets: Bool = false) {
        state.withLock { $0.hub.hangUp(forgets: forgets) }
    }

    /// How many connections of the WebSocket are open.
    public var liveConnections: Int { state.withLock { $0.hub.openCount } }
}
