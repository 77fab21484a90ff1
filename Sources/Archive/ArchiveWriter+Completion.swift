internal import GRDB

extension ArchiveWriter {
    /// Gives an archive of the earliest builds the table of the files that its posts name, filled from its documents, all
    /// of it or nothing. A document that cannot be read has no rows there; `check` names it.
    ///
    /// - Throws: `damagedDatabase` where the table is not there and was once.
    static func complete(_ database: DatabaseQueue, path: String) throws(ArchiveError) {
        try Archive.rethrowing(path: path) {
            guard try database.read(ArchiveSchema.lacksAttachments) else { return }
            try database.write { db in
                guard try ArchiveSchema.isOfEarliestBuild(db) else {
                    throw ArchiveError.damagedDatabase(path: path, what: "its table attachment was removed")
                }
                try ArchiveSchema.createAttachments(in: db)
                try fillAttachments(db)
            }
        }
    }

    private static func fillAttachments(_ database: Database) throws {
        let insert = try database.cachedStatement(sql: insertAttachment)
        var versions = IndexTable("version", PostHeader.columns) { try PostHeader($0) }
        var last = Int64.min
        while let row = try DocumentRow.fetch(database, after: last) {
            last = row.sequence
            let starts = Set(
                versions.take(upTo: last, database).filter { $0.document == last }
                    .compactMap { $0.content?.range.lowerBound })
            guard !starts.isEmpty,
                let kind = DocumentRecord(text: row.record).flatMap({ DocumentKind(rawValue: $0.kind) }),
                let body = try? row.body(), let found = DocumentInspection.posts(in: body, kind)
            else { continue }
            for (start, file) in found.attachments where starts.contains(start) {
                try insert.execute(arguments: [last, file.postID, file.channelID, file.fileID, file.size])
            }
        }
    }
}
