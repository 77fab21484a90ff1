internal import Archive
internal import Bytes

/// The records of the archive, and the documents that they are of.
extension EvidenceExamination {
    /// - Returns: the records of the documents that are in the package.
    mutating func chain(
        _ facts: inout EvidenceFacts, _ report: inout EvidenceCheck.Report
    ) throws -> [Int64: DocumentRecord] {
        let name = EvidenceWriter.chainName
        let included = Set(facts.documents.map(\.sequence))
        let redacted = Set(facts.documents.filter(\.isRedacted).map(\.sequence))
        var records: [Int64: DocumentRecord] = [:]
        var lines = contents.lines(name)
        var (last, hash): (Int64, SHA256Digest) = (0, DocumentRecord.none)
        var whole = SHA256Stream()
        while let record = try EvidenceExamination.nextRecord(&lines) {
            guard let record, record.sequence == last + 1 else {
                damage(name, "document \(last + 1) has no valid record here")
                return records
            }
            if record.previous != hash {
                damage(name, "record \(record.sequence) does not name the hash of the one before it")
            }
            (last, hash) = (record.sequence, record.hash)
            whole.update(Array(record.text.utf8))
            facts.coverage.add(record, isIncluded: included.contains(last) && !redacted.contains(last))
            if included.contains(last) {
                records[last] = record
            } else if DocumentKind(rawValue: record.kind)?.isDecisive == true {
                // Left out, it could have taken back what the others say.
                damage(
                    name,
                    "document \(last) (\(record.kind)) belongs in every package, and is not in this one")
            }
            if let head, record.hash.description == head { report.notedDocument = last }
        }
        if last != facts.head.documents || hash.description != facts.head.hash {
            damage(name, "it ends with another head than \(EvidenceWriter.manifestName) states")
        }
        // The last line end, say.
        if contents.entries[name]?.sha256 != whole.finalize().description {
            damage(name, "it is not written as mmvault writes it")
        }
        for document in facts.documents {
            let (sequence, bodyName) = (document.sequence, document.name)
            let recordName = EvidenceDocument.recordName(sequence)
            guard let record = records[sequence] else {
                damage(recordName, "it has no place in the chain")
                continue
            }
            if try contents.bytes(recordName) != Array(record.text.utf8) {
                damage(recordName, "it is not the record that stands in \(name)")
            }
            let body = contents.entries[bodyName]
            let isFaithful = document.isRedacted || body?.sha256 == record.bodyHash.description
            if body?.size != record.length || !isFaithful {
                damage(bodyName, "it is not the body that its record states")
                records[sequence] = nil
            }
        }
        return records
    }

    /// - Returns: nil behind the last one; nil in it for what is no record.
    private static func nextRecord(_ lines: inout PackageContents.Lines) throws -> DocumentRecord?? {
        var text: [UInt8] = []
        for place in 0..<DocumentRecord.lineCount {
            guard let line = try lines.next() else { return place == 0 ? .none : .some(nil) }
            text += line + [UInt8(ascii: "\n")]
        }
        return .some(String(validating: text, as: UTF8.self).flatMap(DocumentRecord.init(text:)))
    }

    /// A time stamp must be of the record that its own one names.
    mutating func requireStamped(_ stamps: [TimeStampDocument]) throws {
        guard !stamps.isEmpty else { return }
        let covered = Set(stamps.map(\.covered))
        var hashes: [Int64: SHA256Digest] = [:]
        var lines = contents.lines(EvidenceWriter.chainName)
        while let record = try EvidenceExamination.nextRecord(&lines) {
            guard let record else { break }
            if covered.contains(record.sequence) { hashes[record.sequence] = record.hash }
        }
        for stamp in stamps where hashes[stamp.covered] != stamp.token.imprint {
            damage(
                EvidenceDocument.bodyName(stamp.sequence),
                "it is not a time stamp of the record of document \(stamp.covered)")
        }
    }
}
