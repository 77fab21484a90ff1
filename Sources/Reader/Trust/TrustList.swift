public import Archive
internal import Bytes
public import E2EE

/// What somebody knows and decided of keys, signed, as a file to hand to a colleague: docs/trust.md.
///
///     {"list":{"version":1,"server":…,"user_id":…,"username":…,"key_id":…,"listed":…,"entries":[
///     {…},
///     {…}
///     ]},
///     "signature":"…"}
public struct TrustList: Sendable {
    /// The address of the server whose users it is about.
    public let server: String
    /// Whose list it is.
    public let userID: String
    public let username: String
    /// The key that signed it.
    public let keyID: String
    public let listedAt: Timestamp
    public let entries: [TrustDecision]
    /// What the list calls the users in it, by id. Names are labels, and prove nothing.
    public let usernames: [String: String]
    /// The file.
    public let bytes: [UInt8]
    /// Where the signed part stands in it.
    private let signedRange: Range<Int>
    private let signature: [UInt8]

    private static let version: Int64 = 1

    // MARK: Making one

    /// - Parameters:
    ///   - decisions: the entries, as the owner's own or as `seen`; what they say of colleagues is left out.
    ///   - usernames: by user id.
    public init(
        _ decisions: [TrustDecision], of account: Account, usernames: [String: String], signedBy key: PrivateKey,
        at time: Timestamp
    ) {
        let colleague = TrustDecision.Colleague(
            userID: account.userID, keyID: key.id.description, listedAt: time)
        let entries = decisions.map {
            TrustDecision(
                userID: $0.userID, verb: $0.verb, signingPoint: $0.signingPoint, encryptionPoint: $0.encryptionPoint,
                colleague: colleague, at: time, since: $0.since)
        }
        var head = JSONWriter()
        head.object { json in
            json.int("version", TrustList.version)
            json.string("server", account.server)
            json.string("user_id", account.userID)
            json.string("username", account.username)
            json.string("key_id", key.id.description)
            json.string("listed", time.iso8601)
            json.array("entries") { _ in }
        }
        // An entry to a line, so that a person can read it.
        var list = Array(head.bytes.dropLast(2))
        for (place, entry) in entries.enumerated() {
            var json = JSONWriter()
            entry.write(to: &json, username: usernames[entry.userID] ?? "")
            list += Array((place == 0 ? "\n" : ",\n").utf8) + json.bytes
        }
        list += Array("\n]}".utf8)
        signature = key.sign(trustList: list[...])
        let start = Array(#"{"list":"#.utf8)
        bytes = start + list + Array(#",\#n"signature":"\#(Base64.standard.encode(signature))"}\#n"#.utf8)
        signedRange = start.count..<start.count + list.count
        (server, userID, username) = (account.server, account.userID, account.username)
        (keyID, listedAt, self.entries, self.usernames) = (key.id.description, time, entries, usernames)
    }

    // MARK: Reading one

    /// Reads a file, and accepts only what the format says. Its signature is not looked at.
    ///
    /// - Throws: `badTrustList`.
    public init(_ bytes: [UInt8]) throws(ReaderError) {
        let root: JSONValue
        do { root = try JSONDocument(bytes).root } catch { throw .badTrustList(error.description) }
        try TrustList.require(root, ["list", "signature"], "the file")
        guard let list = root["list"],
            let signature = root["signature"]?.string.flatMap(Base64.standard.decode), signature.count == 64
        else { throw .badTrustList("its signature has another form") }
        guard let version = list["version"]?.int else { throw .badTrustList("it is no list of keys") }
        guard version == TrustList.version else {
            throw .badTrustList("it has the version \(version), and only 1 is known")
        }
        try TrustList.require(
            list, ["version", "server", "user_id", "username", "key_id", "listed", "entries"], "the list")
        guard let server = list["server"]?.string, let userID = list["user_id"]?.string,
            let username = list["username"]?.string, let keyID = list["key_id"]?.string, KeyID(hex: keyID) != nil,
            let listedAt = list["listed"]?.string.flatMap(Timestamp.init(iso8601:)),
            let entries = list["entries"], entries.kind == .array, !entries.elements.isEmpty
        else { throw .badTrustList("it does not say whose list it is, of when, or of which keys") }
        let colleague = TrustDecision.Colleague(userID: userID, keyID: keyID, listedAt: listedAt)
        var names: [String: String] = [:]
        var subjects: Set<String> = []
        var keysOfUser: [String: Int] = [:]
        var decisions: [TrustDecision] = []
        for (place, json) in entries.elements.enumerated() {
            try TrustList.require(json, TrustList.entryMembers, "entry \(place + 1)")
            guard let entry = TrustDecision(json), let name = json["username"]?.string, entry.colleague == colleague,
                json["since"]?.isNull == true || entry.since != nil
            else { throw .badTrustList("entry \(place + 1) is not as it should be") }
            guard TrustList.isOnCurve(entry) else { throw .badTrustList("entry \(place + 1) holds no points of P-256") }
            guard subjects.insert("\(entry.userID) \(entry.subject)").inserted else {
                throw .badTrustList("entry \(place + 1) says something of a key a second time")
            }
            keysOfUser[entry.userID, default: 0] += 1
            guard keysOfUser[entry.userID, default: 0] <= TrustList.maximumKeys else {
                throw .badTrustList("it names more than \(TrustList.maximumKeys) keys of one user")
            }
            decisions.append(entry)
            names[entry.userID] = name
        }
        self.bytes = bytes
        signedRange = list.range
        self.signature = signature
        (self.server, self.userID, self.username, self.keyID) = (server, userID, username, keyID)
        (self.listedAt, self.entries, usernames) = (listedAt, decisions, names)
    }

    /// Each is tried on every message of the user's that fits no other; nobody has made so many.
    private static let maximumKeys = 64

    private static let entryMembers = [
        "user_id", "username", "decision", "key_id", "sign", "encr", "since", "by", "by_key", "listed",
    ]

    private static func require(
        _ object: JSONValue, _ members: [String], _ name: String
    ) throws(ReaderError) {
        guard object.kind == .object, object.members.map(\.key).sorted() == members.sorted() else {
            throw .badTrustList("\(name) does not have the members that it should")
        }
    }

    private static func isOnCurve(_ entry: TrustDecision) -> Bool {
        guard let encryption = entry.encryptionPoint else { return (try? SigningPoint(entry.signingPoint)) != nil }
        return (try? PublicKey(encryptionPoint: encryption, signingPoint: entry.signingPoint)) != nil
    }

    /// Whether it is this key that signed the list, as it stands in the file.
    public func isSigned(by key: PublicKey) -> Bool {
        key.id.description == keyID && key.signer.verifies(signature, ofTrustList: bytes[signedRange])
    }
}
