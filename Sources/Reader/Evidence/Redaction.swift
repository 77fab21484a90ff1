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

    func covers(_ id: String, _ userID: String) -> Bool { postIDs.contains(id) || userIDs.contains(userID) }

    /// Whether a file is one of a post that is to be left out.
    func covers(_ record: FileRecord, in archive: Archive) throws(ArchiveError) -> Bool {
        guard !isEmpty else { return false }
        return covers(record.postID, try archive.header(ofPost: record.postID)?.userID ?? "")
    }

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

    /// A document's body without what covered posts say in the clear, in previews of them within other posts too, and without
    /// what is recorded of their files: what stays stands where it stood.
    ///
    /// - Parameter archive: which tells whose a post is; nil where there is none.
    /// - Returns: nil where nothing has to be taken out.
    /// - Throws: `cannotRedact`.
    func rendering(_ content: DocumentContent, of archive: Archive? = nil) throws(ReaderError) -> [UInt8]? {
        guard !isEmpty else { return nil }
        var body = content.body
        var isChanged = false
        // Blanks stand before the last brace or quotation mark, so that it ends where it ended.
        func put(_ rest: [UInt8], in range: Range<Int>, _ postID: String, behind: Int = 1) throws(ReaderError) {
            let room = range.count - rest.count
            guard room >= 0 else { throw .cannotRedact(post: postID) }
            let blanks = [UInt8](repeating: UInt8(ascii: " "), count: room)
            body.replaceSubrange(range, with: rest.dropLast(behind) + blanks + rest.suffix(behind))
            isChanged = true
        }
        for post in content.posts {
            if covers(post) {
                guard content.kind != .imported else { throw .cannotRedact(post: post.id) }
                guard let rest = RedactedPost(content, post)?.rest else { continue }
                try put(rest, in: post.range, post.id)
            } else if content.kind != .imported, let rest = PreviewingPost(content, post, covers)?.rest {
                try put(rest, in: post.range, post.id)
            }
        }
        if content.kind == .files {
            for object in content.objects {
                guard let record = FileRecord(object) else { continue }
                let isCovered: Bool
                do throws(ArchiveError) {
                    isCovered =
                        try archive.map { archive throws(ArchiveError) in try covers(record, in: archive) }
                        ?? covers(record.postID, "")
                } catch { throw .archive(error) }
                guard isCovered else { continue }
                try put(Array("null".utf8), in: object.range, record.postID, behind: 0)
            }
        }
        return isChanged ? body : nil
    }

    /// The same with the posts that hold a message of those again, and so on: they would show what is to be left out.
    func withCopies(in archive: Archive) throws(ArchiveError) -> Redaction {
        var all = postIDs
        var new = try archive.copies(ofPosts: postIDs, ofUsers: userIDs).subtracting(all)
        while !new.isEmpty {
            all.formUnion(new)
            new = try archive.copies(ofPosts: new, ofUsers: []).subtracting(all)
        }
        return Redaction(postIDs: all, userIDs: userIDs)
    }

    /// What holds of the posts that a document has: the messages of covered ones, and of the others each with an id.
    func messages(in content: DocumentContent) -> (covered: Set<[UInt8]>, others: [[UInt8]: String]) {
        var (covered, others): (Set<[UInt8]>, [[UInt8]: String]) = ([], [:])
        guard !isEmpty else { return (covered, others) }
        for post in content.posts {
            guard let ciphertext = post.ciphertext else { continue }
            if covers(post) { covered.insert(ciphertext) } else { others[ciphertext] = post.id }
        }
        return (covered, others)
    }

    /// Whether a document says nothing in the clear that is to be left out.
    func isKept(by content: DocumentContent) -> Bool {
        do throws(ReaderError) { return try rendering(content) == nil } catch { return false }
    }

    /// Whether a document's rendering takes anything out.
    func hasReduced(_ content: DocumentContent) -> Bool {
        content.posts.contains { post in
            covers(post)
                ? RedactedPost(content, post)?.isReduced == true
                : PreviewingPost(content, post, covers)?.isReduced == true
        } || content.kind == .files && content.objects.contains { $0.isNull }
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
        rest = content.written(members, at: post.range)
    }

    /// The encrypted message, where it holds nothing else.
    private static func message(_ root: JSONValue) -> JSONValue? {
        guard let message = root["props"]?["e2ee"], (try? EncryptedMessage(message)) != nil,
            message.members.allSatisfy({ payload.contains($0.key) })
        else { return nil }
        return message
    }

    /// Whether nobody can read anything in it without a key: no text, no name of a file, and nothing that is not known.
    private static func isOpaque(_ root: JSONValue, _ message: JSONValue?) -> Bool {
        message != nil && EncryptedPost.clearText(root) == nil && AttachedFile.all(in: root).isEmpty
            && (root["props"]?.members ?? []).allSatisfy { $0.key == "e2ee" || saysNothing($0.value) }
            && root.members.allSatisfy { key, value in
                switch key {
                // The first was looked at above.
                case "message", "props", "participants": true
                case "metadata":
                    value.members.allSatisfy { own.contains($0.key) || saysNothing($0.value) } && value.kind != .array
                case "pending_post_id", "remote_id":
                    value.string.map { $0.utf8.allSatisfy { PostHeader.isIdentifierByte($0) || $0 == 0x3A } }
                        ?? value.isNull
                default: kept.contains(key) || saysNothing(value)
                }
            }
    }

    /// Of a post's metadata: what others made of it.
    private static let own: Set<String> = ["reactions", "emojis", "acknowledgements", "priority"]

    /// A number, true or false, or an empty value.
    private static func saysNothing(_ value: JSONValue) -> Bool {
        switch value.kind {
        case .null, .true, .false, .number: true
        case .string: value.range.count == 2
        case .array: value.elements.isEmpty
        case .object: value.members.isEmpty
        }
    }
}

