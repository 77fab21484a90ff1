internal import Archive
internal import Bytes
internal import E2EE

/// Whose posts, and which, a package shows without what they say. Their places, times and hashes stay, so that everybody sees
/// that something was left out.
public struct Redaction: Equatable, Sendable {
    public var postIDs: Set<String>
    public var userIDs: Set<String>

    public init(postIDs: some Sequence<String> = [], userIDs: some Sequence<String> = []) {
        (self.postIDs, self.userIDs) = (Set(postIDs), Set(userIDs))
    }

    public var isEmpty: Bool { postIDs.isEmpty && userIDs.isEmpty }

    func covers(_ post: StoredVersion.Header) -> Bool { covers(post.identityID, post.userID) }

    private func covers(_ id: String, _ userID: String) -> Bool { postIDs.contains(id) || userIDs.contains(userID) }

    private func covers(_ post: PostHeader) -> Bool {
        covers(post.originalID.isEmpty ? post.id : post.originalID, post.userID)
    }

    /// The posts and users of these that a document has posts of.
    func found(in content: DocumentContent) -> Set<String> {
        guard !isEmpty else { return [] }
        let ids = content.posts.map { $0.originalID.isEmpty ? $0.id : $0.originalID }
        return postIDs.intersection(ids).union(userIDs.intersection(content.posts.map(\.userID)))
    }

    /// How many posts of a document are covered.
    func count(in content: DocumentContent, at starts: Set<Int>) -> Int {
        isEmpty ? 0 : content.posts.count { starts.contains($0.range.lowerBound) && covers($0) }
    }

    /// A document's body without what covered posts say in the clear: what stays stands where it stood.
    ///
    /// - Returns: nil where nothing has to be taken out.
    /// - Throws: `cannotRedact`.
    func rendering(_ content: DocumentContent) throws(ReaderError) -> [UInt8]? {
        guard !isEmpty else { return nil }
        var body = content.body
        var isChanged = false
        for post in content.posts where covers(post) {
            guard content.kind != .imported else { throw .cannotRedact(post: post.id) }
            guard let rest = RedactedPost(content, post)?.rest else { continue }
            let room = post.range.count - rest.count
            guard room >= 0 else { throw .cannotRedact(post: post.id) }
            // Before the last brace or quotation mark: then it ends where it ended.
            let blanks = [UInt8](repeating: UInt8(ascii: " "), count: room)
            body.replaceSubrange(post.range, with: rest.dropLast() + blanks + rest.suffix(1))
            isChanged = true
        }
        return isChanged ? body : nil
    }

    /// Whether a document says nothing in the clear that is to be left out.
    func isKept(by content: DocumentContent) -> Bool {
        do throws(ReaderError) { return try rendering(content) == nil } catch { return false }
    }

    /// Whether a document's rendering takes anything out.
    func hasReduced(_ content: DocumentContent) -> Bool {
        content.posts.contains { covers($0) && RedactedPost(content, $0)?.isReduced == true }
    }
}

/// A post of which nothing is to stay but who, where and when, and an encrypted message.
private struct RedactedPost {
    /// Whether nothing else is left of it.
    let isReduced: Bool
    /// What stays, as it stands in its document; nil where nothing has to be taken out.
    let rest: [UInt8]?

    private static let kept: Set<String> = [
        "id", "create_at", "update_at", "edit_at", "delete_at", "user_id", "channel_id", "root_id", "original_id",
        "type",
    ]
    /// Of a message (protocol, “The payload”).
    private static let payload: Set<String> = [
        "version", "encryptedData", "encryptedKey", "iv", "pubECDHE", "signature",
    ]

