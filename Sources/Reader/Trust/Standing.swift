/// How a signer stands for a user: docs/trust-rules.md, “Standing of a signer for a user”. The words are part of the formats
/// that scripts read.
public enum Standing: String, Sendable, CaseIterable, Comparable {
    /// The owner compared the digits: theirs, in use or no longer used.
    case confirmed
    /// The owner made it themself.
    case own
    /// Taken on the server's word.
    case accepted
    /// The first that the server showed for the user.
    case pinned
    /// Recovered from signatures, and adopted.
    case adopted
    /// Confirmed in the list of a colleague whose key is confirmed or accepted.
    case listed
    /// Known, and nothing above says that it is the user's.
    case succeeding
    /// Shown for a while between two sightings of one that counts, or known as another user's too: `Dispute` says which.
    case disputed
    /// Not the user's, as the owner says.
    case rejected

    /// Whether what it signed verifies.
    public var counts: Bool { self < .succeeding }

    /// Whether the owner has said whether it is the user's.
    public var isDecided: Bool { isAnswered || self == .rejected }

    /// Whether the owner's word says so.
    var isAnswered: Bool { self == .confirmed || self == .own || self == .accepted || self == .adopted }

    /// What a message is that it signed.
    ///
    /// - Parameter isCurrent: whether it is the signer by whom the user writes now.
    func authenticity(isCurrent: Bool) -> Authenticity {
        switch self {
        case .confirmed, .own, .accepted, .pinned, .adopted, .listed: isCurrent ? .verified : .verifiedByEarlierKey
        case .succeeding: .newKeyUnanswered
        case .disputed: .keyDisputed
        case .rejected: .signatureInvalid
        }
    }

    /// What counts more comes first.
    public static func < (left: Standing, right: Standing) -> Bool { left.place < right.place }
    private var place: Int { Standing.allCases.firstIndex(of: self) ?? 0 }
}

/// Why a signer is disputed.
public enum Dispute: Sendable {
    /// The server showed it between two sightings of one that counts.
    case between
    /// It is known as another user's, too.
    case shared

    /// For a person, behind “the key was”.
    public var words: String {
        switch self {
        case .between: "shown for a while, between two sightings of another key"
        case .shared: "shown for another user, too"
        }
    }
}
