internal import Archive
internal import E2EE

/// What the record says of one signer for one user.
struct SignerClaim {
    let point: SigningPoint
    /// The keys with this signing point, in the order in which they came to be known.
    private(set) var keys: [ClaimedKey] = []
    /// The owner's newest decision about the signer itself, with its place among all decisions.
    var decision: Decided?
    /// When the server showed it, in order; answers that said the same count as one.
    private(set) var runs: [KeyRecord.Run] = []
    /// Colleagues' lists that name it, as far as they count.
    var listings: [TrustDecision] = []

    struct Decided {
        let place: Int
        /// The document with it; 0 where that is not known.
        let document: Int64
        let decision: TrustDecision
        var verb: TrustDecision.Verb { decision.verb }
    }

    struct ClaimedKey {
        let key: PublicKey
        /// The document by which the user came to be known by it; `.max` where none did: neither a list nor an answer does.
        var since: Int64
        /// The owner's newest decision about the key.
        var decided: Decided?
    }

    private var positions: [KeyID: Int] = [:]
    /// The document since which the first of the rejected keys is.
    private var firstRejection: Int64?

    init(_ point: SigningPoint) { self.point = point }

    mutating func add(_ key: PublicKey, since: Int64) {
        if let position = positions[key.id] {
            keys[position].since = min(keys[position].since, since)
        } else {
            positions[key.id] = keys.count
            keys.append(ClaimedKey(key: key, since: since))
        }
    }

    mutating func add(_ run: KeyRecord.Run) { runs.append(run) }

    /// Once for each key.
    mutating func decide(_ decided: Decided, about keyID: KeyID) {
        guard let position = positions[keyID] else { return }
        keys[position].decided = decided
        guard decided.verb == .rejected else { return }
        firstRejection = min(firstRejection ?? .max, decided.document)
    }

    var first: KeyRecord.Moment? { runs.first?.first }
    var last: KeyRecord.Moment? { runs.last?.last }

    // MARK: What the owner says

    /// Of the decisions that say it is the user's, the newest of each sort comes last.
    var positive: [Decided] {
        (keys.compactMap(\.decided) + [decision].compactMap(\.self)).filter(\.verb.isPositive)
            .sorted { $0.place < $1.place }
    }

    var isConfirmed: Bool { positive.contains(where: \.verb.isConfirmation) }

    /// Whether the owner's last comparison said that the key is in use.
    var isSaidInUse: Bool { positive.last { $0.verb.isConfirmation }?.verb == .confirmed }

    /// Whether the owner rejected it: by a decision about the signer that is newer than any that says a key with it is the
    /// user's, or by rejecting a key where no other one with this signer stands.
    var isRejected: Bool {
        if let decision, decision.verb == .rejected {
            return !keys.compactMap(\.decided).contains { $0.verb.isPositive && $0.place > decision.place }
        }
        guard let last = keys.compactMap({ $0.decided?.verb == .rejected ? $0.decided?.place : nil }).max() else {
            return false
        }
        if let decision, decision.verb.isPositive, decision.place > last { return false }
        return !keys.contains(where: stands)
    }

    /// Whether a key may stand although another one with its signing point was rejected. One that came to be known only
    /// after that would give the rejected one a new name.
    private func stands(_ key: ClaimedKey) -> Bool {
        if let verb = key.decided?.verb, verb != .withdrawn { return verb.isPositive }
        return firstRejection.map { key.since <= $0 } ?? true
    }

    /// The keys that are rejected themselves, be it that their signer stands by another one.
    var rejectedKeys: Set<KeyID> {
        let isRejected = isRejected
        return Set(keys.filter { isRejected || !stands($0) }.map(\.key.id))
    }

    /// The key that a message by the signer is said to be signed with: the last to come to be known, and by more than a
    /// list, that is not rejected.
    func key(besides rejected: Set<KeyID>) -> PublicKey? {
        let standing = keys.filter { !rejected.contains($0.key.id) }
        let known = standing.last { $0.since < .max || $0.decided != nil }
        return (known ?? standing.last ?? keys.last)?.key
    }
}
