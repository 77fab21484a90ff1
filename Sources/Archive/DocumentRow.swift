internal import Bytes
internal import Foundation
internal import GRDB

/// A row of the table `document`: the record, its hash, and the body compressed with gzip.
struct DocumentRow: Sendable {
    let sequence: Int64
    let record: String
    let hash: String
    let compressed: [UInt8]

    init(sequence: Int64, record: String, hash: String, compressed: [UInt8]) {
        self.sequence = sequence
        self.record = record
        self.hash = hash
        self.compressed = compressed
    }

    init(_ document: ReceivedDocument, walk: WalkState?, sequence: Int64, previous: SHA256Digest) throws(ArchiveError) {
        let compressed = try Gzip.compress(document.body)
        let record = DocumentRecord(
            document, walk: walk, sequence: sequence, previous: previous, compressed: compressed)
        self.init(
            sequence: sequence, record: record.text, hash: record.hash.description, compressed: compressed)
    }

    private init(_ row: Row) throws {
        sequence = try row.decode(forColumn: "seq")
        record = try row.decode(forColumn: "record")
        hash = try row.decode(forColumn: "hash")
        compressed = Array(try row.decode(Data.self, forColumn: "body"))
    }

    static func fetch(_ database: Database, sequence: Int64) throws -> DocumentRow? {
        let sql = "SELECT seq, record, hash, body FROM document WHERE seq = ?"
        return try Row.fetchOne(database, sql: sql, arguments: [sequence]).map(DocumentRow.init)
    }

    static func fetch(_ database: Database, after sequence: Int64) throws -> DocumentRow? {
        let sql = "SELECT seq, record, hash, body FROM document WHERE seq > ? ORDER BY seq LIMIT 1"
        return try Row.fetchOne(database, sql: sql, arguments: [sequence]).map(DocumentRow.init)
    }

    func insert(_ database: Database) throws {
        try database.execute(
            sql: "INSERT INTO document (seq, record, hash, body) VALUES (?, ?, ?, ?)",
            arguments: [sequence, record, hash, Data(compressed)])
    }

    /// The body, byte for byte as received, checked against the record.
    ///
    /// - Throws: `damagedDocument`.
    func body() throws(ArchiveError) -> [UInt8] {
        let recordHash = SHA256Digest(of: Array(record.utf8)).description
        guard let record = DocumentRecord(text: record) else {
            throw .damagedDocument(sequence: sequence, what: "its record cannot be read")
        }
        guard hash == recordHash, record.sequence == sequence else {
            throw .damagedDocument(sequence: sequence, what: "its record is not the one that was written")
        }
        guard SHA256Digest(of: compressed) == record.storedHash else {
            throw .damagedDocument(sequence: sequence, what: "its compressed body does not have the recorded SHA-256")
        }
        let body: [UInt8]
        do {
            body = try Gzip.decompress(compressed, size: record.length)
        } catch {
            throw .damagedDocument(sequence: sequence, what: "its body cannot be decompressed")
        }
        guard SHA256Digest(of: body) == record.bodyHash else {
            throw .damagedDocument(sequence: sequence, what: "its body does not have the recorded SHA-256")
        }
        return body
    }
}
