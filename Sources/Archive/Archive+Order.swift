internal import GRDB

extension Archive {
    /// Replies that are dated before the post that they reply to.
    public func repliesBeforeRoots(channelID: String) throws(ArchiveError) -> [PostReference] {
        try posts(
            """
            SELECT DISTINCT v.post_id, v.channel_id, v.user_id, v.create_at FROM version v
            WHERE v.channel_id = ?1 AND v.root_id <> '' AND v.original_id = '' AND EXISTS (
              SELECT 1 FROM version r WHERE r.post_id = v.root_id AND r.create_at > v.create_at)
            ORDER BY v.create_at, v.post_id
            """, [channelID])
    }

    /// Posts of which a later answer gave an earlier time of change than the answer before, and that say something else.
    /// The rules by which this is harmless are left out: a reply that is dated back takes its root's `update_at` with it,
    /// and what was imported comes in any order.
    public func postsChangedBackwards(channelID: String) throws(ArchiveError) -> [PostReference] {
        try posts(
            """
            SELECT DISTINCT v.post_id, v.channel_id, v.user_id, v.create_at FROM version v
            JOIN version p ON p.seq = (
              SELECT max(q.seq) FROM version q WHERE q.post_id = v.post_id AND q.seq < v.seq)
            WHERE v.channel_id = ?1 AND v.original_id = '' AND v.said <> p.said
              AND (v.edit_at < p.edit_at OR v.update_at < p.update_at AND v.edit_at <= p.edit_at
                AND NOT EXISTS (SELECT 1 FROM version r WHERE r.channel_id = ?1 AND r.root_id = v.post_id))
              AND \(Archive.isFromServer("v")) AND \(Archive.isFromServer("p"))
            ORDER BY v.create_at, v.post_id
            """, [channelID])
    }

    /// Posts that were not there when a walk had gone through the channel's whole history, and that appeared later, between
    /// the posts that it had found.
    public func postsThatAppearedLater(channelID: String) throws(ArchiveError) -> [PostReference] {
        let states = try read { db in
            try Row.fetchAll(
                db, sql: "SELECT document, state FROM walk WHERE channel_id = ? ORDER BY seq", arguments: [channelID]
            ).map { (try $0.decode(Int64.self, forColumn: "document"), try $0.decode(String.self, forColumn: "state")) }
        }
        for (document, json) in states {
            // What was known to be missing then may appear later.
            guard let state = WalkState(json: json), state.backward == nil, state.ties.isEmpty, !state.lacksHidden
            else {
                continue
            }
            return try posts(
                """
                SELECT v.post_id, v.channel_id, v.user_id, v.create_at FROM version v
                WHERE v.channel_id = ?1 AND v.document > ?2 AND v.create_at <= ?3 AND v.original_id = ''
                  AND v.delete_at = 0
                  AND v.create_at >= (
                    SELECT min(o.create_at) FROM version o
                    WHERE o.channel_id = ?1 AND o.document <= ?2 AND o.original_id = '')
                  AND NOT EXISTS (SELECT 1 FROM version p WHERE p.post_id = v.post_id AND p.seq < v.seq)
                  AND \(Archive.isFromServer("v"))
                ORDER BY v.create_at, v.post_id
                """, [channelID, document, state.cursor])
        }
        return []
    }

    /// Since when nothing was looked for that vanished: when the channel was last walked through to its beginning that was
    /// walked through longest ago. Channels that the server lists no longer, and empty ones, are left out. nil where one was
    /// never walked through, or where there is none.
    public func lastWholeWalk() throws(ArchiveError) -> Timestamp? {
        let sql = """
            WITH step AS (
              SELECT channel_id, at, json_extract(state, '$.backward') IS NULL AS is_whole,
                lag(json_extract(state, '$.backward') IS NULL, 1, 0) OVER earlier AS was_whole,
                -- A walk to what a limit had hidden goes through a part of the history.
                lag(json_extract(state, '$.limited_since') IS NOT NULL
                  AND json_extract(state, '$.reviewed_since') IS NULL, 1, 0) OVER earlier AS was_partial
              FROM walk WHERE json_valid(state) WINDOW earlier AS (PARTITION BY channel_id ORDER BY seq)
            )
            SELECT channel_id, max(CASE WHEN is_whole AND NOT was_whole AND NOT was_partial THEN at END) AS last FROM step s
            WHERE EXISTS (SELECT 1 FROM version v WHERE v.channel_id = s.channel_id) GROUP BY channel_id
            """
        let frozen = try absences(.channel)
        let times = try read { db in
            try Row.fetchAll(db, sql: sql).filter { frozen[try $0.decode(forColumn: "channel_id")] == nil }
                .map { try $0.decode(Int64?.self, forColumn: "last") }
        }
        return times.contains(nil) ? nil : times.compactMap(\.self).min().map(Timestamp.init(milliseconds:))
    }

    /// Those of the posts that the archive holds, the oldest first.
    public func posts(_ ids: [String]) throws(ArchiveError) -> [PostReference] {
        var result: [PostReference] = []
        // SQLite takes some thousand values at a time.
        for start in stride(from: 0, to: ids.count, by: 1000) {
            let batch = Array(ids[start..<min(start + 1000, ids.count)])
            let places = Array(repeating: "(?)", count: batch.count).joined(separator: ",")
            result += try posts(
                """
                SELECT v.post_id, v.channel_id, v.user_id, v.create_at, max(v.seq)
                FROM (VALUES \(places)) AS wanted CROSS JOIN version v ON v.post_id = wanted.column1 GROUP BY v.post_id
                """, StatementArguments(batch))
        }
        return result.sorted { ($0.createAt, $0.id) < ($1.createAt, $1.id) }
    }

    /// SQL that says whether the server itself, and not an import alone, has told of a post.
    static func wasDelivered(_ postID: String) -> String {
        "EXISTS (SELECT 1 FROM version s WHERE s.post_id = \(postID) AND \(isFromServer("s")))"
    }

    /// SQL that says whether a row of the index came in the server's own words, and not in an import.
    static func isFromServer(_ version: String) -> String {
        """
        (SELECT instr(d.record, char(10) || 'kind import' || char(10)) FROM document d WHERE d.seq = \(version).document)
        = 0
        """
    }

    private func posts(
        _ sql: String, _ arguments: StatementArguments
    ) throws(ArchiveError) -> [PostReference] {
        try read { db in
            try Row.fetchAll(db, sql: sql, arguments: arguments).map(PostReference.init)
        }
    }
}
