internal import Bytes
internal import Foundation
internal import GRDB

/// Tells what the archive knows of the messages in versions, and remembers what the next version needs as well.
final class MessagePasts {
    private var pulls: [Int64]?
    private var originals: [String: String]?
    private var passes: [String: [MessagePast.Pass]] = [:]
    private var history: (postID: String, history: MessageHistory)?
    /// Of messages that stand in several posts, the post that is the original; nil where none is known to be.
    private var originalPosts: [[UInt8]: String?] = [:]

    /// What a query for versions selects besides, and the table it takes that from. Most messages stand in one post, and
    /// most posts have one: then nothing else needs to be asked.
    static let columns = """
        c.digest AS message,
        (EXISTS (SELECT 1 FROM ciphertext o WHERE o.digest = c.digest AND o.post_id < c.post_id)
          OR EXISTS (SELECT 1 FROM ciphertext o WHERE o.digest = c.digest AND o.post_id > c.post_id)) AS is_elsewhere,
        (EXISTS (SELECT 1 FROM ciphertext o WHERE o.post_id = c.post_id AND o.seq < c.seq)
          OR EXISTS (SELECT 1 FROM ciphertext o WHERE o.post_id = c.post_id AND o.seq > c.seq)) AS has_others
        """
    static let join = "LEFT JOIN ciphertext c ON c.seq = v.seq"

    /// - Parameter row: of the table `version`, with these columns.
    /// - Returns: nil where the version holds no message, or came in an import.
    func past(_ row: Row, _ header: StoredVersion.Header, _ database: Database) throws -> MessagePast? {
        guard let digest = try row.decode(Data?.self, forColumn: "message").map(Array.init) else { return nil }
        let postID = header.identityID
        let history = try history(of: postID, header, digest, try row.decode(forColumn: "has_others"), database)
        guard let first = history.first(digest) else { return nil }
        var isRepeated = false
        if try row.decode(Bool.self, forColumn: "is_elsewhere") {
            isRepeated = try originalPost(with: digest, database) != postID
        }
        return MessagePast(
            written: first.began...first.beganBy, firstDocument: first.document,
            isRolledBack: history.rolledBack.contains(header.sequence), isRepeated: isRepeated,
            isMoved: first.site != header.site,
            passes: try passes(ofChannel: header.channelID, database))
    }

    private func history(
        of postID: String, _ header: StoredVersion.Header, _ digest: [UInt8], _ hasOthers: Bool, _ database: Database
    ) throws -> MessageHistory {
        guard hasOthers else {
            return MessageHistory([
                MessageVersion(
                    sequence: header.sequence, document: header.documentSequence, digest: digest,
                    isRevision: !header.originalID.isEmpty, site: header.site, updateAt: header.updateAt,
                    editAt: header.editAt, deleteAt: header.deleteAt)
            ])
        }
        if let history, history.postID == postID { return history.history }
        let statement = try database.cachedStatement(
            sql: """
                SELECT c.seq, c.document, c.digest, v.original_id <> '', v.create_at, v.update_at, v.edit_at, v.delete_at,
                  v.channel_id, v.root_id, v.user_id
                FROM ciphertext c JOIN version v ON v.seq = c.seq WHERE c.post_id = ? ORDER BY c.seq
                """)
        let found = MessageHistory(
            try Row.fetchAll(statement, arguments: [postID]).map { row in
                MessageVersion(
                    sequence: try row.decode(atIndex: 0), document: try row.decode(atIndex: 1),
                    digest: Array(try row.decode(Data.self, atIndex: 2)), isRevision: try row.decode(atIndex: 3),
                    site: MessageVersion.Site(
                        channelID: try row.decode(atIndex: 8), rootID: try row.decode(atIndex: 9),
                        userID: try row.decode(atIndex: 10), createAt: try row.decode(atIndex: 4)),
                    updateAt: try row.decode(atIndex: 5),
                    editAt: try row.decode(atIndex: 6), deleteAt: try row.decode(atIndex: 7))
            })
        history = (postID, found)
        return found
    }

    // MARK: Repeated messages

