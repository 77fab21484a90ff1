internal import Bytes
internal import GRDB

extension Archive {
    /// Versions up to `version` whose `MessagePast` may have changed since: by later versions of their posts, by their
    /// message in another post, or because the owner named the original.
    ///
    /// - Parameter document: the last document whose statements about originals are not wanted any more.
    public func versionsWithAnotherPast(
        upTo version: Int64, since document: Int64
    ) throws(ArchiveError) -> [Int64] {
        guard version > 0 else { return [] }
        let arrived = """
            SELECT seq FROM ciphertext WHERE seq <= ?1 AND (
              post_id IN (SELECT post_id FROM ciphertext WHERE seq > ?1)
              OR digest IN (SELECT digest FROM ciphertext WHERE seq > ?1))
            """
        let named = "SELECT DISTINCT id FROM object WHERE kind = '\(ObjectKind.original.rawValue)' AND document > ?"
        return try read { db in
            var found = Set(try Int64.fetchAll(db, sql: arrived, arguments: [version]))
            for id in try String.fetchAll(db, sql: named, arguments: [document]) {
                guard let digest = Hex.decode(id) else { continue }
                found.formUnion(
                    try Int64.fetchAll(
                        db, sql: "SELECT seq FROM ciphertext WHERE digest = ? AND seq <= ?",
                        arguments: [digest.databaseBlob, version]))
            }
            return found.sorted()
        }
    }

    /// The posts that hold a message of these posts, or of posts by these users, again.
    public func copies(
        ofPosts postIDs: some Sequence<String>, ofUsers userIDs: some Sequence<String>
    ) throws(ArchiveError) -> Set<String> {
        func sql(_ condition: String) -> String {
            """
            SELECT DISTINCT o.post_id FROM ciphertext c JOIN version v ON v.seq = c.seq
            JOIN ciphertext o ON o.digest = c.digest AND o.post_id <> c.post_id WHERE \(condition) = ?
            """
        }
        return try read { db in
            var found: Set<String> = []
            for id in postIDs { found.formUnion(try String.fetchAll(db, sql: sql("c.post_id"), arguments: [id])) }
            for id in userIDs { found.formUnion(try String.fetchAll(db, sql: sql("v.user_id"), arguments: [id])) }
            return found
        }
    }

    /// The messages of a post that another post holds, too: the digests of their ciphertexts, 32 hexadecimal digits each.
    public func repeatedMessages(inPost postID: String) throws(ArchiveError) -> [String] {
        let sql = """
            SELECT DISTINCT lower(hex(c.digest)) FROM ciphertext c WHERE c.post_id = ?1
              AND EXISTS (SELECT 1 FROM ciphertext o WHERE o.digest = c.digest AND o.post_id <> ?1)
            """
        return try read { try String.fetchAll($0, sql: sql, arguments: [postID]) }
    }

    /// The document with the first encrypted post of each of these users, as the server delivered it.
    public func firstMessages(of users: [String]) throws(ArchiveError) -> [String: Int64] {
        guard !users.isEmpty else { return [:] }
        let sql = """
            SELECT v.user_id, min(v.document) FROM ciphertext c JOIN version v ON v.seq = c.seq
            WHERE v.user_id IN (SELECT value FROM json_each(:users)) GROUP BY v.user_id
            """
        return try read { db in
            try Row.fetchAll(db, sql: sql, arguments: Archive.arguments(users)).reduce(into: [:]) { result, row in
                result[try row.decode(String.self, atIndex: 0)] = try row.decode(Int64.self, atIndex: 1)
            }
        }
    }
}
