public import Bytes

/// An answer that carries posts: `{order, posts, next_post_id, prev_post_id}`, read where it stands.
public struct PostsPage: Sendable {
    /// Ids, `create_at` descending.
    public let order: [String]
    /// Every post of the answer, those that `order` does not list included, in the order of the answer.
    public let posts: [PostHeader]
    /// The files that its posts name, each with where the post stands.
    let attachments: [PlacedAttachment]

    /// - Throws: `notAPage` with what is wrong: a body that was cut, garbled, or is not such an answer.
    public init(_ body: [UInt8]) throws(ArchiveError) {
        let root: JSONValue
        do { root = try PostsPage.parse(body) } catch { throw .notAPage(what: error.description) }
        try self.init(root)
    }

    /// Of props no more is known than where they stand, so that no post can make an answer too large to be read.
    static func parse(_ body: [UInt8]) throws(JSONError) -> JSONValue {
        try JSONDocument(body, passingOver: "props").root
    }

    init(_ root: JSONValue) throws(ArchiveError) {
        // A channel without posts may answer null for either.
        guard root.kind == .object, let order = root["order"], let posts = root["posts"],
            order.kind == .array || order.isNull, posts.kind == .object || posts.isNull
        else { throw .notAPage(what: "the answer has no order or no posts") }
        self.order = order.elements.compactMap(\.string)
        guard self.order.count == order.elements.count else { throw .notAPage(what: "order holds something else") }
        (self.posts, attachments) = try PostsPage.read(posts.members.map { ($0.key, $0.value) })
        let known = Set(self.posts.map(\.id))
        guard self.order.allSatisfy(known.contains) else { throw .notAPage(what: "order names a post that is missing") }
    }

    /// An answer that lists what a post said before: `[POST…]`, each an old revision with an id of its own.
    public init(history body: [UInt8]) throws(ArchiveError) {
        let root: JSONValue
        do { root = try PostsPage.parse(body) } catch { throw .notAPage(what: error.description) }
        guard root.kind == .array else { throw .notAPage(what: "the answer is no list of revisions") }
        order = []
        (posts, attachments) = try PostsPage.read(root.elements.map { (nil, $0) })
        guard posts.allSatisfy({ !$0.originalID.isEmpty }) else { throw .notAPage(what: "a post is no old revision") }
    }

    /// - Parameter posts: each with the id under which it stands, if it stands under one.
    private static func read(
        _ posts: [(id: String?, json: JSONValue)]
    ) throws(ArchiveError) -> ([PostHeader], [PlacedAttachment]) {
        var headers: [PostHeader] = []
        var attachments: [PlacedAttachment] = []
        for (id, post) in posts {
            let header = try PostHeader(post)
            guard id == nil || header.id == id else {
                throw .notAPage(what: "the post under \(id ?? "") is another one")
            }
            headers.append(header)
            attachments += header.attachments(in: post)
        }
        return (headers, attachments)
    }
}

/// What the archive's index keeps of one version of a post, and where its bytes stand in the document.
public struct PostHeader: Equatable, Sendable {
    public let id: String
    public let channelID: String
    public let userID: String
    /// The thread's first post; empty for a post that is itself one.
    public let rootID: String
    /// For an old revision: the post that it is a revision of. Empty otherwise: a revision has an id of its own and a time
    /// at which it ended (mattermost-api, “Edits”). A server that calls something without them a revision would have it
    /// escape what is asked of live posts.
    public let originalID: String
    public let type: String
    public let createAt: Int64
    public let updateAt: Int64
    public let editAt: Int64
    public let deleteAt: Int64
    /// Bytes of the document's body.
    public let range: Range<Int>
    /// The first 16 bytes of SHA-256 over what the post says: who, where, when, the text and what is attached.
    public let said: [UInt8]
    /// The same over every field but those that the server calculates anew for each answer: two sights of a post with
    /// one identity are one version.
    public let identity: [UInt8]
    /// Which encrypted message it holds: see `CiphertextDigest`. nil where it holds none, and for what was imported.
    public let ciphertext: [UInt8]?

