public import Archive
public import E2EE

/// Everything that the standing of signers is computed from: what the server showed, what the owner restored and answered,
/// what colleagues' lists say, who was called what.
public struct TrustRecord: Sendable {
    /// Whose archive it is.
    public let ownerID: String
    public let keys: KeyRecord
    /// The newest of each who decided, about each subject, in the order in which they came: `Archive.trustDecisions`.
    public let decisions: [TrustDecision]
    public let decidedIn: TrustDocuments
    public let names: [NameBearing]
    /// The document with each user's first encrypted post, of those whom the server said to have no key before it showed one.
    public let encryptedSince: [String: Int64]
    /// The owner's private keys at hand, known to the archive or not.
    public let atHand: [PublicKey]
    /// Those of them of which the owner says, for this once, that they made them themself.
    public let ownForOnce: [PublicKey]

    public init(
        ownerID: String, keys: KeyRecord, decisions: [TrustDecision] = [], decidedIn: TrustDocuments = TrustDocuments(),
        names: [NameBearing] = [],
        encryptedSince: [String: Int64] = [:], atHand: [PublicKey] = [], ownForOnce: [PublicKey] = []
    ) {
        (self.ownerID, self.keys, self.decisions, self.names) = (ownerID, keys, decisions, names)
        self.decidedIn = decidedIn
        (self.encryptedSince, self.atHand, self.ownForOnce) = (encryptedSince, atHand, ownForOnce)
    }

    /// - Parameters:
    ///   - atHand: the owner's keys that were restored or are read for this command alone.
    ///   - ownForOnce: those of the latter of which the owner says now that they are their own.
    public init(
        _ archive: Archive, atHand: [PublicKey], ownForOnce: [PublicKey] = []
    ) throws(ArchiveError) {
        let keys = try archive.keyRecord()
        // What is no key counts as none.
        let late = keys.shown.filter { $0.value.count > 1 && $0.value[0].key.flatMap { PublicKey($0) } == nil }.map(
            \.key)
        self.init(
            ownerID: try archive.account().userID, keys: keys, decisions: try archive.trustDecisions(),
            decidedIn: try archive.trustDocuments(),
            names: try archive.nameBearings(), encryptedSince: try archive.firstMessages(of: late), atHand: atHand,
            ownForOnce: ownForOnce)
    }

    /// What the archive and its owner know themselves.
    var withoutLists: TrustRecord {
        TrustRecord(
            ownerID: ownerID, keys: keys, decisions: decisions.filter { $0.colleague == nil }, decidedIn: decidedIn,
            names: names,
            encryptedSince: encryptedSince, atHand: atHand, ownForOnce: ownForOnce)
    }
}
