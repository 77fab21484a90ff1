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
    private var index: IndexTables

    /// How many documents are handed over at a time.
    private static let batch = 8
    /// A file in which nothing can be read any more is not tried to its end.
    private static let patience = 100

    init(_ archive: Archive, end: Int64) {
        self.archive = archive
        self.end = end
        index = IndexTables()
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
            // In a damaged tree SQLite may come upon a row again, and again.
            guard row.sequence > last else {
                throw ArchiveError.damagedDatabase(
                    path: archive.directory.archivePath, what: "documents are not in the order of their numbers")
            }
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
            damages += try archive.read { try index.strays($0) }
        } catch {
            damages.append(.init(document: nil, context: "", what: error.checkText, posts: []))
        }
        return damages
    }
}

/// The tables that are told from the documents.
private struct IndexTables {
    private var versions = IndexTable("version", PostHeader.columns) { try PostHeader($0) }
    private var attachments = IndexTable("attachment", AttachmentRow.columns) { try AttachmentRow($0) }
    private var objects = IndexTable("object", "start, length, kind, id, at, json") { try ObjectRow($0) }
    private var keys = IndexTable("key_sighting", KeySighting.columns) { try KeySighting($0) }
    private var walks = IndexTable("walk", "channel_id, at, state") { try WalkRow($0) }

    private var ciphertexts = IndexTable("ciphertext", "post_id, digest") { try CiphertextRow($0) }
    private var keyless = IndexTable("keyless", "user_id, at") { try KeylessRow($0) }
    private var strays: [Stray] = []

    var failures: [(name: String, message: String)] {
        [
            (versions.name, versions.failure), (attachments.name, attachments.failure),
            (objects.name, objects.failure), (keys.name, keys.failure), (walks.name, walks.failure),
            (ciphertexts.name, ciphertexts.failure), (keyless.name, keyless.failure),
        ].compactMap { name, failure in failure.map { (name, $0) } }
    }

    mutating func fill(_ subject: inout CheckSubject, _ database: Database) {
        let sequence = subject.document.sequence
        var problems: [String] = []
        var strays = strays
        func numbered<Content>(
            _ table: inout IndexTable<Content>, _ post: (Content) -> String? = { _ in nil }
        ) -> [(number: Int64, content: Content)] {
            table.take(upTo: sequence, database).compactMap { entry in
                guard entry.document == sequence else {
                    strays.append(Stray(table.name, entry, post))
                    return nil
                }
                if entry.content == nil {
                    problems.append("row \(entry.sequence) of the table \(table.name) cannot be read")
                }
                return entry.content.map { (entry.sequence, $0) }
            }
        }
        func rows<Content>(_ table: inout IndexTable<Content>, _ post: (Content) -> String? = { _ in nil }) -> [Content]
        {
            numbered(&table, post).map(\.content)
        }
        // A message's row has the number of its version's, so that each version gets what the index says it holds.
        var messages = Dictionary(
            numbered(&ciphertexts, \.postID).map { ($0.number, $0.content) }, uniquingKeysWith: { $1 })
        subject.versions = numbered(&versions, \.id).map { number, version in
            guard let message = messages[number], message.postID == version.identityID else { return version }
            messages[number] = nil
            return version.with(ciphertext: message.digest)
        }
        for number in messages.keys.sorted() {
            problems.append("row \(number) of the table ciphertext belongs to no version of a post")
        }
        subject.attachments = rows(&attachments, \.postID)
        subject.objects = rows(&objects)
        subject.keys = rows(&keys)
        subject.keyless = rows(&keyless)
        subject.walks = rows(&walks)
        subject.problems = problems
        self.strays = strays
    }

    /// The posts of the index up to a document that cannot be read.
    mutating func posts(upTo document: Int64, _ database: Database) -> [String] {
        _ = attachments.take(upTo: document, database)
        _ = objects.take(upTo: document, database)
        _ = keys.take(upTo: document, database)
        _ = walks.take(upTo: document, database)
        _ = ciphertexts.take(upTo: document, database)
        _ = keyless.take(upTo: document, database)
        return versions.take(upTo: document, database).compactMap { $0.content?.id }
    }

    /// A row that did not come with its document.
    private struct Stray {
        let table: String
        let row: Int64
        let document: Int64
        let post: String?

        init<Content>(
            _ table: String, _ entry: IndexTable<Content>.Entry, _ post: (Content) -> String? = { _ in nil }
        ) {
            self.table = table
            row = entry.sequence
            document = entry.document
            self.post = entry.content.flatMap(post)
        }
    }

    /// Rows that point to documents which are not there, and rows out of the order of their documents.
    mutating func strays(_ database: Database) throws -> [CheckReport.Damage] {
        // Documents that a pull has added since the check began have rows too, in their place.
        let left =
            versions.take(upTo: .max, database).map { Stray(versions.name, $0, \.id) }
            + attachments.take(upTo: .max, database).map { Stray(attachments.name, $0, \.postID) }
            + objects.take(upTo: .max, database).map { Stray(objects.name, $0) }
            + keys.take(upTo: .max, database).map { Stray(keys.name, $0) }
            + walks.take(upTo: .max, database).map { Stray(walks.name, $0) }
            + ciphertexts.take(upTo: .max, database).map { Stray(ciphertexts.name, $0, \.postID) }
            + keyless.take(upTo: .max, database).map { Stray(keyless.name, $0) }
        let statement = try database.cachedStatement(sql: "SELECT 1 FROM document WHERE seq = ?")
        func exists(_ document: Int64) throws -> Bool { try Int.fetchOne(statement, arguments: [document]) != nil }
        var damages = try strays.filter { try exists($0.document) }.map { stray in
            CheckReport.Damage(
                document: stray.document, context: "",
                what: "row \(stray.row) of the table \(stray.table) is out of the order of the documents",
                posts: stray.post.map { [$0] } ?? [])
        }
        let orphans = try Dictionary(grouping: strays + left, by: \.document).filter { try !exists($0.key) }
        damages += orphans.sorted { $0.key < $1.key }.map { document, rows in
            CheckReport.Damage(
                document: document, context: "", what: "it is missing, and the index points to it",
                posts: rows.compactMap(\.post))
        }
        return damages
    }
}
