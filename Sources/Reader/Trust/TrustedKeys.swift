public import Archive
internal import Bytes
public import E2EE

/// Which signers are known to be whose, and how they stand: what verdicts, audits and lists ask.
public struct TrustedKeys: Sendable {
    /// A key, or a signer alone, that a user is known by.
    public struct Owned: Sendable {
        public let userID: String
        /// nil for a signer of whom no encryption point is known.
        public let key: PublicKey?
        public let signer: SigningPoint
        /// The signer's; `rejected` for a key that was rejected and whose signer stands by another one.
        public let standing: Standing
        /// Why it is disputed, where it is.
        public let dispute: Dispute?
        /// Whether the user writes by this signer now.
        public let isCurrent: Bool
        /// The colleague by whose list alone it is known to be the user's; nil where the archive or its owner knows it.
        public let voucherID: String?

        /// What a decision about it is about: the key's id, or else the signer's.
        public var subject: String { key?.id.description ?? signer.id.description }
        public var authenticity: Authenticity { standing.authenticity(isCurrent: isCurrent) }
    }

    /// What a message's signature says.
    struct Judgement: Equatable {
        let authenticity: Authenticity
        /// The key that it fits, where that is the user's as far as is known.
        var key: KeyID?
        /// Whom it fits, rejected or not.
        var signer: SignerID?
        var standing: Standing?
        var dispute: Dispute?
        /// Whether the owner compared the key and said that it is in use.
        var isInUse = false
        /// What it fits, as trust commands call it: `key 9c660cd8794b9799`, or `signer …`.
        var title: String?
    }

    /// A user's signer as messages are held against it.
    private struct KnownSigner {
        let point: SigningPoint
        let owned: Owned
        let isInUse: Bool
        let succession: Succession
    }

    /// By user; the current signer first, since most messages are by it.
    private let signers: [String: [KnownSigner]]
    private let places: [String: [SignerID: Int]]
    private let owned: [String: [Owned]]
    private let bySigner: [SignerID: [Owned]]
    private let byKey: [KeyID: [Owned]]
    /// Signers about whom something was decided, and by whom nobody is known.
    private let former: [String: Set<SignerID>]
    /// Keys that the server showed and that are not keys at all: a point that is not on the curve.
    public let unusable: [KeySighting]
    public let record: TrustRecord
    /// What was found of messages that will be asked about again; nil where each is asked about once.
    private var memory: SignatureMemory?

    /// Among so many signers of one user, each is tried; among more, the signature's two candidates are looked up, which
    /// costs as much as 1.4 verifications, however many there are.
    private static let triedSigners = 2

    /// What an archive knows.
    ///
    /// - Parameters:
    ///   - atHand: the owner's keys at hand, seen in the archive or not.
    ///   - ownForOnce: those of them of which the owner says now that they made them.
    public init(_ archive: Archive, atHand: [PublicKey], ownForOnce: [PublicKey] = []) throws(ArchiveError) {
        self.init(try TrustRecord(archive, atHand: atHand, ownForOnce: ownForOnce))
    }

