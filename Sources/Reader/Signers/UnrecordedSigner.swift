public import Archive
public import E2EE

/// A key that signed posts of one author and was never seen as theirs: no server showed it, no backup held it.
///
/// That all these posts are by one signer is certain. Who it is, is not: whoever can put posts into the author's name could
/// have made a key for it.
public struct UnrecordedSigner: Sendable {
    /// The author whom the server names.
    public let userID: String
    public let point: SigningPoint
    /// The oldest first.
    public let posts: [PostReference]
    /// How many different messages among them: at least two, since one could be signed by either of two points.
    public let messages: Int
    /// The key ids that stand among the recipients of each of the posts and belong to no known key.
    public let companions: [Companion]
    /// Whether the author is known by a key that was in use later.
    public let hasLaterKey: Bool

    /// A recipient of each of the posts whom nobody knows. A sender is always a recipient of what they send, so that the
    /// signer's own key is one of them, if it is not known.
    public struct Companion: Equatable, Sendable {
        public let keyID: KeyID
        /// The last message that it is a recipient of, whoever wrote it, in milliseconds.
        public let lastSeen: Int64
        /// Whether it has gone since a later known key of the author is in use, and never stands beside one.
        public let isGone: Bool
        /// Whether it could as well be another user's, whose next key came into use in between.
        public let fitsAnother: Bool
    }

    public var id: SignerID { point.id }
    public var first: Int64 { posts.first?.createAt ?? 0 }
    public var last: Int64 { posts.last?.createAt ?? 0 }

    /// How many of the posts stand in each channel.
    public var channels: [String: Int] { posts.reduce(into: [:]) { $0[$1.channelID, default: 0] += 1 } }

    /// The id of the whole key, probably: the only one that stands in each of the posts and has gone with the author's
    /// next key, or, of several, the only one that could not be somebody else's. Nothing proves it.
    public var probableKeyID: KeyID? {
        let gone = companions.filter(\.isGone)
        let own = gone.count > 1 ? gone.filter { !$0.fitsAnother } : gone
        return own.count == 1 ? own[0].keyID : nil
    }
}

/// Posts in one author's name that are signed by a key which is known to be somebody else's.
public struct MisattributedPosts: Sendable {
    public let userID: String
    /// Whose key it is.
    public let ownerID: String
    /// nil where only the owner's signing point is known.
    public let keyID: KeyID?
    public let signer: SignerID
    /// Whether the archive's owner rejected the key.
    public let isRejected: Bool
    public let posts: [PostReference]
}

/// What a search for signers found.
public struct SignerReport: Sendable {
    /// By author, the oldest first.
    public internal(set) var signers: [UnrecordedSigner] = []
    /// Signers that the archive's owner adopted, of whom no whole key is known.
    public internal(set) var adopted: [UnrecordedSigner] = []
    /// Signers of whom nothing but a colleague's list says whose they are, each with the colleague.
    public internal(set) var listed: [(signer: UnrecordedSigner, colleagueID: String)] = []
    public internal(set) var misattributed: [MisattributedPosts] = []
    /// By author: posts whose signature fits no known key and shares its signer with no other message. One of them alone
    /// may have been signed by a key that was in use once, or it was tampered with.
    public internal(set) var unexplained: [String: [PostReference]] = [:]
}
