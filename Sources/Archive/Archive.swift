internal import Bytes
internal import GRDB
internal import Glibc

/// An archive on disk, open for reading. Any number of processes may read while one writes.
public struct Archive: Sendable {
    let database: DatabaseQueue
    public let directory: AccountDirectory

    /// - Throws: `notAnArchive`, `newerFormat`, `database`.
    public init(_ directory: AccountDirectory) throws(ArchiveError) {
        self.directory = directory
        database = try Archive.open(directory.archivePath, isReadOnly: true)
    }

    /// Whose archive it is.
    public func account() throws(ArchiveError) -> Account {
        let body = try read { try DocumentRow.fetch($0, sequence: 1) }?.body()
        guard let body, let root = try? JSONDocument(body).root, let server = root["server"]?.string,
            let userID = root["user_id"]?.string, let username = root["username"]?.string
        else { throw .notAnArchive(path: directory.archivePath) }
        return Account(server: server, userID: userID, username: username)
    }

    static func account(in directory: AccountDirectory) throws(ArchiveError) -> Account? {
        try Archive(directory).account()
    }

    /// Makes an empty archive with its first document. An archive that a kill left half made is made again.
    static func create(in directory: AccountDirectory, for account: Account) throws(ArchiveError) {
        let path = directory.archivePath
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .file(path: path, operation: "create", errno: errno) }
        close(descriptor)
        let lock = try ArchiveLock(path: directory.lockPath)
        defer { withExtendedLifetime(lock) {} }
        var json = JSONWriter()
        json.object {
            $0.string("server", account.server)
            $0.string("user_id", account.userID)
            $0.string("username", account.username)
        }
        let document = ReceivedDocument(
            kind: .account, request: "-", channelID: nil, receivedAt: .now, body: json.bytes)
        let row = try DocumentRow(
            document, sequence: 1, previous: DocumentRecord.none, compressed: Gzip.compress(document.body))
        let database = try open(path, isReadOnly: false)
        try rethrowing {
            try database.write { db in
                guard try Int.fetchOne(db, sql: "PRAGMA user_version") == 0 else { return }
                try ArchiveSchema.create(in: db)
                try row.insert(db)
            }
        }
        PrivateFile.synchronizeDirectory(directory.path)
    }

    static func open(_ path: String, isReadOnly: Bool) throws(ArchiveError) -> DatabaseQueue {
        guard PrivateFile.exists(path) else { throw .notAnArchive(path: path) }
        var configuration = Configuration()
        configuration.readonly = isReadOnly
        configuration.busyMode = .timeout(30)
        configuration.prepareDatabase { db in
            // Readers see a whole state while a page is written; FULL makes a commit survive a power cut.
            if !isReadOnly { try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL") }
        }
        let settings = configuration
        let database = try rethrowing(path: path) { try DatabaseQueue(path: path, configuration: settings) }
        let (application, version) = try rethrowing(path: path) {
            try database.read { db in
                (
                    try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0,
                    try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
                )
            }
        }
        guard version <= ArchiveSchema.version else { throw .newerFormat(path: path, version: version) }
        let isNew = version == 0 && !isReadOnly
        guard isNew || application == ArchiveSchema.applicationID else { throw .notAnArchive(path: path) }
        return database
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
        } catch let error as DatabaseError {
            throw .database(message: error.message ?? "\(error.resultCode)", isFull: error.resultCode == .SQLITE_FULL)
        } catch {
            throw .database(message: "\(error)", isFull: false)
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
