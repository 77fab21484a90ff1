internal import Archive
internal import E2EE

/// The one place that decides how signers stand: docs/trust-rules.md, rule by rule. It looks at the whole record each time,
/// so that nothing depends on when somebody looked.
struct StandingRules {
    /// By user, and by signer.
    private(set) var claims: [String: [SignerID: SignerClaim]] = [:]
    private(set) var standings: [String: [SignerID: Standing]] = [:]
    /// Why those are disputed that are.
    private(set) var disputes: [String: [SignerID: Dispute]] = [:]
    /// By whom each user writes now.
    private(set) var current: [String: SignerID] = [:]
    /// Keys that the server showed and that are no keys: a point that is not on the curve.
    private(set) var unusable: [KeySighting] = []
    private let record: TrustRecord
    /// By user, the signers that the server showed, one after the other; nil where it said that there is none.
    private var shown: [String: [(signer: SignerID?, run: KeyRecord.Run)]] = [:]
    private var holders: [SignerID: SignerHolders] = [:]
    /// By colleague and key, the signer of the keys that sign lists that count.
    private var listSigners: [String: SignerID] = [:]
    private var successions: [String: SuccessionTable] = [:]
    private var takers: Set<String> = []
    /// The users with whom the owner compared a key.
    private var confirmed: Set<String> = []

    init(_ record: TrustRecord) {
        self.record = record
        addShown()
        addOwn()
        addDecisions()
        addLists()
        let confirmed = Set(claims.filter { $0.value.values.contains { !$0.isRejected && $0.isConfirmed } }.keys)
        self.confirmed = confirmed
        for (userID, signers) in claims {
            for (signer, claim) in signers {
                holders[signer, default: SignerHolders()].add(
                    userID, firstPull: claim.first?.pull, isRejected: claim.isRejected,
                    isAnswered: isAnswered(claim, of: userID))
            }
        }
        takers = nameTakers
        for (userID, signers) in claims {
            standings[userID] = signers.mapValues { standing($0, of: userID) }
        }
        for (userID, signers) in standings {
            let disputes = disputes(of: userID, signers)
            self.disputes[userID] = disputes
            standings[userID] = signers.merging(disputes.mapValues { _ in .disputed }) { $1 }
            current[userID] = currentSigner(of: userID)
            successions[userID] = successionTable(of: userID)
        }
    }

    // MARK: Collecting

    private mutating func claim(_ point: SigningPoint, _ userID: String, _ change: (inout SignerClaim) -> Void) {
        change(&claims[userID, default: [:]][point.id, default: SignerClaim(point)])
    }

    private mutating func addShown() {
        var bad: Set<String> = []
        for (userID, runs) in record.keys.shown {
            for run in runs {
                guard let sighting = run.key else {
                    shown[userID, default: []].append((nil, run))
                    continue
                }
                guard let key = PublicKey(sighting) else {
                    if bad.insert("\(userID) \(sighting.keyID)").inserted { unusable.append(sighting) }
                    shown[userID, default: []].append((nil, run))
                    continue
                }
                claim(key.signer, userID) {
                    $0.add(key, since: run.first.document)
                    $0.add(run)
                }
                shown[userID, default: []].append((key.signer.id, run))
            }
        }
        unusable.sort { ($0.userID, $0.keyID) < ($1.userID, $1.keyID) }
    }

    /// Private keys that the owner has. To have one does not make it theirs.
    private mutating func addOwn() {
        for (sighting, document) in record.keys.restored where sighting.userID == record.ownerID {
            guard let key = PublicKey(sighting) else { continue }
            claim(key.signer, record.ownerID) { $0.add(key, since: document) }
        }
        for key in record.atHand { claim(key.signer, record.ownerID) { $0.add(key, since: .max) } }
    }

    private mutating func addDecisions() {
        for (place, decision) in record.decisions.enumerated() where decision.colleague == nil {
            let decided = SignerClaim.Decided(
                place: place, document: record.decidedIn.document(of: decision) ?? 0, decision: decision)
            // A point that is not on the curve signs nothing.
            guard let point = try? SigningPoint(decision.signingPoint) else { continue }
            let isKnown = claims[decision.userID]?[point.id] != nil
            // What was taken back, and is known in no other way, is not known.
            guard isKnown || decision.verb != .withdrawn else { continue }
            guard let encryption = decision.encryptionPoint else {
                claim(point, decision.userID) { $0.decision = decided }
                continue
            }
            guard let key = try? PublicKey(encryptionPoint: encryption, signingPoint: decision.signingPoint) else {
                continue
            }
            claim(point, decision.userID) {
                if decision.verb != .withdrawn { $0.add(key, since: .max) }
                $0.decide(decided, about: key.id)
            }
        }
    }

