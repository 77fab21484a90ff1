internal import Bytes
internal import Foundation
internal import GRDB

/// Versions of posts, put together by what they have in common while they pass by.
///
/// The groups are kept in temporary tables of SQLite, as row numbers and hashes, so that memory does not grow with the
/// archive; what a group's posts are is asked for in the end.
public final class VersionGroups: Sendable {
    /// What the members of a group have in common: a hash of it.
    public struct Key: Hashable, Sendable {
        fileprivate let hash: [UInt8]

        /// - Parameters:
        ///   - kind: what sort of thing it is, so that two sorts are never the same.
        ///   - parts: each counts with its length.
        public init(_ kind: StaticString, _ parts: [UInt8]...) {
            var digest = VersionDigest()
            digest.add(kind.description.utf8)
            for part in parts { digest.add(part) }
            hash = digest.value
        }
    }

    private let database: DatabaseQueue
    private let path: String

    init(_ archive: Archive) throws(ArchiveError) {
        path = archive.directory.archivePath
        database = try Archive.open(path, .reading)
        try run { db in
            try db.execute(
                sql: """
                    CREATE TEMP TABLE version_group (
                      id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,
                      -- What its first member has, and whether another has another.
                      mark BLOB NOT NULL, is_mixed INTEGER NOT NULL
                    ) STRICT;
                    CREATE TEMP TABLE excepted (hash BLOB NOT NULL) STRICT;
                    CREATE TEMP TABLE member (
                      in_group INTEGER NOT NULL, version INTEGER NOT NULL, mark BLOB NOT NULL,
                      PRIMARY KEY (in_group, version)
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
    }

    /// Puts a version into a group. One that is in it stays as it is.
    ///
    /// - Parameter mark: what tells members of the group apart; its hash is kept.
    /// - Returns: whether the group holds a version with another mark.
    @discardableResult
    public func put(_ version: Int64, into key: Key, mark: [UInt8] = []) throws(ArchiveError) -> Bool {
        try run { db in
            let find = try db.cachedStatement(sql: "SELECT id, mark = ?, is_mixed FROM version_group WHERE hash = ?")
            let hash = key.hash.databaseBlob
            let kept = (mark.isEmpty ? [] : Key("mark", mark).hash).databaseBlob
            let known = try Row.fetchOne(find, arguments: [kept, hash])
            if known == nil {
                try db.cachedStatement(sql: "INSERT INTO version_group (hash, mark, is_mixed) VALUES (?, ?, 0)")
                    .execute(arguments: [hash, kept])
            }
            let group: Int64 = try known?.decode(atIndex: 0) ?? db.lastInsertedRowID
            try db.cachedStatement(sql: "INSERT OR IGNORE INTO member VALUES (?, ?, ?)")
                .execute(arguments: [group, version, kept])
            guard let known, !mark.isEmpty else { return false }
            let (isSame, isMixed): (Bool, Bool) = (try known.decode(atIndex: 1), try known.decode(atIndex: 2))
            if !isSame, !isMixed {
                try db.cachedStatement(sql: "UPDATE version_group SET is_mixed = 1 WHERE id = ?")
                    .execute(arguments: [group])
            }
            return !isSame || isMixed
        }
    }

    /// The posts that versions of a group belong to, each once, the oldest first.
    ///
    /// - Parameter others: versions that are in one of these groups, too, do not count.
    public func posts(of key: Key, exceptIn others: [Key] = []) throws(ArchiveError) -> [PostReference] {
        let sql = """
            SELECT CASE v.original_id WHEN '' THEN v.post_id ELSE v.original_id END AS post_id, v.channel_id, v.user_id,
              min(v.create_at) AS create_at
            FROM version_group g JOIN member m ON m.in_group = g.id JOIN version v ON v.seq = m.version
            WHERE g.hash = ? AND m.version NOT IN (
              SELECT o.version FROM excepted e JOIN version_group og ON og.hash = e.hash JOIN member o ON o.in_group = og.id)
            GROUP BY 1 ORDER BY 4, 1
            """
        return try run { db in
            try db.execute(sql: "DELETE FROM excepted")
            let insert = try db.cachedStatement(sql: "INSERT INTO excepted VALUES (?)")
            for other in others { try insert.execute(arguments: [other.hash.databaseBlob]) }
            return try Row.fetchAll(db, sql: sql, arguments: [key.hash.databaseBlob]).map(PostReference.init)
        }
    }

    /// When the versions of a group were made by an edit, in the order of time and each once: by the post's id. Those that no
    /// edit made are left out.
    public func edits(of key: Key) throws(ArchiveError) -> [String: [Int64]] {
        let sql = """
            SELECT DISTINCT CASE v.original_id WHEN '' THEN v.post_id ELSE v.original_id END AS post_id, v.edit_at
            FROM version_group g JOIN member m ON m.in_group = g.id JOIN version v ON v.seq = m.version
            WHERE g.hash = ? AND v.edit_at > 0 ORDER BY v.edit_at
            """
        return try run { db in
            try Row.fetchAll(db, sql: sql, arguments: [key.hash.databaseBlob]).reduce(into: [:]) { edits, row in
                edits[try row.decode(String.self, forColumn: "post_id"), default: []].append(
                    try row.decode(forColumn: "edit_at"))
            }
        }
    }

    /// The documents in which versions of a group stand.
    public func documents(of key: Key) throws(ArchiveError) -> [Int64] {
        let sql = """
            SELECT DISTINCT v.document FROM version_group g JOIN member m ON m.in_group = g.id
            JOIN version v ON v.seq = m.version WHERE g.hash = ? ORDER BY 1
            """
        return try run { try Int64.fetchAll($0, sql: sql, arguments: [key.hash.databaseBlob]) }
    }

    /// The posts that versions of a group belong to, each once, the one first that came first to say what the group has in
    /// common: by when that was written, and then by when it arrived here.
    public func writings(of key: Key) throws(ArchiveError) -> [PostReference] {
        // Of a post that said something else before, and names no edit, only `update_at` tells when it changed.
        let sql = """
            SELECT CASE v.original_id WHEN '' THEN v.post_id ELSE v.original_id END AS post_id, v.channel_id, v.user_id,
              v.create_at, max(v.create_at, v.edit_at, CASE WHEN EXISTS (
                SELECT 1 FROM version e WHERE e.post_id = v.post_id AND e.seq < v.seq AND NOT EXISTS (
                  SELECT 1 FROM member o WHERE o.in_group = m.in_group AND o.version = e.seq)
                ) THEN v.update_at ELSE 0 END) AS written
            FROM version_group g JOIN member m ON m.in_group = g.id JOIN version v ON v.seq = m.version
            WHERE g.hash = ? ORDER BY written, v.seq
            """
        return try run { db in
            var seen: Set<String> = []
            return try Row.fetchAll(db, sql: sql, arguments: [key.hash.databaseBlob]).map(PostReference.init)
                .filter { seen.insert($0.id).inserted }
        }
    }

    /// How many different marks the versions of a group have.
    public func marks(of key: Key) throws(ArchiveError) -> Int {
        let sql = """
            SELECT count(DISTINCT m.mark) FROM version_group g JOIN member m ON m.in_group = g.id WHERE g.hash = ?
            """
        return try run { try Int.fetchOne($0, sql: sql, arguments: [key.hash.databaseBlob]) ?? 0 }
    }

    /// Whether every version of a group is in the other one as well.
    public func contains(allOf key: Key, in other: Key) throws(ArchiveError) -> Bool {
        let sql = """
            SELECT NOT EXISTS (
              SELECT 1 FROM version_group g JOIN member m ON m.in_group = g.id
              WHERE g.hash = ?1 AND NOT EXISTS (
                SELECT 1 FROM version_group og JOIN member o ON o.in_group = og.id
                WHERE og.hash = ?2 AND o.version = m.version))
            """
        return try run {
            try Bool.fetchOne($0, sql: sql, arguments: [key.hash.databaseBlob, other.hash.databaseBlob]) ?? false
        }
    }

    private func run<T>(_ body: (Database) throws -> T) throws(ArchiveError) -> T {
        try Archive.rethrowing(path: path) { [database] in try database.unsafeReentrantRead(body) }
    }
}

extension Archive {
    /// None yet.
    public func versionGroups() throws(ArchiveError) -> VersionGroups { try VersionGroups(self) }
}
