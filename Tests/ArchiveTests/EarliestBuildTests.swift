import Bytes
import Testing

@testable import Archive

/// Archives of earlier builds, which kept no index of the files that posts name, of encrypted messages, or of users without
/// a key.
@Suite struct EarliestBuildTests {
    let sandbox: Sandbox
    let directory: AccountDirectory
    static let files = ["f1", "f2"].map(id)
    /// What builds did without: the earliest; the one before this; and any one table.
    static let missing = [
        ["attachment", "ciphertext", "keyless"], ["ciphertext", "keyless"], ["attachment"], ["ciphertext"], ["keyless"],
    ]
    static let tables = missing[0]

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
    }

    /// Posts with files and encrypted messages, one of them in two versions, and a page that repeats them; an old revision,
    /// events, an answer that an event overtook; and answers about keys.
    private func fill() async throws {
        let writer = try ArchiveWriter(directory)
        let posts = Self.files.enumerated().map { number, file in
            PostText("p\(number)", at: start + Int64(number), "text").with {
                $0.files = #""file_ids":["\#(file)"],"#
                $0.props = message(UInt8(number))
                $0.volatile = #""metadata":{"files":[{"id":"\#(file)","name":"a.txt","size":7}]}"#
            }
        }
        try await writer.keep(posts)
        try await writer.keep(posts)
        let edited = posts[0].with {
            $0.message = "another text"
            $0.props = message(7)
            $0.updateAt += 5
            $0.editAt = $0.updateAt
        }
        try await writer.keep([edited, posts[1]])
        let other = PostText("p2", at: start + 9, "plain")
        let third = PostText("p3", at: start + 10).with { $0.props = message(3) }
        try await writer.keep([posts[0].revision("p4", replacedAt: start + 5), other])
        try await show(writer, ["\"\(alice)\":null", "\"\(bob)\":{\"encr\":\"AAAA\"}", "\"none\":null"])
        let end = await writer.end
        try await writer.hear(third.edited(at: start + 20, "text").with { $0.props = message(4) }.frame("post_edited"))
        let late = page([third, other])
        #expect(try await writer.keepOvertaken(received(late), page: PostsPage(late), askedAt: end))
        try await writer.hear(third.with { $0.props = message(5) }.frame("posted"), other.frame("posted"))
        try await show(writer, ["\"\(bob)\":null"])
    }

    /// The server says who has which key.
    private func show(_ writer: ArchiveWriter, _ members: [String]) async throws {
        let document = received(
            Array("{\"pubKeys\":{\(members.joined(separator: ","))}}".utf8), .keys, channel: nil, at: start + 30)
        try await writer.append(document, keys: sightings(in: document))
    }

    /// As the earliest builds made it: no table, and none that was taken out.
    private func takeAway(_ tables: [String]) async throws {
        let drops = tables.map { "DROP TABLE \($0); " }.joined()
        try await sandbox.run("sqlite3 '\(directory.archivePath)' '\(drops)VACUUM'")
    }

    /// Every row of the tables, one a line.
    private func rows(_ tables: [String] = tables) async throws -> [String] {
        let queries = tables.map { "SELECT '\($0)', * FROM \($0) ORDER BY seq;" }.joined()
        return try await sandbox.run("sqlite3 -quote '\(directory.archivePath)' \"\(queries)\"").split(separator: "\n")
            .map(String.init)
    }

    @Test(arguments: missing)
    func whoeverOpensItMakesTheIndex(_ missing: [String]) async throws {
        try await fill()
        let before = try await rows()
        try await takeAway(missing)
        let archive = try Archive(directory)
        #expect(try await archive.check().damages.isEmpty)
        #expect(try archive.fileCounts().unasked == 2)
        #expect(try archive.all().count == 8)
        #expect(try await rows() == before)
    }

    @Test(arguments: missing)
    func theNextWriterMakesTheIndexAsItWouldHaveBeen(_ missing: [String]) async throws {
        try await fill()
        let before = try await rows()
        for (table, count) in zip(Self.tables, [4, 7, 3]) {
            #expect(try await rows([table]).count == count, "\(table)")
        }
        try await takeAway(missing)
        _ = try ArchiveWriter(directory)
        #expect(try await rows() == before)
        let archive = try Archive(directory)
        let report = try await archive.check()
        #expect(report.isClean, "\(report.damages)")
        #expect(try archive.fileCounts().unasked == 2)
        // Guards and all.
        for table in missing {
            try await sandbox.run("! sqlite3 -bail '\(directory.archivePath)' 'DELETE FROM \(table)' 2>/dev/null")
        }
    }

    /// What cannot be read is left out; the check names it as before.
    @Test func aDamagedDocumentDoesNotKeepTheIndexFromBeingMade() async throws {
        try await fill()
        try await sandbox.tamper(directory, "UPDATE document SET body = zeroblob(30) WHERE seq = 2")
        let before = try await Archive(directory).check().damages
        try await takeAway(Self.tables)
        _ = try ArchiveWriter(directory)
        for (table, count) in zip(Self.tables, [2, 5, 3]) {
            #expect(try await rows([table]).count == count, "\(table)")
        }
        #expect(try await Archive(directory).check().damages == before)
    }

    static let removals = [
        "DROP TABLE %", "PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE tbl_name = '%'",
    ]

    @Test(arguments: removals, tables)
    func anIndexThatWasRemovedIsDamage(_ removal: String, _ table: String) async throws {
        try await fill()
        let removal = removal.replacing("%", with: table)
        try await sandbox.run("sqlite3 '\(directory.archivePath)' \"\(removal)\"")
        let damages = try await damages(in: directory)
        #expect(damages.contains { $0.what.contains(table) }, "\(damages)")
        #expect(throws: ArchiveError.self) { try ArchiveWriter(directory) }
    }

    /// Where files were fetched, there was an index, however carefully it was removed.
    @Test func anIndexIsMissedWhereFilesWereFetched() async throws {
        try await fill()
        let record = FileRecord(
            fileID: Self.files[0], postID: id("p0"), channelID: town, outcome: .missing(.init(.gone, status: 404)))
        try await ArchiveWriter(directory).append(
            FileRecord.document([record], channelID: town, at: Timestamp(milliseconds: start)), objects: .file)
        try await takeAway(Self.tables)
        #expect(try await isNoticed(directory))
    }
}
