public import Archive
internal import Bytes
public import E2EE

/// Which public keys are known to be whose: what the server showed over time, the owner's own, and what the owner and
/// their colleagues decided about keys.
public struct TrustedKeys: Sendable {
    /// How a key counts.
    public enum Standing: Int, Sendable, Comparable {
        /// The server showed it last.
        case current
        /// Known to be the user's in another way: shown before, own, adopted, or in a colleague's list.
        case earlier
        /// The archive's owner rejected it.
        case rejected

        public static func < (left: Standing, right: Standing) -> Bool { left.rawValue < right.rawValue }
    }

    /// A key, or a signer alone, that a user is known by.
    public struct Owned: Sendable {
        public let userID: String
        /// nil for a signer of whom no encryption point is known.
        public let key: PublicKey?
        public let signer: SigningPoint
        public let standing: Standing
        /// The colleague by whose list alone it is known; nil where the archive or its owner knows it.
        public let voucherID: String?

        /// What a decision about it is about: the key's id, or else the signer's.
        public var subject: String { key?.id.description ?? signer.id.description }
    }

    /// What a message's signature says.
    struct Judgement: Equatable {
        let authenticity: Authenticity
        /// The key that it fits, where that counts.
        var key: KeyID?
        /// Whom it fits, rejected or not.
        var signer: SignerID?
        /// The subject that was rejected, where it fits nothing else.
        var rejected: String?
    }

    /// By user; the current key first, since most messages are by it. The rejected ones come last: the signing point of a
    /// rejected key may be that of another one.
    private let owned: [String: [Owned]]
    private let bySigner: [SignerID: [Owned]]
    private let byKey: [KeyID: [Owned]]
    /// Signers about whom something was decided, and by whom nobody is known.
    private let former: [String: Set<SignerID>]
    /// Keys that the server showed and that are not keys at all: a point that is not on the curve.
    public let unusable: [KeySighting]

    /// What an archive knows.
    ///
    /// - Parameter own: the owner's keys at hand, seen in the archive or not.
    public init(_ archive: Archive, own: [PublicKey]) throws(ArchiveError) {
        self.init(
            known: try archive.knownKeys(), decisions: try archive.trustDecisions(), own: own,
            ownerID: try archive.account().userID)
    }

    /// - Parameters:
    ///   - known: as the archive has seen them, by user id.
    ///   - decisions: the newest of each, in the order in which they came: `Archive.trustDecisions`.
    ///   - own: keys at hand that belong to the user `ownerID`, seen in the archive or not.
    public init(known: [String: [KnownKey]], decisions: [TrustDecision], own: [PublicKey], ownerID: String) {
        var ledger = KeyLedger(decisions)
        let seen = known.values.joined()
        for key in seen where !key.isBrought { ledger.add(key) }
        ledger.addDecided()
        ledger.addListed(except: ownerID)
        for key in seen where key.isBrought { ledger.add(key) }
        for key in own { ledger.addBrought(key, by: ownerID) }
        owned = ledger.owned.mapValues { keys in
            Standing.allInOrder.flatMap { standing in keys.filter { $0.standing == standing } }
        }
        let all = owned.sorted { $0.key < $1.key }.flatMap(\.value)
        bySigner = Dictionary(grouping: all, by: \.signer.id)
        byKey = all.reduce(into: [:]) { if let key = $1.key { $0[key.id, default: []].append($1) } }
        former = ledger.former
        unusable = ledger.unusable.sorted { ($0.userID, $0.keyID) < ($1.userID, $1.keyID) }
    }

    func authenticity(of message: EncryptedMessage, by userID: String) -> Judgement {
        let known = owned[userID] ?? []
        guard let fitting = known.first(where: { $0.signer.verifies(message) }) else {
            return Judgement(authenticity: unfitting(userID))
        }
        let authenticity = fitting.standing.authenticity
        return Judgement(
            authenticity: authenticity, key: authenticity.isVerified ? fitting.key?.id : nil, signer: fitting.signer.id,
            rejected: authenticity.isVerified ? nil : fitting.subject)
    }

    /// What a message is whose signature fits nothing that the user is known by.
    private func unfitting(_ userID: String) -> Authenticity {
        owned[userID]?.isEmpty == false ? .signatureInvalid : .unknownSender
    }

    /// The colleague on whose list it rests that a user's messages by this signer verify; nil where it does not.
    public func voucher(ofSigner signer: SignerID, of userID: String) -> String? {
        let fitting = owned[userID]?.first { $0.signer.id == signer }
        return fitting?.standing == .rejected ? nil : fitting?.voucherID
    }

    /// By how many signers a user is known, the rejected ones included.
    func count(of userID: String) -> Int { Set((owned[userID] ?? []).map(\.signer.id)).count }

    /// Everything that users are known by, in the order of their ids.
    public var all: [Owned] { owned.sorted { $0.key < $1.key }.flatMap(\.value) }

    /// Whom messages by this signer are by, rejected ones included.
    public func owners(ofSigner signer: SignerID) -> [Owned] { bySigner[signer] ?? [] }

    /// Whose key has this id, rejected ones included.
    public func owners(ofKey key: KeyID) -> [Owned] { byKey[key] ?? [] }

    /// What messages of a user are that fit a signer, for each who was ever one of theirs.
    var verdicts: [(userID: String, signer: SignerID, authenticity: Authenticity)] {
        var result: [(String, SignerID, Authenticity)] = []
        for (userID, keys) in owned {
            var seen: Set<SignerID> = []
            for key in keys where seen.insert(key.signer.id).inserted {
                result.append((userID, key.signer.id, key.standing.authenticity))
            }
        }
        for (userID, signers) in former { result += signers.map { (userID, $0, unfitting(userID)) } }
        return result.sorted { ($0.0, $0.1) < ($1.0, $1.1) }
    }

    /// As whose key the archive knows this one, where nothing says that it is the owner's as well.
    ///
    /// - Returns: nil where it may be the owner's.
    public func otherOwner(of key: PublicKey, than ownerID: String) -> Owned? {
        let owners = owners(ofSigner: key.signer.id).filter { $0.standing != .rejected }
        return owners.contains { $0.userID == ownerID } ? nil : owners.min { $0.standing < $1.standing }
    }

    /// What changes when more, or less, becomes known of the signers that a user is known by.
    func summary(of userID: String) -> String {
        let accepted = Set((owned[userID] ?? []).filter { $0.standing != .rejected }.map(\.signer.id))
        let rejected = Set((owned[userID] ?? []).map(\.signer.id)).subtracting(accepted)
        // Between the two a byte, so that to move a signer from one to the other makes a difference.
        return SHA256Digest(of: accepted.sorted().flatMap(\.bytes) + [0] + rejected.sorted().flatMap(\.bytes))
            .description
    }
}

extension TrustedKeys.Standing {
    static let allInOrder: [Self] = [.current, .earlier, .rejected]

    var authenticity: Authenticity {
        switch self {
        case .current: .verified
        case .earlier: .verifiedByEarlierKey
        case .rejected: .signatureInvalid
        }
    }
}
