public import Bytes

/// An answer that carries posts, read where it stands: `{order, posts, next_post_id, prev_post_id}` of a list, or `[POST…]`
/// where posts were asked for by their ids.
public struct PostsPage: Sendable {
    /// Ids, `create_at` descending; empty where posts were asked for by their ids.
    public let order: [String]
    /// Whether it is a list of a channel's posts.
    public let isList: Bool
    /// Every post of the answer, those that `order` does not list included, in the order of the answer.
    public let posts: [PostHeader]
    /// What stands among its posts and has no place in the archive's index. Its bytes are kept with the answer.
    public let unplaced: [UnplacedPost]
    /// Where the server hides old posts, when the newest post was created that it left out of this answer, in milliseconds; 0
    /// where it left out none (mattermost-api, `first_inaccessible_post_time`).
    public let hiddenUntil: Int64
    /// The files that its posts name, each with where the post stands.
    let attachments: [PlacedAttachment]

    /// - Parameter channelID: the channel that was asked about: what is of another one has no place here.
    /// - Throws: `notAPage` with what is wrong: a body that was cut, garbled, or is not such an answer.
    public init(_ body: [UInt8], channelID: String? = nil) throws(ArchiveError) {
        let root: JSONValue
        do { root = try PostsPage.parse(body) } catch { throw .notAPage(what: error.description) }
        try self.init(root, channelID: channelID)
    }

    /// Of props no more is known than where they stand, so that no post can make an answer too large to be read.
    static func parse(_ body: [UInt8]) throws(JSONError) -> JSONValue {
        try JSONDocument(body, passingOver: "props").root
    }

    init(_ root: JSONValue, channelID: String?) throws(ArchiveError) {
        if root.kind == .array {
            (order, isList, hiddenUntil) = ([], false, 0)
            (posts, attachments, unplaced) = PostsPage.read(root.elements.map { (nil, $0) }, channelID: channelID)
            return
        }
        // A channel without posts may answer null for either.
        guard root.kind == .object, let order = root["order"], let posts = root["posts"],
            order.kind == .array || order.isNull, posts.kind == .object || posts.isNull
        else { throw .notAPage(what: "the answer has no order or no posts") }
        isList = true
        self.order = order.elements.compactMap(\.string)
        guard self.order.count == order.elements.count else { throw .notAPage(what: "order holds something else") }
        (self.posts, attachments, unplaced) = PostsPage.read(
            posts.members.map { ($0.key, $0.value) }, channelID: channelID)
        let known = Set(posts.members.map(\.key))
        guard self.order.allSatisfy(known.contains) else { throw .notAPage(what: "order names a post that is missing") }
        hiddenUntil = min(max(0, root["first_inaccessible_post_time"]?.int ?? 0), PostHeader.bounds.upperBound)
    }

    /// An answer that lists what a post said before: `[POST…]`, each an old revision with an id of its own.
    public init(history body: [UInt8]) throws(ArchiveError) {
        let root: JSONValue
        do { root = try PostsPage.parse(body) } catch { throw .notAPage(what: error.description) }
        guard root.kind == .array else { throw .notAPage(what: "the answer is no list of revisions") }
        (order, isList, hiddenUntil) = ([], false, 0)
        (posts, attachments, unplaced) = PostsPage.read(root.elements.map { (nil, $0) }, channelID: nil)
        guard posts.allSatisfy({ !$0.originalID.isEmpty }) else { throw .notAPage(what: "a post is no old revision") }
    }

    /// One post that cannot be placed keeps no other from being read: neither a member nor the server can stop a channel so.
    ///
    /// - Parameter posts: each with the id under which it stands, if it stands under one.
    private static func read(
        _ posts: [(id: String?, json: JSONValue)], channelID: String?
    ) -> ([PostHeader], [PlacedAttachment], [UnplacedPost]) {
        var headers: [PostHeader] = []
        var attachments: [PlacedAttachment] = []
        var unplaced: [UnplacedPost] = []
        for (id, post) in posts {
            do throws(UnplacedPost) {
                let header = try PostHeader(post)
                if let id, header.id != id { throw UnplacedPost(id: id, why: "the post under this id has another one") }
                if let channelID, header.channelID != channelID {
                    throw UnplacedPost(id: header.id, why: "it belongs to another channel")
                }
                headers.append(header)
                attachments += header.attachments(in: post)
            } catch {
                unplaced.append(error.id.isEmpty ? UnplacedPost(id: id ?? "", why: error.why) : error)
            }
        }
        return (headers, attachments, unplaced)
    }
}