    public init(_ post: JSONValue) throws(ArchiveError) {
        guard post.kind == .object, let id = post["id"]?.string, PostHeader.isIdentifier(id) else {
            throw .notAPage(what: "a post has no id")
        }
        func text(_ value: JSONValue?, _ name: String) throws(ArchiveError) -> String {
            guard let value, !value.isNull else { return "" }
            guard let string = value.string else { throw .notAPage(what: "\(name) of post \(id) is no string") }
            return string
        }
        func identifier(_ value: JSONValue?, _ name: String) throws(ArchiveError) -> String {
            let string = try text(value, name)
            guard string.isEmpty || PostHeader.isIdentifier(string) else {
                throw .notAPage(what: "\(name) of post \(id) is no id")
            }
            return string
        }
        func time(_ value: JSONValue?, _ name: String) throws(ArchiveError) -> Int64 {
            guard let value, !value.isNull else { return 0 }
            guard let time = value.int, PostHeader.times.contains(time) else {
                throw .notAPage(what: "\(name) of post \(id) is no time")
            }
            return time
        }
        self.id = id
        channelID = try identifier(post["channel_id"], "channel_id")
        guard !channelID.isEmpty else { throw .notAPage(what: "post \(id) is in no channel") }
        userID = try identifier(post["user_id"], "user_id")
        rootID = try identifier(post["root_id"], "root_id")
        let original = try identifier(post["original_id"], "original_id")
        type = try text(post["type"], "type")
        createAt = try time(post["create_at"], "create_at")
        guard createAt > 0 else { throw .notAPage(what: "create_at of post \(id) is no time") }
        updateAt = try time(post["update_at"], "update_at")
        editAt = try time(post["edit_at"], "edit_at")
        deleteAt = try time(post["delete_at"], "delete_at")
        originalID = original == id || deleteAt == 0 ? "" : original
        range = post.range

        let content = [post["message"], post["props"], post["file_ids"]].map { value in
            value.map { VersionDigest.isEmpty($0) ? [] : $0.bytes } ?? []
        }
        said = PostHeader.said(
            [id, channelID, userID, rootID, originalID, type], [createAt, editAt, deleteAt], content)
        identity = VersionDigest(ofAllBut: PostHeader.volatileFields, in: post).value
        ciphertext = CiphertextDigest.of(post["props"])
    }

    /// The id of the post that this is a version of: an old revision has an id of its own.
    var identityID: String { originalID.isEmpty ? id : originalID }

    /// - Parameters:
    ///   - texts: `id`, `channel_id`, `user_id`, `root_id`, `original_id`, `type`.
    ///   - times: `create_at`, `edit_at`, `delete_at`.
    ///   - content: `message`, `props`, `file_ids` as they stand in JSON; empty ones without bytes.
    static func said(_ texts: [String], _ times: [Int64], _ content: [ArraySlice<UInt8>]) -> [UInt8] {
        var digest = VersionDigest()
        for text in texts { digest.add(text.utf8) }
        for time in times { withUnsafeBytes(of: time.littleEndian) { digest.add($0) } }
        for value in content { digest.add(value) }
        return digest.value
    }

    /// Up to the year 9999: later ones cannot be written as dates.
    static let times: ClosedRange<Int64> = 0...253_402_300_799_999

    /// What the server calculates anew for each answer, and what therefore is no news about the post.
    static let volatileFields: Set<String> = ["metadata", "reply_count", "last_reply_at", "participants"]

    init(
        id: String, channelID: String, userID: String, rootID: String, originalID: String, type: String,
        createAt: Int64, updateAt: Int64, editAt: Int64, deleteAt: Int64, range: Range<Int>, said: [UInt8],
        identity: [UInt8], ciphertext: [UInt8]? = nil
    ) {
        self.id = id
        self.channelID = channelID
        self.userID = userID
        self.rootID = rootID
        self.originalID = originalID
        self.type = type
        self.createAt = createAt
        self.updateAt = updateAt
        self.editAt = editAt
        self.deleteAt = deleteAt
        self.range = range
        self.said = said
        self.identity = identity
        self.ciphertext = ciphertext
    }

    /// 26 small letters and digits, as every id of Mattermost is.
    public static func isIdentifier(_ text: String) -> Bool {
        text.utf8.count == 26 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) }
    }
}