    public init(_ record: TrustRecord) {
        self.record = record
        let rules = StandingRules(record)
        var owned: [String: [Owned]] = [:]
        var signers: [String: [KnownSigner]] = [:]
        for (userID, claims) in rules.claims {
            for (signer, claim) in claims {
                guard let standing = rules.standings[userID]?[signer] else { continue }
                let isCurrent = rules.current[userID] == signer
                let rejected = claim.rejectedKeys
                let voucher = standing == .listed ? claim.listings.first(where: rules.vouches)?.colleague?.userID : nil
                func entry(_ key: PublicKey?, _ standing: Standing) -> Owned {
                    Owned(
                        userID: userID, key: key, signer: claim.point, standing: standing,
                        dispute: standing == .disputed ? rules.disputes[userID]?[signer] : nil,
                        isCurrent: isCurrent && standing != .rejected, voucherID: voucher)
                }
                owned[userID, default: []] += claim.keys.map {
                    entry($0.key, rejected.contains($0.key.id) ? .rejected : standing)
                }
                // A signer may stand by itself, though every key with it that is known was rejected.
                if claim.keys.isEmpty || standing != .rejected && rejected.count == claim.keys.count {
                    owned[userID, default: []].append(entry(nil, standing))
                }
                signers[userID, default: []].append(
                    KnownSigner(
                        point: claim.point, owned: entry(claim.key(besides: rejected), standing),
                        isInUse: standing == .confirmed && claim.isSaidInUse,
                        succession: rules.succession(of: signer, userID)))
            }
        }
        func comesFirst(_ left: Owned, _ right: Owned) -> Bool {
            if left.isCurrent != right.isCurrent { return left.isCurrent }
            return (left.standing, left.subject) < (right.standing, right.subject)
        }
        self.owned = owned.mapValues { $0.sorted(by: comesFirst) }
        self.signers = signers.mapValues { $0.sorted { comesFirst($0.owned, $1.owned) } }
        places = self.signers.mapValues { signers in
            Dictionary(signers.enumerated().map { ($1.point.id, $0) }, uniquingKeysWith: { first, _ in first })
        }
        let all = self.owned.sorted { $0.key < $1.key }.flatMap(\.value)
        bySigner = Dictionary(grouping: all, by: \.signer.id)
        byKey = all.reduce(into: [:]) { if let key = $1.key { $0[key.id, default: []].append($1) } }
        former = record.decisions.reduce(into: [:]) { former, decision in
            let signer = SignerID(ofPoint: decision.signingPoint)
            if rules.claims[decision.userID]?[signer] == nil { former[decision.userID, default: []].insert(signer) }
        }
        unusable = rules.unusable
    }

    // MARK: Whose signature it is

    func judgement(of message: EncryptedMessage, by userID: String) -> Judgement {
        guard let fitting = signer(of: message, by: userID) else {
            return Judgement(authenticity: unfitting(userID))
        }
        let owned = fitting.owned
        let authenticity = owned.authenticity
        return Judgement(
            authenticity: authenticity, key: owned.standing <= .succeeding ? owned.key?.id : nil,
            signer: fitting.point.id, standing: owned.standing, dispute: owned.dispute, isInUse: fitting.isInUse,
            title: "\(owned.key == nil ? "signer" : "key") \(owned.subject.prefix(KeyID.shortLength))")
    }

    /// The same, for a command that goes through an archive more than once: no signature is verified twice.
    func remembering() -> TrustedKeys {
        var copy = self
        copy.memory = SignatureMemory()
        return copy
    }

    /// Which of a user's signers a signature fits: the foremost of them, where it fits two.
    private func signer(of message: EncryptedMessage, by userID: String) -> KnownSigner? {
        guard let memory else { return place(of: message, by: userID).flatMap { signers[userID]?[$0] } }
        let place = memory.place(of: message, by: userID) { self.place(of: message, by: userID) }
        return place.flatMap { signers[userID]?[$0] }
    }

    private func place(of message: EncryptedMessage, by userID: String) -> Int? {
        guard let known = signers[userID], known.count > Self.triedSigners, let places = places[userID] else {
            return signers[userID]?.firstIndex { $0.point.verifies(message) }
        }
        // Somebody may have made a hundred keys, or a server shown them: one message must not cost as many verifications.
        // A signature verifies with its candidates and with no other point (SEC 1 v2, 4.1.6).
        return message.possibleSigners.compactMap { places[SignerID(ofPoint: $0)] }.min()
    }

    /// What a message is whose signature fits nothing that the user is known by.
    private func unfitting(_ userID: String) -> Authenticity {
        signers[userID]?.isEmpty == false ? .signatureInvalid : .unknownSender
    }

    /// What came before a signer of a user's, and after it.
    func succession(of signer: SignerID, _ userID: String) -> Succession {
        places[userID]?[signer].flatMap { signers[userID]?[$0].succession } ?? Succession()
    }

