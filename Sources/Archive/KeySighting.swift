public import Bytes
internal import Foundation
internal import GRDB

/// A public key that was seen for a user. Points are 65 bytes uncompressed; Reader checks that they are what they seem.
public struct KeySighting: Equatable, Sendable {
    public enum Source: String, Sendable {
        /// The server handed it out as the user's.
        case server
        /// It belongs to a private key that the archive's owner restored.
        case own
    }

    public let userID: String
    /// 64 hexadecimal digits.
    public let keyID: String
    public let source: Source
    public let at: Timestamp
    public let encryptionPoint: [UInt8]
    public let signingPoint: [UInt8]

    public init(
        userID: String, keyID: String, source: Source, at: Timestamp, encryptionPoint: [UInt8], signingPoint: [UInt8]
    ) {
        self.userID = userID
        self.keyID = keyID
        self.source = source
        self.at = at
        self.encryptionPoint = encryptionPoint
        self.signingPoint = signingPoint
    }
}

/// A key of a user, with when and from where it is known.
public struct KnownKey: Equatable, Sendable {
    public let sighting: KeySighting
    public let firstSeen: Timestamp
    public let lastSeen: Timestamp
    /// Whether it is the key that the server last showed for the user.
    public let isCurrent: Bool
    /// Whether it is the first key that the server ever showed for the user.
    public let isFirst: Bool
    /// Whether the archive's owner holds, or held, its private key.
    public let isOwn: Bool

    public init(
        _ sighting: KeySighting, firstSeen: Timestamp, lastSeen: Timestamp, isCurrent: Bool, isFirst: Bool, isOwn: Bool
    ) {
        self.sighting = sighting
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
        self.isCurrent = isCurrent
        self.isFirst = isFirst
        self.isOwn = isOwn
    }

    /// What `Archive.knownKeys` knows, told from sightings alone.
    ///
    /// - Parameter sightings: in the order in which they came.
    public static func all(from sightings: [KeySighting]) -> [String: [KnownKey]] {
        Dictionary(grouping: sightings, by: \.userID).mapValues { sightings in
            let shown = sightings.filter { $0.source == .server }
            var order: [String] = []
            var groups: [String: [KeySighting]] = [:]
            for sighting in sightings {
                if groups[sighting.keyID] == nil { order.append(sighting.keyID) }
                groups[sighting.keyID, default: []].append(sighting)
            }
            return order.compactMap { keyID in
                guard let group = groups[keyID], let first = group.map(\.at).min(), let last = group.map(\.at).max()
                else { return nil }
                let sighting = KeySighting(
                    userID: group[0].userID, keyID: keyID,
                    source: group.contains { $0.source == .server } ? .server : .own, at: first,
                    encryptionPoint: group[0].encryptionPoint, signingPoint: group[0].signingPoint)
                return KnownKey(
                    sighting, firstSeen: first, lastSeen: last, isCurrent: shown.last?.keyID == keyID,
                    isFirst: shown.first?.keyID == keyID, isOwn: group.contains { $0.source == .own })
            }
        }
    }
}

extension KeySighting {
    /// The keys in a statement about keys. The server's are in the plugin's answer: `{"pubKeys": {USER: {"encr":
    /// BASE64, "sign": BASE64}}}`; a user without a key, or with one of another form, is left out. An own one is
    /// `{"user_id": USER, "encr": BASE64, "sign": BASE64}`.
    public static func all(in statement: JSONValue, source: Source, at: Timestamp) -> [KeySighting] {
        switch source {
        case .server:
            (statement["pubKeys"]?.members ?? []).compactMap {
                KeySighting(userID: $0.key, key: $0.value, source: source, at: at)
            }
        case .own:
            [KeySighting(userID: statement["user_id"]?.string ?? "", key: statement, source: source, at: at)]
                .compactMap { $0 }
        }
    }

    private init?(userID: String, key: JSONValue, source: Source, at: Timestamp) {
        // The owner of an archive of imports alone may have no id of a server.
        let isUser = PostHeader.isIdentifier(userID) || source == .own && ImportID.isOwn(userID)
        guard isUser, let (encryption, signing) = KeySighting.points(of: key) else { return nil }
        self.init(
            userID: userID, keyID: SHA256Digest(of: encryption + signing).description, source: source, at: at,
            encryptionPoint: encryption, signingPoint: signing)
    }
}

extension KeySighting {
    /// The points of a key on the wire; nil where it has another form.
    static func points(of key: JSONValue) -> (encryption: [UInt8], signing: [UInt8])? {
        guard let encryption = key["encr"]?.point, let signing = key["sign"]?.point else { return nil }
        return (encryption, signing)
    }
}

