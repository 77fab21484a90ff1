internal import Bytes
internal import GRDB

/// A document with its record, for whoever has to show where something comes from.
public struct SourceDocument: Sendable {
    public let record: DocumentRecord
    /// As it came, byte for byte, checked against the record.
    public let body: [UInt8]
}

extension Archive {
    /// The number of documents and the hash that vouches for all of them.
    public func head() throws(ArchiveError) -> (documents: Int64, hash: String) {
        try read(Archive.head)
    }

    static func head(_ database: Database) throws -> (documents: Int64, hash: String) {
        try Row.fetchOne(database, sql: "SELECT seq, hash FROM document ORDER BY seq DESC LIMIT 1")
            .map { (try $0.decode(forColumn: "seq"), try $0.decode(forColumn: "hash")) } ?? (0, "")
    }

    /// The hash of one document's record; nil where there is none of that number.
    public func hash(ofDocument sequence: Int64) throws(ArchiveError) -> String? {
        try read { try String.fetchOne($0, sql: "SELECT hash FROM document WHERE seq = ?", arguments: [sequence]) }
    }

    /// The number of the document whose record has this hash, 64 hexadecimal digits in lower case; nil where none has.
    public func sequence(ofHash hash: String) throws(ArchiveError) -> Int64? {
        try read { try Archive.sequence(ofHash: hash, $0) }
    }

    static func sequence(ofHash hash: String, _ database: Database) throws -> Int64? {
        try Int64.fetchOne(database, sql: "SELECT seq FROM document WHERE hash = ?", arguments: [hash])
    }

    /// - Throws: `damagedDocument`, also where there is none of that number.
    public func document(_ sequence: Int64) throws(ArchiveError) -> SourceDocument {
        guard let row = try read({ try DocumentRow.fetch($0, sequence: sequence) }),
            let record = DocumentRecord(text: row.record)
        else { throw .damagedDocument(sequence: sequence, what: "it is missing, or its record cannot be read") }
        return SourceDocument(record: record, body: try row.body())
    }

    /// - Returns: nil where there is no document of that number, or its kind is not known.
    public func kind(of sequence: Int64) throws(ArchiveError) -> DocumentKind? {
        try records(after: sequence - 1, limit: 1).first.flatMap { $0.sequence == sequence ? $0.text : nil }
            .flatMap(DocumentRecord.init(text:)).flatMap { DocumentKind(rawValue: $0.kind) }
    }

    /// The records behind one of them, in order, as they stand in the archive.
    public func records(after sequence: Int64, limit: Int) throws(ArchiveError) -> [(sequence: Int64, text: String)] {
        try read { db in
            let sql = "SELECT seq, record FROM document WHERE seq > ? ORDER BY seq LIMIT ?"
            return try Row.fetchAll(db, sql: sql, arguments: [sequence, limit]).map {
                (try $0.decode(forColumn: "seq"), try $0.decode(forColumn: "record"))
            }
        }
    }

    /// The document with the newest description of an object; nil where there is none.
    public func newestDocument(of kind: ObjectKind, id: String) throws(ArchiveError) -> Int64? {
        try read { db in
            let sql = "SELECT document FROM object WHERE kind = ? AND id = ? ORDER BY seq DESC LIMIT 1"
            return try Int64.fetchOne(db, sql: sql, arguments: [kind.rawValue, id])
        }
    }
}
