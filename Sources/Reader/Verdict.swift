/// Who wrote a message, as far as its signature can tell. The words are part of the formats that scripts read.
///
/// A signature covers the text and its recipients. It says nothing about the place, the time and the thread in which the
/// server shows the post.
public enum Authenticity: String, Sendable, CaseIterable, Comparable {
    /// By the key that the server last showed for the author.
    case verified
    /// By another key that is known to be the author's.
    case verifiedByEarlierKey
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

/// The verdict on one version of a post.
public struct Verdict: Hashable, Sendable, Comparable {
    /// nil for a post that was never encrypted: nobody signed it.
    public let authenticity: Authenticity?
    public let content: Content

    /// Plain, or verified and decrypted. Anything else somebody should look at.
    public var isClean: Bool {
        guard let authenticity else { return content == .plain }
        return authenticity.isVerified && content == .decrypted
    }

    public static func < (left: Verdict, right: Verdict) -> Bool {
        if left.content != right.content { return left.content < right.content }
        guard let first = left.authenticity, let second = right.authenticity else { return left.authenticity != nil }
        return first < second
    }
}
