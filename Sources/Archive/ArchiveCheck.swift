internal import Bytes
internal import GRDB

/// What a check of a whole archive found.
public struct CheckReport: Sendable {
    public var documents = 0
    public var versions = 0
    /// Bytes of all bodies, as the server sent them.
    public var bytes = 0
    /// The hash of the last record: whoever noted it down can tell later that nothing before it was changed.
    public var head = ""
    public var damages: [Damage] = []

    public var isClean: Bool { damages.isEmpty }

    /// One thing that is not as it should be.
    public struct Damage: Equatable, Sendable {
        /// The document's number, where one is concerned.
        public let document: Int64?
        /// What the document is, as far as its record tells: kind, channel and time. Empty where it tells nothing.
        public let context: String
        public let what: String
        /// The ids of the posts with a version that stands in this document and nowhere else.
        public let posts: [String]
    }
}

extension Archive {
    /// Reads everything again: every record and its place in the chain, every body and its hash, and every row of the
    /// index against the bytes that it points to. What is damaged is named; nothing is changed.
    ///
    /// - Parameter progress: called with the number of documents read so far, and of all.
    public func check(progress: (Int, Int) -> Void = { _, _ in }) async throws -> CheckReport {
        var report = CheckReport()
        try checkDatabase(&report)
        let total = try read { try Int.fetchOne($0, sql: "SELECT count(*) FROM document") ?? 0 }
        var last: Int64 = 0
        var next = (sequence: Int64(1), previous: DocumentRecord.none)
        try await OrderedPipeline.run(
            next: { () throws -> [DocumentInspection.Subject]? in
                let batch = try read { try DocumentInspection.Subject.fetch($0, after: last, limit: 8) }
                last = batch.last?.document.sequence ?? last
                return batch.isEmpty ? nil : batch
            },
            work: { batch in batch.map(DocumentInspection.init) },
            consume: { inspections in
                for inspection in inspections {
                    report.documents += 1
                    report.versions += inspection.versions
                    report.bytes += inspection.bytes
                    var problems = inspection.problems
                    if inspection.sequence != next.sequence {
                        problems.append("documents \(next.sequence) to \(inspection.sequence - 1) are missing")
                    }
                    if let previous = inspection.record?.previous, previous != next.previous {
                        problems.append("the chain is broken: its record names another predecessor")
                    }
                    problems += try read { try inspection.unindexed(in: $0) }
                    report.damages += problems.map(inspection.damage)
                    next = (inspection.sequence + 1, inspection.hash)
                    report.head = inspection.hash.description
                    progress(report.documents, total)
                }
            })
        try report.damages += damagesOfOrphans()
        return report
    }

    private func checkDatabase(_ report: inout CheckReport) throws(ArchiveError) {
        let problems: [String]
        do {
            problems = try read { try String.fetchAll($0, sql: "PRAGMA integrity_check(20)") }
        } catch .database(let message, _) {
            problems = [message]
        }
        for problem in problems where problem != "ok" {
            report.damages.append(.init(document: nil, context: "", what: "SQLite: \(problem)", posts: []))
        }
    }

    /// Rows of the index whose document is not there.
    private func damagesOfOrphans() throws(ArchiveError) -> [CheckReport.Damage] {
        let sql = """
            SELECT i.document, group_concat(DISTINCT i.post) AS posts FROM (
              SELECT document, post_id AS post FROM version UNION ALL SELECT document, NULL FROM object
              UNION ALL SELECT document, NULL FROM key_sighting UNION ALL SELECT document, NULL FROM walk) i
            WHERE i.document NOT IN (SELECT seq FROM document) GROUP BY i.document ORDER BY i.document
            """
        return try read { db in
            try Row.fetchAll(db, sql: sql).map { row in
                let posts = (row["posts"] as String?).map { $0.split(separator: ",").map(String.init) } ?? []
                return CheckReport.Damage(
                    document: row["document"], context: "", what: "it is missing, and the index points to it",
                    posts: posts)
            }
        }
    }
}