/// A post in an answer that the index cannot hold, and why.
public struct UnplacedPost: Error, Equatable, Sendable {
    /// The id under which it stands, as the server wrote it: foreign text. Empty where it stands under none.
    public let id: String
    /// For a person: `it is in no channel`.
    public let why: String
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

    /// What a field says in a form that no server gives it is taken as not said: only a post without an id or a channel has
    /// no place.
    public init(_ post: JSONValue) throws(UnplacedPost) { try self.init(post, hasDigests: true) }

    /// - Parameter hasDigests: whether `said`, `identity` and `ciphertext` are wanted as well.
    init(_ post: JSONValue, hasDigests: Bool) throws(UnplacedPost) {
        guard post.kind == .object, let id = post["id"]?.string, PostHeader.isIdentifier(id) else {
            throw UnplacedPost(id: "", why: "it has no id")
        }
        func identifier(_ value: JSONValue?) -> String {
            value?.string.flatMap { PostHeader.isIdentifier($0) ? $0 : nil } ?? ""
        }
        self.id = id
        channelID = identifier(post["channel_id"])
        guard !channelID.isEmpty else { throw UnplacedPost(id: id, why: "it is in no channel") }
        userID = identifier(post["user_id"])
        rootID = identifier(post["root_id"])
        let original = identifier(post["original_id"])
        // SQLite reads a text up to a NUL, which no type of a server's has.
        type = post["type"]?.string.flatMap { $0.utf8.contains(0) ? nil : $0 } ?? ""
        func time(_ value: JSONValue?) -> Int64 {
            min(max(value?.int ?? 0, PostHeader.bounds.lowerBound), PostHeader.bounds.upperBound)
        }
        createAt = time(post["create_at"])
        updateAt = time(post["update_at"])
        editAt = time(post["edit_at"])
        deleteAt = time(post["delete_at"])
        originalID = original == id || deleteAt <= 0 ? "" : original
        range = post.range
        guard hasDigests else {
            (said, identity, ciphertext) = ([], [], nil)
            return
        }
        let content = ["message", "props", "file_ids"].map { PostHeader.content(of: post[$0]) }
        said = PostHeader.said(
            [id, channelID, userID, rootID, originalID, type], [createAt, editAt, deleteAt], content)
        identity = VersionDigest(ofAllBut: PostHeader.volatileFields, in: post).value
        ciphertext = CiphertextDigest.of(post["props"])
    }

    /// The id of the post that this is a version of: an old revision has an id of its own.
    var identityID: String { originalID.isEmpty ? id : originalID }

    /// What `said` would be if the server had left the message out, as it does of old revisions in lists; nil for what is
    /// no post.
    static func saidWithoutMessage(_ post: JSONValue) -> [UInt8]? {
        guard let header = try? PostHeader(post) else { return nil }
        return said(
            [header.id, header.channelID, header.userID, header.rootID, header.originalID, header.type],
            [header.createAt, header.editAt, header.deleteAt],
            [[], content(of: post["props"]), content(of: post["file_ids"])])
    }

    private static func content(of value: JSONValue?) -> ArraySlice<UInt8> {
        value.map { VersionDigest.isEmpty($0) ? [] : $0.bytes } ?? []
    }

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

    /// The times that an export may name: up to the year 9999.
    static let times: ClosedRange<Int64> = 0...253_402_300_799_999

    /// Whatever a post claims, so that a span of time may be added to it: three decades less than what a number can hold.
    fileprivate static let bounds = -(Int64.max - 1_000_000_000_000)...(Int64.max - 1_000_000_000_000)

    /// What the server calculates anew for each answer, and what therefore is no news about the post.
    static let volatileFields: [StaticString] = ["metadata", "reply_count", "last_reply_at", "participants"]

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
        text.utf8.count == 26 && text.utf8.allSatisfy(isIdentifierByte)
    }

    public static func isIdentifierByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
