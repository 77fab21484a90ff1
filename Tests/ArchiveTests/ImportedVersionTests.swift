import Bytes
import Foundation
import Testing

@testable import Archive

/// What a legal hold says of posts that the archive knows: it never takes the place of what the server itself said.
@Suite struct ImportedVersionTests {
    private let sandbox: Sandbox
    private let directory: AccountDirectory

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
    }

    /// A row of a legal hold's table.
    struct Row: Sendable, CustomTestStringConvertible {
        var id = ArchiveTests.id("p1")
        var user = "alice"
        var createAt = start
        var updateAt = start + 5
        var deleteAt: Int64 = 0
        var root = ""
        var original = ""
        var message = "text"
        var type = ""
        var testDescription: String { csv }

        func with(_ change: (inout Row) -> Void) -> Row {
            var copy = self
            change(&copy)
            return copy
        }

        static let columns =
            "TeamName,ChannelName,ChannelDisplayName,ChannelType,UserUsername,PostId,PostCreateAt,PostUpdateAt,"
            + "PostDeleteAt,PostRootId,PostOriginalId,PostMessage,PostType,PostProps,PostFileIds\n"

        var csv: String {
            "t,town,Town,O,\(user),\(id),\(createAt),\(updateAt),\(deleteAt),\(root),\(original),\(message),\(type),{},[]\n"
        }
    }

    private func hold(_ rows: [Row], channel: String = town) async throws -> ImportFile {
        let folder = "\(sandbox.path)/hold/legal_hold/case"
        try await sandbox.run("rm -rf hold x.zip; mkdir -p 'hold/legal_hold/case/\(channel)/messages'")
        try #"{"users":{"\#(alice)":{"username":"alice"},"\#(bob)":{"username":"bob"}}}"#.write(
            toFile: "\(folder)/index.json", atomically: true, encoding: .utf8)
        try (Row.columns + rows.map(\.csv).joined()).write(
            toFile: "\(folder)/\(channel)/messages/messages-1-x.csv", atomically: true, encoding: .utf8)
        try await sandbox.run("cd hold && python3 -m zipfile -c ../x.zip legal_hold")
        return ImportFile(path: "\(sandbox.path)/x.zip")
    }

    @discardableResult
    private func take(_ rows: Row..., channel: String = town) async throws -> ImportReport {
        let file = try await hold(rows, channel: channel)
        return try await ArchiveWriter(directory).add(file, try file.survey())
    }

    private func pull(_ posts: PostText...) async throws { try await ArchiveWriter(directory).keep(posts) }

    private func expectClean() async throws {
        let report = try await Archive(directory).check()
        #expect(report.isClean, "\(report.damages)")
    }

    /// In the order of arrival.
    private func versions() throws -> [StoredVersion] {
        try Archive(directory).all().sorted { $0.header.sequence < $1.header.sequence }
    }

    @Test(arguments: [
        Row().with { $0.message = "forged" }, Row().with { $0.deleteAt = start + 5 },
        Row().with { $0.root = ArchiveTests.id("p0") },
        Row().with {
            $0.user = "bob"
            $0.message = "not hers"
        },
        Row().with { $0.type = "custom_e2ee" }, Row().with { $0.createAt = start - 9 },
        Row().with {
            $0.original = ArchiveTests.id("p0")
            $0.message = "hidden"
        },
        Row().with {
            $0.updateAt = start - 5
            $0.message = "said before"
        },
    ])
    func theServersWordStaysTheNewest(row: Row) async throws {
        try await pull(PostText("p1", at: start, "text"))
        #expect(try await take(row).added == 1)
        let found = try versions()
        let own = found.filter { $0.header.id == id("p1") }
        #expect(own.count == 1 && own[0].state == .live && own[0].importName == nil && own[0].text.contains("text"))
        let others = found.filter { $0.header.id != id("p1") }
        #expect(others.count == 1 && others[0].state == .revision && others[0].importName == "x.zip")
        #expect(others[0].header.originalID == (row.original.isEmpty ? id("p1") : row.original))
        try await expectClean()
        // Another zip that says the same says nothing new, and neither does one row behind another.
        #expect(try await take(row, row.with { $0.updateAt += 1 }, row).added == 0)
        try await expectClean()
    }

    @Test func twoRowsOfOnePostStandBesideIt() async throws {
        try await pull(PostText("p1", at: start, "text"))
        let one = Row().with { $0.message = "one" }
        #expect(try await take(one, one.with { $0.message = "two" }, one).added == 2)
        #expect(try versions().map(\.state).filter { $0 == .revision }.count == 2)
        try await expectClean()
    }

    @Test func aTombstoneOfTheServersStays() async throws {
        let post = PostText("p1", at: start, "text")
        try await pull(post)
        try await pull(post.deleted(at: start + 3))
        try await take(Row().with { $0.message = "back again" })
        #expect(try versions().filter { $0.header.id == id("p1") }.map(\.state) == [.earlier, .deleted])
        try await expectClean()
    }

    @Test func anOldRevisionOfTheServersStays() async throws {
        let post = PostText("p1", at: start, "new")
        try await pull(post)
        try await pull(post.with { $0.message = "old" }.revision("r1", replacedAt: start + 2))
        let row = Row().with {
            $0.id = id("r1")
            $0.original = id("p1")
            $0.message = "forged"
        }
        #expect(try await take(row).added == 1)
        #expect(try versions().filter { $0.header.id == id("r1") }.map(\.importName) == [nil])
        try await expectClean()
    }

    @Test func whatOnlyImportsBroughtGoesOn_untilTheServerSpeaks() async throws {
        try await take(Row().with { $0.message = "first" })
        try await take(
            Row().with {
                $0.message = "second"
                $0.updateAt += 1
            })
        #expect(try versions().map(\.state) == [.earlier, .live])
        #expect(try versions().last?.text.contains("second") == true)
        try await pull(PostText("p1", at: start, "the server's"))
        try await take(
            Row().with {
                $0.message = "third"
                $0.updateAt += 2
            })
        let live = try versions().filter { $0.state == .live }
        #expect(live.count == 1 && live[0].text.contains("the server's"))
        try await expectClean()
    }

    @Test(
        arguments: [true, false],
        [
            Row(),
            Row().with {
                $0.id = ArchiveTests.id("r1")
                $0.original = ArchiveTests.id("p1")
            },
        ])
    func aPostInTwoChannelsIsAnErrorOfTheFile(_ isFromServer: Bool, _ row: Row) async throws {
        if isFromServer { try await pull(PostText("p1", at: start, "text")) } else { try await take(Row()) }
        let head = try Archive(directory).head()
        let square = id("csquare")
        let file = try await hold([Row().with { $0.id = id("p2") }, row], channel: square)
        let survey = try file.survey()
        let writer = try ArchiveWriter(directory)
        do {
            _ = try await writer.add(file, survey)
            Issue.record("it was taken")
        } catch ArchiveError.badExport(let path, let what) {
            #expect(path?.hasSuffix("messages-1-x.csv") == true)
            #expect(what == "row 3: the archive has its post, \(id("p1")), in another channel, \(town)")
        }
        #expect(try Archive(directory).head().hash == head.hash)
        try await expectClean()
    }

    /// Earlier builds made the younger version the newest, whoever told of it. What was decided stands in the part.
    @Test func whatEarlierBuildsDecidedStands() async throws {
        try await pull(PostText("p1", at: start, "text"))
        let row = Row().with { $0.message = "as it was taken" }
        let header =
            #"{"export":"x.zip","format":"legal-hold","zip":"\#(String(repeating: "0", count: 64))","teams":[],"#
            + #""channels":[],"users":[],"user_ids":{"alice":"\#(alice)"},"channel_ids":{"":"\#(town)"},"#
            + #""posts":["\#(row.id)"],"joined":[]}"#
        try await ArchiveWriter(directory).keepImport(Array((header + "\n" + Row.columns + row.csv).utf8))
        #expect(try versions().map(\.state) == [.earlier, .live])
        try await expectClean()
        try await take(
            row.with {
                $0.message = "once more"
                $0.updateAt += 1
            })
        #expect(try versions().filter { $0.state == .live }.map { $0.text.contains("as it was taken") } == [true])
        try await expectClean()
    }

    // MARK: Absences

    private func note(_ ids: [String]) async throws {
        let absences = ids.map { Absence(id: $0, what: .post, reason: .gone) }
        try await ArchiveWriter(directory).append(
            Absence.document(absences, at: Timestamp(milliseconds: start)), objects: .absence)
    }

    @Test func onlyWhatTheServerDeliveredCanBeGoneFromIt() async throws {
        try await take(Row())
        try await pull(PostText("p2", at: start + 1, "text"))
        let unseen = try Archive(directory).unseenPosts(channelID: town, since: .max)
        #expect(try unseen.posts(channelID: town, after: .first, limit: 9).map(\.postID) == [id("p2")])
        // Earlier builds asked about both.
        try await note([id("p1"), id("p2")])
        #expect(try Array(Archive(directory).absences(.post).keys) == [id("p2")])
        #expect(try versions().map { $0.absence?.reason } == [nil, .gone])
        try await pull(PostText("p1", at: start, "text"))
        #expect(try Archive(directory).absences(.post).count == 2)
        try await expectClean()
    }
}

extension ArchiveWriter {
    /// Keeps a part of an export as it is.
    fileprivate func keepImport(_ body: [UInt8]) throws {
        let part = try ImportPart(body)
        let document = ReceivedDocument(
            kind: .imported, request: "import \(String(repeating: "0", count: 64)) x.csv", channelID: town,
            receivedAt: Timestamp(milliseconds: start), body: body)
        try insert(document, walk: nil) { db, sequence in
            _ = try ArchiveWriter.insert(part.posts, part.attachments, db, document: sequence)
        }
    }
}
