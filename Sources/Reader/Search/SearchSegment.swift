internal import GRDB
internal import GRDBSQLite

/// A part of the search index: an FTS5 table over versions of posts, in memory and nowhere else. Texts are not in it, only
/// the words they are made of; what a search finds is read from the archive again.
///
/// Rows are numbered in the order of the posts' times, so that the newest come first without sorting.
final class SearchSegment: Sendable {
    /// What is indexed of one version of a post.
    struct Entry: Sendable {
        let createAt: Int64
        /// A revision stands with the post that it is one of.
        let postID: String
        /// The version's place in the archive's order of arrival.
        let version: Int64
        let text: String
        let tags: String
        let files: String
        /// Words that filters look for: see `SearchFacts`.
        let facts: String
    }

    struct Match: Equatable, Sendable {
        let place: Int64
        let version: Int64
        let createAt: Int64
        /// bm25, the lower the better; 0 where nothing was ranked.
        var score = 0.0
    }

    /// What it belongs to. A segment under another label is none of ours, whatever it holds.
    struct Label: Equatable, Sendable {
        /// The hash of the archive's first document.
        let vault: String
        /// The hash of the archive's last document when the segment was made.
        let head: String
        let generation: Int
        /// The segment's own name.
        let name: String
    }

    private let database: DatabaseQueue

    private static let schema = """
        CREATE TABLE label (vault TEXT, head TEXT, generation INTEGER, name TEXT) STRICT;
        CREATE TABLE post (
          place INTEGER PRIMARY KEY, version INTEGER NOT NULL, create_at INTEGER NOT NULL
        ) STRICT;
        CREATE VIRTUAL TABLE word USING fts5 (
          text, tags, files, facts, content='', tokenize = "\(SearchText.tokenizer)"
        );
        """

    /// - Parameter entries: in any order.
    init(_ entries: [Entry], _ label: Label) throws {
        database = try SearchSegment.open()
        let ordered = entries.sorted {
            ($0.createAt, $0.postID, $0.version) < ($1.createAt, $1.postID, $1.version)
        }
        try database.write { db in
            try db.execute(sql: SearchSegment.schema)
            try db.execute(
                sql: "INSERT INTO label VALUES (?, ?, ?, ?)",
                arguments: [label.vault, label.head, label.generation, label.name])
            let post = try db.makeStatement(sql: "INSERT INTO post VALUES (?, ?, ?)")
            let word = try db.makeStatement(
                sql: "INSERT INTO word (rowid, text, tags, files, facts) VALUES (?, ?, ?, ?, ?)")
            for (place, entry) in zip(1..., ordered) {
                try post.execute(arguments: [place, entry.version, entry.createAt])
                try word.execute(arguments: [place, entry.text, entry.tags, entry.files, entry.facts])
            }
            try db.execute(sql: "CREATE INDEX post_by_time ON post (create_at)")
            try db.execute(sql: "INSERT INTO word (word) VALUES ('optimize')")
        }
    }

    /// - Parameters:
    ///   - count: the size of the serialised database in bytes.
    ///   - fill: writes it.
    init(count: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
        database = try SearchSegment.open()
        guard count > 0, let pointer = sqlite3_malloc64(UInt64(count)) else {
            throw DatabaseError(resultCode: .SQLITE_NOMEM)
        }
        do { try fill(UnsafeMutableRawBufferPointer(start: pointer, count: count)) } catch {
            sqlite3_free(pointer)
            throw error
        }
        try database.inDatabase { db in
            // SQLite frees the memory, on failure as well (sqlite3_deserialize).
            let code = sqlite3_deserialize(
                db.sqliteConnection, "main", pointer.assumingMemoryBound(to: UInt8.self), Int64(count), Int64(count),
                UInt32(SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY))
            guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
            db.clearSchemaCache()
        }
    }

    private static func open() throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.prepareDatabase { db in
            // In memory means all of it: by itself SQLite sorts in temporary files (PRAGMA temp_store).
            try db.execute(sql: "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
        }
        return try DatabaseQueue(configuration: configuration)
    }

