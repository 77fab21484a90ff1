public import Bytes
internal import GRDB

/// What somebody decided about a key: that it is, or is not, a user's. The archive's owner decides for themself; a
/// colleague's signed list says what the colleague decided.
///
/// A decision is about a subject. Where both points are known it is the key, and the key's id names it. A server that
/// hands out a colleague's signing point with an encryption point of its own makes another key of it: to reject that
/// one says nothing against the true one. Where only the point that verifies is known, it is that point, named by its
/// hash.
public struct TrustDecision: Equatable, Sendable {
    /// The words are part of the format.
    public enum Verb: String, Sendable, CaseIterable {
        /// Compared with the user, in person or by voice: theirs, and in use.
        case confirmed
        /// Compared with the user: theirs, and no longer used.
        case confirmedEarlier = "confirmed-earlier"
        /// The account's owner made this key themself.
        case own
        /// Taken on the server's word.
        case accepted
        /// Not the user's.
        case rejected
        /// The user's, although no server was seen to show it.
        case adopted
        /// Nothing is held to be decided any more.
        case withdrawn
        /// Only in a colleague's list: known to them, and not decided about.
        case seen

        /// Whether it says that the key is the user's.
        public var isPositive: Bool {
            switch self {
            case .confirmed, .confirmedEarlier, .own, .accepted, .adopted: true
            case .rejected, .withdrawn, .seen: false
            }
        }

        /// Whether somebody compared the key with its user.
        public var isConfirmation: Bool { self == .confirmed || self == .confirmedEarlier }

        /// The version of the archive's format that a reader must know for it.
        var formatVersion: Int {
            switch self {
            case .confirmed, .rejected, .adopted, .withdrawn, .seen: 3
            case .confirmedEarlier, .own, .accepted: 4
            }
        }
    }

    /// Whose word it is, where it is not the owner's.
    public struct Colleague: Hashable, Sendable {
        public let userID: String
        /// The id of the key that signed the list.
        public let keyID: String
        /// When the list was made, by the colleague's clock.
        public let listedAt: Timestamp

        public init(userID: String, keyID: String, listedAt: Timestamp) {
            self.userID = userID
            self.keyID = keyID
            self.listedAt = listedAt
        }
    }

    public let userID: String
    public let verb: Verb
    /// 65 bytes each, uncompressed; Reader checks that they are on the curve.
    public let signingPoint: [UInt8]
    public let encryptionPoint: [UInt8]?
    /// nil for the owner's own decision.
    public let colleague: Colleague?
    /// When it came into the archive.
    public let at: Timestamp
    /// Since when the key is known to whoever decided, as far as a colleague's list says.
    public let since: Timestamp?
    /// What the user was called when the owner decided, as the server said. Decisions of earlier builds do not say.
    public let username: String?

    public init(
        userID: String, verb: Verb, signingPoint: [UInt8], encryptionPoint: [UInt8]?, colleague: Colleague? = nil,
        at: Timestamp, since: Timestamp? = nil, username: String? = nil
    ) {
        self.userID = userID
        self.verb = verb
        self.signingPoint = signingPoint
        self.encryptionPoint = encryptionPoint
        self.colleague = colleague
        self.at = at
        self.since = since
        self.username = username
    }

    /// 64 hexadecimal digits; nil where the encryption point is not known.
    public var keyID: String? { encryptionPoint.map { SHA256Digest(of: $0 + signingPoint).description } }
    /// SHA-256 of the signing point, 64 hexadecimal digits.
    public var signerID: String { SHA256Digest(of: signingPoint).description }
    /// What it is about: the key's id, or else the signer's.
    public var subject: String { keyID ?? signerID }

    /// Under which the archive keeps it: the newest of an id counts.
    var id: String { "\(userID):\(subject)\(colleague.map { ":\($0.userID)" } ?? "")" }
}

extension TrustDecision {
    /// Reads a statement: the owner's, or an entry of a colleague's list.
    ///
    /// - Returns: nil for anything that `write` would not have written of it; members that are not named here are let
    ///   be.
    public init?(_ json: JSONValue, at: Timestamp = Timestamp(milliseconds: 0)) {
        guard !json.hasDuplicateKeys, let userID = json["user_id"]?.string, ImportID.isIdentifier(userID),
            let verb = json["decision"]?.string.flatMap(Verb.init(rawValue:)), let signing = json["sign"]?.point,
            let key = json["key_id"], let encryption = json["encr"], key.isNull == encryption.isNull
        else { return nil }
        let encryptionPoint = encryption.point
        guard encryption.isNull || encryptionPoint != nil else { return nil }
        var colleague: Colleague?
        if let by = json["by"] {
            guard let id = by.string, PostHeader.isIdentifier(id), let keyID = json["by_key"]?.string,
                Hex.decode(keyID)?.count == SHA256Digest.byteCount, keyID == keyID.lowercased(),
                let listedAt = json["listed"]?.string.flatMap(Timestamp.init(iso8601:))
            else { return nil }
            colleague = Colleague(userID: id, keyID: keyID, listedAt: listedAt)
        }
        let isDated = json["decided"]?.string.flatMap(Timestamp.init(iso8601:)) != nil
        guard colleague != nil || isDated && verb != .seen else { return nil }
        self.init(
            userID: userID, verb: verb, signingPoint: signing, encryptionPoint: encryptionPoint, colleague: colleague,
            at: at, since: json["since"]?.string.flatMap(Timestamp.init(iso8601:)),
            username: colleague == nil ? json["username"]?.string : nil)
        guard keyID == key.string else { return nil }
    }

