import Bytes
import Foundation
import Testing

@testable import Archive

/// Nothing is changed or removed, and the chain of records tells whether that is so.
@Suite struct ChainTests {
    let sandbox: Sandbox
    let directory: AccountDirectory

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
    }

    private func fill() async throws {
        let writer = try ArchiveWriter(directory)
        try await writer.keep(
            [PostText("p1", at: start, "hi")], walk: WalkState(cursor: 1, backward: .newest, hasAskedForPast: false))
        try await writer.keep(#"[{"id":"\#(alice)","username":"alice"}]"#, .users)
        try await writer.note(
            WalkState(cursor: 1, backward: nil, hasAskedForPast: true), channelID: town,
            at: Timestamp(milliseconds: start))
        let own = ReceivedDocument.ownKey(
            userID: alice, encryptionPoint: point(1), signingPoint: point(2), at: Timestamp(milliseconds: start))
        try await writer.append(own, keys: try sightings(in: own))
    }

    @Test(arguments: ["document", "version", "object", "key_sighting", "walk"])
    func noRowIsEverChangedOrRemoved(_ table: String) async throws {
        try await fill()
        for change in ["UPDATE \(table) SET seq = seq + 100", "DELETE FROM \(table)"] {
            let answer = try await sandbox.run("sqlite3 '\(directory.archivePath)' '\(change)' 2>&1 || true")
            #expect(answer.contains("the archive is append-only"), "\(change): \(answer)")
        }
        #expect(try await Archive(directory).check().isClean)
    }

    @Test func eachRecordNamesItsPredecessor() async throws {
        try await fill()
        let archive = try Archive(directory)
        var previous = DocumentRecord.none
        var sequence: Int64 = 0
        while let row = try archive.read({ try DocumentRow.fetch($0, after: sequence) }) {
            let record = try #require(DocumentRecord(text: row.record))
            #expect(row.sequence == sequence + 1 && record.sequence == row.sequence)
            #expect(record.previous == previous && record.hash.description == row.hash)
            (sequence, previous) = (row.sequence, record.hash)
        }
        #expect(sequence == 5)
        #expect(try archive.head() == (5, previous.description))
    }

    /// sqlite3, sha256sum and gzip, and nothing of this program.
    @Test func stockToolsRecomputeTheChainAndEveryBody() async throws {
        try await fill()
        let answer = try await sandbox.run(
            """
            previous=0000000000000000000000000000000000000000000000000000000000000000
            for seq in $(sqlite3 '\(directory.archivePath)' 'SELECT seq FROM document ORDER BY seq'); do
              sqlite3 '\(directory.archivePath)' "SELECT writefile('record', record), writefile('body.gz', body)
                FROM document WHERE seq = $seq" >/dev/null
              grep -qx "seq $seq" record && grep -qx "previous $previous" record
              grep -qx "sha256 $(gzip -dc body.gz | sha256sum | cut -d' ' -f1)" record
              grep -qx "gzip $(sha256sum <body.gz | cut -d' ' -f1)" record
              grep -qx "length $(gzip -dc body.gz | wc -c)" record
              previous=$(sha256sum <record | cut -d' ' -f1)
              test "$previous" = "$(sqlite3 '\(directory.archivePath)' "SELECT hash FROM document WHERE seq = $seq")"
            done
            echo "$previous"
            """)
        #expect(answer == "\(try Archive(directory).head().hash)\n")
    }

    @Test func aWriterGoesOnFromTheLastDocument() async throws {
        try await fill()
        try await fill()
        let report = try await Archive(directory).check()
        // The users are as they were; the rest comes again.
        #expect(report.isClean && report.documents == 8, "\(report.damages)")
    }

    @Test func aWriterRefusesAnEndThatIsDamaged() async throws {
        try await fill()
        try await sandbox.tamper(directory, "UPDATE document SET hash = substr(hash, 2) || 'x' WHERE seq = 5")
        #expect(throws: ArchiveError.self) { try ArchiveWriter(directory) }
    }
}

/// The text of a record.
@Suite struct RecordTests {
    private func record(_ document: ReceivedDocument) -> DocumentRecord {
        DocumentRecord(document, walk: nil, sequence: 7, previous: DocumentRecord.none, compressed: [1, 2])
    }

    @Test func aRecordIsReadAsItWasWritten() throws {
        let state = WalkState(cursor: 1, backward: .newest, hasAskedForPast: true)
        for walk in [nil, state] {
            let record = DocumentRecord(
                received([1, 2, 3]), walk: walk, sequence: 7, previous: DocumentRecord.none, compressed: [])
            #expect(DocumentRecord(text: record.text) == record)
        }
    }

    @Test func aRecordHasOneSpelling() {
        let text = record(received([1, 2, 3])).text
        let others = [
            text + "\n", String(text.dropLast()), text.replacing("seq 7", with: "seq 07"),
            text.replacing("seq 7", with: "seq +7"), text.replacing("length 3", with: "length  3"), text.uppercased(),
            text.replacing("\n", with: "\r\n"), text.replacing("mmvault-document 1", with: "mmvault-document 2"),
            text.replacing("kind", with: "kínd"), "", "\n",
        ]
        for other in others { #expect(DocumentRecord(text: other) == nil, "\(other)") }
    }

    /// A value that would begin a line of its own could forge the rest of the record.
    @Test func aValueCannotEndItsLine() throws {
        for end in ["\n", "\r\n", "\r", "\u{85}", "\u{2028}", "\0"] {
            let document = ReceivedDocument(
                kind: .posts, request: "GET /a\(end)sha256 00", channelID: "c\(end)length 0",
                receivedAt: Timestamp(milliseconds: start), body: [])
            let record = record(document)
            #expect(record.request == "GET /asha256 00" && record.channelID == "clength 0")
            #expect(DocumentRecord(text: record.text) == record)
        }
    }
}

/// 65 bytes that look like a point.
func point(_ byte: UInt8) -> [UInt8] { [4] + [UInt8](repeating: byte, count: 64) }
