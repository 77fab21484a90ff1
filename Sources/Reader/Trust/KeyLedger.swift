internal import Archive
internal import E2EE

/// Everything that users are known by, collected from what the archive has seen and what was decided.
struct KeyLedger {
    private(set) var owned: [String: [TrustedKeys.Owned]] = [:]
    private(set) var unusable: [KeySighting] = []
    /// In the order in which they came.
    private let decisions: [TrustDecision]
    /// The owner's, by what they are about, with their place in that order.
    private let rulings: [Subject: (place: Int, verb: TrustDecision.Verb)]

    /// Since when the signing points of rejected keys are rejected, by signer.
    private let rejectedPoints: [Subject: Timestamp]

    private struct Subject: Hashable {
        let userID: String
        /// A key's id, or a signer's.
        let id: String
    }

    init(_ decisions: [TrustDecision]) {
        self.decisions = decisions
        rulings = decisions.enumerated().reduce(into: [:]) { rulings, entry in
            guard entry.element.colleague == nil else { return }
            let subject = Subject(userID: entry.element.userID, id: entry.element.subject)
            rulings[subject] = (entry.offset, entry.element.verb)
        }
        rejectedPoints = decisions.reduce(into: [:]) { points, decision in
            guard decision.colleague == nil, decision.verb == .rejected else { return }
            let signer = SignerID(ofPoint: decision.signingPoint).description
            points[Subject(userID: decision.userID, id: signer)] = decision.at
        }
    }

    mutating func add(_ known: KnownKey) {
        let sighting = known.sighting
        do throws(KeyError) {
            let key = try PublicKey(
                encryptionPoint: sighting.encryptionPoint, signingPoint: sighting.signingPoint)
            if known.isBrought {
                addBrought(key, by: sighting.userID)
            } else {
                add(sighting.userID, key, key.signer, known.isCurrent ? .current : .earlier, since: known.firstSeen)
            }
        } catch {
            unusable.append(sighting)
        }
    }

    /// What the owner vouches for, or rejects, whether or not it was seen anywhere else.
    mutating func addDecided() {
        for decision in decisions where decision.colleague == nil && decision.verb != .withdrawn { add(decision) }
    }

    /// The keys that colleagues say are others'. A list counts by the key that signed it, which must be known to be the
    /// colleague's without any list: on each other's word alone, nobody is vouched for. A signer that a colleague adopted
    /// is their own guess, and no key.
    mutating func addListed(except ownerID: String) {
        let vouched = owned
        for decision in decisions {
            guard let colleague = decision.colleague, decision.userID != ownerID,
                decision.verb == .confirmed || decision.verb == .seen, decision.encryptionPoint != nil,
                vouched[colleague.userID]?.contains(where: {
                    $0.standing != .rejected && $0.key?.id.description == colleague.keyID
                }) == true
            else { continue }
            add(decision)
        }
    }

    /// The owner's keys as they themself brought them. Whoever holds a colleague's private key, be it to read for them, has
    /// not become them: what it signed in the owner's name would be forged.
    mutating func addBrought(_ key: PublicKey, by ownerID: String) {
        let isAnothers = owned.contains { userID, keys in
            userID != ownerID && keys.contains { $0.signer.id == key.signer.id && $0.standing != .rejected }
        }
        if !isAnothers { add(ownerID, key, key.signer, .earlier, since: nil) }
    }

    private mutating func add(_ decision: TrustDecision) {
        // A point that is not on the curve signs nothing.
        guard let signer = try? SigningPoint(decision.signingPoint) else { return }
        let key = decision.encryptionPoint.flatMap {
            try? PublicKey(encryptionPoint: $0, signingPoint: decision.signingPoint)
        }
        add(
            decision.userID, key, signer, .earlier, since: decision.colleague == nil ? nil : decision.at,
            voucher: decision.colleague?.userID)
    }

    /// - Parameters:
    ///   - since: when it came to be known by somebody else's word; nil where it is the owner's.
    ///   - voucher: the colleague whose list says so.
    private mutating func add(
        _ userID: String, _ key: PublicKey?, _ signer: SigningPoint, _ standing: TrustedKeys.Standing,
        since: Timestamp?, voucher: String? = nil
    ) {
        let found = TrustedKeys.Owned(
            userID: userID, key: key, signer: signer,
            standing: isRejected(userID, key?.id.description, signer.id.description, since) ? .rejected : standing,
            voucherID: voucher)
        guard !(owned[userID] ?? []).contains(where: { $0.subject == found.subject }) else { return }
        owned[userID, default: []].append(found)
    }

    /// A key is rejected by a decision about it, or by one about its signer that is newer than any about the key itself.
    /// That a signer was adopted says nothing about a key: its encryption point may be another's.
    ///
    /// A rejected key's signing point beside another encryption point is another key; whoever showed it after the
    /// rejection would only give the rejected one a new name.
    private func isRejected(_ userID: String, _ keyID: String?, _ signerID: String, _ since: Timestamp?) -> Bool {
        if let since, let rejected = rejectedPoints[Subject(userID: userID, id: signerID)], since > rejected,
            keyID.flatMap({ rulings[Subject(userID: userID, id: $0)]?.verb }) != .confirmed
        {
            return true
        }
        let aboutSigner = rulings[Subject(userID: userID, id: signerID)]
        guard let keyID, let aboutKey = rulings[Subject(userID: userID, id: keyID)], aboutKey.verb != .withdrawn else {
            return aboutSigner?.verb == .rejected
        }
        if let aboutSigner, aboutSigner.verb == .rejected, aboutSigner.place > aboutKey.place { return true }
        return aboutKey.verb == .rejected
    }

    /// The signers in decisions that nobody is known by.
    var former: [String: Set<SignerID>] {
        var result: [String: Set<SignerID>] = [:]
        for decision in decisions {
            let signer = SignerID(ofPoint: decision.signingPoint)
            if owned[decision.userID]?.contains(where: { $0.signer.id == signer }) == true { continue }
            result[decision.userID, default: []].insert(signer)
        }
        return result
    }
}

extension KnownKey {
    /// Whether nothing but the owner's own restoring says whose it is.
    var isBrought: Bool { sighting.source == .own }
}
