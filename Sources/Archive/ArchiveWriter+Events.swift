internal import GRDB

extension ArchiveWriter {
    /// Keeps frames of the WebSocket that tell of posts, with the versions in them that are new.
    ///
    /// The order of arrival decides which version of a post is the newest, and a frame may come late: after an answer that
    /// already shows what followed. A late version goes in as an old revision, so that it neither takes back an edit nor
    /// a deletion, and its text is kept. One that is late and says nothing that is not archived is left out.
    ///
    /// - Parameter frames: in the order in which they came.
    /// - Returns: how many versions of posts the archive did not have before.
    /// - Throws: `notAPage` where one of the frames is not such an event; nothing is kept then.
    @discardableResult
    public func append(frames: [[UInt8]], receivedAt: Timestamp) throws(ArchiveError) -> Int {
        guard !frames.isEmpty else { return 0 }
        let posts = try PostEvents(frames: frames).posts
        let places = try Archive.rethrowing(path: directory.archivePath) { [database] in
            try database.read { db in
                var order = VersionOrder(db)
                return try posts.map { try order.place(of: $0) }
            }
        }
        func chosen(_ place: VersionOrder.Place) -> [[UInt8]] {
            frames.indices.filter { places[$0] == place }.map { frames[$0] }
        }
        // First what no later answer can bring back.
        return try append(chosen(.late), .lateEvents, receivedAt) + append(chosen(.newest), .events, receivedAt)
    }

    private func append(
        _ frames: [[UInt8]], _ kind: DocumentKind, _ receivedAt: Timestamp
    ) throws(ArchiveError) -> Int {
        guard !frames.isEmpty else { return 0 }
        let events = try PostEvents(frames: frames)
        let document = ReceivedDocument(
            kind: kind, request: PostEvents.request, channelID: nil, receivedAt: receivedAt, body: events.body)
        let isLate = kind == .lateEvents
        let posts = isLate ? events.posts.map(\.asOldRevision) : events.posts
        let added = try insert(document, walk: nil) { db, sequence in
            try ArchiveWriter.insert(posts, isLate ? [] : events.attachments, db, document: sequence)
        }
        lastEvents = end
        return added
    }
}

extension PostEvents {
    static let request = "GET /api/v4/websocket"
}

/// Where versions of posts stand among those that the archive holds.
struct VersionOrder {
    enum Place: Sendable {
        case newest, late
        /// Late, and known.
        case nowhere
    }

    private let database: Database
    private var newest: [String: Newest] = [:]

    private struct Newest {
        let updateAt: Int64
        let editAt: Int64
        let isDeleted: Bool

        init(_ post: PostHeader) {
            updateAt = post.updateAt
            editAt = post.editAt
            isDeleted = post.deleteAt > 0
        }
    }

    init(_ database: Database) { self.database = database }

    /// The versions that say the same of the post, old revisions among them: whether each is the very version.
    func known(_ post: PostHeader) throws -> [Bool] {
        let known = try database.cachedStatement(
            sql:
                "SELECT post_id = ?1 AND identity = ?2 FROM version WHERE post_id IN (?1, ?4) AND (said = ?3 OR identity = ?2)"
        )
        let values: StatementArguments = [
            post.id, post.identity.databaseBlob, post.said.databaseBlob, post.asOldRevision.id,
        ]
        return try Bool.fetchAll(known, arguments: values)
    }

    mutating func place(of post: PostHeader) throws -> Place {
        let known = try known(post)
        // The very version: to keep it once more adds nothing, and takes nothing back.
        if known.contains(true) { return .newest }
        if let last = try newest[post.id] ?? fetch(post.id),
            last.isDeleted || (post.updateAt, post.editAt) < (last.updateAt, last.editAt)
        {
            return known.isEmpty ? .late : .nowhere
        }
        newest[post.id] = Newest(post)
        return .newest
    }

    private func fetch(_ id: String) throws -> Newest? {
        let statement = try database.cachedStatement(
            sql: "SELECT \(PostHeader.columns) FROM version WHERE post_id = ? ORDER BY seq DESC LIMIT 1")
        return try Row.fetchOne(statement, arguments: [id]).flatMap { try PostHeader($0) }.map(Newest.init)
    }
}