extension JSONValue {
    /// The base64 of a point's 65 bytes; nil for anything else.
    var point: [UInt8]? { string.flatMap(Base64.standard.decode).flatMap { $0.count == 65 ? $0 : nil } }
}

extension ReceivedDocument {
    /// The statement that a key belongs to a private key which the user restored.
    public static func ownKey(
        userID: String, encryptionPoint: [UInt8], signingPoint: [UInt8], at: Timestamp
    ) -> ReceivedDocument {
        var json = JSONWriter()
        json.object { json in
            json.string("user_id", userID)
            json.string("encr", Base64.standard.encode(encryptionPoint))
            json.string("sign", Base64.standard.encode(signingPoint))
        }
        return ReceivedDocument(kind: .ownKey, request: "-", channelID: nil, receivedAt: at, body: json.bytes)
    }
}

extension Archive {
    /// Every key ever seen, by user id, oldest first.
    ///
    /// - Parameter users: only these users' keys; nil for everybody's.
    public func knownKeys(of users: [String]? = nil) throws(ArchiveError) -> [String: [KnownKey]] {
        let chosen = users == nil ? "true" : "user_id IN (SELECT value FROM json_each(:users))"
        // The points of a key are the same in every row, since its id is their hash; the rest is all in the index.
        let sql = """
            WITH known AS (
              SELECT user_id, key_id, min(at) AS first, max(at) AS last, max(source = 'own') AS own,
                max(source = 'server') AS server, min(seq) AS place
              FROM key_sighting WHERE \(chosen) GROUP BY user_id, key_id
            ), shown AS (
              SELECT user_id, min(seq) AS pinned, max(seq) AS current
              FROM key_sighting WHERE source = 'server' AND \(chosen) GROUP BY user_id
            )
            SELECT n.user_id, n.key_id, n.first, n.last, n.own, n.server, k.encr, k.sign,
              coalesce(n.key_id = c.key_id, 0) AS current, coalesce(n.key_id = p.key_id, 0) AS pinned
            FROM known n JOIN key_sighting k ON k.seq = n.place LEFT JOIN shown s ON s.user_id = n.user_id
              LEFT JOIN key_sighting p ON p.seq = s.pinned LEFT JOIN key_sighting c ON c.seq = s.current
            ORDER BY n.user_id, n.place
            """
        return try read { db in
            var result: [String: [KnownKey]] = [:]
            let rows = try Row.fetchCursor(db, sql: sql, arguments: Archive.arguments(users))
            while let row = try rows.next() {
                let key = try KnownKey(row)
                result[key.sighting.userID, default: []].append(key)
            }
            return result
        }
    }

    /// What stands for `:users` in a statement about some of them.
    static func arguments(_ users: [String]?) -> StatementArguments {
        guard let users else { return [] }
        var json = JSONWriter()
        json.array { json in for id in users { json.string(nil, id) } }
        return ["users": json.text]
    }

    /// A user's keys whenever the source showed another one than before, in the order in which they came.
    public func keyChanges(of userID: String) throws(ArchiveError) -> [KeySighting] {
        let sql = """
            SELECT \(KeySighting.columns) FROM (
              SELECT *, lag(key_id) OVER (PARTITION BY source ORDER BY seq) AS previous
              FROM key_sighting WHERE user_id = ?
            ) WHERE previous IS NOT key_id ORDER BY seq
            """
        return try read { try Row.fetchAll($0, sql: sql, arguments: [userID]).compactMap { try KeySighting($0) } }
    }
}

extension KnownKey {
    fileprivate init(_ row: Row) throws {
        firstSeen = Timestamp(milliseconds: try row.decode(forColumn: "first"))
        lastSeen = Timestamp(milliseconds: try row.decode(forColumn: "last"))
        isCurrent = try row.decode(forColumn: "current")
        isFirst = try row.decode(forColumn: "pinned")
        isOwn = try row.decode(forColumn: "own")
        sighting = KeySighting(
            userID: try row.decode(forColumn: "user_id"), keyID: try row.decode(forColumn: "key_id"),
            source: try row.decode(Bool.self, forColumn: "server") ? .server : .own, at: firstSeen,
            encryptionPoint: Array(try row.decode(Data.self, forColumn: "encr")),
            signingPoint: Array(try row.decode(Data.self, forColumn: "sign")))
    }
}

extension [UInt8] {
    var databaseBlob: Data { Data(self) }
}
