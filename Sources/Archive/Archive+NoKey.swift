internal import Bytes
internal import GRDB

extension Archive {
    /// The users of whom the server showed a key once, and answered to the last question that it has none: when it said
    /// so last. The answers stand in the documents, which are read from the newest one back, as far as they can tell
    /// anything of somebody: a key that is not there has no row.
    ///
    /// - Parameter users: only these; nil for everybody.
    public func usersWithoutKeyNow(of users: [String]? = nil) throws(ArchiveError) -> [String: Timestamp] {
        let chosen = users == nil ? "true" : "user_id IN (SELECT value FROM json_each(:users))"
        let shown = """
            SELECT user_id, max(document) AS document FROM key_sighting
            WHERE source = 'server' AND \(chosen) GROUP BY user_id
            """
        let documents = """
            SELECT seq FROM document WHERE instr(record, char(10) || 'kind keys' || char(10)) > 0 AND seq > ?
            ORDER BY seq DESC
            """
        return try read { db in
            var waiting: [String: Int64] = [:]
            for row in try Row.fetchAll(db, sql: shown, arguments: Archive.arguments(users)) {
                waiting[try row.decode(forColumn: "user_id")] = try row.decode(forColumn: "document")
            }
            var result: [String: Timestamp] = [:]
            guard let oldest = waiting.values.min() else { return result }
            for sequence in try Int64.fetchAll(db, sql: documents, arguments: [oldest]) {
                waiting = waiting.filter { $0.value < sequence }
                if waiting.isEmpty { break }
                guard let row = try DocumentRow.fetch(db, sequence: sequence),
                    let record = DocumentRecord(text: row.record), let at = Timestamp(iso8601: record.receivedAt),
                    let root = try? JSONDocument(try row.body()).root
                else { continue }
                for (userID, key) in root["pubKeys"]?.members ?? [] where key.isNull && waiting[userID] != nil {
                    result[userID] = at
                    waiting[userID] = nil
                }
            }
            return result
        }
    }
}
