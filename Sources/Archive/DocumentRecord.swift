internal import Bytes

/// What a document is: which of the server's answers, or which statement of the user's own.
public enum DocumentKind: String, Sendable {
    /// The first document of every archive: whose it is.
    case account
    /// An answer that carries posts.
    case posts
    case teams, channels, users, members
    /// The plugin's answer about public keys.
    case keys
    /// A public key that belongs to a private key which the user restored.
    case ownKey = "own-key"
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

/// A document's entry in the chain: a short text of `name value` lines that ends with the hash of the body and begins
/// with the hash of the record before it, so that no document can be changed, removed, added or moved without changing
/// every record behind it. docs/archive-format.md specifies it.
struct DocumentRecord: Equatable, Sendable {
    let sequence: Int64
    let previous: SHA256Digest
    let kind: String
    let request: String
    let channelID: String?
    let receivedAt: String
    let length: Int
    let bodyHash: SHA256Digest

    static let firstLine = "mmvault-document 1"
    /// What the first document names as its predecessor.
    static let none = SHA256Digest(bytes: [UInt8](repeating: 0, count: 32)) ?? SHA256Digest(of: [])

    init(_ document: ReceivedDocument, sequence: Int64, previous: SHA256Digest) {
        self.sequence = sequence
        self.previous = previous
        kind = document.kind.rawValue
        request = document.request.filter { !$0.isNewline }
        channelID = document.channelID
        receivedAt = document.receivedAt.iso8601
        length = document.body.count
        bodyHash = SHA256Digest(of: document.body)
    }

    var text: String {
        """
        \(DocumentRecord.firstLine)
        seq \(sequence)
        previous \(previous)
        kind \(kind)
        request \(request)
        channel \(channelID ?? "-")
        received \(receivedAt)
        length \(length)
        sha256 \(bodyHash)

        """
    }

    var hash: SHA256Digest { SHA256Digest(of: Array(text.utf8)) }

    /// Reads what `text` wrote. Anything else, however slight the difference, is nil.
    init?(text: String) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
        guard lines.popFirst() == DocumentRecord.firstLine[...] else { return nil }
        func value(_ name: String) -> String? {
            guard let line = lines.popFirst(), line.hasPrefix(name + " ") else { return nil }
            return String(line.dropFirst(name.count + 1))
        }
        guard let sequence = value("seq").flatMap(Int64.init),
            let previous = value("previous").flatMap(Hex.decode).flatMap(SHA256Digest.init(bytes:)),
            let kind = value("kind"), let request = value("request"), let channel = value("channel"),
            let received = value("received"), let length = value("length").flatMap(Int.init),
            let bodyHash = value("sha256").flatMap(Hex.decode).flatMap(SHA256Digest.init(bytes:))
        else { return nil }
        self.sequence = sequence
        self.previous = previous
        self.kind = kind
        self.request = request
        self.channelID = channel == "-" ? nil : channel
        self.receivedAt = received
        self.length = length
        self.bodyHash = bodyHash
        guard self.text == text else { return nil }
    }
}