    /// The keys that colleagues say are others'. A list counts by the key that signed it, which must be known to be the
    /// colleague's without any list: on each other's word alone, nobody is vouched for.
    private mutating func addLists() {
        let decisions = record.decisions.filter { $0.colleague != nil }
        for userID in Set(decisions.compactMap(\.colleague?.userID)) {
            for (signer, claim) in claims[userID] ?? [:] {
                let rejected = claim.rejectedKeys
                for key in claim.keys where !rejected.contains(key.key.id) {
                    listSigners["\(userID) \(key.key.id)"] = signer
                }
            }
        }
        for decision in decisions {
            guard let colleague = decision.colleague, decision.verb.isConfirmation || decision.verb == .seen,
                let encryption = decision.encryptionPoint,
                listSigners["\(colleague.userID) \(colleague.keyID)"] != nil,
                let key = try? PublicKey(encryptionPoint: encryption, signingPoint: decision.signingPoint)
            else { continue }
            claim(key.signer, decision.userID) {
                $0.add(key, since: .max)
                $0.listings.append(decision)
            }
        }
    }

    // MARK: Standing

    private func hasConfirmed(_ userID: String) -> Bool { confirmed.contains(userID) }

    private func isOwn(_ claim: SignerClaim) -> Bool {
        claim.positive.contains { $0.verb == .own }
            || record.ownForOnce.contains { $0.signer.id == claim.point.id }
    }

    /// The first that holds, but for what other signers' standing says.
    private func standing(_ claim: SignerClaim, of userID: String) -> Standing {
        if claim.isRejected { return .rejected }
        let isOwner = userID == record.ownerID
        let verbs = claim.positive.map(\.verb)
        if verbs.contains(where: \.isConfirmation) { return .confirmed }
        if isOwner, isOwn(claim) { return .own }
        let hasConfirmed = hasConfirmed(userID)
        if verbs.contains(.accepted), !isOwner, !hasConfirmed { return .accepted }
        if !hasConfirmed, isPinned(claim, of: userID) { return .pinned }
        if verbs.contains(.adopted) { return .adopted }
        if !isOwner, !hasConfirmed, claim.listings.contains(where: vouches) { return .listed }
        return .succeeding
    }

    /// Whether a colleague's list says that a key is somebody's, by a key of the colleague's that the owner compared, or
    /// took.
    func vouches(_ listing: TrustDecision) -> Bool {
        guard listing.verb.isConfirmation, let colleague = listing.colleague else { return false }
        let id = listSigners["\(colleague.userID) \(colleague.keyID)"]
        guard let signer = id.flatMap({ claims[colleague.userID]?[$0] }), !signer.isRejected else { return false }
        let verbs = signer.positive.map(\.verb)
        return verbs.contains(where: \.isConfirmation)
            || verbs.contains(.accepted) && colleague.userID != record.ownerID && !hasConfirmed(colleague.userID)
    }

    private func isPinned(_ claim: SignerClaim, of userID: String) -> Bool {
        guard let first = claim.first,
            shown[userID]?.first(where: { $0.signer != nil })?.signer == claim.point.id
        else { return false }
        if userID == record.ownerID, claims[userID]?.values.contains(where: isOwnOrConfirmed) == true { return false }
        // The server had said that there is none, when an encrypted post of theirs was here already.
        if let encrypted = record.encryptedSince[userID],
            shown[userID]?.contains(where: {
                $0.signer == nil && $0.run.last.document > encrypted && $0.run.first.document < first.document
            }) == true
        {
            return false
        }
        if takers.contains(userID) { return false }
        guard let holders = holders[claim.point.id] else { return true }
        // That it was rejected where it was shown before says that it is somebody else's: not that it is this user's.
        return !holders.isAnswered(forAnotherThan: userID)
            && !holders.isShown(forAnotherThan: userID, until: first.pull, mayBeRejected: true)
    }

    private func isOwnOrConfirmed(_ claim: SignerClaim) -> Bool {
        !claim.isRejected && (isOwn(claim) || claim.isConfirmed)
    }

    /// Whether the owner's word says that a signer is a user's. To take it counts only where that is not refused.
    private func isAnswered(_ claim: SignerClaim, of userID: String) -> Bool {
        let isAcceptable = userID != record.ownerID && !hasConfirmed(userID)
        return !claim.isRejected && claim.positive.contains { $0.verb != .accepted || isAcceptable }
    }

    // MARK: Disputes

