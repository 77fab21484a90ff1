public import Bytes
internal import GRDB

/// The one writer of an archive. It holds the archive's lock for as long as it lives, and everything it does is an
/// addition: a document, what the document says about posts, users and keys, and how far the walk has come, in one
/// transaction.
public actor ArchiveWriter {
    let database: DatabaseQueue
    private let lock: ArchiveLock
    public nonisolated let directory: AccountDirectory
    private var head: ChainHead
    private var mark: CheckedMark
    /// The last document with events that this writer has added.
    var lastEvents: Int64 = 0

    /// An archive of an earlier build gets what it lacks of the index.
    ///
    /// - Throws: `inUse` where another process writes; `damagedDocument` where the chain's end cannot be added to.
    public init(_ directory: AccountDirectory) throws(ArchiveError) {
        let path = directory.archivePath
        self.directory = directory
        guard PrivateFile.exists(path) else { throw .notAnArchive(path: path) }
        lock = try ArchiveLock(path: directory.lockPath)
        mark = CheckedMark(ofArchive: path)
        database = try Archive.open(path, .writing)
        try ArchiveWriter.complete(database, path: path)
        mark.renew()
        head = try Archive.rethrowing(path: path) { [database] in
            let sql = "SELECT seq, record, hash FROM document ORDER BY seq DESC LIMIT 1"
            guard let last = try database.read({ try Row.fetchOne($0, sql: sql) }) else {
                throw ArchiveError.notAnArchive(path: path)
            }
            let sequence = try last.decode(Int64.self, forColumn: "seq")
            let hash = SHA256Digest(of: Array(try last.decode(String.self, forColumn: "record").utf8))
            guard try last.decode(String.self, forColumn: "hash") == hash.description else {
                throw ArchiveError.damagedDocument(
                    sequence: sequence, what: "its record does not have the SHA-256 noted beside it")
            }
            return (sequence, hash)
        }
    }

    /// The number of the last document. An answer that is asked for later is not older than what it says.
    public var end: Int64 { head.sequence }

    /// Keeps an answer that carries posts, whole, with the versions in it that are new and the walk's new state.
    ///
    /// - Returns: how many versions of posts the archive did not have before.
    @discardableResult
    public func append(
        _ document: ReceivedDocument, page: PostsPage, walk: WalkState?
    ) throws(ArchiveError) -> Int {
        // A walk is a channel's; without one there is nothing to note it under.
        let walk = document.channelID == nil ? nil : walk
        return try insert(document, walk: walk) { db, sequence in
            try ArchiveWriter.insert(page.posts, page.attachments, db, document: sequence)
        }
    }

    /// - Returns: how many of the versions are new.
    static func insert(
        _ posts: [PostHeader], _ attachments: [PlacedAttachment], _ database: Database,
        document: Int64
    ) throws -> Int {
        let statement = try database.cachedStatement(sql: insertVersion)
        let attachment = try database.cachedStatement(sql: insertAttachment)
        let message = try database.cachedStatement(sql: insertCiphertext)
        var attachments = attachments[...]
        var added = 0
        for post in posts {
            try statement.execute(arguments: [
                document, post.range.lowerBound, post.range.count, post.id, post.channelID, post.userID,
                post.rootID, post.originalID, post.type, post.createAt, post.updateAt, post.editAt, post.deleteAt,
                post.said.databaseBlob, post.identity.databaseBlob,
            ])
            let isNew = database.changesCount > 0
            if isNew { added += 1 }
            if isNew, let ciphertext = post.ciphertext {
                try message.execute(arguments: [
                    database.lastInsertedRowID, document, post.identityID, ciphertext.databaseBlob,
                ])
            }
            while let (start, row) = attachments.first, start == post.range.lowerBound {
                attachments.removeFirst()
                guard isNew else { continue }
                try attachment.execute(arguments: [document, row.postID, row.channelID, row.fileID, row.size])
            }
        }
        return added
    }

    private static let insertVersion = """
        INSERT INTO version (document, start, length, post_id, channel_id, user_id, root_id, original_id, type,
          create_at, update_at, edit_at, delete_at, said, identity)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (post_id, identity) DO NOTHING
        """

    static let insertAttachment = """
        INSERT INTO attachment (document, post_id, channel_id, file_id, size) VALUES (?, ?, ?, ?, ?)
        """
    /// A row has the number of its version's.
    static let insertCiphertext = "INSERT INTO ciphertext (seq, document, post_id, digest) VALUES (?, ?, ?, ?)"
    static let insertKeyless = "INSERT INTO keyless (document, user_id, at) VALUES (?, ?, ?)"

    /// Keeps an answer about users, channels or teams: an array of objects with an `id`. Those that are as they were
    /// last seen are not noted again, and an answer without any news is not kept.
    public func append(_ document: ReceivedDocument, objects kind: ObjectKind) throws(ArchiveError) {
        let root: JSONValue
        do { root = try JSONDocument(document.body).root } catch { throw .notAPage(what: error.description) }
        var objects: [(id: String, json: JSONValue)] = []
        for object in document.kind.objects(in: root) {
            guard let id = kind.identifier(of: object) else { throw .notAPage(what: "a \(kind.rawValue) has no id") }
            objects.append((id, object))
        }
        let found = objects
        let news = try Archive.rethrowing(path: directory.archivePath) { [database] in
            try database.read { db in
                let statement = try db.cachedStatement(
                    sql: "SELECT json FROM object WHERE kind = ? AND id = ? ORDER BY seq DESC LIMIT 1")
                var last: [String: [UInt8]] = [:]
                return try found.filter { id, json in
                    let stored = try String.fetchOne(statement, arguments: [kind.rawValue, id])
                    // Byte by byte: two spellings of a name that look the same are not the same answer.
                    let known = last[id] ?? stored.map { Array($0.utf8) }
                    last[id] = Array(json.bytes)
                    return known != Array(json.bytes)
                }
            }
        }
        guard !news.isEmpty else { return }
        let at = document.receivedAt.milliseconds
        try insert(document, walk: nil) { db, sequence in
            try ArchiveWriter.insert(news.map { (kind, $0.id, $0.json) }, sequence, at, db)
        }
    }

    static func insert(
        _ objects: [(kind: ObjectKind, id: String, json: JSONValue)], _ document: Int64, _ at: Int64, _ db: Database
    ) throws {
        let statement = try db.cachedStatement(
            sql: "INSERT INTO object (document, start, length, kind, id, at, json) VALUES (?, ?, ?, ?, ?, ?, ?)")
        for (kind, id, object) in objects {
            try statement.execute(arguments: [
                document, object.range.lowerBound, object.range.count, kind.rawValue, id, at,
                String(decoding: object.bytes, as: UTF8.self),
            ])
        }
    }

    /// Keeps a statement about public keys with the sightings in it: those that `KeySighting.all` finds in its body, and
    /// the users of whom it says that they have none. They were seen when the document came.
    public func append(_ document: ReceivedDocument, keys: [KeySighting]) throws(ArchiveError) {
        let at = document.receivedAt.milliseconds
        let keyless: [String]
        do { keyless = document.kind.keyless(in: try JSONDocument(document.body).root) } catch {
            throw .notAPage(what: error.description)
        }
        try insert(document, walk: nil) { db, sequence in
            let none = try db.cachedStatement(sql: ArchiveWriter.insertKeyless)
            for userID in keyless { try none.execute(arguments: [sequence, userID, at]) }
            let statement = try db.cachedStatement(
                sql: """
                    INSERT INTO key_sighting (document, user_id, key_id, source, at, encr, sign)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """)
            for key in keys {
                try statement.execute(arguments: [
                    sequence, key.userID, key.keyID, key.source.rawValue, at, key.encryptionPoint.databaseBlob,
                    key.signingPoint.databaseBlob,
                ])
            }
        }
    }

    /// Notes a new state of the walk that no page came with, as a document without a body.
    public func note(_ walk: WalkState, channelID: String, at: Timestamp) throws(ArchiveError) {
        let document = ReceivedDocument(kind: .walk, request: "-", channelID: channelID, receivedAt: at, body: [])
        try insert(document, walk: walk) { _, _ in }
    }

    /// Adds several documents, or none of them.
    ///
    /// - Parameter body: gets the chain's end, and gives the new one.
    func transaction<T>(
        _ body: (Database, ChainHead) throws(ArchiveError) -> (T, ChainHead)
    ) throws(ArchiveError) -> T {
        let (result, end) = try write { [head] in try body($0, head) }
        head = end
        return result
    }

    func insert<T>(
        _ document: ReceivedDocument, walk: WalkState?, _ index: (Database, Int64) throws -> T
    ) throws(ArchiveError) -> T {
        let row = try DocumentRow(document, walk: walk, sequence: head.sequence + 1, previous: head.hash)
        let result = try write { db in
            try row.insert(db)
            try ArchiveSchema.admit(document.kind, document.body, to: db)
            if let walk, let channelID = document.channelID {
                try db.execute(
                    sql: "INSERT INTO walk (channel_id, document, at, state) VALUES (?, ?, ?, ?)",
                    arguments: [channelID, row.sequence, document.receivedAt.milliseconds, walk.json])
            }
            return try index(db, row.sequence)
        }
        head = (row.sequence, SHA256Digest(of: Array(row.record.utf8)))
        return result
    }

    /// One transaction.
    private func write<T>(_ body: (Database) throws -> T) throws(ArchiveError) -> T {
        mark.expect()
        defer { mark.renew() }
        return try Archive.rethrowing(path: directory.archivePath) { [database] in try database.write(body) }
    }

    deinit {
        // The last connection takes the journal into the file.
        mark.expect()
        try? database.close()
        mark.renew()
    }
}

