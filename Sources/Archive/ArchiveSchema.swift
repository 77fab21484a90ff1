internal import Bytes
internal import GRDB

/// The tables of an archive. docs/archive-format.md explains each for whoever reads one without this program.
enum ArchiveSchema {
    /// `PRAGMA application_id`: "mmva".
    static let applicationID: Int32 = 0x6D6D_7661
    /// `PRAGMA user_version`. A reader that finds a higher one must not guess.
    static let version = 1
    /// What an archive has once it holds documents of every kind and decisions of every sort; its tables are the same.
    static let newestVersion = 5

    /// A table that archives of earlier builds lack, with its indexes. The next command that opens one makes it, and fills
    /// it from the documents.
    enum LateTable: String, CaseIterable {
        /// The files that posts name.
        case attachment
        /// Which encrypted message each version of a post holds.
        case ciphertext
        /// Of whom the server said that they have no key.
        case keyless

        fileprivate var sql: String {
            switch self {
            case .attachment:
                """
                CREATE TABLE attachment (
                  seq INTEGER PRIMARY KEY,
                  document INTEGER NOT NULL REFERENCES document (seq),
                  post_id TEXT NOT NULL,
                  channel_id TEXT NOT NULL,
                  file_id TEXT NOT NULL,
                  size INTEGER
                ) STRICT;
                CREATE INDEX attachment_by_file ON attachment (file_id, seq);
                CREATE INDEX attachment_by_channel ON attachment (channel_id, seq);
                """
            case .ciphertext:
                """
                CREATE TABLE ciphertext (
                  seq INTEGER PRIMARY KEY,
                  document INTEGER NOT NULL REFERENCES document (seq),
                  post_id TEXT NOT NULL,
                  digest BLOB NOT NULL
                ) STRICT;
                CREATE INDEX ciphertext_by_post ON ciphertext (post_id, seq);
                CREATE INDEX ciphertext_by_digest ON ciphertext (digest, post_id, seq);
                """
            case .keyless:
                """
                CREATE TABLE keyless (
                  seq INTEGER PRIMARY KEY,
                  document INTEGER NOT NULL REFERENCES document (seq),
                  user_id TEXT NOT NULL,
                  at INTEGER NOT NULL
                ) STRICT;
                CREATE INDEX keyless_by_user ON keyless (user_id, seq);
                """
            }
        }
    }

    private static let sql = """
        CREATE TABLE document (
          seq INTEGER PRIMARY KEY,
          record TEXT NOT NULL,
          hash TEXT NOT NULL,
          body BLOB NOT NULL
        ) STRICT;

        CREATE TABLE version (
          seq INTEGER PRIMARY KEY,
          document INTEGER NOT NULL REFERENCES document (seq),
          start INTEGER NOT NULL,
          length INTEGER NOT NULL,
          post_id TEXT NOT NULL,
          channel_id TEXT NOT NULL,
          user_id TEXT NOT NULL,
          root_id TEXT NOT NULL,
          original_id TEXT NOT NULL,
          type TEXT NOT NULL,
          create_at INTEGER NOT NULL,
          update_at INTEGER NOT NULL,
          edit_at INTEGER NOT NULL,
          delete_at INTEGER NOT NULL,
          said BLOB NOT NULL,
          identity BLOB NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX version_by_identity ON version (post_id, identity);
        CREATE INDEX version_by_post ON version (post_id, seq, said);
        CREATE INDEX version_by_channel ON version (channel_id, create_at);

        \(LateTable.attachment.sql)

        CREATE TABLE object (
          seq INTEGER PRIMARY KEY,
          document INTEGER NOT NULL REFERENCES document (seq),
          start INTEGER NOT NULL,
          length INTEGER NOT NULL,
          kind TEXT NOT NULL,
          id TEXT NOT NULL,
          at INTEGER NOT NULL,
          json TEXT NOT NULL
        ) STRICT;
        CREATE INDEX object_by_id ON object (kind, id, seq);

        CREATE TABLE key_sighting (
          seq INTEGER PRIMARY KEY,
          document INTEGER NOT NULL REFERENCES document (seq),
          user_id TEXT NOT NULL,
          key_id TEXT NOT NULL,
          source TEXT NOT NULL,
          at INTEGER NOT NULL,
          encr BLOB NOT NULL,
          sign BLOB NOT NULL
        ) STRICT;
        CREATE INDEX key_sighting_by_user ON key_sighting (user_id, seq);
        CREATE INDEX key_sighting_by_key ON key_sighting (user_id, key_id, source, at);

        CREATE TABLE walk (
          seq INTEGER PRIMARY KEY,
          channel_id TEXT NOT NULL,
          document INTEGER NOT NULL REFERENCES document (seq),
          at INTEGER NOT NULL,
          state TEXT NOT NULL
        ) STRICT;
        CREATE INDEX walk_by_channel ON walk (channel_id, seq);

        \(LateTable.ciphertext.sql)
        \(LateTable.keyless.sql)
        """

    private static let tables =
        ["document", "version", "attachment", "object", "key_sighting", "walk", "ciphertext", "keyless"]

