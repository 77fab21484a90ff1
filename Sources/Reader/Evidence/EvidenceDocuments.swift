internal import Archive

/// The documents of a package, read when they are asked for; neighbours in time stand in the same one.
struct EvidenceDocuments {
    private let contents: PackageContents
    private let records: [Int64: DocumentRecord]
    /// Those that are here as the archive's owner rendered them.
    private let redacted: Set<Int64>
    private var cached: [(sequence: Int64, content: DocumentContent)] = []
    private var files: [String: [FileRecord]]?
    private var absences: [String: [(document: Int64, absence: NoticedAbsence)]]?

    /// Bytes of bodies that are kept.
    private static let room = 24 << 20

    init(_ contents: PackageContents, records: [Int64: DocumentRecord], redacted: Set<Int64>) {
        (self.contents, self.records, self.redacted) = (contents, records, redacted)
    }

    func isRedacted(_ sequence: Int64) -> Bool { redacted.contains(sequence) }

    /// - Returns: nil where there is none of that number, or it holds something else than its record says.
    mutating func content(_ sequence: Int64) throws -> DocumentContent? {
        if let found = cached.first(where: { $0.sequence == sequence }) { return found.content }
        guard let record = records[sequence],
            let body = try contents.bytes(EvidenceDocument.name(sequence, isRedacted: isRedacted(sequence))),
            let content = try? DocumentContent(record, body)
        else { return nil }
        cached.append((sequence, content))
        while cached.count > 1, cached.reduce(0, { $0 + $1.content.body.count }) > EvidenceDocuments.room {
            cached.removeFirst()
        }
        return content
    }

    /// What the documents record of a file, the newest last.
    mutating func records(of fileID: String) throws -> [FileRecord] {
        if files == nil {
            var found: [String: [FileRecord]] = [:]
            let kinds = [DocumentKind.files.rawValue, DocumentKind.imported.rawValue]
            for (sequence, _) in records.filter({ kinds.contains($0.value.kind) }).sorted(by: { $0.key < $1.key }) {
                for file in try content(sequence)?.fileRecords ?? [] {
                    found[file.fileID, default: []].append(file)
                }
            }
            files = found
        }
        return files?[fileID] ?? []
    }

    /// What the documents say of a post that has gone. The newest last; that it came back may stand in a later one, which is
    /// not here.
    mutating func absences(of postID: String) throws -> [(document: Int64, absence: NoticedAbsence)] {
        if absences == nil {
            var found: [String: [(document: Int64, absence: NoticedAbsence)]] = [:]
            let told = records.filter { $0.value.kind == DocumentKind.absences.rawValue }.keys.sorted()
            for sequence in told {
                // What was known already is no news, and keeps its time.
                for (id, absence) in try content(sequence)?.absences ?? []
                where found[id]?.last?.absence.reason != absence.reason {
                    found[id, default: []].append((sequence, absence))
                }
            }
            absences = found
        }
        return absences?[postID] ?? []
    }
}
