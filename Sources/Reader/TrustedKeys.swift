public import Archive
internal import Bytes
public import E2EE

/// Which public keys are known to be whose: what the server showed over time, and the owner's own.
public struct TrustedKeys: Sendable {
    /// A key by which messages of a user can be verified.
    struct Candidate: Sendable {
        let key: PublicKey
        /// Whether it is the one that the server last showed.
        let isCurrent: Bool
    }

    /// The current key first: most messages are by it.
    private let candidates: [String: [Candidate]]
    /// Keys that the server showed and that are not keys at all: a point that is not on the curve.
    public let unusable: [KeySighting]

    /// - Parameters:
    ///   - known: as the archive has seen them, by user id.
    ///   - own: keys at hand that belong to the user `ownerID`, seen in the archive or not.
    public init(known: [String: [KnownKey]], own: [PublicKey], ownerID: String) {
        var candidates: [String: [Candidate]] = [:]
        var unusable: [KeySighting] = []
        for (userID, keys) in known {
            for key in keys {
                do throws(KeyError) {
                    let parsed = try PublicKey(
                        encryptionPoint: key.sighting.encryptionPoint, signingPoint: key.sighting.signingPoint)
                    candidates[userID, default: []].append(Candidate(key: parsed, isCurrent: key.isCurrent))
                } catch {
                    unusable.append(key.sighting)
                }
            }
        }
        for key in own where candidates[ownerID]?.contains(where: { $0.key == key }) != true {
            candidates[ownerID, default: []].append(Candidate(key: key, isCurrent: false))
        }
        self.candidates = candidates.mapValues { $0.filter(\.isCurrent) + $0.filter { !$0.isCurrent } }
        self.unusable = unusable.sorted { ($0.userID, $0.keyID) < ($1.userID, $1.keyID) }
    }

    /// - Returns: the verdict, and the key that fits where one does.
    func authenticity(of message: EncryptedMessage, by userID: String) -> (Authenticity, KeyID?) {
        let known = candidates[userID] ?? []
        guard !known.isEmpty else { return (.unknownSender, nil) }
        for candidate in known where candidate.key.verifies(message) {
            return (candidate.isCurrent ? .verified : .verifiedByEarlierKey, candidate.key.id)
        }
        return (.signatureInvalid, nil)
    }

    func count(of userID: String) -> Int { candidates[userID]?.count ?? 0 }

    /// Every known key, with whose it is.
    var all: [(userID: String, keyID: KeyID, isCurrent: Bool)] {
        candidates.sorted { $0.key < $1.key }.flatMap { user, keys in keys.map { (user, $0.key.id, $0.isCurrent) } }
    }

    /// What changes when more, or less, becomes known of a user's keys.
    func summary(of userID: String) -> String {
        let ids = (candidates[userID] ?? []).map(\.key.id).sorted()
        return SHA256Digest(of: ids.flatMap(\.bytes)).description
    }
}
