import Bytes
import Testing

@testable import Archive

/// Archives of the builds that kept no index of the files which posts name.
@Suite struct EarliestBuildTests {
    let sandbox: Sandbox
    let directory: AccountDirectory
    static let files = ["f1", "f2"].map(id)

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
    }

    /// Posts with files, one of them in two versions, and a page that repeats them.
    private func fill() async throws {
        let writer = try ArchiveWriter(directory)
        let posts = Self.files.enumerated().map { number, file in
            PostText("p\(number)", at: start + Int64(number), "text").with {
                $0.files = #""file_ids":["\#(file)"],"#
                $0.volatile = #""metadata":{"files":[{"id":"\#(file)","name":"a.txt","size":7}]}"#
            }
        }
        try await writer.keep(posts)
        try await writer.keep(posts)
        let edited = posts[0].with {
            $0.message = "another text"
            $0.updateAt += 5
            $0.editAt = $0.updateAt
        }
        try await writer.keep([edited, posts[1]])
    }

    /// As the earliest builds made it: no table, and none that was taken out.
    private func takeIndexAway() async throws {
        try await sandbox.run("sqlite3 '\(directory.archivePath)' 'DROP TABLE attachment; VACUUM'")
    }

    private func index() async throws -> String {
        try await sandbox.run("sqlite3 '\(directory.archivePath)' 'SELECT * FROM attachment ORDER BY seq'")
    }

    @Test func whoeverOpensItMakesTheIndex() async throws {
        try await fill()
        try await takeIndexAway()
        let archive = try Archive(directory)
        #expect(try await archive.check().isClean)
        #expect(try archive.fileCounts().unasked == 2)
        #expect(try archive.all().count == 3)
    }

    @Test func theNextWriterMakesTheIndexAsItWouldHaveBeen() async throws {
        try await fill()
        let before = try await index()
        #expect(before.split(separator: "\n").count == 3)
        try await takeIndexAway()
        _ = try ArchiveWriter(directory)
        #expect(try await index() == before)
        let archive = try Archive(directory)
        let report = try await archive.check()
        #expect(report.isClean, "\(report.damages)")
        #expect(try archive.fileCounts().unasked == 2)
        // Guards and all.
        try await sandbox.run("! sqlite3 -bail '\(directory.archivePath)' 'DELETE FROM attachment' 2>/dev/null")
    }

    /// What cannot be read is left out; the check names it as before.
    @Test func aDamagedDocumentDoesNotKeepTheIndexFromBeingMade() async throws {
        try await fill()
        try await sandbox.tamper(directory, "UPDATE document SET body = zeroblob(30) WHERE seq = 2")
        let before = try await Archive(directory).check().damages
        try await takeIndexAway()
        _ = try ArchiveWriter(directory)
        #expect(try await index().split(separator: "\n").count == 1)
        #expect(try await Archive(directory).check().damages == before)
    }

    static let removals = [
        "DROP TABLE attachment",
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE tbl_name = 'attachment'",
    ]

    @Test(arguments: removals)
    func anIndexThatWasRemovedIsDamage(_ removal: String) async throws {
        try await fill()
        try await sandbox.run("sqlite3 '\(directory.archivePath)' \"\(removal)\"")
        let report = try await Archive(directory).check()
        #expect(!report.isClean)
        #expect(report.damages.contains { $0.what.contains("attachment") }, "\(report.damages)")
        #expect(throws: ArchiveError.self) { try ArchiveWriter(directory) }
    }

    /// Where files were fetched, there was an index, however carefully it was removed.
    @Test func anIndexIsMissedWhereFilesWereFetched() async throws {
        try await fill()
        let record = FileRecord(
            fileID: Self.files[0], postID: id("p0"), channelID: town, outcome: .missing(.init(.gone, status: 404)))
        try await ArchiveWriter(directory).append(
            FileRecord.document([record], channelID: town, at: Timestamp(milliseconds: start)), objects: .file)
        try await takeIndexAway()
        let report = try await Archive(directory).check()
        #expect(!report.isClean)
    }
}
