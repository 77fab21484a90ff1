import Bytes
import Foundation
import Testing

@testable import Archive

@Suite struct RecordSplitterTests {
    private func records(_ text: String, hasQuotes: Bool, pieces: Int) throws -> [String] {
        var splitter = RecordSplitter(hasQuotes: hasQuotes)
        var found: [String] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            try bytes[start..<min(start + pieces, bytes.count)].withUnsafeBytes { piece in
                try splitter.add(piece) { found.append(String(decoding: $0, as: UTF8.self)) }
            }
        }
        try splitter.finish { found.append(String(decoding: $0, as: UTF8.self)) }
        return found
    }

    @Test(arguments: [1, 2, 3, 7, 1000])
    func recordsInARowAreTheStream(pieces: Int) throws {
        let lines = "{\"a\"}\n\r\n\nlast \" one"
        #expect(try records(lines, hasQuotes: false, pieces: pieces) == ["{\"a\"}\n", "\r\n", "\n", "last \" one"])
        let rows = "a,\"b\n\"\"\r\n\",c\r\nd,\"\"\n"
        #expect(try records(rows, hasQuotes: true, pieces: pieces) == ["a,\"b\n\"\"\r\n\",c\r\n", "d,\"\"\n"])
    }

    @Test func anOpenQuotationMarkIsNoEnd() {
        #expect(throws: ArchiveError.self) { try records("a,\"b\nc\n", hasQuotes: true, pieces: 5) }
    }

    @Test(arguments: [
        ("", [""]), ("\n", [""]), ("a", ["a"]), ("a,b\r\n", ["a", "b"]), (",,", ["", "", ""]),
        ("\"\"", [""]), ("\"a,b\"", ["a,b"]), ("\"a\"\"b\",c\n", ["a\"b", "c"]), ("\"a\r\nb\"\r\n", ["a\r\nb"]),
        (" a , b ", [" a ", " b "]), ("\"\"\"\"", ["\""]), ("é,発", ["é", "発"]),
    ])
    func fieldsAreThoseOfRFC4180(row: String, fields: [String]) {
        #expect(CSVRow.fields(Array(row.utf8)[...]) == fields)
    }

    @Test(arguments: ["a\"b", "\"a", "\"a\"b", "\"a\" ,b", "a\rb", "\"", "\"\"\"", "a,\"b\nc"])
    func anythingElseIsNoRow(row: String) { #expect(CSVRow.fields(Array(row.utf8)[...]) == nil) }

    @Test func bytesThatAreNoTextAreNoRow() { #expect(CSVRow.fields([0x61, 0xFF]) == nil) }

    @Test(arguments: ["", "<a> & \"b\" \\ \u{2028}\u{2029}\n\r\t\u{1}", "発 é 👍"])
    func aStringIsWrittenAsTheServerWritesIt(text: String) throws {
        let written = LegalHoldRow.quoted(text)
        #expect(try JSONDocument(written).root.string == text)
        #expect(!written.contains(UInt8(ascii: "<")) && !written.contains(UInt8(ascii: "&")))
    }
}

@Suite struct SamenessTests {
    @Test(arguments: [
        (#"{"a":1,"b":[true,"x"]}"#, #"{ "b":[true,"\u0078"], "a":1 }"#, true), (#"{"a":""}"#, "{}", true),
        ("[1]", "[1.0]", false), (#"{"a":1}"#, #"{"a":2}"#, false), (#"["a","b"]"#, #"["b","a"]"#, false),
        (#"{"a":1}"#, #"{"b":1}"#, false), ("1", "\"1\"", false),
    ])
    func valuesAreTheSameWhereTheySayTheSame(one: String, other: String, areSame: Bool) throws {
        let values = try [one, other].map { try JSONDocument(Array($0.utf8)).root }
        #expect(JSONValue.areSame(values[0], values[1]) == areSame)
        #expect(JSONValue.areSame(values[1], values[0]) == areSame)
    }

    @Test(arguments: ["[", #"{"a":"#])
    func deepValuesAreComparedWithoutTheStack(opening: String) throws {
        let closing = opening == "[" ? "]" : "}"
        let values = try ["1", "2", " 1"].map { inner in
            let text = String(repeating: opening, count: 10_000) + inner + String(repeating: closing, count: 10_000)
            return try JSONDocument(Array(text.utf8)).root
        }
        #expect(!JSONValue.areSame(values[0], values[1]))
        #expect(JSONValue.areSame(values[0], values[2]))
    }

    @Test func noIDOfAServerIsOneOfAnImport() {
        let own = ImportID.make("user", "alice")
        #expect(ImportID.isOwn(own) && ImportID.isIdentifier(own) && !PostHeader.isIdentifier(own))
        #expect(!ImportID.isOwn(alice) && ImportID.isIdentifier(alice))
        #expect(ImportID.make("user", "alice", "b") != ImportID.make("user", "aliceb"))
        #expect(ImportID.make("channel", "alice") != own)
    }
}

/// What the index says of an import, and what `check` finds of it.
@Suite struct ImportTests {
    private let sandbox: Sandbox
    private let directory: AccountDirectory

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
    }

    private static let users = #"[{"id":"\#(alice)","username":"alice"},{"id":"\#(bob)","username":"bob"}]"#

    private static func line(_ message: String, at time: Int64, user: String = "bob", replies: String = "") -> String {
        #"{"type":"post","post":{"team":"t","channel":"town","user":"\#(user)","type":"","message":"\#(message)","#
            + #""create_at":\#(time),"replies":[\#(replies)]}}"# + "\n"
    }

    private func zip(_ lines: String) async throws -> ImportFile {
        try lines.write(toFile: "\(sandbox.path)/import.jsonl", atomically: true, encoding: .utf8)
        try await sandbox.run("rm -f x.zip; python3 -m zipfile -c x.zip import.jsonl")
        return ImportFile(path: "\(sandbox.path)/x.zip")
    }

    private func take(_ file: ImportFile) async throws -> ImportReport {
        try await ArchiveWriter(directory).add(file, try file.survey())
    }

    private func settle(_ posts: [PostText]) async throws {
        let writer = try ArchiveWriter(directory)
        try await writer.keep(ImportTests.users, .users)
        try await writer.keep(#"[{"id":"\#(id("t"))","name":"t"}]"#, .teams)
        try await writer.keep(
            #"[{"id":"\#(town)","team_id":"\#(id("t"))","type":"O","name":"town"}]"#, .channels)
        try await writer.keep(posts)
    }

    @Test func onlyWhatAgreesIsJoined() async throws {
        try await settle([
            PostText("first", at: start, "the same <3").with { $0.user = bob },
            PostText("second", at: start + 1, "as it was").with { $0.user = bob },
            PostText("third", at: start + 2, "by Alice"),
        ])
        let reply = #"{"user":"bob","type":"","message":"a reply","create_at":\#(start + 9)}"#
        let report = try await take(
            zip(
                ImportTests.line("the same <3", at: start, replies: reply) + ImportTests.line("as it is", at: start + 1)
                    + ImportTests.line("by Alice", at: start + 2)))
        #expect(report.posts == 4 && report.added == 3 && report.newUsers == 0 && report.newChannels == 0)
        let all = try Archive(directory).all()
        #expect(all.count == 6 && all.allSatisfy { $0.state == .live && $0.header.channelID == town })
        let own = all.filter { ImportID.isOwn($0.header.id) }
        #expect(own.count == 3 && own.allSatisfy { $0.importName == "x.zip" && $0.header.userID == bob })
        #expect(own.first { $0.text.contains("a reply") }?.header.rootID == id("first"))
        #expect(try await Archive(directory).check().isClean)
    }

    @Test func thePostsOfAnImportStandInItAsTheyStood() async throws {
        let lines = ImportTests.line(#"\u003c 2^53+1 \u00e9"#, at: start) + ImportTests.line("second", at: start + 1)
        _ = try await take(zip(lines))
        let stored = try Archive(directory).channels().flatMap {
            try Archive(directory).all(PostQuery(channelID: $0.id))
        }
        #expect(stored.count == 2)
        for version in stored { #expect(lines.contains(version.text)) }
    }

    @Test(arguments: [
        "UPDATE version SET user_id = '\(alice)'",
        "UPDATE version SET post_id = 'import-' || substr(post_id, 8, 23) || 'x'",
        "UPDATE version SET start = start + 1", "UPDATE version SET create_at = create_at + 1", "DELETE FROM version",
        "UPDATE object SET json = replace(json, 'bob', 'eve')", "DELETE FROM object WHERE kind = 'user'",
        "UPDATE document SET record = replace(record, 'import.jsonl', 'import.other') WHERE seq = 2",
    ])
    func whateverSomebodyChanges_CheckNames(change: String) async throws {
        _ = try await take(zip(ImportTests.line("one", at: start)))
        #expect(try await Archive(directory).check().isClean)
        try await sandbox.tamper(directory, change)
        #expect(try await !Archive(directory).check().isClean)
    }

    /// Parts are cut between lines, and a line that is larger than a part is a part of its own.
    @Test func aLargeExportIsCutIntoParts() async throws {
        let long = String(repeating: "word ", count: 100_000)
        let lines = (0..<3000).map { ImportTests.line("post \($0) \(long.prefix(200))", at: start + Int64($0)) }
        let report = try await take(zip(lines.joined() + ImportTests.line(long, at: start + 5000)))
        #expect(report.added == 3001)
        #expect(try Archive(directory).head().documents > 4)
        #expect(try await Archive(directory).check().isClean)
    }

    @Test func aFileThatIsAnotherByThen_IsNotTaken() async throws {
        let file = try await zip(ImportTests.line("one", at: start))
        let survey = try file.survey()
        _ = try await zip(ImportTests.line("two", at: start))
        let writer = try ArchiveWriter(directory)
        await #expect(throws: ArchiveError.badExport(file: nil, what: "it changed while it was read")) {
            try await writer.add(file, survey)
        }
        #expect(try Archive(directory).head().documents == 1)
        // The writer goes on from where it stood.
        try await writer.keep([PostText("first", at: start)])
        #expect(try await Archive(directory).check().isClean)
    }
}
