internal import Bytes
internal import Foundation
internal import GRDB

/// What a check of a whole archive found.
public struct CheckReport: Sendable {
    public var documents = 0
    public var versions = 0
    /// Bytes of all bodies, as the server sent them.
    public var bytes = 0
    /// The hash of the last record: whoever noted it down can tell later that nothing before it was changed.
    public var head = ""
    public var damages: [Damage] = []
    /// Files that posts name and the archive holds.
    public var files = 0
    /// Bytes of their contents, each counted once.
    public var fileBytes: Int64 = 0
    public var fileFindings: [FileFinding] = []
    /// The time stamps that the archive holds, as far as nothing is wrong with them.
    public var timeStamps: [TimeStampDocument] = []

    public var isClean: Bool { damages.isEmpty && !fileFindings.contains(where: \.isDamage) }

    /// One thing that is not as it should be.
    public struct Damage: Equatable, Sendable {
        /// The document's number, where one is concerned.
        public let document: Int64?
        /// What the document is, as far as its record tells: kind, channel and time. Empty where it tells nothing.
        public let context: String
        public let what: String
        /// The ids of the posts with a version that stands in this document and nowhere else.
        public let posts: [String]
    }
}

extension Archive {
    /// Reads everything again: every record and its place in the chain, every body and its hash, and every row of the
    /// index against the bytes that it comes from. What is damaged is named; nothing is changed.
    ///
    /// - Parameters:
    ///   - includesFiles: whether the files of posts are read as well. They decide nothing about posts.
    ///   - progress: called with the number of documents read so far, and of all.
    ///   - fileProgress: called with the report after each file.
    /// - Throws: `CancellationError`. What cannot be read is damage, and in the report.
    public func check(
        includesFiles: Bool = true,
        progress: (Int, Int) -> Void = { _, _ in }, fileProgress: (CheckReport) -> Void = { _ in }
    ) async throws -> CheckReport {
        var report = CheckReport()
        let state = CheckedMark.state(of: directory.archivePath)
        report.damages += databaseDamages()
        var end = Int64.max
        var format: Int?
        do throws(ArchiveError) {
            (end, format) = try read { db in
                (
                    try Int64.fetchOne(db, sql: "SELECT max(seq) FROM document") ?? 0,
                    try Int.fetchOne(db, sql: "PRAGMA user_version")
                )
            }
        } catch {
            report.damages.append(.init(document: nil, context: "", what: error.checkText, posts: []))
        }
        if end <= 0 { report.damages.append(.init(document: nil, context: "", what: "it has no documents", posts: [])) }
        var reading = CheckReading(self, end: end)
        var chain = Chain()
        var needed = ArchiveSchema.version
        try await OrderedPipeline.run(
            next: { reading.next() },
            work: { steps in
                steps.map { step -> (DocumentInspection?, CheckReport.Damage?) in
                    switch step {
                    case .document(let subject): (DocumentInspection(subject), nil)
                    case .unreadable(let damage): (nil, damage)
                    }
                }
            },
            consume: { results in
                for (inspection, damage) in results {
                    report.documents += 1
                    if let damage {
                        report.damages.append(damage)
                        chain.skip(to: damage.document ?? 0)
                    }
                    if let inspection {
                        report.versions += inspection.versions
                        report.bytes += inspection.bytes
                        let problems =
                            inspection.problems + chain.add(inspection) + unindexed(inspection)
                            + misdirected(inspection)
                        report.damages += problems.map(inspection.damage)
                        if problems.isEmpty, let stamp = inspection.timeStamp { report.timeStamps.append(stamp) }
                        report.head = inspection.hash.description
                        needed = max(needed, inspection.formatVersion)
                    }
                    progress(report.documents, Int(clamping: end))
                }
            })
        report.damages += reading.rest()
        // Where it is lower, an older reader would open what it does not understand; where it is higher, documents are gone.
        if let format, format != needed, report.damages.isEmpty {
            let what = "its version is \(format), and its documents are those of version \(needed)"
            report.damages.append(.init(document: nil, context: "", what: what, posts: []))
        }
        if report.damages.isEmpty { CheckedMark.place(state, onArchive: directory.archivePath) }
        if includesFiles { try checkFiles(&report, progress: fileProgress) }
        return report
    }

