internal import Archive
internal import Bytes
internal import E2EE

/// One version of a post, with what can be told of it without a private key.
struct SeenVersion: Sendable {
    let header: StoredVersion.Header
    let isImported: Bool
    let content: Content

    enum Content: Sendable {
        case message(SeenMessage)
        /// Encrypted, as its type says, and of no known form.
        case unusable(hasClearText: Bool)
        /// Never encrypted.
        case clear(SeenClearPost)
    }

    /// When the version's text was written, as the server says.
    var writtenAt: Int64 { max(header.createAt, header.editAt) }
}

/// An encrypted message, as far as it is open to everybody.
struct SeenMessage: Sendable {
    /// In their order, repeated ones included.
    let recipients: [KeyID]
    /// Of `iv`, `pubECDHE` and `encryptedData`: what a copy has in common with its original.
    let ciphertext: [UInt8]
    /// Of `pubECDHE`: no two messages have one in common.
    let ephemeralPoint: [UInt8]
    /// Of what is signed: what another signature of the same message has in common with it.
    let signedDigest: [UInt8]
    let signer: Signer
    /// How the signer stands, where it is one of the author's.
    let standing: Standing?
    let suspicions: [Suspicion]

    /// Whose signature it is, as far as can be told.
    enum Signer: Sendable {
        /// The author's: by this key, where a whole key is known.
        case author(SignerID, KeyID?)
        /// By a key that was said to be the author's and that the archive's owner rejected.
        case rejected(SignerID)
        /// By a key that is known to be somebody else's.
        case other(TrustedKeys.Owned)
        /// By a signer of the author's posts whom the search has found already.
        case found(SigningPoint)
        /// One of these points, if it is anybody's signature of this message.
        case unknown([[UInt8]])
    }
}

/// A post that was never encrypted.
struct SeenClearPost: Sendable {
    enum Voice: Sendable {
        /// A bot's, or the server's own.
        case program
        /// A person's by its author, and a program's by what it says of itself: an incoming webhook posts in the name
        /// of whoever made it.
        case saidToBeProgram
        case person
    }

    let voice: Voice
    /// Whether it says that the channel was encrypted from now on, or is not any more.
    let notice: Bool?
}

extension SeenVersion {
    /// - Parameters:
    ///   - bots: users that are programs.
    ///   - found: signers that the search has found so far, by author.
    init(_ version: StoredVersion, trusted: TrustedKeys, bots: Bots, found: [String: FoundSigners]) {
        header = version.header
        isImported = version.importName != nil
        // What is not JSON any more is damage, and `check` will say so.
        guard let root = try? JSONDocument(version.json).root else {
            content = .unusable(hasClearText: false)
            return
        }
        guard let encrypted = EncryptedPost(root, type: version.header.type) else {
            content = .clear(SeenClearPost(version.header, root, bots))
            return
        }
        let hasClearText = EncryptedPost.clearText(root) != nil
        guard case .message(let message) = encrypted else {
            content = .unusable(hasClearText: hasClearText)
            return
        }
        content = .message(
            SeenMessage(
                message, version, hasClearText: hasClearText, trusted: trusted,
                found: found[version.header.userID] ?? FoundSigners()))
    }
}

extension SeenMessage {
    init(
        _ message: EncryptedMessage, _ version: StoredVersion, hasClearText: Bool, trusted: TrustedKeys,
        found: FoundSigners
    ) {
        let userID = version.header.userID
        let judgement = trusted.judgement(of: message, by: userID)
        recipients = message.recipients.map(\.keyID)
        // iv and point have one length each, so that nothing can move from one part to the next.
        ciphertext = SHA256Digest(of: message.iv + message.ephemeralPoint + message.encryptedData).bytes
        ephemeralPoint = SHA256Digest(of: message.ephemeralPoint).bytes
        signedDigest = message.signedDigest.bytes
        signer = Self.signer(of: message, judgement, trusted, found)
        standing = judgement.standing
        suspicions =
            (version.past.map { trusted.suspicions(of: $0, judgement, by: userID) } ?? [])
            + (hasClearText ? [.editedInTheClear] : [])
    }

    private static func signer(
        of message: EncryptedMessage, _ judgement: TrustedKeys.Judgement, _ trusted: TrustedKeys,
        _ found: FoundSigners
    ) -> Signer {
        if let signer = judgement.signer {
            return judgement.standing == .rejected ? .rejected(signer) : .author(signer, judgement.key)
        }
        // To verify is cheaper than to recover, as long as it is once or twice.
        if found.points.count <= FoundSigners.few, let point = found.points.first(where: { $0.verifies(message) }) {
            return .found(point)
        }
        let points = message.possibleSigners
        // That one of its candidates is a known point says the same as that the signature fits it.
        if let point = points.compactMap({ found[$0] }).first { return .found(point) }
        let owners = points.flatMap { trusted.owners(ofSigner: SignerID(ofPoint: $0)) }
        if let owner = owners.min(by: { $0.standing < $1.standing }) { return .other(owner) }
        return .unknown(points)
    }
}

/// The signers of one author's posts that a search has found so far.
struct FoundSigners: Sendable {
    private(set) var points: [SigningPoint] = []
    private var places: [[UInt8]: Int] = [:]

    fileprivate static let few = 2

    /// - Parameter bytes: of the point, uncompressed.
    subscript(_ bytes: [UInt8]) -> SigningPoint? { places[bytes].map { points[$0] } }

    mutating func add(_ point: SigningPoint) {
        places[point.bytes] = points.count
        points.append(point)
    }
}

/// The users that are programs, and the one among them that speaks for the plugin.
struct Bots: Sendable {
    private let ids: Set<String>
    private let plugin: Set<String>

    /// - Parameter users: everybody that the archive knows.
    init(_ users: [User]) {
        ids = Set(users.filter(\.isBot).map(\.id))
        plugin = Set(users.filter { $0.isBot && $0.username == "e2ee" }.map(\.id))
    }

    func contains(_ userID: String) -> Bool { ids.contains(userID) }
    func isPlugin(_ userID: String) -> Bool { plugin.contains(userID) }
}

extension SeenClearPost {
    init(_ header: StoredVersion.Header, _ post: JSONValue, _ bots: Bots) {
        func isSet(_ value: JSONValue?) -> Bool { value?.string == "true" || value?.bool == true }
        let props = post["props"]
        let isByProgram = isSet(props?["from_bot"]) || isSet(props?["from_webhook"]) || isSet(props?["from_plugin"])
        voice =
            header.type.hasPrefix("system_") || bots.contains(header.userID)
            ? .program : isByProgram ? .saidToBeProgram : .person
        notice = bots.isPlugin(header.userID) ? Self.notice(in: post["message"]?.string ?? "") : nil
    }

    /// What the plugin's bot writes into a channel when somebody turns encryption on or off.
    private static func notice(in text: String) -> Bool? {
        if text.hasPrefix("@all: message on this channel are now encrypted") { return true }
        if text.hasPrefix("@all: messages on this channel **aren't encrypted anymore**") { return false }
        return nil
    }
}
