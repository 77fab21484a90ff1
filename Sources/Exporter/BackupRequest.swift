public import Archive
internal import Bytes
internal import NIOHTTP1

/// Asks the plugin for the GPG backup of the user's private key that it keeps, as `/e2ee show_backup` does in Mattermost.
public enum BackupRequest {
    /// The answer to the command is empty; the backup comes as an ephemeral post over the WebSocket, and nothing comes
    /// where there is none.
    ///
    /// - Parameter limit: how many seconds to wait for it once the command was given.
    /// - Returns: the message that shows the backup, an armored OpenPGP message somewhere in it; nil where none came.
    /// - Throws: `noAnswer` where there is no connection; `refused` where the server has no such command;
    ///   `noChannelToAskIn`. Whether there is a backup is not known then.
    public static func run(
        _ directory: AccountDirectory, limit: Double = 10
    ) async throws(ExporterError) -> String? {
        let session = try Session(in: directory)
        return try await MattermostClient.using(session.address, token: session.token, patience: .short) {
            client throws(ExporterError) in
            guard let channelID = try await channel(client, userID: session.userID) else { throw .noChannelToAskIn }
            do {
                return try await WebSocket.using(session.address, path: "/api/v4/websocket", token: session.token) {
                    try await ask($0, client, channelID, limit: limit)
                }
            } catch let error as ExporterError {
                throw error
            } catch let failure as WebSocket.Failure {
                throw .noAnswer(request: ServerEvent.request, why: failure.why, attempts: 1)
            } catch {
                if Task.isCancelled { throw .cancelled }
                throw .noAnswer(request: ServerEvent.request, why: MattermostClient.describe(error), attempts: 1)
            }
        }
    }

    /// A channel to give the command in; nobody else sees it there. Rather one with oneself than any other.
    private static func channel(
        _ client: MattermostClient, userID: String
    ) async throws(ExporterError) -> String? {
        let channels = try await client.send(Request(.GET, "/api/v4/users/me/channels")) {
            answer throws(ExporterError) in
            let root = try answer.json().root
            guard root.kind == .array || root.isNull else { throw answer.garbled("it is no list") }
            return root.elements.compactMap { channel in
                channel["id"]?.string.map { (id: $0, name: channel["name"]?.string, type: channel["type"]?.string) }
            }.filter { PostHeader.isIdentifier($0.id) }
        }
        let chosen = channels.first { $0.name == "\(userID)__\(userID)" } ?? channels.first { $0.type == "D" }
        return (chosen ?? channels.first)?.id
    }

    private static func ask(
        _ socket: WebSocket, _ client: MattermostClient, _ channelID: String, limit: Double
    ) async throws -> String? {
        let (messages, arrival) = AsyncStream.makeStream(of: ServerEvent.Kind.self)
        let (command, given) = AsyncStream.makeStream(of: Void.self)
        return try await withThrowingTaskGroup(of: String?.self) { group in
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
                        try await execute(client, channelID)
                        given.finish()
                    case .ephemeral(let text) where text.contains("-----BEGIN PGP MESSAGE-----"): return text
                    default: break
                    }
                }
                throw WebSocket.Failure(why: "the server ended the connection")
            }
            group.addTask {
                for await _ in command {}
                try await Task.sleep(for: .seconds(limit))
                return nil
            }
            group.addTask {
                // Without a greeting, the command is never given, and that nothing comes says nothing.
                try await Task.sleep(for: .seconds(limit + 30))
                throw WebSocket.Failure(why: "the server sends no events")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    private static func execute(_ client: MattermostClient, _ channelID: String) async throws(ExporterError) {
        var body = JSONWriter()
        body.object {
            $0.string("channel_id", channelID)
            $0.string("command", "/e2ee show_backup")
        }
        try await client.send(Request(.POST, "/api/v4/commands/execute", body: body.bytes)) {
            _ throws(ExporterError) in
        }
    }
}