    /// What SQLite itself says of the file, and tables, indexes or guards that are not as this program makes them.
    private func databaseDamages() -> [CheckReport.Damage] {
        var problems: [String] = []
        do throws(ArchiveError) {
            problems = try read { try String.fetchAll($0, sql: "PRAGMA integrity_check(20)") }.filter { $0 != "ok" }
        } catch {
            problems = [error.checkText]
        }
        problems = problems.map { "SQLite: \($0)" }
        do throws(ArchiveError) {
            let path = directory.archivePath
            problems += try read { try DatabaseHeader($0, path: path) }.problems
        } catch {
            problems.append(error.checkText)
        }
        do throws(ArchiveError) {
            let found = try read { try ArchiveSchema.lines(of: $0) }
            let other = found.symmetricDifference(ArchiveSchema.expectedLines).map(ArchiveSchema.name(ofLine:))
            problems += Set(other).sorted().map { "the \($0) is not as it was made" }
        } catch {
            problems.append(error.checkText)
        }
        return problems.map { .init(document: nil, context: "", what: $0, posts: []) }
    }

    /// What is wrong with the time stamp that a document is, if it is one: it must be about the record that it names.
    private func misdirected(_ inspection: DocumentInspection) -> [String] {
        guard let stamp = inspection.timeStamp else { return [] }
        do throws(ArchiveError) {
            guard try hash(ofDocument: stamp.covered) != stamp.token.imprint.description else { return [] }
            return ["it is not a time stamp of the record of document \(stamp.covered)"]
        } catch {
            return ["the record that it is a time stamp of cannot be read: \(error.checkText)"]
        }
    }

    /// What stands in the document, and in the index neither under it nor under one before.
    private func unindexed(_ inspection: DocumentInspection) -> [String] {
        guard !inspection.olderVersions.isEmpty || !inspection.olderObjects.isEmpty || !inspection.joined.isEmpty
        else { return [] }
        do throws(ArchiveError) {
            return try read { db in
                let version = try db.cachedStatement(
                    sql: "SELECT 1 FROM version WHERE post_id = ? AND identity = ? AND document <= ?")
                let posts = try inspection.olderVersions.filter {
                    let values: StatementArguments = [$0.id, $0.identity.databaseBlob, inspection.sequence]
                    return try Int.fetchOne(version, arguments: values) == nil
                }
                let last = try db.cachedStatement(
                    sql: "SELECT json FROM object WHERE kind = ? AND id = ? AND document < ? ORDER BY seq DESC LIMIT 1")
                let objects = try inspection.olderObjects.filter {
                    let json = try String.fetchOne(last, arguments: [$0.kind, $0.id, inspection.sequence])
                    return json.map { Array($0.utf8) } != $0.json
                }
                let any = try db.cachedStatement(sql: "SELECT 1 FROM version WHERE post_id = ? AND document < ?")
                let joined = try inspection.joined.filter {
                    try Int.fetchOne(any, arguments: [$0, inspection.sequence]) == nil
                }
                return joined.map { "it should be known before that the archive holds post \($0)" }
                    + posts.map { "the index does not know its version of post \($0.id)" }
                    + objects.map { "the index does not know its description of \($0.kind) \($0.id)" }
            }
        } catch {
            return ["what the index says of it cannot be read: \(error.checkText)"]
        }
    }
}

/// The chain as far as it was followed.
private struct Chain {
    private var sequence: Int64 = 1
    /// What the next record must name as its predecessor; nil where that one could not be read.
    private var previous: SHA256Digest? = DocumentRecord.none

    mutating func skip(to document: Int64) {
        sequence = document &+ 1
        previous = nil
    }

    mutating func add(_ inspection: DocumentInspection) -> [String] {
        var problems: [String] = []
        if inspection.sequence > sequence {
            let gap = inspection.sequence - 1
            problems.append(
                gap == sequence ? "document \(gap) is missing" : "documents \(sequence) to \(gap) are missing")
        } else if inspection.sequence < sequence {
            problems.append("its number is out of order")
        }
        if let previous, let named = inspection.record?.previous, named != previous {
            problems.append("the chain is broken: its record names another predecessor")
        }
        sequence = inspection.sequence &+ 1
        previous = inspection.hash
        return problems
    }
}

extension ArchiveError {
    /// The error as a finding of `check`.
    var checkText: String {
        switch self {
        case .database(let message, _): "SQLite: \(message)"
        case .damagedDocument(_, let what), .badTimeStamp(let what): what
        case .notAnArchive: "SQLite: it is not a database"
        default: "\(self)"
        }
    }
}
