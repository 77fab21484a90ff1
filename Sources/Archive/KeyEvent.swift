public import Bytes
internal import GRDB

/// An event of the server's WebSocket by which the plugin tells that a user's public key is another one. It says whose and
/// not which (protocol.md, `newPubkey`): where a key was asked for too late, this is all that is known of it.
public struct KeyEvent: Sendable {
    public static let name = "custom_com.quarkslab.e2ee_newPubkey"

    public let userID: String
    public let receivedAt: Timestamp
    /// As it came.
    private let frame: [UInt8]

    /// - Parameter frame: one message of the WebSocket.
    /// - Returns: nil for what is no such event.
    public init?(frame: [UInt8], receivedAt: Timestamp) {
        guard let root = try? JSONDocument(frame).root, let userID = KeyEvent.userID(of: root) else { return nil }
        (self.userID, self.receivedAt, self.frame) = (userID, receivedAt, frame)
    }

    /// Whose key it is about; nil for what is no such event.
    public static func userID(of event: JSONValue) -> String? {
        guard event["event"]?.string == name, let id = event["data"]?["userID"]?.string, PostHeader.isIdentifier(id)
        else { return nil }
        return id
    }

    /// One of a document, `{"received_at":TIME,"event":FRAME}`: the user's id and when it came.
    static func read(_ json: JSONValue) -> (userID: String, at: Timestamp)? {
        guard let at = json["received_at"]?.string.flatMap({ Timestamp(iso8601: $0) }),
            let userID = json["event"].flatMap(userID(of:))
        else { return nil }
        return (userID, at)
    }

    /// Several as a document: a list, in which each frame stands byte for byte as it came.
    public static func document(_ events: [KeyEvent], at time: Timestamp) -> ReceivedDocument {
        let objects = events.map {
            Array(#"{"received_at":"\#($0.receivedAt.iso8601)","event":"#.utf8) + $0.frame + [0x7D]
        }
        let body = Array("[".utf8) + objects.joined(separator: Array(",\n".utf8)) + Array("]".utf8)
        return ReceivedDocument(
            kind: .keyEvents, request: "GET /api/v4/websocket", channelID: nil, receivedAt: time, body: body)
    }
}

extension Archive {
    /// When the plugin told that a user's key is another one, in order.
    public func keyEvents(of userID: String) throws(ArchiveError) -> [Timestamp] {
        let sql = "SELECT json FROM object WHERE kind = 'key-event' AND id = ? ORDER BY seq"
        let texts = try read { try String.fetchAll($0, sql: sql, arguments: [userID]) }
        return texts.compactMap { (try? JSONDocument(Array($0.utf8)).root).flatMap(KeyEvent.read)?.at }
    }
}
