internal import Bytes
internal import GRDB
internal import Glibc

/// An archive on disk, open for reading. Any number of processes may read while one writes.
public struct Archive: Sendable {
    let database: DatabaseQueue
    public let directory: AccountDirectory

    /// Opens an archive; one of an earlier build first gets what it lacks of the index.
    ///
    /// - Throws: `notAnArchive`, `newerFormat`, `database`; `inUse` where something is to be added to the index and
    ///   another process writes.
    public init(_ directory: AccountDirectory) throws(ArchiveError) {
        self.directory = directory
        let path = directory.archivePath
        let database = try Archive.open(path, .reading)
        self.database = database
        // What was removed is damage; `check` says so, and what is left can be read.
        let missing = try? Archive.rethrowing(path: path) {
            try database.read { try ArchiveSchema.missingTables($0, path: path) }
        }
        if let missing, !missing.isEmpty { _ = try ArchiveWriter(directory) }
    }

    /// Whose archive it is.
    public func account() throws(ArchiveError) -> Account {
        let body = try read { try DocumentRow.fetch($0, sequence: 1) }?.body()
        guard let body, let root = try? JSONDocument(body).root, let account = Account(root) else {
            throw .notAnArchive(path: directory.archivePath)
        }
        return account
    }

    enum Purpose {
        case reading, writing
        /// The file is empty, and becomes an archive.
        case creating
    }

    static func open(_ path: String, _ purpose: Purpose) throws(ArchiveError) -> DatabaseQueue {
        guard PrivateFile.exists(path) else { throw .notAnArchive(path: path) }
        var configuration = Configuration()
        configuration.readonly = purpose == .reading
        configuration.busyMode = .timeout(30)
        configuration.prepareDatabase { db in
            try DatabaseDefense.require(db) { if purpose != .creating { try requireArchive($0, path: path) } }
            // Readers see a whole state while a page is written; FULL makes a commit survive a power cut.
            if purpose != .reading { try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL") }
        }
        let settings = configuration
        return try rethrowing(path: path) { try DatabaseQueue(path: path, configuration: settings) }
    }

    /// Nothing of a file is touched before it is known to be an archive, and one that this program understands.
    private static func requireArchive(_ database: Database, path: String) throws {
        let application = try Int32.fetchOne(database, sql: "PRAGMA application_id")
        guard application == ArchiveSchema.applicationID else { throw ArchiveError.notAnArchive(path: path) }
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard version <= ArchiveSchema.newestVersion else {
            throw ArchiveError.newerFormat(path: path, version: version)
        }
        guard version >= ArchiveSchema.version else { throw ArchiveError.notAnArchive(path: path) }
        try DatabaseHeader(database, path: path).requirePages(path: path)
        try ArchiveSchema.requireOwn(database, path: path)
    }

    func read<T>(_ body: (Database) throws -> T) throws(ArchiveError) -> T {
        try Archive.rethrowing(path: directory.archivePath) { try database.read(body) }
    }

    /// Runs `body` and turns SQLite's errors into ours, so that no other file needs to know them.
    static func rethrowing<T>(path: String = "", _ body: () throws -> T) throws(ArchiveError) -> T {
        do {
            return try body()
        } catch let error as ArchiveError {
            throw error
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            throw .notAnArchive(path: path)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
            throw .damagedDatabase(path: path, what: error.message ?? "\(error.resultCode)")
        } catch let error as DatabaseError {
            throw .database(message: error.message ?? "\(error.resultCode)", isFull: error.resultCode == .SQLITE_FULL)
        } catch is RowDecodingError {
            // Its own description would quote the row.
            throw .damagedDatabase(path: path, what: "a row holds a value of another type than its column")
        } catch {
            throw .database(message: "\(type(of: error))", isFull: false)
        }
    }
}

extension Timestamp {
    public static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
