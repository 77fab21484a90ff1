/// Who wrote a message, as far as its signature can tell: docs/trust-rules.md, “Verdict”. The words are part of the formats
/// that scripts read.
///
/// A signature covers the text and its recipients. It says nothing about the place, the time and the thread in which the
/// server shows the post.
public enum Authenticity: String, Sendable, CaseIterable, Comparable {
    /// By the signer by whom the author writes now, as far as is known.
    case verified
    /// By another signer who is known to be the author.
    case verifiedByEarlierKey
    /// By a key that came after another one of the author's, or from nowhere, and of which the owner has not said yet
    /// whether it is theirs.
    case newKeyUnanswered
    /// By a key that was shown for a while only, or for several users.
    case keyDisputed
    /// No key of the author is known.
    case unknownSender
    /// Keys of the author are known, and the signature fits none.
    case signatureInvalid
    /// There is no message of a known form whose signature could be checked.
    case unchecked

    public var isVerified: Bool { self == .verified || self == .verifiedByEarlierKey }

    public static func < (left: Authenticity, right: Authenticity) -> Bool { left.place < right.place }
    private var place: Int { Authenticity.allCases.firstIndex(of: self) ?? 0 }
}

/// What came of reading a post. The words are part of the formats that scripts read.
public enum Content: String, Sendable, CaseIterable, Comparable {
    case decrypted
    /// Encrypted for keys that are not at hand.
    case notForUs
    case keyUnwrapFailed
    case malformed
    case unsupportedVersion
    /// An encrypted post without a payload.
    case missingPayload
    /// Never encrypted.
    case plain

    public static func < (left: Content, right: Content) -> Bool { left.place < right.place }
    private var place: Int { Content.allCases.firstIndex(of: self) ?? 0 }
}

/// What makes a version of a post one to look at, whoever signed it: docs/trust-rules.md, “Suspicions”. The words are part
/// of the formats that scripts read.
public enum Suspicion: String, Sendable, CaseIterable, Comparable {
    /// Dated before its signer was known, when another one still was in use.
    case datedBack
    /// By a signer whom another one had succeeded.
    case afterSuccession
    /// An earlier message of the post, come back after another one.
    case rolledBack
    /// The message of another post.
    case repeated
    /// The message first came with another channel, thread, author or time of creation.
    case moved
    /// A text in the clear stands beside the message.
    case editedInTheClear
    /// Nobody can have written it at the time that it has.
    case implausibleTime

    public static func < (left: Suspicion, right: Suspicion) -> Bool { left.place < right.place }
    private var place: Int { Suspicion.allCases.firstIndex(of: self) ?? 0 }
}

/// The verdict on one version of a post.
public struct Verdict: Hashable, Sendable, Comparable {
    /// nil for a post that was never encrypted: nobody signed it.
    public let authenticity: Authenticity?
    public let content: Content
    /// In order, each once.
    public let suspicions: [Suspicion]

    public init(authenticity: Authenticity?, content: Content, suspicions: [Suspicion] = []) {
        self.authenticity = authenticity
        self.content = content
        self.suspicions = suspicions.sorted()
    }

    /// Plain, or verified and decrypted, and not suspicious. Anything else somebody should look at: this is the one place
    /// that says so.
    public var isClean: Bool {
        guard let authenticity else { return content == .plain && suspicions.isEmpty }
        return authenticity.isVerified && content == .decrypted && suspicions.isEmpty
    }

    /// Who wrote it, in the words that scripts read, with what is suspicious: `verified, datedBack`. `-` for a plain post.
    public var authorship: String {
        ([authenticity?.rawValue ?? "-"] + suspicions.map(\.rawValue)).joined(separator: ", ")
    }

    public static func < (left: Verdict, right: Verdict) -> Bool {
        if left.content != right.content { return left.content < right.content }
        if left.authenticity != right.authenticity {
            guard let first = left.authenticity, let second = right.authenticity else {
                return left.authenticity != nil
            }
            return first < second
        }
        return left.suspicions.lexicographicallyPrecedes(right.suspicions)
    }
}
