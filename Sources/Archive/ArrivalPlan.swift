internal import GRDB

/// The versions that arrived after a moment in the archive, for whoever keeps something about each of them: cut into runs
/// by the posts' times, and within a run in the order of their documents, so that each document is opened once a run.
///
/// A version that says what the one before it said is left out, and so is an old revision whose message stands in another
/// row (`BlankRevisions`). A blank one may be in a plan before the row with its message arrives: then a look-up leaves it out.
public final class ArrivalPlan {
    /// How many versions there are.
    public let count: Int
    /// The last version of the archive, whether it is in the plan or not.
    public let lastVersion: Int64
    /// The archive's last document, and the hash that vouches for it and all before it.
    public let head: (documents: Int64, hash: String)
    private let archive: Archive
    private let database: DatabaseQueue
    private let cache = DocumentCache()
    private let runLength: Int

    /// Whether the version `v` says anything else than the one before it, and is no blank one.
    fileprivate static let saysSomethingNew = """
        \(BlankRevisions.excludes("v.seq")) AND v.said <> coalesce(
          (SELECT p.said FROM version p WHERE p.post_id = v.post_id AND p.seq < v.seq
             AND \(BlankRevisions.excludes("p.seq"))
           ORDER BY p.seq DESC LIMIT 1), '')
        """

    /// - Parameters:
    ///   - version: the last version that is not wanted any more.
    ///   - again: versions up to it that are wanted all the same.
    ///   - runLength: how many versions of neighbouring times make a run.
    init(
        _ archive: Archive, after version: Int64, again: [Int64], runLength: Int
    ) throws(ArchiveError) {
        self.archive = archive
        self.runLength = runLength
        database = try Archive.open(archive.directory.archivePath, .reading)
        let sql = """
            CREATE TEMP TABLE arrival AS
            SELECT seq AS version FROM (
              SELECT v.seq, row_number() OVER (
                ORDER BY v.create_at, CASE v.original_id WHEN '' THEN v.post_id ELSE v.original_id END, v.seq) AS place
              FROM version v
              WHERE (v.seq > ? OR v.seq IN (SELECT version FROM again)) AND \(ArrivalPlan.saysSomethingNew)
            ) ORDER BY (place - 1) / ?, seq
            """
        (count, lastVersion, self.head) = try Archive.rethrowing(path: archive.directory.archivePath) {
            [database, cache] in
            try database.unsafeReentrantRead { db in
                // One moment for the versions and the head; a temporary table may be made on the way.
                try db.execute(sql: "BEGIN; CREATE TEMP TABLE again (version INTEGER PRIMARY KEY)")
                let insert = try db.makeStatement(sql: "INSERT OR IGNORE INTO again VALUES (?)")
                for version in again { try insert.execute(arguments: [version]) }
                try BlankRevisions.note(
                    db, cache, among: "(c.seq > ? OR c.seq IN (SELECT version FROM again))", arguments: [version])
                try db.execute(sql: sql, arguments: [version, runLength])
                let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM arrival") ?? 0
                let last = try Int64.fetchOne(db, sql: "SELECT max(seq) FROM version") ?? 0
                let head = try Archive.head(db)
                try db.execute(sql: "COMMIT")
                return (count, last, head)
            }
        }
    }

    /// The places of each run, in the order of time.
    public var runs: [Range<Int>] {
        stride(from: 0, to: count, by: runLength).map { $0..<min($0 + runLength, count) }
    }

    /// - Parameter range: places in the plan, within one run.
    /// - Throws: `damagedDocument` where a document that holds one of them is not as its record says.
    public func load(_ range: Range<Int>) throws(ArchiveError) -> [StoredVersion] {
        let sql = "SELECT version FROM arrival WHERE rowid > ? AND rowid <= ? ORDER BY rowid"
        return try Archive.rethrowing(path: archive.directory.archivePath) { [database, cache] in
            try database.unsafeReentrantRead { db in
                try StoredVersion.fetch(
                    db, cache, "(\(sql)) AS chosen", arguments: [range.lowerBound, range.upperBound])
            }
        }
    }
}

extension Archive {
    /// - Parameters: see `ArrivalPlan`.
    public func arrivals(
        after version: Int64, again: [Int64] = [], runLength: Int
    ) throws(ArchiveError) -> ArrivalPlan {
        try ArrivalPlan(self, after: version, again: again, runLength: runLength)
    }

    /// How many versions there are in all, as an `ArrivalPlan` counts them.
    public func differentVersionCount() throws(ArchiveError) -> Int {
        // By a connection of its own: a temporary table is this connection's alone, and goes with it.
        let database = try Archive.open(directory.archivePath, .reading)
        return try Archive.rethrowing(path: directory.archivePath) {
            try database.unsafeReentrantRead { db in
                try db.execute(sql: "BEGIN")
                try BlankRevisions.note(db, DocumentCache(), among: "TRUE", arguments: [])
                let sql = "SELECT count(*) FROM version v WHERE \(ArrivalPlan.saysSomethingNew)"
                let count = try Int.fetchOne(db, sql: sql) ?? 0
                try db.execute(sql: "COMMIT")
                return count
            }
        }
    }
}