    init?(_ content: DocumentContent, _ post: PostHeader) {
        guard let version = content.version(at: post.range, sequence: 0, state: .live),
            let root = try? JSONDocument(Array(version.json)).root
        else { return nil }
        let message = RedactedPost.message(root)
        let others = root.members.filter { $0.key != "props" && !RedactedPost.kept.contains($0.key) }
        isReduced = others.isEmpty && root["props"].map { $0.members.map(\.key) == ["e2ee"] && message != nil } ?? true
        guard !isReduced, !RedactedPost.isOpaque(root, message) else {
            rest = nil
            return
        }
        var members = root.members.filter { RedactedPost.kept.contains($0.key) }.map { key, value in
            Array("\"\(key)\":".utf8) + value.bytes
        }
        if let message { members.append(Array("\"props\":{\"e2ee\":".utf8) + message.bytes + [UInt8(ascii: "}")]) }
        let object = [UInt8(ascii: "{")] + members.joined(separator: [UInt8(ascii: ",")]) + [UInt8(ascii: "}")]
        guard content.body[post.range.lowerBound] == UInt8(ascii: "\"") else {
            rest = Array(object)
            return
        }
        var json = JSONWriter()
        json.string(nil, String(decoding: object, as: UTF8.self))
        rest = json.bytes
    }

    /// The encrypted message, where it holds nothing else.
    private static func message(_ root: JSONValue) -> JSONValue? {
        guard let message = root["props"]?["e2ee"], (try? EncryptedMessage(message)) != nil,
            message.members.allSatisfy({ payload.contains($0.key) })
        else { return nil }
        return message
    }

    /// Whether nobody can read anything in it without a key: no text, no name of a file.
    private static func isOpaque(_ root: JSONValue, _ message: JSONValue?) -> Bool {
        message != nil && EncryptedPost.clearText(root) == nil && AttachedFile.all(in: root).isEmpty
            && root["hashtags"]?.string?.isEmpty != false && root["metadata"]?["embeds"]?.elements.isEmpty != false
            && (root["props"]?.members ?? []).allSatisfy { $0.key == "e2ee" || $0.value.isNull || $0.value.bool != nil }
    }
}

/// What a redaction does to a package.
public struct RedactionEffect: Equatable, Sendable {
    /// Chosen posts and old revisions whose texts are left out.
    public var posts = 0
    /// Documents that hold such a text in the clear: they are here as the owner rendered them.
    public var documents = 0
    /// Other chosen posts and old revisions in these: the chain does not show that they came so.
    public var others = 0
}

/// Shows posts of an archive as a package with redactions has them.
struct RedactingReader {
    private let archive: Archive
    private let redaction: Redaction
    private let documents: [Int64: EvidenceDocument]
    private let reader: PostReader
    /// The document that was needed last, as it came and as it is rendered.
    private var last: (sequence: Int64, body: [UInt8], rendered: DocumentContent)?

    init(_ archive: Archive, _ redaction: Redaction, _ documents: [Int64: EvidenceDocument], _ reader: PostReader) {
        (self.archive, self.redaction, self.documents, self.reader) = (archive, redaction, documents, reader)
    }

    /// - Returns: the post, and the hash of its bytes where its text is left out.
    mutating func show(_ post: ReadPost) throws -> (post: ReadPost, hash: SHA256Digest?) {
        let header = post.header
        let isRedacted = documents[header.documentSequence]?.isRedacted == true
        var shown = post
        var hash: SHA256Digest?
        if redaction.covers(header) {
            let document = try document(header.documentSequence)
            hash = SHA256Digest(of: document.body[header.range])
            if isRedacted,
                let version = document.rendered.version(
                    at: header.range, sequence: header.sequence, state: post.state, absence: post.absence)
            {
                shown = reader.judge(version)
            }
        }
        shown.isOwnersWord = isRedacted
        return (shown, hash)
    }

    private mutating func document(_ sequence: Int64) throws -> (body: [UInt8], rendered: DocumentContent) {
        if let last, last.sequence == sequence { return (last.body, last.rendered) }
        let source = try archive.document(sequence)
        let content = try DocumentContent(source.record, source.body)
        let rendered = try redaction.rendering(content).map { try DocumentContent(source.record, $0) } ?? content
        last = (sequence, source.body, rendered)
        return (source.body, rendered)
    }
}
