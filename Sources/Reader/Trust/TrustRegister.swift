public import Archive
public import E2EE

/// Who has which keys, as a person asks for it: each key, and each signer known without one, with since when and from where
/// it is known, and with what was decided about it.
public struct TrustRegister: Sendable {
    public struct Entry: Sendable {
        public let userID: String
        /// nil for a signer of whom no encryption point is known.
        public let keyID: KeyID?
        public let signer: SignerID
        public let signingPoint: [UInt8]
        public let encryptionPoint: [UInt8]?
        /// How it counts; nil where it does not: withdrawn, only a colleague's guess, or no point of the curve.
        public let standing: Standing?
        /// Why it is disputed, where it is.
        public let dispute: Dispute?
        /// Whether the user writes by it now, as far as is known.
        public let isCurrent: Bool
        /// What the archive has seen of it.
        public internal(set) var known: KnownKey?
        /// The owner's own decision, if it was not withdrawn.
        public internal(set) var decision: TrustDecision?
        /// What colleagues say of it, the newest of each.
        public internal(set) var said: [TrustDecision] = []

        /// What a decision about it is about: the key's id, or else the signer's.
        public var subject: String { keyID?.description ?? signer.description }
    }

    /// By user, in the order in which they came to be known.
    public let entries: [String: [Entry]]
    /// Keys that more than one user is known by.
    public let sharedByKey: [KeyID: [TrustedKeys.SharedKey]]
    public let trusted: TrustedKeys

    public init(_ archive: Archive) throws(ArchiveError) {
        let trusted = try TrustedKeys(archive, atHand: [])
        self.trusted = trusted
        var entries: [String: [Entry]] = [:]
        var places: [String: Int] = [:]
        let owned = Dictionary(
            trusted.all.map { ("\($0.userID) \($0.subject)", $0) }, uniquingKeysWith: { first, _ in first })
        func place(_ userID: String, _ signing: [UInt8], _ encryption: [UInt8]?, _ keyID: String?) -> Int {
            let signer = SignerID(ofPoint: signing)
            let subject = keyID ?? signer.description
            if let place = places["\(userID) \(subject)"] { return place }
            let counted = owned["\(userID) \(subject)"]
            entries[userID, default: []].append(
                Entry(
                    userID: userID, keyID: keyID.flatMap(KeyID.init(hex:)), signer: signer, signingPoint: signing,
                    encryptionPoint: encryption, standing: counted?.standing, dispute: counted?.dispute,
                    isCurrent: counted?.isCurrent ?? false))
            let place = (entries[userID]?.count ?? 1) - 1
            places["\(userID) \(subject)"] = place
            return place
        }
        for (userID, keys) in try archive.knownKeys() {
            for key in keys {
                let sighting = key.sighting
                let place = place(userID, sighting.signingPoint, sighting.encryptionPoint, sighting.keyID)
                entries[userID]?[place].known = key
            }
        }
        for decision in try archive.trustDecisions() {
            let place = place(decision.userID, decision.signingPoint, decision.encryptionPoint, decision.keyID)
            if decision.colleague != nil {
                entries[decision.userID]?[place].said.append(decision)
            } else if decision.verb != .withdrawn {
                entries[decision.userID]?[place].decision = decision
            }
        }
        self.entries = entries
        sharedByKey = trusted.sharedKeys.reduce(into: [:]) { byKey, shared in
            for keyID in shared.keyIDs { byKey[keyID, default: []].append(shared) }
        }
    }

    /// What a user's keys are called that begin with these digits: keys by their ids, the others by their signers'.
    public func entries(of userID: String, beginningWith digits: String) -> [Entry] {
        (entries[userID] ?? []).filter { $0.subject.hasPrefix(digits.lowercased()) }
    }
}

/// Something that happened to what is known of a user's keys.
public struct TrustEvent: Sendable {
    public enum What: Sendable {
        /// The server showed a key: the first of the user's, another one than before, or one that it had shown before.
        case shown(KeyID, replaces: KeyID?)
        /// An event of the server's said that the key is another one, without showing it.
        case announced
        /// The owner restored its private key.
        case restored(KeyID)
        /// The owner decided, or a colleague's list said so.
        case decided(TrustDecision)
    }

    public let at: Timestamp
    public let what: What
}

extension Archive {
    /// What happened to a user's keys, in the order in which it became known. A list that says what the one before it said
    /// is left out.
    public func keyTimeline(of userID: String) throws(ArchiveError) -> [TrustEvent] {
        var events: [TrustEvent] = []
        var shown: KeyID?
        for sighting in try keyChanges(of: userID) {
            guard let id = KeyID(hex: sighting.keyID) else { continue }
            switch sighting.source {
            case .server:
                events.append(TrustEvent(at: sighting.at, what: .shown(id, replaces: shown)))
                shown = id
            case .own: events.append(TrustEvent(at: sighting.at, what: .restored(id)))
            }
        }
        events += try keyEvents(of: userID).map { TrustEvent(at: $0, what: .announced) }
        var last: [String: TrustDecision.Verb] = [:]
        for decision in try trustHistory() where decision.userID == userID {
            let voice = "\(decision.subject) \(decision.colleague?.userID ?? "")"
            if decision.colleague != nil, last[voice] == decision.verb { continue }
            last[voice] = decision.verb
            events.append(TrustEvent(at: decision.at, what: .decided(decision)))
        }
        return events.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }
}
