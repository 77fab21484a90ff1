public import Archive
internal import Bytes
internal import NIOHTTP1

/// Asks the plugin for the GPG backup of the user's private key that it keeps, as `/e2ee show_backup` does in Mattermost.
public enum BackupRequest {
    /// What came of it.
    public enum Outcome: Equatable, Sendable {
        /// The message that shows the backup, an armored OpenPGP message somewhere in it.
        case backup(String)
        /// The plugin says that it has none.
        case none
        /// Nothing came in so many seconds: there may be none.
        case silence(seconds: Double)
    }

    /// The answer to the command is empty, and the backup comes as an ephemeral post over the WebSocket. Where there is none,
    /// the plugin answers with an error without a name (its server/command.go, on Mattermost 11.2), or nothing comes.
    ///
    /// - Parameter limit: how many seconds to wait for it once the command was given.
    /// - Throws: `noAnswer` where there is no connection; `refused` where the server has no such command, or refuses it in
    ///   each channel that is tried; `noChannelToAskIn`. Whether there is a backup is not known then.
    public static func run(
        _ directory: AccountDirectory, _ network: Network, limit: Double = 10
    ) async throws(ExporterError) -> Outcome {
        let session = try Session(in: directory)
        let route = try session.route(network)
        return try await MattermostClient.using(route, token: session.token, patience: .short) {
            client throws(ExporterError) in
            let places = try await places(client, userID: session.userID)
            guard !places.isEmpty else { throw .noChannelToAskIn }
            do {
                return try await WebSocket.using(route, path: "/api/v4/websocket", token: session.token) {
                    try await ask($0, client, places, limit: limit)
                }
            } catch let error as ExporterError {
                throw error
            } catch let failure as WebSocket.Failure {
                throw .noAnswer(
                    request: ServerEvent.request, why: failure.why, attempts: 1, obstacle: failure.obstacle)
            } catch {
                if Task.isCancelled { throw .cancelled }
                throw .noAnswer(request: ServerEvent.request, why: Trouble(error, on: route).why, attempts: 1)
            }
        }
    }

    /// Where the command may be given; nobody else sees it there.
    private struct Place {
        let channelID: String
        /// Servers refuse a command in a direct channel without one, but to administrators (mattermost-api, `commands/execute`).
        let teamID: String?
    }

    /// So many channels are tried, of those where the command is as good as in any other.
    private static let mostPlaces = 4

    /// In the order in which they are tried: a channel with oneself, another direct one, channels of teams, groups.
    private static func places(
        _ client: MattermostClient, userID: String
    ) async throws(ExporterError) -> [Place] {
        let teams = try await list(client, "/api/v4/users/me/teams") { $0["id"]?.string }
        let channels = try await list(client, "/api/v4/users/me/channels") { channel in
            channel["id"]?.string.map {
                (
                    id: $0, name: channel["name"]?.string, type: channel["type"]?.string,
                    teamID: channel["team_id"]?.string.flatMap { $0.isEmpty ? nil : $0 }
                )
            }
        }.filter { PostHeader.isIdentifier($0.id) }
        let direct = channels.filter { $0.type == "D" }
        let own = direct.filter { $0.name == "\(userID)__\(userID)" }
        let others = direct.filter { $0.name != "\(userID)__\(userID)" }
        let ofTeams = channels.filter { $0.teamID != nil }
        let groups = channels.filter { $0.type == "G" }
        let unknown = channels.filter { $0.teamID == nil && $0.type != "D" && $0.type != "G" }
        return (own.prefix(1) + others.prefix(1) + ofTeams.prefix(mostPlaces) + groups.prefix(1) + unknown.prefix(1))
            .map { Place(channelID: $0.id, teamID: $0.teamID ?? teams.first) }
    }

    private static func list<T>(
        _ client: MattermostClient, _ path: String, _ read: @Sendable (JSONValue) -> T?
    ) async throws(ExporterError) -> [T] {
        try await client.send(Request(.GET, path)) { answer throws(ExporterError) in
            let root = try answer.json().root
            guard root.kind == .array || root.isNull else { throw answer.garbled("it is no list") }
            return root.elements.compactMap(read)
        }
    }

    private static func ask(
        _ socket: WebSocket, _ client: MattermostClient, _ places: [Place], limit: Double
    ) async throws -> Outcome {
        let (messages, arrival) = AsyncStream.makeStream(of: ServerEvent.Kind.self)
        let (command, given) = AsyncStream.makeStream(of: Void.self)
        return try await withThrowingTaskGroup(of: Outcome.self) { group in
            group.addTask {
                defer { arrival.finish() }
                try await socket.read { message in
                    if let event = try? message.map(ServerEvent.init) { arrival.yield(event.kind) }
                }
                throw WebSocket.Failure(why: "the server ended the connection")
            }
            group.addTask {
                for await message in messages {
                    switch message {
                    case .hello:
                        guard try await execute(client, places) else { return .none }
                        given.finish()
                    case .ephemeral(let text) where text.contains("-----BEGIN PGP MESSAGE-----"): return .backup(text)
                    default: break
                    }
                }
                throw WebSocket.Failure(why: "the server ended the connection")
            }
            group.addTask {
                for await _ in command {}
                try await Task.sleep(for: .seconds(limit))
                return .silence(seconds: limit)
            }
            group.addTask {
                // Without a greeting, the command is never given, and that nothing comes says nothing.
                try await Task.sleep(for: .seconds(limit + 30))
                throw WebSocket.Failure(why: "the server sends no events")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? Outcome.none
        }
    }

    /// - Returns: whether a backup is to come.
    /// - Throws: what the last place answered, where each refuses.
    private static func execute(_ client: MattermostClient, _ places: [Place]) async throws(ExporterError) -> Bool {
        var refusal: ExporterError?
        for place in places {
            var body = JSONWriter()
            body.object {
                $0.string("channel_id", place.channelID)
                if let teamID = place.teamID { $0.string("team_id", teamID) }
                $0.string("command", "/e2ee show_backup")
            }
            do throws(ExporterError) {
                try await client.send(Request(.POST, "/api/v4/commands/execute", body: body.bytes)) {
                    _ throws(ExporterError) in
                }
                return true
            } catch .refused(status: 500, id: "", _, _) {
                return false
            } catch {
                // A server without the command says so in every channel.
                guard case .refused(status: 403, _, _, _) = error else { throw error }
                refusal = error
            }
        }
        if let refusal { throw refusal }
        return true
    }
}
