internal import Bytes
internal import GRDB

/// A document that is a time stamp: an authority's word that the documents up to a certain one existed at a time. Its imprint
/// is the hash of that one's record, which vouches for all before it.
public struct TimeStampDocument: Sendable {
    /// Its own number.
    public let sequence: Int64
    /// The last of the documents that existed then.
    public let covered: Int64
    public let token: TimeStampToken

    /// - Throws: `badTimeStamp`. Whether `covered` has the record that the token is about, the caller compares.
    init(_ record: DocumentRecord, _ body: [UInt8]) throws(ArchiveError) {
        token = try TimeStampToken(body)
        sequence = record.sequence
        guard let covered = record.request.split(separator: " ").last.flatMap({ Int64($0) }),
            record.request == TimeStampDocument.request(covered), (1..<sequence).contains(covered)
        else { throw .badTimeStamp(what: "its record does not say of which document before it is a time stamp") }
        self.covered = covered
    }

    fileprivate init(sequence: Int64, covered: Int64, token: TimeStampToken) {
        (self.sequence, self.covered, self.token) = (sequence, covered, token)
    }

    /// What the record says was asked for.
    fileprivate static func request(_ covered: Int64) -> String { "time-stamp \(covered)" }
}

extension ArchiveWriter {
    /// Keeps a response with a time stamp of a record of this archive's chain, once.
    ///
    /// - Parameter response: as the authority sent it.
    /// - Returns: the document that holds it, and whether it is a new one.
    /// - Throws: `badTimeStamp` where it is none, or is about something else.
    public func append(
        timeStamp response: [UInt8], at time: Timestamp
    ) throws(ArchiveError) -> (stamp: TimeStampDocument, isNew: Bool) {
        let token = try TimeStampToken(response)
        let imprint = token.imprint.description
        let (covered, held) = try Archive.rethrowing(path: directory.archivePath) { [database] in
            try database.read { db in
                (try Archive.sequence(ofHash: imprint, db), try TimeStampDocument.sequence(of: response, db))
            }
        }
        guard let covered else {
            throw .badTimeStamp(what: "it is about \(imprint), which is no head that this archive's chain has had")
        }
        if let held { return (TimeStampDocument(sequence: held, covered: covered, token: token), false) }
        try insert(
            ReceivedDocument(
                kind: .timeStamp, request: TimeStampDocument.request(covered), channelID: nil, receivedAt: time,
                body: response), walk: nil
        ) { _, _ in }
        return (TimeStampDocument(sequence: end, covered: covered, token: token), true)
    }
}

extension TimeStampDocument {
    /// The document that holds a response; nil where none does.
    fileprivate static func sequence(of response: [UInt8], _ database: Database) throws -> Int64? {
        let sql = "SELECT seq FROM document WHERE record LIKE ?"
        let lines = "%\nkind \(DocumentKind.timeStamp.rawValue)\n%\nsha256 \(SHA256Digest(of: response))\n%"
        return try Int64.fetchOne(database, sql: sql, arguments: [lines])
    }
}