    /// Whether the owner compared all of these keys, and said that they are in use.
    func areInUse(_ keys: some Sequence<KeySighting>, of userID: String) -> Bool {
        keys.allSatisfy { key in
            places[userID]?[SignerID(ofPoint: key.signingPoint)].flatMap { signers[userID]?[$0].isInUse } ?? false
        }
    }

    // MARK: Who is known by what

    /// The colleague on whose list it rests that a user's messages by this signer verify; nil where it does not.
    public func voucher(ofSigner signer: SignerID, of userID: String) -> String? {
        places[userID]?[signer].flatMap { signers[userID]?[$0].owned.voucherID }
    }

    /// By how many signers a user is known, the rejected ones included.
    func count(of userID: String) -> Int { signers[userID]?.count ?? 0 }

    /// Everything that users are known by, in the order of their ids.
    public var all: [Owned] { owned.sorted { $0.key < $1.key }.flatMap(\.value) }

    /// What a user is known by, the current first.
    public func owned(by userID: String) -> [Owned] { owned[userID] ?? [] }

    /// Whom messages by this signer are by, rejected ones included.
    public func owners(ofSigner signer: SignerID) -> [Owned] { bySigner[signer] ?? [] }

    /// Whose key has this id, rejected ones included.
    public func owners(ofKey key: KeyID) -> [Owned] { byKey[key] ?? [] }

    /// What messages of a user are that fit a signer, for each who was ever one of theirs.
    var verdicts: [(userID: String, signer: SignerID, authenticity: Authenticity)] {
        var result: [(String, SignerID, Authenticity)] = []
        for (userID, signers) in signers {
            result += signers.map { (userID, $0.point.id, $0.owned.authenticity) }
        }
        for (userID, signers) in former { result += signers.map { (userID, $0, unfitting(userID)) } }
        return result.sorted { ($0.0, $0.1) < ($1.0, $1.1) }
    }

    /// Keys that the owner rejected, and that the server's newest answers show nevertheless.
    public var rejectedAndShown: [Owned] {
        all.filter { owned in
            owned.standing == .rejected && owned.key?.id.description == record.keys.shownNow(of: owned.userID)?.keyID
        }
    }

    /// The signers whose messages may be suspicious by what came before them, or after.
    var suspects: [(userID: String, signer: SignerID)] {
        signers.flatMap { userID, signers in
            signers.filter { $0.succession.predecessorLastSeen != nil || $0.succession.firstSuccessor != nil }
                .map { (userID, $0.point.id) }
        }.sorted { ($0.0, $0.1) < ($1.0, $1.1) }
    }

    /// As whose key the archive knows this one, where nothing says that it is the owner's as well: that its private half was
    /// restored, or is on a list, does not.
    ///
    /// - Returns: nil where it may be the owner's.
    public func otherOwner(of key: PublicKey, than ownerID: String) -> Owned? {
        let signer = key.signer.id
        let owners = owners(ofSigner: signer).filter { $0.standing != .rejected }
        let isShown =
            record.keys.shown[ownerID]?.compactMap(\.key).contains { SignerID(ofPoint: $0.signingPoint) == signer }
            ?? false
        let isOwners = owners.contains { $0.userID == ownerID && ($0.standing.counts || isShown) }
        return isOwners ? nil : owners.filter { $0.userID != ownerID }.min { $0.standing < $1.standing }
    }

    /// What changes when more, or less, becomes known of the signers that a user is known by.
    func summary(of userID: String) -> String {
        let known = (signers[userID] ?? []).map { (id: $0.point.id, isRejected: $0.owned.standing == .rejected) }
        let accepted = known.filter { !$0.isRejected }.map(\.id)
        let rejected = known.filter(\.isRejected).map(\.id)
        // Between the two a byte, so that to move a signer from one to the other makes a difference.
        return SHA256Digest(of: accepted.sorted().flatMap(\.bytes) + [0] + rejected.sorted().flatMap(\.bytes))
            .description
    }
}