    /// - Parameter username: of the user, for people who read a list.
    public func write(to json: inout JSONWriter, _ key: String? = nil, username: String? = nil) {
        json.object(key) { json in
            json.string("user_id", userID)
            if let username = username ?? self.username { json.string("username", username) }
            json.string("decision", verb.rawValue)
            json.string("key_id", keyID)
            json.string("sign", Base64.standard.encode(signingPoint))
            json.string("encr", encryptionPoint.map(Base64.standard.encode))
            if let colleague {
                json.string("since", since?.iso8601)
                json.string("by", colleague.userID)
                json.string("by_key", colleague.keyID)
                json.string("listed", colleague.listedAt.iso8601)
            } else {
                // A decision that is taken again is news: another one about the signer may stand between.
                json.string("decided", at.iso8601)
            }
        }
    }

    /// The owner's decisions as a document of the archive.
    public static func document(_ decisions: [TrustDecision], at time: Timestamp) -> ReceivedDocument {
        var json = JSONWriter()
        json.array { json in for decision in decisions { decision.write(to: &json) } }
        return ReceivedDocument(kind: .trust, request: "-", channelID: nil, receivedAt: time, body: json.bytes)
    }

    /// A colleague's list as a document of the archive.
    ///
    /// - Parameter body: as it came, byte for byte. Whoever appends it has checked its signature.
    public static func document(list body: [UInt8], at time: Timestamp) -> ReceivedDocument {
        ReceivedDocument(kind: .trustList, request: "-", channelID: nil, receivedAt: time, body: body)
    }
}

extension TrustDecision {
    /// What `Archive.trustDecisions` knows, told from statements alone: the newest of each who decided, about each
    /// subject. What is said again in the same bytes is no news.
    ///
    /// - Parameter statements: each with the bytes that state it, in the order in which they came.
    public static func newest(of statements: [(decision: TrustDecision, json: [UInt8])]) -> [TrustDecision] {
        var newest: [String: (place: Int, decision: TrustDecision, json: [UInt8])] = [:]
        for (place, statement) in statements.enumerated() where newest[statement.decision.id]?.json != statement.json {
            newest[statement.decision.id] = (place, statement.decision, statement.json)
        }
        return newest.values.sorted { $0.place < $1.place }.map(\.decision)
    }
}

/// Since which document each decision stands: what is said again stands since it was said first. Clocks may be wrong; the
/// order of documents is not.
public struct TrustDocuments: Sendable {
    private var entries: [String: (verb: String, document: Int64)] = [:]

    public init() {}

    /// Decisions come in the order of their documents.
    public mutating func add(_ decision: TrustDecision, document: Int64) {
        add(id: decision.id, verb: decision.verb.rawValue, document: document)
    }

    mutating func add(id: String, verb: String, document: Int64) {
        if entries[id]?.verb != verb { entries[id] = (verb, document) }
    }

    /// nil where it is not known.
    public func document(of decision: TrustDecision) -> Int64? { entries[decision.id]?.document }
}

extension Archive {
    /// Every decision about a key, the owner's and those in colleagues' lists, in the order in which they came.
    public func trustHistory() throws(ArchiveError) -> [TrustDecision] {
        try trustDecisions(where: "")
    }

    /// What counts now: the newest of each who decided, about each subject. One that was withdrawn is among them.
    public func trustDecisions() throws(ArchiveError) -> [TrustDecision] {
        try trustDecisions(
            where: "AND seq = (SELECT max(seq) FROM object n WHERE n.kind = o.kind AND n.id = o.id)")
    }

    /// The documents since which decisions stand.
    public func trustDocuments() throws(ArchiveError) -> TrustDocuments {
        let sql = """
            SELECT id, document, json_extract(json, '$.decision') FROM object
            WHERE kind IN ('\(ObjectKind.trust.rawValue)', '\(ObjectKind.listedTrust.rawValue)') ORDER BY seq
            """
        return try read { db in
            try Row.fetchAll(db, sql: sql).reduce(into: TrustDocuments()) { documents, row in
                documents.add(
                    id: try row.decode(atIndex: 0), verb: try row.decode(String?.self, atIndex: 2) ?? "",
                    document: try row.decode(atIndex: 1))
            }
        }
    }

    private func trustDecisions(where condition: String) throws(ArchiveError) -> [TrustDecision] {
        let sql = """
            SELECT at, json FROM object o
            WHERE kind IN ('\(ObjectKind.trust.rawValue)', '\(ObjectKind.listedTrust.rawValue)') \(condition) ORDER BY seq
            """
        return try read { db in
            try Row.fetchAll(db, sql: sql).map { row in
                let json: String = try row.decode(forColumn: "json")
                let at = Timestamp(milliseconds: try row.decode(forColumn: "at"))
                // To leave one out that cannot be read might accept a key that was rejected.
                guard let root = try? JSONDocument(Array(json.utf8)).root, let decision = TrustDecision(root, at: at)
                else {
                    throw ArchiveError.damagedDatabase(
                        path: directory.archivePath, what: "a decision about a key cannot be read")
                }
                return decision
            }
        }
    }
}
