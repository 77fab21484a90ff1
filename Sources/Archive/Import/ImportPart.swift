internal import Bytes

/// What an export is.
public enum ImportFormat: String, Sendable {
    /// A zip from `mmctl export`.
    case bulk
    /// A zip from mattermost-plugin-legal-hold.
    case legalHold = "legal-hold"
}

/// A document of the kind `import`: a first line of this program's own, and behind it lines of an export, byte for
/// byte.
///
/// The first line is JSON. It says what the export does not: which ids the names in it stand for, which posts the
/// archive had already, and it describes the people and channels that the archive did not know. So every row of the
/// index can be told from the document alone. docs/archive-format.md specifies it.
struct ImportPart {
    let source: ImportSource
    /// The versions of posts that came with it.
    let posts: [PostHeader]
    /// The files that they name, each with where the post stands; none in the parts that earlier builds made.
    let attachments: [PlacedAttachment]
    /// The ids of posts in it that the archive held before, and that it says nothing new of.
    let joined: [String]
    let objects: [(kind: ObjectKind, id: String, json: JSONValue)]

    /// - Throws: `badExport` with what is wrong.
    init(_ body: [UInt8]) throws(ArchiveError) {
        let source = try ImportSource(body)
        let head = source.head
        self.source = source
        var objects: [(ObjectKind, String, JSONValue)] = []
        for (kind, list) in [(ObjectKind.team, head["teams"]), (.channel, head["channels"]), (.user, head["users"])] {
            for object in list?.elements ?? [] {
                guard let id = object["id"]?.string, ImportID.isIdentifier(id) else {
                    throw .badExport(file: nil, what: "a \(kind.rawValue) has no id")
                }
                objects.append((kind, id, object))
            }
        }
        self.objects = objects

        var ids = (head["posts"]?.elements ?? []).compactMap(\.string)[...]
        let known = Set((head["joined"]?.elements ?? []).compactMap(\.int))
        let users = Names(head["user_ids"])
        let channels = Names(head["channel_ids"])
        var (posts, joined): ([PostHeader], [String]) = ([], [])
        var attachments: [PlacedAttachment] = []
        var count: Int64 = 0
        var root = ""
        try source.forEachPost(in: body) { post throws(ArchiveError) in
            let channel = post.place.map { channels[$0.key] } ?? channels[""]
            guard let id = ids.popFirst(), ImportID.isIdentifier(id), let user = users[post.username], let channel
            else {
                throw .badExport(file: nil, what: "its first line does not tell all ids")
            }
            defer { count += 1 }
            if !post.isReply { root = id }
            if known.contains(count) { return joined.append(id) }
            let header = PostHeader(
                post, id: id, userID: user, channelID: channel, rootID: post.isReply ? root : "")
            posts.append(header)
            for file in source.fileIDs(of: post) {
                let row = AttachmentRow(postID: id, channelID: channel, fileID: file, size: nil)
                attachments.append((header.range.lowerBound, row))
            }
        }
        guard ids.isEmpty else { throw .badExport(file: nil, what: "its first line tells of more posts than it holds") }
        (self.posts, self.joined, self.attachments) = (posts, joined, attachments)
    }

    private struct Names {
        private let ids: [String: String]
        init(_ json: JSONValue?) {
            ids = Dictionary((json?.members ?? []).map { ($0.key, $0.value.string ?? "") }, uniquingKeysWith: { $1 })
        }
        subscript(name: String) -> String? { ids[name].flatMap { ImportID.isIdentifier($0) ? $0 : nil } }
    }
}

/// Which export a document is a part of, and how its lines are read.
struct ImportSource {
    /// The zip's name, as its owner called it.
    let name: String
    let format: ImportFormat
    let head: JSONValue
    /// The SHA-256 of the zip; nil in the parts that earlier builds made.
    private let hash: String?
    /// Where the export's own bytes begin.
    private let start: Int
    private let columns: LegalHoldColumns?

    init(_ body: [UInt8]) throws(ArchiveError) {
        guard let end = body.firstIndex(of: UInt8(ascii: "\n")),
            let head = try? JSONDocument(Array(body[..<end])).root, let name = head["export"]?.string,
            let format = head["format"]?.string.flatMap(ImportFormat.init(rawValue:))
        else { throw .badExport(file: nil, what: "its first line cannot be read") }
        (self.name, self.format, self.head) = (name, format, head)
        hash = head["zip"]?.string
        // The last document of an import has no rows, and so no columns.
        guard format == .legalHold, end + 1 < body.count else {
            (start, columns) = (end + 1, nil)
            return
        }
        let length = ImportSource.rowLength(body[(end + 1)...])
        columns = try LegalHoldColumns(body[end + 1..<end + 1 + length])
        start = end + 1 + length
    }

    /// - Parameter body: of the document that `self` was read from.
    /// - Returns: the post's JSON that stands in `range`, or what readers need of it where it is no JSON.
    func json(_ body: [UInt8], _ range: Range<Int>) throws(ArchiveError) -> ArraySlice<UInt8> {
        guard let columns else { return withFiles(body[range]) }
        return try columns.row(body[range]).post(at: range).json[...]
    }

