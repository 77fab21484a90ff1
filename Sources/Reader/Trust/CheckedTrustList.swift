public import Archive
public import E2EE

/// A colleague's list that was held against an archive, which may keep it.
public struct CheckedTrustList: Sendable {
    public let list: TrustList
    /// The colleague's key that signed it.
    public let signer: PublicKey
    /// Whether the owner has compared that key with the colleague.
    public let isConfirmed: Bool

    /// Why an archive does not take a list.
    public enum Refusal: Equatable, Sendable {
        case otherServer(String)
        /// It is the owner's own.
        case own
        /// The colleague is not known, by what the server showed or the owner decided, to have that key.
        case unknownSigner(userID: String, keyID: String)
        case rejectedSigner(userID: String, keyID: String)
        /// The file was changed since it was signed.
        case badSignature
        /// A list as new as it, or newer, was imported before: from then.
        case notNewer(than: Timestamp)
        case fromTheFuture(Timestamp)
    }

    /// How far a colleague's clock may be ahead, in milliseconds. A list of a far future would let no later one in.
    private static let patience: Int64 = 86_400_000

    /// - Throws: `refusedTrustList`, where nothing was changed; `archive`.
    public init(_ list: TrustList, for archive: Archive, at now: Timestamp = .now) throws(ReaderError) {
        let account: Account
        let record: TrustRecord
        do throws(ArchiveError) {
            (account, record) = (try archive.account(), try TrustRecord(archive, atHand: []))
        } catch { throw .archive(error) }
        guard list.server == account.server else { throw .refusedTrustList(.otherServer(list.server)) }
        guard list.userID != account.userID else { throw .refusedTrustList(.own) }
        // By what the archive knows itself: no list vouches for another one's signer.
        let own = record.decisions.filter { $0.colleague == nil }
        let trusted = TrustedKeys(record.withoutLists)
        let owned = KeyID(hex: list.keyID).flatMap { id in
            trusted.owners(ofKey: id).first { $0.userID == list.userID }
        }
        guard let owned, let signer = owned.key else {
            throw .refusedTrustList(.unknownSigner(userID: list.userID, keyID: list.keyID))
        }
        guard owned.standing != .rejected else {
            throw .refusedTrustList(.rejectedSigner(userID: list.userID, keyID: list.keyID))
        }
        guard list.isSigned(by: signer) else { throw .refusedTrustList(.badSignature) }
        let latest = record.decisions.compactMap { $0.colleague?.userID == list.userID ? $0.colleague?.listedAt : nil }
            .max()
        if let latest, list.listedAt <= latest { throw .refusedTrustList(.notNewer(than: latest)) }
        guard list.listedAt.milliseconds <= now.milliseconds + CheckedTrustList.patience else {
            throw .refusedTrustList(.fromTheFuture(list.listedAt))
        }
        self.list = list
        self.signer = signer
        isConfirmed = own.contains {
            $0.userID == list.userID && $0.verb.isConfirmation && $0.subject == list.keyID
        }
    }

    /// The list as a document of the archive: an entry that says what the one before it said is kept as well, since it
    /// says it at another time.
    public func document(at time: Timestamp = .now) -> ReceivedDocument {
        TrustDecision.document(list: list.bytes, at: time)
    }
}