    /// The post with a message in which an earlier pull archived it than in all others, or which the owner named.
    private func originalPost(with digest: [UInt8], _ database: Database) throws -> String? {
        if let known = originalPosts[digest] { return known }
        let named = try originals ?? fetchOriginals(database)
        originals = named
        var original = named[Hex.encode(digest)]
        if original == nil {
            let statement = try database.cachedStatement(
                sql: """
                    SELECT c.post_id, min(c.document), v.channel_id FROM ciphertext c JOIN version v ON v.seq = c.seq
                    WHERE c.digest = ? GROUP BY c.post_id ORDER BY min(c.seq)
                    """)
            let posts = try Row.fetchAll(statement, arguments: [digest.databaseBlob]).map { row in
                (
                    id: try row.decode(String.self, atIndex: 0), document: try row.decode(Int64.self, atIndex: 1),
                    channelID: try row.decode(String.self, atIndex: 2)
                )
            }
            if let first = posts.first,
                try posts.dropFirst().allSatisfy({
                    try isPullBetween(first.document, $0.document, channelID: $0.channelID, database)
                })
            {
                original = first.id
            }
        }
        originalPosts.updateValue(original, forKey: digest)
        return original
    }

    /// Whether a pull began behind one document and before, or with, another, or whether the other's channel was walked
    /// through to its end meanwhile: then what came with it was not there before.
    private func isPullBetween(
        _ earlier: Int64, _ later: Int64, channelID: String, _ database: Database
    ) throws -> Bool {
        let begun = try pulls ?? fetchPulls(database)
        pulls = begun
        if begun.contains(where: { $0 > earlier && $0 <= later }) { return true }
        return try passes(ofChannel: channelID, database).contains { $0.document > earlier && $0.document < later }
    }

    private func fetchPulls(_ database: Database) throws -> [Int64] { try KeyRecord(database).pulls }

    private func fetchOriginals(_ database: Database) throws -> [String: String] {
        let sql = "SELECT id, json FROM object WHERE kind = '\(ObjectKind.original.rawValue)' ORDER BY seq"
        return try Row.fetchAll(database, sql: sql).reduce(into: [:]) { originals, row in
            let json: String = try row.decode(atIndex: 1)
            guard let original = (try? JSONDocument(Array(json.utf8)).root).flatMap(OriginalPost.init) else { return }
            originals[original.ciphertext] = original.postID
        }
    }

    // MARK: What was complete when

    /// Of a channel that the server did not list, or did not give, what was complete in any channel meanwhile counts, too:
    /// the server denied then that it had anything there.
    private func passes(ofChannel channelID: String, _ database: Database) throws -> [MessagePast.Pass] {
        if let known = passes[channelID] { return known }
        var found = try walkEnds("channel_id = ?", [channelID], database)
        for denial in try denials(ofChannel: channelID, database) {
            found += try walkEnds("document >= ? AND document < ?", [denial.lowerBound, denial.upperBound], database)
        }
        found.sort { $0.document < $1.document }
        passes[channelID] = found
        return found
    }

    private func walkEnds(
        _ condition: String, _ arguments: StatementArguments, _ database: Database
    ) throws -> [MessagePast.Pass] {
        let sql = """
            SELECT document, at FROM walk
            WHERE \(condition) AND CASE WHEN json_valid(state) THEN json_extract(state, '$.complete') END
            """
        return try Row.fetchAll(database, sql: sql, arguments: arguments).map { row in
            MessagePast.Pass(document: try row.decode(atIndex: 0), at: try row.decode(atIndex: 1))
        }
    }

    /// The documents between which the server did not list a channel, or refused it, in order.
    private func denials(ofChannel channelID: String, _ database: Database) throws -> [Range<Int64>] {
        let listed =
            try Int64.fetchOne(
                database, sql: "SELECT min(document) FROM object WHERE kind = 'channel' AND id = ?",
                arguments: [channelID]) ?? .max
        var denials = [Int64.min..<listed]
        var since: Int64?
        let sql = "SELECT document, json FROM object WHERE kind = 'absence' AND id = ? ORDER BY seq"
        for row in try Row.fetchAll(database, sql: sql, arguments: [channelID]) {
            let document: Int64 = try row.decode(atIndex: 0)
            guard let absence = Absence(json: try row.decode(atIndex: 1)), absence.what == .channel else { continue }
            if absence.reason != .back {
                since = since ?? document
            } else if let begun = since {
                denials.append(begun..<document)
                since = nil
            }
        }
        if let since { denials.append(since..<Int64.max) }
        return denials
    }
}

extension StoredVersion.Header {
    fileprivate var site: MessageVersion.Site {
        MessageVersion.Site(channelID: channelID, rootID: rootID, userID: userID, createAt: createAt)
    }
}