    /// A post of a bulk export names its files by their paths: they get ids and names as the server's API gives them.
    private func withFiles(_ post: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard hash != nil, post.last == UInt8(ascii: "}"), post.firstRange(of: Array("\"attachments\"".utf8)) != nil,
            let root = try? JSONDocument(Array(post)).root, root["metadata"] == nil
        else { return post }
        let paths = (root["attachments"]?.elements ?? []).compactMap { $0["path"]?.string }
        var files = JSONWriter()
        files.array { json in
            for (path, id) in paths.map({ ($0, fileID(path: $0)) }) {
                guard let id else { continue }
                json.object {
                    $0.string("id", id)
                    $0.string("name", path.split(separator: "/").last.map(String.init))
                }
            }
        }
        return (Array(post.dropLast()) + Array(",\"metadata\":{\"files\":".utf8) + files.bytes + Array("}}".utf8))[...]
    }

    private func fileID(path: String) -> String? {
        hash.flatMap { ImportedFiles.id(ofPath: path, .bulk, zip: $0) }
    }

    fileprivate func fileIDs(of post: ImportedPost) -> [String] {
        guard hash != nil else { return [] }
        guard format == .legalHold else { return post.attachments.compactMap(fileID) }
        guard !post.fileIDs.isEmpty, let root = try? JSONDocument(Array(post.fileIDs)).root else { return [] }
        var seen: Set<String> = []
        return root.elements.compactMap(\.string).filter { PostHeader.isIdentifier($0) && seen.insert($0).inserted }
    }

    fileprivate func forEachPost(
        in body: [UInt8], _ consume: (ImportedPost) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        var place = start
        while place < body.count {
            if let columns {
                let length = ImportSource.rowLength(body[place...])
                let range = place..<place + length
                try consume(try columns.row(body[range]).post(at: range))
                place += length
            } else {
                let end = body[place...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? body.count
                if case .posts(let posts) = try BulkLine(Array(body[place..<end])) {
                    for post in posts { try consume(post.moved(by: place)) }
                }
                place = end
            }
        }
    }

    /// Up to the first line end that is not between quotation marks, that one included.
    private static func rowLength(_ bytes: ArraySlice<UInt8>) -> Int {
        var isQuoted = false
        for (place, byte) in zip(bytes.indices, bytes) {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if byte == UInt8(ascii: "\n"), !isQuoted { return place + 1 - bytes.startIndex }
        }
        return bytes.count
    }
}

/// The ids of what only an export tells of. None of a server's has this form, so that neither can stand for the other.
public enum ImportID {
    private static let prefix = "import-"

    /// The same parts give the same id, in whichever export they are found.
    static func make(_ kind: String, _ parts: [some Collection<UInt8>]) -> String {
        var digest = VersionDigest()
        digest.add(kind.utf8)
        for part in parts { digest.add(part) }
        return prefix + Hex.encode(digest.value.prefix(12))
    }

    static func make(_ kind: String, _ parts: String...) -> String { make(kind, parts.map { Array($0.utf8) }) }

    /// What stands for a name that no server's id was known for: nobody else can be called so.
    public static func user(called username: String) -> String { make("user", username) }

    /// Whether `id` is one of these.
    public static func isOwn(_ id: String) -> Bool {
        id.utf8.count == 31 && id.hasPrefix(prefix) && Hex.decode(String(id.dropFirst(prefix.count))) != nil
    }

    /// Whether `id` is one of these, or one that a server may have given.
    public static func isIdentifier(_ id: String) -> Bool { PostHeader.isIdentifier(id) || isOwn(id) }
}

extension ImportedPost.Place {
    /// What stands for it in a document's first line: `TEAM/CHANNEL`, or `@ALICE,BOB`.
    var key: String {
        switch self {
        case .channel(let team, let name): "\(team)/\(name)"
        case .members(let names): "@\(names.joined(separator: ","))"
        }
    }
}

extension ImportedPost {
    func moved(by offset: Int) -> ImportedPost {
        ImportedPost(
            place: place, username: username, type: type, createAt: createAt, updateAt: updateAt, editAt: editAt,
            deleteAt: deleteAt, isReply: isReply, message: message, props: props, fileIDs: fileIDs,
            attachments: attachments, id: id, rootID: rootID, originalID: originalID,
            range: range.lowerBound + offset..<range.upperBound + offset)
    }
}

extension PostHeader {
    /// - Parameters:
    ///   - id: another one than the post's own makes it an old revision of it.
    ///   - rootID: for a post that has no id of its root's own.
    init(_ post: ImportedPost, id: String, userID: String, channelID: String, rootID: String) {
        let rootID = post.rootID.isEmpty ? rootID : post.rootID
        let isSuperseded = !post.id.isEmpty && post.id != id && post.originalID.isEmpty
        let originalID = isSuperseded ? post.id : post.originalID
        let said = PostHeader.said(
            [id, channelID, userID, rootID, originalID, post.type], [post.createAt, post.editAt, post.deleteAt],
            post.content)
        self.init(
            id: id, channelID: channelID, userID: userID, rootID: rootID, originalID: originalID, type: post.type,
            createAt: post.createAt, updateAt: post.updateAt, editAt: post.editAt, deleteAt: post.deleteAt,
            range: post.range, said: said, identity: said)
    }
}
