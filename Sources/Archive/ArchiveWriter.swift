public import Bytes
internal import GRDB

/// The one writer of an archive. It holds the archive's lock for as long as it lives, and everything it does is an
/// addition: a document, what the document says about posts, users and keys, and how far the walk has come, in one
/// transaction.
public actor ArchiveWriter {
    private let database: DatabaseQueue
    private let lock: ArchiveLock
    public nonisolated let directory: AccountDirectory
    private var head: (sequence: Int64, hash: SHA256Digest)

    /// - Throws: `inUse` where another process writes.
    public init(_ directory: AccountDirectory) throws(ArchiveError) {
        self.directory = directory
        guard PrivateFile.exists(directory.archivePath) else { throw .notAnArchive(path: directory.archivePath) }
        lock = try ArchiveLock(path: directory.lockPath)
        database = try Archive.open(directory.archivePath, isReadOnly: false)
        let last = try Archive.rethrowing { [database] in
            try database.read { db in
                try Row.fetchOne(db, sql: "SELECT seq, hash FROM document ORDER BY seq DESC LIMIT 1")
                    .map { (sequence: $0["seq"] as Int64, hash: $0["hash"] as String) }
            }
        }
        guard let last, let hash = Hex.decode(last.hash).flatMap(SHA256Digest.init(bytes:)) else {
            throw .notAnArchive(path: directory.archivePath)
        }
        head = (last.sequence, hash)
    }

    /// Keeps an answer that carries posts, whole, with the versions in it that are new and the walk's new state.
    ///
    /// - Returns: how many versions of posts the archive did not have before.
    @discardableResult
    public func append(
        _ document: ReceivedDocument, page: PostsPage, walk: WalkState?
    ) throws(ArchiveError) -> Int {
        try insert(document, compressed: Gzip.compress(document.body)) { db, sequence in
            var added = 0
            for post in page.posts {
                try db.cachedStatement(sql: ArchiveWriter.insertVersion).execute(arguments: [
                    sequence, post.range.lowerBound, post.range.count, post.id, post.channelID, post.userID,
                    post.rootID, post.originalID, post.type, post.createAt, post.updateAt, post.editAt, post.deleteAt,
                    post.said.databaseBlob, post.identity.databaseBlob,
                ])
                added += db.changesCount
            }
            if let walk, let channelID = document.channelID {
                try db.execute(
                    sql: "INSERT INTO walk (channel_id, document, at, state) VALUES (?, ?, ?, ?)",
                    arguments: [channelID, sequence, document.receivedAt.milliseconds, walk.json])
            }
            return added
        }
    }

    private static let insertVersion = """
        INSERT INTO version (document, start, length, post_id, channel_id, user_id, root_id, original_id, type,
          create_at, update_at, edit_at, delete_at, said, identity)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (post_id, identity) DO NOTHING
        """

    /// Keeps an answer about users, channels or teams: an array of objects with an `id`. Those that are as they were
    /// last seen are not noted again, and an answer without any news is not kept.
    public func append(_ document: ReceivedDocument, objects kind: ObjectKind) throws(ArchiveError) {
        let root: JSONValue
        do { root = try JSONDocument(document.body).root } catch { throw .notAPage(what: error.description) }
        let isList = root.kind == .array
        var news: [(id: String, json: JSONValue)] = []
        for object in isList ? root.elements : [root] {
            guard let id = kind.identifier(of: object) else { throw .notAPage(what: "a \(kind.rawValue) has no id") }
            let text = String(decoding: object.bytes, as: UTF8.self)
            let known = try Archive.rethrowing { [database] in
                try database.read {
                    try String.fetchOne(
                        $0, sql: "SELECT json FROM object WHERE kind = ? AND id = ? ORDER BY seq DESC LIMIT 1",
                        arguments: [kind.rawValue, id])
                }
            }
            if known != text { news.append((id, object)) }
        }
        guard !news.isEmpty else { return }
        try insert(document, compressed: Gzip.compress(document.body)) { db, sequence in
            for (id, object) in news {
                try db.execute(
                    sql:
                        "INSERT INTO object (document, start, length, kind, id, at, json) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    arguments: [
                        sequence, object.range.lowerBound, object.range.count, kind.rawValue, id,
                        document.receivedAt.milliseconds, String(decoding: object.bytes, as: UTF8.self),
                    ])
            }
        }
    }

    /// Keeps a statement about public keys with the sightings in it.
    public func append(_ document: ReceivedDocument, keys: [KeySighting]) throws(ArchiveError) {
        try insert(document, compressed: Gzip.compress(document.body)) { db, sequence in
            for key in keys {
                try db.execute(
                    sql: """
                        INSERT INTO key_sighting (document, user_id, key_id, source, at, encr, sign)
                        VALUES (?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        sequence, key.userID, key.keyID, key.source.rawValue, key.at.milliseconds,
                        key.encryptionPoint.databaseBlob, key.signingPoint.databaseBlob,
                    ])
            }
        }
    }

    /// Notes a new state of the walk that no page came with.
    public func note(_ walk: WalkState, channelID: String, at: Timestamp) throws(ArchiveError) {
        let sequence = head.sequence
        try Archive.rethrowing { [database] in
            try database.write {
                try $0.execute(
                    sql: "INSERT INTO walk (channel_id, document, at, state) VALUES (?, ?, ?, ?)",
                    arguments: [channelID, sequence, at.milliseconds, walk.json])
            }
        }
    }

    private func insert<T>(
        _ document: ReceivedDocument, compressed: [UInt8], _ index: (Database, Int64) throws -> T
    ) throws(ArchiveError) -> T {
        let row = DocumentRow(document, sequence: head.sequence + 1, previous: head.hash, compressed: compressed)
        let result = try Archive.rethrowing { [database] in
            try database.write { db in
                try row.insert(db)
                return try index(db, row.sequence)
            }
        }
        guard let hash = Hex.decode(row.hash).flatMap(SHA256Digest.init(bytes:)) else {
            throw .database(message: "a hash that was just written cannot be read", isFull: false)
        }
        head = (row.sequence, hash)
        return result
    }
}

/// What the archive keeps besides posts and keys, each under the server's own id.
public enum ObjectKind: String, Sendable {
    case user, channel, team
    /// A channel's members: under `channel:user`.
    case member

    /// The id under which the archive keeps `object`; nil where it has none.
    public func identifier(of object: JSONValue) -> String? {
        switch self {
        case .user, .channel, .team:
            object["id"]?.string.flatMap { PostHeader.isIdentifier($0) ? $0 : nil }
        case .member:
            if let channel = object["channel_id"]?.string, let user = object["user_id"]?.string,
                PostHeader.isIdentifier(channel), PostHeader.isIdentifier(user)
            {
                "\(channel):\(user)"
            } else {
                nil
            }
        }
    }
}
