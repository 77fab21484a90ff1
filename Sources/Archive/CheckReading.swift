internal import GRDB

/// Reads an archive for its check: documents in order, each with its rows of the index. What SQLite cannot read becomes
/// a finding, and the reading goes on behind it.
struct CheckReading {
    enum Step: Sendable {
        case document(CheckSubject)
        case unreadable(CheckReport.Damage)
    }

    private let archive: Archive
    /// The last document of the archive when the check began; a pull may go on meanwhile.
    private let end: Int64
    private var last = Int64.min
    private var isDone = false
    private var failuresInARow = 0
    private var index = IndexTables()

    /// How many documents are handed over at a time.
    private static let batch = 8
    /// A file in which nothing can be read any more is not tried to its end.
    private static let patience = 100

    init(_ archive: Archive, end: Int64) {
        self.archive = archive
        self.end = end
    }

    mutating func next() -> [Step]? {
        var steps: [Step] = []
        while !isDone, steps.count < CheckReading.batch {
            do throws(ArchiveError) {
                guard let subject = try document() else { break }
                last = subject.document.sequence
                failuresInARow = 0
                steps.append(.document(subject))
            } catch {
                steps.append(.unreadable(skip(error)))
            }
        }
        return steps.isEmpty ? nil : steps
    }

    private mutating func document() throws(ArchiveError) -> CheckSubject? {
        let subject = try archive.read { db -> CheckSubject? in
            guard let row = try DocumentRow.fetch(db, after: last), row.sequence <= end else { return nil }
            var subject = CheckSubject(document: row)
            index.fill(&subject, db)
            return subject
        }
        isDone = subject == nil
        return subject
    }

    private mutating func skip(_ error: ArchiveError) -> CheckReport.Damage {
        last = max(last, 0) + 1
        failuresInARow += 1
        isDone = last >= end || failuresInARow == CheckReading.patience
        let rest = failuresInARow == CheckReading.patience ? ", and neither can those behind it" : ""
        let posts = (try? archive.read { index.posts(upTo: last, $0) }) ?? []
        return .init(
            document: last, context: "", what: "it cannot be read\(rest): \(error.checkText)", posts: posts)
    }

    /// What is wrong with the index as a whole, once all documents have been read: tables that could not be read to their
    /// end, and rows whose document is not there.
    mutating func rest() -> [CheckReport.Damage] {
        var damages = index.failures.map { name, message in
            CheckReport.Damage(
                document: nil, context: "", what: "SQLite cannot read the table \(name): \(message)", posts: [])
        }
        do throws(ArchiveError) {
            let orphans = try archive.read { try index.orphans($0) }
            damages += orphans.map {
                .init(
                    document: $0.document, context: "", what: "it is missing, and the index points to it",
                    posts: $0.posts)
            }
        } catch {
            damages.append(.init(document: nil, context: "", what: error.checkText, posts: []))
        }
        return damages
    }
}

/// The four tables that are told from the documents.
private struct IndexTables {
    private var versions = IndexTable("version", PostHeader.columns) { try PostHeader($0) }
    private var objects = IndexTable("object", "start, length, kind, id, at, json") { try ObjectRow($0) }
    private var keys = IndexTable("key_sighting", KeySighting.columns) { try KeySighting($0) }
    private var walks = IndexTable("walk", "channel_id, at, state") { try WalkRow($0) }

    var failures: [(name: String, message: String)] {
        [
            (versions.name, versions.failure), (objects.name, objects.failure), (keys.name, keys.failure),
            (walks.name, walks.failure),
        ].compactMap { name, failure in failure.map { (name, $0) } }
    }

    mutating func fill(_ subject: inout CheckSubject, _ database: Database) {
        let sequence = subject.document.sequence
        var problems: [String] = []
        func rows<Content>(_ table: inout IndexTable<Content>) -> [Content] {
            let entries = table.take(upTo: sequence, database)
            return entries.compactMap { entry in
                guard entry.document == sequence else {
                    problems.append(
                        "before its rows, the table \(table.name) has row \(entry.sequence), which is out of place")
                    return nil
                }
                if entry.content == nil {
                    problems.append("row \(entry.sequence) of the table \(table.name) cannot be read")
                }
                return entry.content
            }
        }
        subject.versions = rows(&versions)
        subject.objects = rows(&objects)
        subject.keys = rows(&keys)
        subject.walks = rows(&walks)
        subject.problems = problems
        subject.lastObject = objects.last
    }

    /// The posts of the index up to a document that cannot be read.
    mutating func posts(upTo document: Int64, _ database: Database) -> [String] {
        _ = objects.take(upTo: document, database)
        _ = keys.take(upTo: document, database)
        _ = walks.take(upTo: document, database)
        return versions.take(upTo: document, database).compactMap { $0.content?.id }
    }

    /// Documents that rows point to and that are not there, with their posts. (Rows that a pull has added since the check
    /// began have their documents.)
    mutating func orphans(_ database: Database) throws -> [(document: Int64, posts: [String])] {
        var posts: [Int64: [String]] = [:]
        let left =
            versions.take(upTo: .max, database).map { ($0.document, $0.content?.id) }
            + objects.take(upTo: .max, database).map { ($0.document, nil) }
            + keys.take(upTo: .max, database).map { ($0.document, nil) }
            + walks.take(upTo: .max, database).map { ($0.document, nil) }
        for (document, post) in left { posts[document, default: []] += post.map { [$0] } ?? [] }
        let statement = try database.cachedStatement(sql: "SELECT 1 FROM document WHERE seq = ?")
        return try posts.sorted { $0.key < $1.key }.filter { document, _ in
            try Int.fetchOne(statement, arguments: [document]) == nil
        }.map { ($0.key, $0.value) }
    }
}
