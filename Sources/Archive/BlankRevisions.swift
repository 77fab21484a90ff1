internal import Bytes
internal import Foundation
internal import GRDB

/// Old revisions that the archive holds twice: as a list showed them, without the message, and in full, as the server tells
/// the author alone. They have one id, and differ in the message and in nothing else. Both rows stay; what reads versions
/// leaves out the blank one.
///
/// The history of a post is a document of its own, so that to find them only these are opened.
enum BlankRevisions {
    /// Blank rows whose message stands in another row.
    ///
    /// - Parameter condition: SQL about the rows `c` of `version` among which to look. What is found has the ids of these.
    /// - Returns: places in the order of arrival.
    static func find(
        _ database: Database, _ cache: DocumentCache, among condition: String, arguments: StatementArguments
    ) throws -> [Int64] {
        let sql = """
            SELECT v.*, instr(d.record, char(10) || 'kind history' || char(10)) > 0 AS is_history
            FROM (
              SELECT DISTINCT c.post_id FROM version c WHERE c.original_id <> '' AND \(condition)
                AND (EXISTS (SELECT 1 FROM version o WHERE o.post_id = c.post_id AND o.seq < c.seq)
                  OR EXISTS (SELECT 1 FROM version o WHERE o.post_id = c.post_id AND o.seq > c.seq))
            ) AS several
            CROSS JOIN version v ON v.post_id = several.post_id JOIN document d ON d.seq = v.document
            ORDER BY several.post_id, v.seq
            """
        var found: [Int64] = []
        var revision = Revision(id: "")
        let rows = try Row.fetchCursor(database, sql: sql, arguments: arguments)
        while let row = try rows.next() {
            let id: String = try row.decode(forColumn: "post_id")
            if id != revision.id {
                found += revision.blanks
                revision = Revision(id: id)
            }
            try revision.add(row, database, cache)
        }
        return found + revision.blanks
    }

    /// The rows of one old revision.
    private struct Revision {
        let id: String
        /// By what they say: the rows.
        private var rows: [[UInt8]: [Int64]] = [:]
        /// What those say that came in a history, but for the message.
        private var shortened: Set<[UInt8]> = []

        init(id: String) { self.id = id }

        var blanks: [Int64] { shortened.flatMap { rows[$0] ?? [] } }

        mutating func add(_ row: Row, _ database: Database, _ cache: DocumentCache) throws {
            let said = Array(try row.decode(Data.self, forColumn: "said"))
            rows[said, default: []].append(try row.decode(forColumn: "seq"))
            guard try row.decode(Bool.self, forColumn: "is_history") else { return }
            let json: ArraySlice<UInt8>
            do { json = try StoredVersion.content(row, database, cache).json } catch ArchiveError.damagedDocument {
                // Whoever reads the row will be told.
                return
            }
            guard let post = try? JSONDocument(Array(json)).root, let digest = PostHeader.saidWithoutMessage(post),
                digest != said
            else { return }
            shortened.insert(digest)
        }
    }

    /// Makes a temporary table of them, `blank_revision`, through a connection that need not be able to change the archive.
    static func note(
        _ database: Database, _ cache: DocumentCache, among condition: String, arguments: StatementArguments
    ) throws {
        try database.execute(sql: "CREATE TEMP TABLE blank_revision (version INTEGER PRIMARY KEY)")
        let insert = try database.makeStatement(sql: "INSERT OR IGNORE INTO blank_revision VALUES (?)")
        for version in try find(database, cache, among: condition, arguments: arguments) {
            try insert.execute(arguments: [version])
        }
    }

    /// SQL that says that a row is none of those that were noted.
    static func excludes(_ sequence: String) -> String {
        "\(sequence) NOT IN (SELECT version FROM temp.blank_revision)"
    }
}