/// The last document of a chain: its number, and the hash of its record.
typealias ChainHead = (sequence: Int64, hash: SHA256Digest)

/// What the archive keeps besides posts and keys, each under the server's own id.
public enum ObjectKind: String, Sendable {
    case user, channel, team
    /// A custom emoji.
    case emoji
    /// A channel's members: under `channel:user`.
    case member
    /// That a user's key is another one, as an event says: under the user's id.
    case keyEvent = "key-event"
    /// Which version the server has: under `server`.
    case server
    /// A draft of the account's own: under `channel:user:root`, where the root of a draft that is no reply is empty.
    case draft
    /// What the server no longer shows: under the id of the post, channel, member or draft.
    case absence
    /// What became of a file: under the file's id.
    case file
    /// That the server was asked what a post said before: under the post's id.
    case history
    /// A decision of the owner's about a key: under `user:subject`.
    case trust
    /// One in a colleague's list: under `user:subject:colleague`.
    case listedTrust = "trust-list"
    /// Which post with a ciphertext is the original, as the owner says: under the ciphertext's digest.
    case original

    /// The id under which the archive keeps `object`; nil where it has none.
    public func identifier(of object: JSONValue) -> String? {
        switch self {
        case .user, .channel, .team, .emoji, .history:
            object["id"]?.string.flatMap { PostHeader.isIdentifier($0) ? $0 : nil }
        case .absence:
            object["id"]?.string.flatMap { id in
                let parts = id.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
                return parts.allSatisfy(PostHeader.isIdentifier) || Draft.isIdentifier(id) ? id : nil
            }
        case .draft:
            Draft(object)?.id
        case .keyEvent:
            KeyEvent.read(object)?.userID
        case .server:
            ServerRecord(object).map { _ in ServerRecord.id }
        case .file:
            FileRecord(object)?.fileID
        case .trust:
            TrustDecision(object).flatMap { $0.colleague == nil ? $0.id : nil }
        case .original:
            OriginalPost(object)?.ciphertext
        case .listedTrust:
            TrustDecision(object).flatMap { $0.colleague == nil ? nil : $0.id }
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
