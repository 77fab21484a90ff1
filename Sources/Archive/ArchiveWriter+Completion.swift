internal import Bytes
internal import GRDB

extension ArchiveWriter {
    /// Gives an archive of an earlier build the tables that it lacks, filled from its documents, all of it or nothing. A
    /// document that cannot be read has no rows there; `check` names it.
    ///
    /// - Throws: `damagedDatabase` where a table is not there and was once.
    static func complete(_ database: DatabaseQueue, path: String) throws(ArchiveError) {
        try Archive.rethrowing(path: path) {
            guard try !database.read({ try ArchiveSchema.missingTables($0, path: path) }).isEmpty else { return }
            try database.write { db in
                let missing = try ArchiveSchema.missingTables(db, path: path)
                for table in missing { try ArchiveSchema.create(table, in: db) }
                try fill(Set(missing), db)
            }
        }
    }

    private static func fill(_ tables: Set<ArchiveSchema.LateTable>, _ database: Database) throws {
        let insertAttachment = try database.makeStatement(sql: insertAttachment)
        let insertCiphertext = try database.makeStatement(sql: insertCiphertext)
        let insertKeyless = try database.makeStatement(sql: insertKeyless)
        var versions = IndexTable("version", PostHeader.columns) { try PostHeader($0) }
        var last = Int64.min
        while let row = try DocumentRow.fetch(database, after: last) {
            last = row.sequence
            let indexed = versions.take(upTo: last, database).filter { $0.document == last }
            guard let record = DocumentRecord(text: row.record), let kind = DocumentKind(rawValue: record.kind),
                kind == .keys || !indexed.isEmpty, let body = try? row.body()
            else { continue }
            if tables.contains(.keyless), kind == .keys, let root = try? JSONDocument(body).root,
                let at = Timestamp(iso8601: record.receivedAt)
            {
                for userID in kind.keyless(in: root) {
                    try insertKeyless.execute(arguments: [last, userID, at.milliseconds])
                }
            }
            guard let found = DocumentInspection.posts(in: body, kind, channelID: record.channelID) else { continue }
            let rows = Dictionary(
                indexed.compactMap { entry in entry.content.map { ($0.range.lowerBound, entry.sequence) } },
                uniquingKeysWith: { first, _ in first })
            if tables.contains(.attachment) {
                for (start, file) in found.attachments where rows[start] != nil {
                    try insertAttachment.execute(
                        arguments: [last, file.postID, file.channelID, file.fileID, file.size])
                }
            }
            guard tables.contains(.ciphertext) else { continue }
            for post in found.posts.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
                guard let number = rows[post.range.lowerBound], let digest = post.ciphertext else { continue }
                try insertCiphertext.execute(arguments: [number, last, post.identityID, digest.databaseBlob])
            }
        }
    }
}
