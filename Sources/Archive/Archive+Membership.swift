internal import Bytes
internal import GRDB

/// Who was seen in a channel, and what else says who was there.
extension Archive {
    /// Who is known to be, or to have been, in a channel: by user id, with the time when it was first noticed.
    public func members(channelID: String) throws(ArchiveError) -> [String: Timestamp] {
        try memberSightings(channelID: channelID).mapValues { Timestamp(milliseconds: $0.lowerBound) }
    }

    /// When each user was seen in a channel's list of members: the first and the last time, in milliseconds, by
    /// user id.
    public func memberSightings(channelID: String) throws(ArchiveError) -> [String: ClosedRange<Int64>] {
        let sql = """
            SELECT substr(id, length(?1) + 2) AS user_id, min(at) AS first, max(at) AS last FROM object
            WHERE kind = 'member' AND id >= ?1 || ':' AND id < ?1 || ';' GROUP BY id
            """
        return try read { db in
            try Row.fetchAll(db, sql: sql, arguments: [channelID]).reduce(into: [:]) { result, row in
                let (first, last): (Int64, Int64) = (
                    try row.decode(forColumn: "first"), try row.decode(forColumn: "last")
                )
                result[try row.decode(forColumn: "user_id")] = first...max(first, last)
            }
        }
    }

    /// When it was noticed that somebody stood in a channel's list of members no more, whether or not they came back:
    /// times in milliseconds, by user id.
    public func memberAbsences(channelID: String) throws(ArchiveError) -> [String: [Int64]] {
        try memberNotices(channelID: channelID).reduce(into: [:]) { result, notice in
            if let absence = notice.absence { result[notice.userID, default: []].append(absence.since.milliseconds) }
        }
    }

    /// Who was seen to stand in a channel's list of members no more, and not to have come back: by user id.
    public func absentMembers(channelID: String) throws(ArchiveError) -> [String: NoticedAbsence] {
        try memberNotices(channelID: channelID).reduce(into: [:]) { $0[$1.userID] = $1.absence }
    }

    /// What was noticed of a channel's members, in the order of arrival.
    ///
    /// - Returns: with no absence, that the member is back.
    private func memberNotices(
        channelID: String
    ) throws(ArchiveError) -> [(userID: String, absence: NoticedAbsence?)] {
        let sql = """
            SELECT substr(id, length(?1) + 2) AS user_id, at, json FROM object
            WHERE kind = 'absence' AND id >= ?1 || ':' AND id < ?1 || ';' ORDER BY seq
            """
        return try read { db in
            try Row.fetchAll(db, sql: sql, arguments: [channelID]).compactMap { row in
                guard let absence = Absence(json: try row.decode(forColumn: "json")), absence.what == .member else {
                    return nil
                }
                let noticed = NoticedAbsence(absence, at: try row.decode(forColumn: "at"))
                return (try row.decode(forColumn: "user_id"), noticed)
            }
        }
    }

    /// When the server last handed out posts of a channel: then the account was a member of it. nil where it never did.
    public func lastDelivery(channelID: String) throws(ArchiveError) -> Int64? {
        let sql = """
            SELECT record FROM document WHERE seq = (SELECT max(document) FROM version WHERE channel_id = ?)
            """
        let record = try read { try String.fetchOne($0, sql: sql, arguments: [channelID]) }.flatMap(DocumentRecord.init)
        guard let record, record.kind != DocumentKind.imported.rawValue else { return nil }
        return Timestamp(iso8601: record.receivedAt)?.milliseconds
    }

    /// Who wrote the channel's encrypted posts and when, in the order of time. Such posts only people write, as
    /// members.
    public func encryptedWritings(
        channelID: String, _ body: (_ userID: String, _ createAt: Int64) -> Void
    ) throws(ArchiveError) {
        let sql = """
            SELECT user_id, create_at FROM version v
            WHERE channel_id = ? AND (type = 'custom_e2ee' OR EXISTS (SELECT 1 FROM ciphertext c WHERE c.seq = v.seq))
            ORDER BY create_at
            """
        try read { db in
            let rows = try Row.fetchCursor(db, sql: sql, arguments: [channelID])
            while let row = try rows.next() {
                body(try row.decode(forColumn: "user_id"), try row.decode(forColumn: "create_at"))
            }
        }
    }

    /// The users whose account was deactivated when the server was asked about them, if only once.
    public func deactivatedUserIDs() throws(ArchiveError) -> Set<String> {
        let texts = try read { try String.fetchAll($0, sql: "SELECT json FROM object WHERE kind = 'user'") }
        return Set(
            texts.compactMap { text in
                guard let root = try? JSONDocument(Array(text.utf8)).root, let deleteAt = root["delete_at"]?.int,
                    deleteAt != 0
                else { return nil }
                return root["id"]?.string
            })
    }
}
