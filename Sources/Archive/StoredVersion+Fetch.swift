public import Bytes
internal import GRDB

extension StoredVersion {
    /// Loads versions with the posts they hold.
    ///
    /// - Parameter chosen: a table expression with a column `version`, whose order is kept.
    /// - Throws: `damagedDocument` where a document that holds one of them is not as its record says.
    static func fetch(
        _ database: Database, _ cache: DocumentCache, _ chosen: String, arguments: StatementArguments
    ) throws -> [StoredVersion] {
        let sql = """
            SELECT v.*, CASE WHEN v.original_id <> '' THEN 'revision'
              WHEN EXISTS (SELECT 1 FROM version n WHERE n.post_id = v.post_id AND n.seq > v.seq AND n.said <> v.said)
              THEN 'earlier' WHEN v.delete_at > 0 THEN 'deleted' ELSE 'live' END AS state, \(absence),
              \(MessagePasts.columns)
            FROM \(chosen) CROSS JOIN version v ON v.seq = chosen.version \(MessagePasts.join)
            """
        return try Row.fetchAll(database, sql: sql, arguments: arguments).map { row in
            try StoredVersion(row, database, cache)
        }
    }

    /// The newest row about the absence of the post of a version `v`, as a column: of one that the server once
    /// delivered.
    static let absence = """
        (SELECT max(seq) FROM object WHERE kind = 'absence' AND id = v.post_id AND \(Archive.wasDelivered("v.post_id")))
          AS absence
        """

    /// - Parameter row: of the table `version`, with the state, the absence and the message beside it.
    init(_ row: Row, _ database: Database, _ cache: DocumentCache) throws {
        let (header, json, source) = try StoredVersion.content(row, database, cache)
        let state = PostState(rawValue: try row.decode(forColumn: "state")) ?? .live
        var absence: NoticedAbsence?
        if state == .live, let object = try row.decode(Int64?.self, forColumn: "absence") {
            let sql = "SELECT json, at FROM object WHERE seq = ?"
            absence = try Row.fetchOne(database, sql: sql, arguments: [object]).flatMap { row in
                let noted = Absence(json: try row.decode(forColumn: "json"))
                return try noted.flatMap { NoticedAbsence($0, at: try row.decode(forColumn: "at")) }
            }
        }
        let past = source == nil ? try cache.pasts.past(row, header, database) : nil
        self.init(header: header, state: state, json: json, importName: source, absence: absence, past: past)
    }

    /// - Returns: with the post's JSON, the name of the export that it came in, where it did.
    static func content(
        _ row: Row, _ database: Database, _ cache: DocumentCache
    ) throws -> (header: Header, json: ArraySlice<UInt8>, importName: String?) {
        var header = try Header(row)
        let start: Int = try row.decode(forColumn: "start")
        let length: Int = try row.decode(forColumn: "length")
        let (body, part) = try cache.content(of: header.documentSequence) {
            try DocumentRow.fetch(database, sequence: header.documentSequence)
        }
        guard start >= 0, length >= 0, start <= body.count, length <= body.count - start else {
            throw ArchiveError.damagedDocument(
                sequence: header.documentSequence, what: "post \(header.id) lies outside of it")
        }
        let range = start..<start + length
        header.range = range
        func misplaced() -> ArchiveError {
            .damagedDocument(sequence: header.documentSequence, what: "post \(header.id) is not what the index says")
        }
        guard let part else {
            guard let json = PostEvents.post(at: body[range]) else { throw misplaced() }
            return (header, json, nil)
        }
        guard let told = part.posts[start], told.range == range, header.isTold(by: told) else { throw misplaced() }
        do throws(ArchiveError) { return (header, try part.source.json(body, range), part.source.name) } catch {
            throw misplaced()
        }
    }
}

extension StoredVersion {
    /// The index is believed only where the document says the same.
    ///
    /// - Parameter post: what was read of `json`; nil where that is more than can be read at once.
    /// - Throws: `damagedDocument` where the post is not of whom, where, when and of what type the index says.
    public func requireTold(by post: JSONValue?) throws(ArchiveError) {
        // An export names people and channels, and not their ids: its posts were compared when they were loaded.
        guard importName == nil else { return }
        guard let post = post ?? (try? PostsPage.parse(json)), let told = try? PostHeader(post, hasDigests: false),
            header.isTold(by: told)
        else {
            throw .damagedDocument(
                sequence: header.documentSequence, what: "post \(header.id) is not what the index says")
        }
    }
}

extension StoredVersion.Header {
    /// - Parameter post: of the document, where the row says that this version stands.
    fileprivate func isTold(by post: PostHeader) -> Bool {
        // What had been superseded when it came stands under an id of the archive's own.
        let ids = (id, originalID) == (post.id, post.originalID) || post.originalID.isEmpty && originalID == post.id
        return ids && channelID == post.channelID && userID == post.userID && rootID == post.rootID
            && type == post.type && createAt == post.createAt && updateAt == post.updateAt && editAt == post.editAt
            && deleteAt == post.deleteAt
    }

    init(_ row: Row) throws {
        sequence = try row.decode(forColumn: "seq")
        documentSequence = try row.decode(forColumn: "document")
        id = try row.decode(forColumn: "post_id")
        channelID = try row.decode(forColumn: "channel_id")
        userID = try row.decode(forColumn: "user_id")
        rootID = try row.decode(forColumn: "root_id")
        originalID = try row.decode(forColumn: "original_id")
        type = try row.decode(forColumn: "type")
        createAt = try row.decode(forColumn: "create_at")
        updateAt = try row.decode(forColumn: "update_at")
        editAt = try row.decode(forColumn: "edit_at")
        deleteAt = try row.decode(forColumn: "delete_at")
    }
}