    /// Hands over the database as SQLite would write it to a file.
    func serialised<R>(_ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        try database.inDatabase { db in
            var count: Int64 = 0
            guard let pointer = sqlite3_serialize(db.sqliteConnection, "main", &count, 0) else {
                throw DatabaseError(resultCode: .SQLITE_NOMEM)
            }
            defer { sqlite3_free(pointer) }
            return try body(UnsafeRawBufferPointer(start: pointer, count: Int(count)))
        }
    }

    func label() throws -> Label? {
        try database.read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM label").map {
                Label(
                    vault: try $0.decode(forColumn: "vault"), head: try $0.decode(forColumn: "head"),
                    generation: try $0.decode(forColumn: "generation"), name: try $0.decode(forColumn: "name"))
            }
        }
    }

    /// The versions that it holds, as places in the archive's order of arrival.
    func versions() throws -> [Int64] { try database.read { try Int64.fetchAll($0, sql: "SELECT version FROM post") } }

    /// - Parameters:
    ///   - expression: FTS5's; made by `SearchExpression`.
    ///   - place: only matches before it: older ones.
    /// - Returns: the newest ones first.
    func matches(_ expression: SearchExpression, before place: Int64 = .max, limit: Int) throws -> [Match] {
        let sql = """
            SELECT post.place, post.version, post.create_at FROM word CROSS JOIN post ON post.place = word.rowid
            WHERE word MATCH ? AND word.rowid < ? AND \(SearchSegment.isInTime(expression))
            ORDER BY word.rowid DESC LIMIT ?
            """
        return try database.read { db in
            try Row.fetchAll(db, sql: sql, arguments: [expression.match, place, limit]).map {
                Match(place: $0[0], version: $0[1], createAt: $0[2])
            }
        }
    }

    /// The best of the newest matches, the best first.
    ///
    /// - Parameter candidates: how many of the newest are ranked. To rank all that hold a common word takes seconds.
    /// - Returns: the best, and how many were ranked.
    func best(
        _ expression: SearchExpression, candidates: Int, limit: Int
    ) throws -> (matches: [Match], ranked: Int) {
        let isMatch = "word MATCH ? AND \(SearchSegment.isInTime(expression))"
        return try database.read { db in
            let places = try Int64.fetchAll(
                db, sql: "SELECT rowid FROM word WHERE \(isMatch) ORDER BY rowid DESC LIMIT ?",
                arguments: [expression.match, candidates])
            guard let oldest = places.last else { return ([], 0) }
            let sql = """
                SELECT post.place, post.version, post.create_at, bm25(word, 1, 1, 1, 0) AS score
                FROM word CROSS JOIN post ON post.place = word.rowid
                WHERE \(isMatch) AND word.rowid >= ? ORDER BY score, post.place DESC LIMIT ?
                """
            let rows = try Row.fetchAll(db, sql: sql, arguments: [expression.match, oldest, limit])
            return (rows.map { Match(place: $0[0], version: $0[1], createAt: $0[2], score: $0[3]) }, places.count)
        }
    }

    /// The part of a condition that keeps to the query's times, as places: numbers only.
    private static func isInTime(_ expression: SearchExpression) -> String {
        func first(_ time: Int64) -> String {
            "coalesce((SELECT min(place) FROM post WHERE create_at >= \(time)), \(Int64.max))"
        }
        let range = expression.createAt
        var parts: [String] = []
        if range.lowerBound > .min { parts.append("word.rowid >= \(first(range.lowerBound))") }
        if range.upperBound < .max { parts.append("word.rowid < \(first(range.upperBound))") }
        for range in expression.notCreateAt {
            parts.append(
                "(word.rowid < \(first(range.lowerBound)) OR word.rowid >= \(first(range.upperBound)))")
        }
        return parts.isEmpty ? "1" : parts.joined(separator: " AND ")
    }
}
