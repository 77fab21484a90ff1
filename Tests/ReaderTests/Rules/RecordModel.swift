/// A record as the rules of standing speak of it, with small numbers in the place of keys and messages: what the
/// program's archive and the second implementation of the rules (`RulesModel`) are both made from.
struct RecordModel: Sendable {
    /// The archive's owner.
    var owner: String
    /// In the order in which they happened; times ascend.
    var steps: [Step] = []

    struct Step: Sendable {
        /// Milliseconds since 1970.
        let time: Int64
        let what: What
    }

    enum What: Sendable {
        case pull(Pull)
        /// The owner restored the private half of this key; that alone is no answer.
        case restored(Key)
        /// The owner's answer about a user's key or signer.
        case answered(user: String, Subject, Answer)
        /// A colleague's signed list, as it was imported. The newest list of a colleague's counts, entry by entry: what
        /// it does not name stays as the list before had it.
        case list(by: String, signedBy: Key, [Entry])
        /// Of posts with one ciphertext, the owner says which is the original.
        case namedOriginal(post: String, ciphertext: Int)
    }

    /// A key is a signing point and an encryption point. A signer is a signing point.
    struct Key: Hashable, Comparable, Sendable {
        let signer: Int
        let encryption: Int

        static func < (left: Key, right: Key) -> Bool {
            (left.signer, left.encryption) < (right.signer, right.encryption)
        }
    }

    /// What an answer is about: a key, or the signer alone.
    enum Subject: Hashable, Sendable {
        case key(Key)
        case signer(Int)
    }

    enum Answer: Hashable, Sendable, CaseIterable {
        /// Digits compared: theirs, in use.
        case confirmed
        /// Digits compared: theirs, no longer used.
        case confirmedEarlier
        case rejected
        case accepted
        /// “I made this key”; only about the owner's id.
        case own
        case adopted
        /// As if nothing had been answered about this subject.
        case withdrawn
    }

    struct Entry: Sendable {
        let user: String
        let key: Key
        /// Confirmed by the colleague; else merely seen.
        let isConfirmed: Bool
    }

    /// One pull. The keys and names come first, then the posts.
    struct Pull: Sendable {
        /// What the server said of the key of each user it was asked about; nil where it said null.
        var shown: [String: Key?] = [:]
        /// What users were called, of those whose name is new or changed.
        var names: [String: String] = [:]
        /// The versions that this pull brought and that were not archived before, in the order of arrival.
        var versions: [Version] = []
    }

    /// One version of a post, as archived.
    struct Version: Hashable, Sendable {
        /// The post; of an old revision, the post that it is a revision of.
        let post: String
        let author: String
        /// Whose signature it is; nil where it fits nobody's (tampered with).
        let signer: Int?
        /// Which message it holds: `iv`, `pubECDHE` and `encryptedData`.
        let ciphertext: Int
        let createAt: Int64
        /// 0 where it was never edited.
        let editAt: Int64
        /// Whether the server gave it as an old revision, and not as the post as it is.
        let isRevision: Bool
        /// Whether a text in the clear stands beside the payload.
        let hasClearText: Bool
        let isImported: Bool
    }
}
