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
    /// Whether it is the first key that the server ever showed for the user: the pinned one.
    public let isFirst: Bool
    /// Whether the archive's owner holds, or held, its private key.
    public let isOwn: Bool
}

extension Archive {
    /// Every key ever seen, by user id, oldest first.
    public func knownKeys() throws(ArchiveError) -> [String: [KnownKey]] {
        let sql = """
            SELECT k.user_id, k.key_id, min(k.at) AS first, max(k.at) AS last, k.encr, k.sign,
              max(k.source = 'own') AS own, max(k.source = 'server') AS server,
              k.key_id = (SELECT key_id FROM key_sighting c WHERE c.user_id = k.user_id AND c.source = 'server'
                          ORDER BY c.seq DESC LIMIT 1) AS current,
              k.key_id = (SELECT key_id FROM key_sighting c WHERE c.user_id = k.user_id AND c.source = 'server'
                          ORDER BY c.seq LIMIT 1) AS pinned
            FROM key_sighting k GROUP BY k.user_id, k.key_id ORDER BY k.user_id, min(k.seq)
            """
        return try read { db in
            var result: [String: [KnownKey]] = [:]
            let rows = try Row.fetchCursor(db, sql: sql)
            while let row = try rows.next() {
                let first = Timestamp(milliseconds: row["first"])
                let sighting = KeySighting(
                    userID: row["user_id"], keyID: row["key_id"], source: row["server"] ? .server : .own, at: first,
                    encryptionPoint: Array(row["encr"] as Data), signingPoint: Array(row["sign"] as Data))
                let key = KnownKey(
                    sighting: sighting, firstSeen: first, lastSeen: Timestamp(milliseconds: row["last"]),
                    isCurrent: (row["current"] as Bool?) ?? false, isFirst: (row["pinned"] as Bool?) ?? false,
                    isOwn: row["own"])
                result[sighting.userID, default: []].append(key)
            }
            return result
        }
    }
}

extension [UInt8] {
    var databaseBlob: Data { Data(self) }
}