    /// Those of a user's signers that would be succeeding, and are disputed.
    private func disputes(of userID: String, _ standings: [SignerID: Standing]) -> [SignerID: Dispute] {
        let now = shown[userID]?.last?.signer
        var disputes: [SignerID: Dispute] = [:]
        for (signer, standing) in standings where standing == .succeeding {
            guard let claim = claims[userID]?[signer], let last = claim.last else { continue }
            let isShared =
                holders[signer].map {
                    $0.isAnswered(forAnotherThan: userID)
                        || $0.isShown(forAnotherThan: userID, until: last.pull, mayBeRejected: false)
                } ?? false
            if isShared {
                disputes[signer] = .shared
            } else if signer != now, isBetween(claim, userID, standings) {
                disputes[signer] = .between
            }
        }
        return disputes
    }

    /// Whether it was shown between two sightings of a pinned or answered signer of the user's.
    private func isBetween(_ claim: SignerClaim, _ userID: String, _ standings: [SignerID: Standing]) -> Bool {
        standings.contains { signer, standing in
            guard signer != claim.point.id, standing == .pinned || standing.isAnswered,
                let other = claims[userID]?[signer], let first = other.first, let last = other.last
            else { return false }
            return claim.runs.contains { $0.first.document > first.document && $0.last.document < last.document }
        }
    }

    // MARK: Names

    /// The users who took a name that another one with a known key bore first.
    private var nameTakers: Set<String> {
        /// By folded name, and by user: since which document the user bears it.
        var bearings: [String: [String: Int64]] = [:]
        for name in record.names {
            let folded = LookAlikes.fold(name.name)
            if bearings[folded]?[name.userID] == nil { bearings[folded, default: [:]][name.userID] = name.document }
        }
        var takers: Set<String> = []
        for users in bearings.values where users.count > 1 {
            // Of those with a key, the two that bore it first: for any user, one of them is another one.
            let first = users.filter { claims[$0.key] != nil }.sorted { $0.value < $1.value }.prefix(2)
            // Where one answer names two users alike, neither was first.
            for (userID, document) in users
            where first.contains(where: { $0.key != userID && $0.value <= document }) {
                takers.insert(userID)
            }
        }
        return takers
    }

    // MARK: Who writes now

    private func currentSigner(of userID: String) -> SignerID? {
        let signers = claims[userID] ?? [:]
        func among(_ standing: Standing) -> [SignerClaim] {
            signers.filter { standings[userID]?[$0.key] == standing }.map(\.value)
        }
        let inUse = among(.confirmed).filter(\.isSaidInUse)
        if let newest = newest(inUse) { return newest }
        // What was shown is the owner's rather than what was only said to be; of either, the last.
        func place(_ claim: SignerClaim) -> (Bool, Int64, SignerID) {
            let said = claim.positive.last { $0.verb == .own }?.place
            return (claim.last != nil, claim.last?.document ?? said.map(Int64.init) ?? .max, claim.point.id)
        }
        let own = among(.own).max { left, right in
            let (first, second) = (place(left), place(right))
            return first.0 == second.0 ? (first.1, first.2) < (second.1, second.2) : second.0
        }
        if let own { return own.point.id }
        return newest(among(.accepted)) ?? among(.pinned).first?.point.id
    }

    /// The one that was shown first last; what was never shown comes behind, by the time of the answer.
    private func newest(_ claims: [SignerClaim]) -> SignerID? {
        func place(_ claim: SignerClaim) -> (Bool, Int64) {
            claim.first.map { (false, $0.document) } ?? (true, Int64(claim.positive.last?.place ?? 0))
        }
        return claims.max { left, right in
            let (first, second) = (place(left), place(right))
            return first.0 == second.0 ? first.1 < second.1 : !first.0
        }?.point.id
    }

    // MARK: Succession

    /// What followed what, as far as the server showed it: rejected signers precede and succeed nothing.
    func succession(of signer: SignerID, _ userID: String) -> Succession {
        guard let first = claims[userID]?[signer]?.first?.document else { return Succession() }
        return successions[userID]?.succession(ofFirst: first) ?? Succession()
    }

    private func successionTable(of userID: String) -> SuccessionTable {
        let standings = standings[userID] ?? [:]
        let runs = (shown[userID] ?? []).filter { $0.signer.map { standings[$0] != .rejected } ?? false }.map(\.run)
        let successors = (claims[userID] ?? [:]).filter { standings[$0.key]?.isAnswered == true }.compactMap(
            \.value.first)
        return SuccessionTable(runs: runs, successors: successors)
    }
}

extension PublicKey {
    /// nil where a point is not on the curve.
    init?(_ sighting: KeySighting) {
        guard let key = try? PublicKey(encryptionPoint: sighting.encryptionPoint, signingPoint: sighting.signingPoint)
        else { return nil }
        self = key
    }
}

extension Timestamp {
    /// Behind every time that is noted.
    static let distantFuture = Timestamp(milliseconds: .max)
}