/// A post that shows another one: the server puts a preview where a post has a link to another one.
private struct PreviewingPost {
    /// Whether it has no place for a preview.
    let isReduced: Bool
    /// What stays of it; nil where it shows none of those that are to be left out.
    let rest: [UInt8]?

    init?(_ content: DocumentContent, _ post: PostHeader, _ covers: (_ id: String, _ userID: String) -> Bool) {
        guard let version = content.version(at: post.range, sequence: 0, state: .live),
            let root = try? JSONDocument(Array(version.json)).root
        else { return nil }
        let blanks = content.body[post.range].dropLast().reversed().prefix { $0 == UInt8(ascii: " ") }
        isReduced = root["metadata"] == nil && root["message"] != nil && blanks.count >= #""metadata":"#.utf8.count
        var waiting = root["metadata"].map { [$0] } ?? []
        var shows = false
        while !shows, let value = waiting.popLast() {
            waiting += value.elements + value.members.map(\.value)
            guard value["message"] != nil || value["post_id"] != nil || value["post"] != nil else { continue }
            let id = value["id"]?.string ?? value["post_id"]?.string ?? ""
            // Who reacted to this post says nothing about another one.
            shows = covers(id, value["message"] == nil ? "" : value["user_id"]?.string ?? "")
        }
        rest =
            shows
            ? content.written(
                root.members.filter { $0.key != "metadata" }.map { Array("\"\($0.key)\":".utf8) + $0.value.bytes },
                at: post.range)
            : nil
    }
}

extension DocumentContent {
    /// An object as it would stand at a place: in an event, a post stands as a string.
    fileprivate func written(_ members: [[UInt8]], at range: Range<Int>) -> [UInt8] {
        let object = Array(
            [UInt8(ascii: "{")] + members.joined(separator: [UInt8(ascii: ",")]) + [UInt8(ascii: "}")])
        guard body[range.lowerBound] == UInt8(ascii: "\"") else { return object }
        var json = JSONWriter()
        json.string(nil, String(decoding: object, as: UTF8.self))
        return json.bytes
    }
}

/// What a redaction does to a package.
public struct RedactionEffect: Equatable, Sendable {
    /// Chosen posts and old revisions whose texts are left out.
    public var posts = 0
    /// Posts that were not named, and hold a message of those again.
    public var copies = 0
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
                shown = try reader.judge(version)
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
