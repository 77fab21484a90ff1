import Bytes
import Foundation
import Testing

@testable import Archive

/// The files in an export: they stand with their posts as those do that a pull fetches.
@Suite struct ImportedFileTests {
    private let sandbox: Sandbox
    private let directory: AccountDirectory

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
    }

    /// A zip of these files, in this order.
    private func zip(_ files: [(path: String, content: String)]) async throws -> ImportFile {
        var script = "import zipfile\nz = zipfile.ZipFile('x.zip', 'w', zipfile.ZIP_DEFLATED)\n"
        for (number, file) in files.enumerated() {
            try file.content.write(toFile: "\(sandbox.path)/part\(number)", atomically: true, encoding: .utf8)
            script += "z.writestr('''\(file.path)''', open('part\(number)', 'rb').read())\n"
        }
        try (script + "z.close()\n").write(toFile: "\(sandbox.path)/make.py", atomically: true, encoding: .utf8)
        try await sandbox.run("rm -f x.zip; python3 make.py")
        return ImportFile(path: "\(sandbox.path)/x.zip")
    }

    private func take(_ file: ImportFile) async throws -> ImportReport {
        try await ArchiveWriter(directory).add(file, try file.survey())
    }

    private static func line(_ paths: String..., message: String = "text") -> String {
        let attachments = paths.map { #"{"path":"\#($0)"}"# }.joined(separator: ",")
        return #"{"type":"post","post":{"team":"t","channel":"town","user":"bob","type":"","message":"\#(message)","#
            + #""create_at":\#(start),"attachments":[\#(attachments)],"replies":[]}}"# + "\n"
    }

    private static let columns =
        "TeamName,ChannelName,ChannelDisplayName,ChannelType,UserUsername,PostId,PostCreateAt,PostUpdateAt,PostDeleteAt,"
        + "PostRootId,PostOriginalId,PostMessage,PostType,PostProps,PostFileIds\n"

    /// A legal hold of one post with one file.
    private static func hold(file: String = id("f1"), content: String = "held") -> [(path: String, content: String)] {
        let folder = "legal_hold/case/\(town)"
        let row = "t,town,Town,O,bob,\(id("p1")),\(start),\(start),0,,,text,,{},\"[\"\"\(id("f1"))\"\"]\"\n"
        return [
            ("legal_hold/case/index.json", #"{"users":{"\#(bob)":{"username":"bob"}}}"#),
            ("legal_hold/case/hashes.json", "{}"), ("\(folder)/files/files-1-\(id("p1"))/\(file)/ä b.txt", content),
            ("\(folder)/messages/messages-1-\(id("p1")).csv", columns + row),
        ]
    }

    private func content(_ fileID: String) throws -> String? {
        guard let record = try Archive(directory).fileRecord(fileID), let content = record.content else { return nil }
        var bytes: [UInt8] = []
        try FileStore(directory).read(content.sha256) { chunk throws(ArchiveError) in bytes += chunk }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func versions() throws -> [StoredVersion] {
        let archive = try Archive(directory)
        return try archive.channels().flatMap { try archive.all(PostQuery(channelID: $0.id)) }
    }

    private func storedNames() async throws -> [String] {
        let names = try await sandbox.run("cd '\(directory.filesPath)' 2>/dev/null && find . -type f || true")
        return names.split(separator: "\n").map(String.init)
    }

    private func expectClean() async throws {
        let report = try await Archive(directory).check()
        #expect(report.isClean && report.fileFindings.isEmpty, "\(report.damages) \(report.fileFindings)")
    }

    /// Mattermost writes the posts first; whoever packs the zip anew may not.
    @Test(arguments: [true, false]) func theFilesOfABulkExportStandWithTheirPosts(_ postsFirst: Bool) async throws {
        let posts = ("import.jsonl", Self.line("2023/ä b.txt", "2023/same.txt"))
        let files = [
            ("data/2023/ä b.txt", "one"), ("data/2023/same.txt", "one"), ("data/emoji/parrot.png", "no post's"),
        ]
        let report = try await take(zip(postsFirst ? [posts] + files : files + [posts]))
        #expect(report.added == 1 && report.files == 2 && report.fileBytes == 6)
        let version = try #require(try versions().first)
        let attached = AttachedFile.all(in: try JSONDocument(Array(version.json)).root)
        #expect(attached.map(\.name) == ["ä b.txt", "same.txt"])
        for file in attached {
            #expect(ImportID.isOwn(file.id))
            #expect(try content(file.id) == "one")
        }
        // Each content once; of a file without a post, nothing where that can be told.
        #expect(try await storedNames().count == (postsFirst ? 1 : 2))
        let counts = try Archive(directory).fileCounts()
        #expect(counts.held == 2 && counts.named == 2)
        try await expectClean()
    }

    @Test func whatAPostNamesAndTheZipDoesNotHaveIsNoted() async throws {
        let report = try await take(zip([("import.jsonl", Self.line("2023/gone.txt"))]))
        #expect(report.files == 0)
        #expect(try Archive(directory).fileCounts().missing == [.notInExport: 1])
        try await expectClean()
    }

    @Test func theFilesOfALegalHoldHaveTheServersIDs() async throws {
        let report = try await take(zip(Self.hold()))
        #expect(report.added == 1 && report.files == 1)
        #expect(try content(id("f1")) == "held")
        #expect(try Archive(directory).fileRecord(id("f1"))?.name == "ä b.txt")
        try await expectClean()
    }

    @Test func aFileThatNoPostNamesIsNotNoted() async throws {
        #expect(try await take(zip(Self.hold(file: id("f2")))).files == 0)
        #expect(try Archive(directory).fileRecord(id("f2")) == nil)
        try await expectClean()
    }

    private func pullPost(_ record: FileRecord.Outcome?) async throws {
        let writer = try ArchiveWriter(directory)
        let post = PostText("p1", at: start, "text").with {
            $0.user = bob
            $0.files = #""file_ids":["\#(id("f1"))"],"#
        }
        try await writer.keep([post])
        guard let record else { return }
        let noted = FileRecord(fileID: id("f1"), postID: id("p1"), channelID: town, outcome: record)
        try await writer.append(
            FileRecord.document([noted], channelID: town, at: Timestamp(milliseconds: start)), objects: .file)
    }

    @Test func whatTheServerGaveIsNeverReplaced() async throws {
        let bytes = Array("the server's".utf8)
        let sha256 = SHA256Digest(of: bytes)
        let name = sha256.description
        for path in [directory.filesPath, "\(directory.filesPath)/\(name.prefix(2))"] {
            try PrivateFile.makeDirectory(path)
        }
        try PrivateFile.replace("\(directory.filesPath)/\(name.prefix(2))/\(name)", with: bytes)
        try await pullPost(.held(FileContent(sha256: sha256, size: Int64(bytes.count))))
        #expect(try await take(zip(Self.hold())).files == 0)
        #expect(try content(id("f1")) == "the server's")
        try await expectClean()
    }

    @Test func whatTheServerHasLostComesFromALegalHold() async throws {
        try await pullPost(.missing(.init(.gone, status: 404)))
        #expect(try await take(zip(Self.hold())).files == 1)
        #expect(try content(id("f1")) == "held")
        try await expectClean()
    }

    @Test func pathsAreNamesAndLeadNowhere() async throws {
        let report = try await take(
            zip([("import.jsonl", Self.line("../../../etc/passwd", "/etc/shadow")), ("data/x", "x")]))
        #expect(report.files == 0)
        #expect(try await storedNames().isEmpty)
        try await expectClean()
        // In the zip itself they are refused.
        let hostile = try await zip([("import.jsonl", Self.line("a")), ("data/../../a", "x")])
        #expect(throws: ArchiveError.self) { try hostile.survey() }
    }

    @Test func afterAnImportThatFailsNothingIsNoted() async throws {
        let file = try await zip([("import.jsonl", Self.line("a.txt")), ("data/a.txt", "one")])
        let survey = try file.survey()
        _ = try await zip([("import.jsonl", Self.line("a.txt")), ("data/a.txt", "two")])
        let writer = try ArchiveWriter(directory)
        await #expect(throws: ArchiveError.self) { try await writer.add(file, survey) }
        #expect(try Archive(directory).head().documents == 1)
        // What was written by then is a content like that of a killed pull; and the writer goes on.
        try await expectClean()
        _ = try await writer.add(file, try file.survey())
        try await expectClean()
        #expect(try Archive(directory).fileCounts().held == 1)
    }

    @Test(arguments: [
        "DELETE FROM attachment", "UPDATE attachment SET file_id = 'import-' || substr(file_id, 9) || '0'",
    ])
    func aChangeOfTheIndexIsFound(_ change: String) async throws {
        _ = try await take(zip([("import.jsonl", Self.line("a.txt")), ("data/a.txt", "one")]))
        try await sandbox.tamper(directory, change)
        #expect(try await !Archive(directory).check().isClean)
    }

    @Test func aDamagedContentIsFound() async throws {
        _ = try await take(zip([("import.jsonl", Self.line("a.txt")), ("data/a.txt", "one")]))
        let name = try #require(try await storedNames().first)
        try await sandbox.run("cd '\(directory.filesPath)' && chmod 600 '\(name)' && printf two > '\(name)'")
        #expect(try await Archive(directory).check().fileFindings.map(\.what) == [.damaged])
    }
}
