internal import CSQLite
internal import GRDB

/// What stands between a file that a stranger may have had in hand and the first question to it. A database is a program as
/// much as data: views and triggers run, and a schema may be made to take for ever (https://www.sqlite.org/security.html).
enum DatabaseDefense {
    /// What no statement and no schema of ours comes near.
    private static let limits: [(id: Int32, most: Int32)] = [
        (SQLITE_LIMIT_ATTACHED, 0), (SQLITE_LIMIT_SQL_LENGTH, 1_000_000), (SQLITE_LIMIT_COLUMN, 100),
        (SQLITE_LIMIT_EXPR_DEPTH, 100), (SQLITE_LIMIT_TRIGGER_DEPTH, 1), (SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
        (SQLITE_LIMIT_WORKER_THREADS, 0),
    ]
    /// Bytes that a value may have: a body in a document is the largest.
    private static let longest: Int32 = 1 << 30
    /// Bytes that a statement in the schema may have.
    private static let longestInSchema: Int32 = 1 << 16
    /// Thousands of steps of SQLite's own machine; to look at the schema takes less than one.
    private static let patience = 1000

    /// Lets nothing in the file run, and then looks at what it is.
    ///
    /// - Parameter isOurs: throws where it is not an archive of this program's making. It may take some million steps of
    ///   SQLite's own machine.
    static func require(_ database: Database, isOurs: (Database) throws -> Void) throws {
        let connection = database.sqliteConnection
        guard sqlite3_distrust(connection) == SQLITE_OK else { throw DatabaseError(resultCode: .SQLITE_MISUSE) }
        for (id, most) in limits { sqlite3_limit(connection, id, most) }
        sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, longestInSchema)
        try database.execute(sql: "PRAGMA cell_size_check = ON")
        var left = patience
        try withUnsafeMutablePointer(to: &left) { left in
            sqlite3_progress_handler(
                connection, 1000,
                { context in
                    guard let left = context?.assumingMemoryBound(to: Int.self) else { return 1 }
                    left.pointee -= 1
                    return left.pointee < 0 ? 1 : 0
                }, left)
            defer { sqlite3_progress_handler(connection, 0, nil, nil) }
            do { try isOurs(database) } catch let error as DatabaseError {
                guard [.SQLITE_TOOBIG, .SQLITE_INTERRUPT].contains(error.resultCode) else { throw error }
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "its schema is larger than any archive's")
            }
        }
        sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, longest)
    }
}
