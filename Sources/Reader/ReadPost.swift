public import Archive
public import E2EE

/// One version of a post, read: the verdict, and the text as far as it may be shown.
public struct ReadPost: Sendable {
    public let header: StoredVersion.Header
    public let state: PostState
    public let verdict: Verdict
    /// The author's key that the signature fits; nil where it fits none that counts, or a signer of whom no whole key is known.
    public let signedBy: KeyID?
    /// Our own key that opened the message; where none did, the first that it was wrapped for, damaged.
    public let openedBy: KeyID?
    public let text: PostText
    /// What the server has in the clear beside the message, where it has more than the client's placeholder: nobody signed it.
    public internal(set) var clearText: UnverifiedText?
    public let files: [AttachedFile]
    /// Why the verdict is what it is, or why the text is unknown, for a person; else empty. Holds nothing that a stranger
    /// wrote.
    public let reason: String
    /// What else the server says of it.
    public internal(set) var circumstances = Circumstances()
    /// Whether the server gave a type and no words: then the text goes behind the name of the user whose post it is.
    public internal(set) var isToldByType = false
    /// The name of the export that it was imported with; nil where the account's own server gave it.
    public internal(set) var importName: String?
    /// Where the post is live and the server shows it no longer, without a tombstone.
    public internal(set) var absence: NoticedAbsence?
    /// Whom of those that the author is known by the signature fits, a rejected one included.
    public internal(set) var signer: SignerID?
    /// Whether it stands in a document of a package that the archive's owner redacted: then the chain does not show that it came
    /// so.
    var isOwnersWord = false
    /// The key-encryption key with which ours opened the message, where it was asked for: with it anybody can open this message,
    /// and no other.
    var keyEncryptionKey: [UInt8]?

    /// What a package says beside a post where that holds.
    static let ownersWord = "its document was redacted: as the archive's owner states"

    public var isEdited: Bool { header.editAt > 0 }

    /// When the text in the clear was put beside the message, as the server says.
    public var clearEditAt: Timestamp {
        Timestamp(milliseconds: header.editAt > 0 ? header.editAt : header.updateAt)
    }

    /// What stands beside a text that is shown and not clean: `newKeyUnanswered: signed by …`. nil beside one that is clean,
    /// or that is not verified at all, and where there is no text.
    public var caution: String? {
        switch text {
        case .verified, .unanswered: verdict.isClean ? nil : "\(verdict.authorship): \(reason)"
        case .plain, .unverified, .unreadable, .unknown: nil
        }
    }

    /// The verdict in words: `verified, notForUs: encrypted for one key that is not at hand`.
    public var finding: String {
        let words =
            [verdict.authenticity?.rawValue, verdict.content.rawValue].compactMap(\.self)
            + verdict.suspicions.map(\.rawValue)
        return "\(words.joined(separator: ", "))\(reason.isEmpty ? "" : ": \(reason)")"
    }
}

/// What the server says of a post besides its text, when it last showed it. Nothing of it is ever signed.
public struct Circumstances: Equatable, Sendable {
    public struct Reaction: Equatable, Sendable {
        /// The emoji's name: `smile`.
        public let emoji: String
        /// Who reacted so, in the order in which they did.
        public internal(set) var userIDs: [String]
        /// Where people of the server made it, as far as the server has told.
        public var custom: CustomEmoji?
    }

    /// In the order in which each first came.
    public var reactions: [Reaction] = []
    public var isPinned = false
    /// The name under which a webhook or a bot posted: its own choice, and not that of the user whose post it is.
    public var postedAs: String?
}

/// What a post says, by how far one may believe that its author wrote it. The kinds cannot be mixed up: each must be taken
/// out in its own way.
public enum PostText: Equatable, Sendable {
    /// Never encrypted and never signed: what the server says.
    case plain(String)
    case verified(VerifiedText)
    case unanswered(UnansweredText)
    case unverified(UnverifiedText)
    /// There is no text: see the verdict.
    case unreadable
    /// Never encrypted, and there was a text or none: the server has taken it out. See the reason.
    case unknown
}

/// A decrypted text whose signature fits a known key of the post's author.
public struct VerifiedText: Equatable, Sendable {
    public let string: String

    init(_ bytes: [UInt8]) { string = String(decoding: bytes, as: UTF8.self) }
}

/// A decrypted text whose signature fits a key that may be the author's, and of which the archive's owner has not said so. It
/// is shown, and marked; what is to prove something leaves it out.
public struct UnansweredText: Equatable, Sendable {
    /// The text. Whoever shows it marks it.
    public let markedString: String

    init(_ bytes: [UInt8]) { markedString = String(decoding: bytes, as: UTF8.self) }
}

/// The text of an encrypted post that nobody is known to have signed: decrypted, or found in the clear where there is no
/// payload that can be read. It is not shown unless somebody asks for just that.
public struct UnverifiedText: Equatable, Sendable {
    /// The text. Whoever shows it marks it as not verified.
    public let withheldString: String

    init(_ bytes: [UInt8]) { withheldString = String(decoding: bytes, as: UTF8.self) }
}

extension ReadPost {
    /// Whether its words are the server's, about somebody who joined, say, and not those of the user whose name it has: no
    /// client can give a post such a type.
    var isWrittenByServer: Bool { verdict.content == .plain && header.type.hasPrefix("system_") }
}
