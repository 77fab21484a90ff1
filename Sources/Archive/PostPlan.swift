internal import GRDB

/// The versions that a query selects, in its order, fixed at one moment: a pull that goes on meanwhile changes nothing.
///
/// The list of places is kept in a temporary table of SQLite (row numbers only, never a text), and the versions are
/// loaded a batch at a time, so that memory does not grow with the archive.
public final class PostPlan {
    /// How many versions there are.
    public let count: Int
    private let database: DatabaseQueue
    let cache = DocumentCache()

    /// A version that differs from its successor in nothing it says is left out: a reply or a pin moves `update_at`,
    /// and that is no news about the post. So is an old revision whose message stands in another row (`BlankRevisions`).
    init(_ archive: Archive, _ query: PostQuery) throws(ArchiveError) {
        database = try Archive.open(archive.directory.archivePath, .reading)
        func among(_ column: String, _ values: [String]?) -> String {
            values.map { "AND \(column) IN (\(Array(repeating: "?", count: $0.count).joined(separator: ",")))" } ?? ""
        }
        let users = among("v.user_id", query.userIDs) + " " + among("v.type", query.types)
        let places = query.places == nil ? "" : "AND (v.create_at, identity_id) BETWEEN (?, ?) AND (?, ?)"
        let thread = query.threadID == nil ? "" : "AND thread_id = ?"
        // What a post said before arrives in any order, and is put into that of its own times. An old revision bears the
        // time of the edit that ended it, which may be that of what followed: by `edit_at` it then comes first. A reply that
        // is dated back takes `update_at` with it, but never before the edit.
        let (order, threadAt) =
            switch query.order {
            case .time: ("create_at, identity_id, is_old, said_at, edit_at, is_revision DESC, seq", "NULL")
            case .threads:
                (
                    """
                    thread_at, thread_id, is_reply, create_at, identity_id, is_old, said_at DESC, edit_at DESC,
                      is_revision, seq DESC
                    """,
                    // A thread whose first post is not among them stands where the first of its others does.
                    """
                    coalesce(min(CASE post_id WHEN thread_id THEN create_at END) OVER (PARTITION BY thread_id),
                      min(create_at) OVER (PARTITION BY thread_id))
                    """
                )
            }
        let sql = """
            CREATE TEMP TABLE plan AS
            WITH chosen AS MATERIALIZED (
              SELECT v.seq, v.post_id, v.create_at, v.said, v.edit_at, max(v.update_at, v.edit_at) AS said_at,
                CASE v.original_id WHEN '' THEN v.post_id ELSE v.original_id END AS identity_id,
                v.root_id <> '' AS is_reply,
                CASE WHEN v.root_id <> '' THEN v.root_id WHEN v.original_id <> '' THEN v.original_id
                  ELSE v.post_id END AS thread_id,
                v.original_id <> '' AS is_revision, v.delete_at > 0 AS is_deleted,
                (SELECT n.seq FROM version n WHERE n.post_id = v.post_id AND n.seq > v.seq
                   AND \(BlankRevisions.excludes("n.seq"))
                 ORDER BY n.seq LIMIT 1) IS NOT NULL AS is_followed,
                lead(v.said) OVER (PARTITION BY v.post_id ORDER BY v.seq) AS next_said
              FROM version v WHERE v.channel_id = ? AND v.create_at >= ? AND v.create_at < ? \(users)
                \(places) \(thread) AND \(BlankRevisions.excludes("v.seq"))
            )
            SELECT seq AS version,
              CASE WHEN is_revision THEN 'revision' WHEN is_followed THEN 'earlier'
                WHEN is_deleted THEN 'deleted' ELSE 'live' END AS state,
              is_revision OR is_followed AS is_old, \(threadAt) AS thread_at
            FROM chosen WHERE next_said IS NULL OR next_said <> said ORDER BY \(order)
            """
        // The places' own times, too: by these an index finds them.
        var createAt = query.createAt
        var values = StatementArguments()
        if let places = query.places {
            let end = places.upperBound.createAt.addingReportingOverflow(1)
            createAt = createAt.clamped(to: places.lowerBound.createAt..<(end.overflow ? .max : end.partialValue))
            for place in [places.lowerBound, places.upperBound] { values += [place.createAt, place.postID] }
        }
        if let thread = query.threadID { values += [thread] }
        let span: StatementArguments = [query.channelID, createAt.lowerBound, createAt.upperBound]
        values = span + StatementArguments(query.userIDs ?? []) + StatementArguments(query.types ?? []) + values
        count = try Archive.rethrowing { [database, cache] in
            // A temporary table may be made through a connection that cannot change the archive.
            try database.unsafeReentrantRead { db in
                // One moment for both.
                try db.execute(sql: "BEGIN")
                try BlankRevisions.note(
                    db, cache, among: "c.channel_id = ? AND c.create_at >= ? AND c.create_at < ?", arguments: span)
                try db.execute(sql: sql, arguments: values)
                let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM plan") ?? 0
                try db.execute(sql: "COMMIT")
                return count
            }
        }
    }

    /// - Parameter range: places in the plan, within `0..<count`.
    /// - Throws: `damagedDocument` where a document that holds one of them is not as its record says.
    public func load(_ range: Range<Int>) throws(ArchiveError) -> [StoredVersion] {
        try load(range, skipsDamaged: false)
    }

    /// - Parameter skipsDamaged: whether versions in a damaged document are left out.
    public func load(_ range: Range<Int>, skipsDamaged: Bool) throws(ArchiveError) -> [StoredVersion] {
        let sql = """
            SELECT v.*, p.state, \(StoredVersion.absence), \(MessagePasts.columns)
            FROM plan p JOIN version v ON v.seq = p.version \(MessagePasts.join)
            WHERE p.rowid > ? AND p.rowid <= ? ORDER BY p.rowid
            """
        return try Archive.rethrowing { [database, cache] in
            try database.unsafeReentrantRead { db in
                let rows = try Row.fetchAll(db, sql: sql, arguments: [range.lowerBound, range.upperBound])
                return try rows.compactMap { row in
                    do { return try StoredVersion(row, db, cache) } catch ArchiveError.damagedDocument
                        where skipsDamaged
                    {
                        return nil
                    }
                }
            }
        }
    }

    /// The documents in which the versions stand, each with the bytes of its body at which they begin.
    public func documents() throws(ArchiveError) -> [Int64: Set<Int>] {
        let sql = "SELECT v.document, v.start FROM plan p JOIN version v ON v.seq = p.version"
        return try Archive.rethrowing { [database] in
            try database.unsafeReentrantRead { db in
                var places: [Int64: Set<Int>] = [:]
                let rows = try Row.fetchCursor(db, sql: sql)
                while let row = try rows.next() {
                    let document: Int64 = try row.decode(atIndex: 0)
                    places[document, default: []].insert(try row.decode(atIndex: 1))
                }
                return places
            }
        }
    }
}

extension Archive {
    public func plan(_ query: PostQuery) throws(ArchiveError) -> PostPlan { try PostPlan(self, query) }
}
