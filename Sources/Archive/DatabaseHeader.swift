internal import GRDB
internal import GRDBSQLite

/// The first 100 bytes of an archive's file (https://www.sqlite.org/fileformat.html, "The Database Header"), held against
/// what this program lets SQLite write there. SQLite itself does not look at all of them when it reads.
struct DatabaseHeader {
    private let bytes: [UInt8]
    private let fileSize: Int
    /// Whether the journal may hold pages that are newer than the file's.
    private let hasJournal: Bool

    private static let length = 100
    /// What stands at these places in every archive: the versions of the format to write and to read by (2: with a
    /// write-ahead log); the format of the schema; the size of the cache, what is to be vacuumed, UTF-8; room for the
    /// future.
    private static let fixed: [(start: Int, bytes: [UInt8])] = [
        (18, [2, 2]), (44, [0, 0, 0, 4]), (48, [UInt8](repeating: 0, count: 8)), (56, [0, 0, 0, 1]),
        (64, [0, 0, 0, 0]), (72, [UInt8](repeating: 0, count: 20)),
    ]

    /// Read through the connection's own handle: to open the file a second time, and close it, would take SQLite's locks
    /// away from the whole process (https://www.sqlite.org/howtocorrupt.html, "Posix advisory locks").
    init(_ database: Database, path: String) throws {
        var file: UnsafeMutablePointer<sqlite3_file>?
        let control = sqlite3_file_control(database.sqliteConnection, "main", SQLITE_FCNTL_FILE_POINTER, &file)
        guard control == SQLITE_OK, let file, let read = file.pointee.pMethods.pointee.xRead else {
            throw DatabaseError(resultCode: .SQLITE_IOERR)
        }
        var bytes = [UInt8](repeating: 0, count: DatabaseHeader.length)
        let code = ResultCode(rawValue: read(file, &bytes, Int32(bytes.count), 0))
        guard code == .SQLITE_OK || code == .SQLITE_IOERR_SHORT_READ else { throw DatabaseError(resultCode: code) }
        self.bytes = bytes
        fileSize = PrivateFile.size(path) ?? 0
        hasJournal = PrivateFile.size("\(path)-wal") ?? 0 > 0
    }

    /// - Throws: `damagedDatabase` where the pages have another size, or other room in them, than this program's.
    func requirePages(path: String) throws(ArchiveError) {
        // Bytes 16 and 17, the size; 20, what is left free in each page; 21 to 23, which SQLite itself demands.
        guard bytes[16..<18].elementsEqual([0x10, 0x00]), bytes[20] == 0 else {
            throw .damagedDatabase(path: path, what: "its pages are not as they were made")
        }
    }

    /// What is not as it must be.
    var problems: [String] {
        var problems: [String] = []
        for (start, expected) in DatabaseHeader.fixed where !bytes[start...].starts(with: expected) {
            problems.append(
                "bytes \(start) to \(start + expected.count - 1) of its header are not as they were written")
        }
        // The counter of changes, and the one for which the version of SQLite was noted: written together.
        if bytes[24..<28] != bytes[92..<96] { problems.append("the two counters of changes in its header differ") }
        let pages = number(28..<32)
        let pageSize = number(16..<18) == 1 ? 65536 : number(16..<18)
        if !hasJournal, fileSize != pages * pageSize {
            problems.append("it has \(fileSize) bytes, and its header says \(pages * pageSize)")
        }
        return problems
    }

    private func number(_ range: Range<Int>) -> Int { bytes[range].reduce(0) { $0 << 8 | Int($1) } }
}
