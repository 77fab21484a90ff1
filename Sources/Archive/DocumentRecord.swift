public import Bytes

/// What a document is: which of the server's answers, or which statement of the user's own.
public enum DocumentKind: String, Sendable {
    /// The first document of every archive: whose it is.
    case account
    /// An answer that carries posts.
    case posts
    /// Frames of the server's WebSocket that tell of posts.
    case events
    /// The same, of posts that had been superseded when the frames came.
    case lateEvents = "late-events"
    /// An answer that carries posts, some of which may be older than events that came before it.
    case latePosts = "late-posts"
    case teams, channels, users, members
    /// The server's custom emoji: names, and who made them; never the pictures.
    case emoji
    /// Which version the server said that it has; a statement of this program's own.
    case server
    /// The account's own drafts, which lie on the server in the clear. No posts: nothing shows or finds them as such.
    case drafts
    /// The plugin's answer about public keys.
    case keys
    /// Frames of the server's WebSocket by which the plugin tells that keys are other ones: see `KeyEvent`.
    case keyEvents = "key-events"
    /// A public key that belongs to a private key which the user restored.
    case ownKey = "own-key"
    /// What the server says that one of the account's own posts said before it was edited: a list of old revisions.
    case history
    /// Which posts the server was asked about for that; a statement of this program's own.
    case histories
    /// What the server was noticed not to show any more; a statement of this program's own.
    case absences
    /// A part of an export that was imported: see `ImportPart`.
    case imported = "import"
    /// What became of files that posts name: the archive's own words, since the server's answer is the file itself.
    case files
    /// What the archive's owner decided about keys: statements of their own.
    case trust
    /// A colleague's signed list of such decisions, as it came.
    case trustList = "trust-list"
    /// Which of several posts with one ciphertext is the original, as the archive's owner says.
    case originals
    /// An authority's answer to a request for a time stamp of the chain: see `TimeStampDocument`.
    case timeStamp = "time-stamp"
    /// How far a walk has come that no page came with; the body is empty.
    case walk
}

/// A document as it came in, not yet part of an archive.
public struct ReceivedDocument: Sendable {
    public let kind: DocumentKind
    /// Method, path and query: `GET /api/v4/channels/…/posts?…`. Never a header, never a token.
    public let request: String
    /// The channel that was asked about, where one was.
    public let channelID: String?
    public let receivedAt: Timestamp
    /// The answer's body, byte for byte (after the transfer's own compression).
    public let body: [UInt8]

    public init(kind: DocumentKind, request: String, channelID: String?, receivedAt: Timestamp, body: [UInt8]) {
        self.kind = kind
        self.request = request
        self.channelID = channelID
        self.receivedAt = receivedAt
        self.body = body
    }
}

/// A document's entry in the chain: a short text of `name value` lines. It names the hash of the record before it, so
/// that no document can be changed, removed, added or moved without changing every record behind it.
/// docs/archive-format.md specifies it.
public struct DocumentRecord: Equatable, Sendable {
    public let sequence: Int64
    public let previous: SHA256Digest
    public let kind: String
    public let request: String
    public let channelID: String?
    public let receivedAt: String
    /// The state of the channel's walk that was committed with the document, as `WalkState` writes it.
    public let walk: String?
    public let length: Int
    public let bodyHash: SHA256Digest
    /// Of the body as it is stored, compressed.
    let storedHash: SHA256Digest

    public static let lineCount = 11
    static let firstLine = "mmvault-document 1"
    /// What the first document names as its predecessor.
    public static let none = SHA256Digest(bytes: [UInt8](repeating: 0, count: 32)) ?? SHA256Digest(of: [])

    init(
        _ document: ReceivedDocument, walk: WalkState?, sequence: Int64, previous: SHA256Digest, compressed: [UInt8]
    ) {
        self.sequence = sequence
        self.previous = previous
        kind = document.kind.rawValue
        request = DocumentRecord.oneLine(document.request)
        channelID = document.channelID.map(DocumentRecord.oneLine)
        receivedAt = document.receivedAt.iso8601
        self.walk = walk?.json
        length = document.body.count
        bodyHash = SHA256Digest(of: document.body)
        storedHash = SHA256Digest(of: compressed)
    }

    public var text: String {
        """
        \(DocumentRecord.firstLine)
        seq \(sequence)
        previous \(previous)
        kind \(kind)
        request \(request)
        channel \(channelID ?? "-")
        received \(receivedAt)
        walk \(walk ?? "-")
        length \(length)
        sha256 \(bodyHash)
        gzip \(storedHash)

        """
    }

    public var hash: SHA256Digest { SHA256Digest(of: Array(text.utf8)) }

    /// Reads what `text` wrote. Anything else, however slight the difference, is nil.
    public init?(text: String) {
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
        guard lines.popFirst()?.elementsEqual(DocumentRecord.firstLine.utf8) == true else { return nil }
        func value(_ name: String) -> String? {
            let prefix = "\(name) ".utf8
            guard let line = lines.popFirst(), line.starts(with: prefix) else { return nil }
            return String(line.dropFirst(prefix.count))
        }
        func digest(_ name: String) -> SHA256Digest? {
            value(name).flatMap(Hex.decode).flatMap(SHA256Digest.init(bytes:))
        }
        guard let sequence = value("seq").flatMap({ Int64($0) }), let previous = digest("previous"),
            let kind = value("kind"), let request = value("request"), let channel = value("channel"),
            let received = value("received"), let walk = value("walk"),
            let length = value("length").flatMap({ Int($0) }), let bodyHash = digest("sha256"),
            let storedHash = digest("gzip")
        else { return nil }
        self.sequence = sequence
        self.previous = previous
        self.kind = kind
        self.request = request
        self.channelID = channel == "-" ? nil : channel
        self.receivedAt = received
        self.walk = walk == "-" ? nil : walk
        self.length = length
        self.bodyHash = bodyHash
        self.storedHash = storedHash
        guard self.text.utf8.elementsEqual(text.utf8) else { return nil }
    }

    /// A value must not end its line, nor look as if it did.
    private static func oneLine(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F && !Character($0).isNewline }))
    }
}
