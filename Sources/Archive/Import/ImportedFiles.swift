internal import Bytes
internal import Foundation
internal import GRDB

/// The files of an export: their contents go into the store as they come past, and what is known of them into the archive
/// when the import ends. Their posts may stand before them in the zip or behind them, so that until then nothing but ids,
/// names and hashes is kept, in a temporary table of SQLite.
struct ImportedFiles {
    /// Files that posts name and the archive did not hold.
    private(set) var count = 0
    /// Their bytes.
    private(set) var bytes: Int64 = 0
    private let database: Database
    private let store: FileStore
    private let survey: ImportFile.Survey
    /// The last row of the index of files that was there before the import.
    private let before: Int64
    private var current: (part: PartialFile, id: String, name: String)?

    /// What the file that is coming is called meanwhile; no server gives this id.
    private static let partID = String(repeating: "0", count: 26)
    private static let batch = 500

    init(_ database: Database, _ directory: AccountDirectory, _ survey: ImportFile.Survey) throws(ArchiveError) {
        self.database = database
        self.survey = survey
        store = FileStore(directory)
        before = try Archive.rethrowing {
            try database.execute(
                sql: """
                    CREATE TEMP TABLE IF NOT EXISTS taken (id TEXT PRIMARY KEY, name TEXT, sha256 BLOB, size INTEGER);
                    DELETE FROM taken
                    """)
            return try Int64.fetchOne(database, sql: "SELECT max(seq) FROM attachment") ?? 0
        }
    }

    /// - Parameters:
    ///   - path: the file's, in the zip. Nothing is ever written under it.
    ///   - isBehindPosts: whether all posts have come; then a file that none of them names is left out.
    mutating func begin(_ path: String, isBehindPosts: Bool) throws(ArchiveError) {
        guard let id = ImportedFiles.id(ofPath: path, survey.format, zip: survey.sha256) else { return }
        if isBehindPosts {
            let database = database
            let isNamed = try Archive.rethrowing {
                try Int.fetchOne(database, sql: "SELECT 1 FROM attachment WHERE file_id = ?", arguments: [id]) != nil
            }
            guard isNamed else { return }
        }
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        current = (try PartialFile(store, fileID: ImportedFiles.partID), id, name)
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
        if let current { try current.part.append(Array(bytes)) }
    }

    mutating func end() throws(ArchiveError) {
        guard let (part, id, name) = current else { return }
        current = nil
        let content = try part.finish()
        let database = database
        // A hold may have a file in several folders, where its post was held more than once: the first counts.
        try Archive.rethrowing {
            try database.execute(
                sql: "INSERT OR IGNORE INTO taken VALUES (?, ?, ?, ?)",
                arguments: [id, name, Data(content.sha256.bytes), content.size])
        }
    }

    /// Hands over, some at a time, what became of the files: those taken that posts name and the archive does not hold, and
    /// those that posts of this export name and it does not have.
    mutating func finish(_ consume: ([FileRecord]) throws(ArchiveError) -> Void) throws(ArchiveError) {
        let named = """
            SELECT a.file_id, a.post_id, a.channel_id, t.name, t.sha256, t.size,
              (SELECT json FROM object WHERE kind = 'file' AND id = a.file_id ORDER BY seq DESC LIMIT 1) AS known
            FROM attachment a LEFT JOIN taken t ON t.id = a.file_id
            WHERE a.file_id > ?1 AND (t.id IS NOT NULL OR a.seq > ?2 AND a.file_id LIKE 'import-%')
              AND NOT EXISTS (SELECT 1 FROM attachment b WHERE b.file_id = a.file_id AND b.seq < a.seq)
            ORDER BY a.file_id LIMIT \(ImportedFiles.batch)
            """
        var last = ""
        while true {
            let (database, before) = (database, before)
            let after = last
            let rows = try Archive.rethrowing {
                try Row.fetchAll(database, sql: named, arguments: [after, before]).map { row in
                    (
                        id: try row.decode(String.self, forColumn: "file_id"),
                        record: try ImportedFiles.record(row)
                    )
                }
            }
            guard let end = rows.last?.id else { return }
            last = end
            let records = rows.compactMap(\.record)
            for content in records.compactMap(\.content) {
                count += 1
                bytes += content.size
            }
            if !records.isEmpty { try consume(records) }
        }
    }

    /// nil where the archive holds the file: what the server gave counts for more than an export.
    private static func record(_ row: Row) throws -> FileRecord? {
        let known = try row.decode(String?.self, forColumn: "known").flatMap(FileRecord.init(json:))
        guard known?.content == nil else { return nil }
        let digest = try row.decode(Data?.self, forColumn: "sha256").flatMap { SHA256Digest(bytes: Array($0)) }
        let outcome: FileRecord.Outcome
        if let digest {
            outcome = .held(FileContent(sha256: digest, size: try row.decode(forColumn: "size")))
        } else {
            outcome = .missing(FileRecord.Absence(.notInExport))
        }
        return FileRecord(
            fileID: try row.decode(forColumn: "file_id"), postID: try row.decode(forColumn: "post_id"),
            channelID: try row.decode(forColumn: "channel_id"), outcome: outcome,
            name: try row.decode(String?.self, forColumn: "name"))
    }

    /// The id of a file by its path: the server's in a legal hold (`…/CHANNELID/files/FOLDER/FILEID/NAME`), one of its own in
    /// a bulk export, whose posts name the same path. nil where it is no post's file.
    static func id(ofPath path: String, _ format: ImportFormat, zip: String) -> String? {
        switch format {
        case .bulk:
            let parts = path.split(separator: "/").filter { $0 != "." }
            let rest = parts.first == "data" ? parts.dropFirst() : parts[...]
            return rest.isEmpty ? nil : ImportID.make("file", zip, rest.joined(separator: "/"))
        case .legalHold:
            let parts = path.split(separator: "/").map(String.init)
            guard parts.count >= 5, parts[parts.count - 4] == "files",
                PostHeader.isIdentifier(parts[parts.count - 5]), PostHeader.isIdentifier(parts[parts.count - 2])
            else { return nil }
            return parts[parts.count - 2]
        }
    }
}