    /// Rows come, and never change or go. This guards against a slip of this program's own; what a stranger does to the
    /// file is what the chain of hashes is for.
    private static func guards(of table: String) -> String {
        """
        CREATE TRIGGER \(table)_is_never_changed BEFORE UPDATE ON \(table)
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;
        CREATE TRIGGER \(table)_is_never_deleted BEFORE DELETE ON \(table)
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;
        """
    }

    /// The version that a reader must know for such a document. One that does not know an import shows fewer posts; one
    /// that does not know a decision shows as verified what was signed by a key that its owner rejected. One that does not
    /// know drafts cannot tell of them, nor that one of them has gone; one that does not know an answer's form calls it damaged.
    static func version(for kind: DocumentKind, _ body: [UInt8]) -> Int {
        switch kind {
        case .imported: return 2
        case .trust, .trustList:
            guard let root = try? JSONDocument(body).root else { return 3 }
            return kind.objects(in: root).compactMap { TrustDecision($0)?.verb.formatVersion }.max() ?? 3
        case .originals: return 4
        case .drafts, .server, .keyEvents, .timeStamp: return 5
        // Posts that were asked for by their ids come without an order.
        case .posts: return body.first == UInt8(ascii: "[") ? 5 : version
        case .latePosts: return (try? PostsPage.parse(body))?["answer"]?.kind == .array ? 5 : version
        default: return version
        }
    }

    /// Makes the archive one that may hold a document, in the transaction that adds it.
    static func admit(_ kind: DocumentKind, _ body: [UInt8], to database: Database) throws {
        let needed = version(for: kind, body)
        guard needed > version, try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0 < needed else { return }
        try database.execute(sql: "PRAGMA user_version = \(needed)")
    }

    static func create(in database: Database) throws {
        try database.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)")
        try database.execute(sql: sql)
        for table in tables { try database.execute(sql: guards(of: table)) }
    }

    /// Makes what an archive of an earlier build lacks; its rows are for the caller to add.
    static func create(_ table: LateTable, in database: Database) throws {
        try database.execute(sql: table.sql)
        try database.execute(sql: guards(of: table.rawValue))
    }

    /// The tables that are not there, where that is because the archive is of an earlier build.
    ///
    /// - Throws: `damagedDatabase` where one was there and was removed: a file was fetched, or the list of tables has a
    ///   gap. Its rows have none where nothing was ever taken out of it.
    static func missingTables(_ database: Database, path: String) throws -> [LateTable] {
        let missing = try LateTable.allCases.filter {
            try Int.fetchOne(database, sql: "SELECT 1 FROM sqlite_master WHERE name = ?", arguments: [$0.rawValue])
                == nil
        }
        guard !missing.isEmpty else { return [] }
        let names = missing.map { "'\($0.rawValue)'" }.joined(separator: ",")
        let traces = """
            SELECT \(missing.contains(.attachment) ? "EXISTS (SELECT 1 FROM object WHERE kind = 'file')" : "0")
              OR EXISTS (SELECT 1 FROM sqlite_master WHERE tbl_name IN (\(names)))
              OR (SELECT max(rowid) > count(*) FROM sqlite_master)
            """
        guard try Bool.fetchOne(database, sql: traces) == false else {
            throw ArchiveError.damagedDatabase(
                path: path, what: "its table \(missing.map(\.rawValue).joined(separator: ", ")) was removed")
        }
        return missing
    }

    /// What `sqlite_master` holds of an archive, one line a table, index or trigger. Quoted, since a text and a blob of the
    /// same bytes are not the same.
    static func lines(of database: Database) throws -> Set<String> {
        let sql = """
            SELECT quote(type) || ' ' || quote(name) || ' on ' || quote(tbl_name) || ': ' || quote(sql)
              || CASE type WHEN 'trigger' THEN quote(rootpage) ELSE '' END
            FROM sqlite_master LIMIT 1000
            """
        return try String.fetchSet(database, sql: sql)
    }

    /// Nothing is asked of a file whose schema holds anything else than this program makes, byte for byte: a view or a trigger
    /// would answer instead of a table.
    ///
    /// - Throws: `damagedDatabase`.
    static func requireOwn(_ database: Database, path: String) throws {
        let found = try lines(of: database)
        var other = found.symmetricDifference(expectedLines)
        // What archives of earlier builds lack is added later.
        let late = LateTable.allCases.map(\.rawValue)
        if !other.isEmpty {
            let missing = try Set(missingTables(database, path: path).map(\.rawValue))
            other = other.filter { line in
                found.contains(line) || !late.contains { missing.contains($0) && line.contains(" on '\($0)':") }
            }
        }
        guard let first = other.map(name(ofLine:)).min() else { return }
        let more = other.count > 1 ? ", and \(other.count - 1) more of its tables, indexes and guards" : ""
        throw ArchiveError.damagedDatabase(path: path, what: "the \(first) is not as it was made\(more)")
    }

    /// The kind and name in such a line.
    static func name(ofLine line: String) -> String {
        line.split(separator: " ").prefix(2).map { $0.replacing("'", with: "") }.joined(separator: " ")
    }

    static let expectedLines: Set<String> = {
        let lines = try? DatabaseQueue().write { database in
            try create(in: database)
            return try ArchiveSchema.lines(of: database)
        }
        return lines ?? []
    }()
}
