import Archive
import DemoServer
import Foundation
import TestSupport
import Testing

@testable import Exporter

/// What only a walk through the whole history finds out: posts that have gone without a tombstone, and channels that
/// the account has lost sight of.
struct FullWalkTests {
    private static var full: Pull.Selection {
        var selection = Pull.Selection()
        selection.isFull = true
        return selection
    }

    private func absent(_ town: Town) throws -> [String: Absence.Reason] {
        try town.archive().absences(.post).mapValues(\.reason)
    }

    @Test(arguments: [WalkLimits(), .small])
    func postsThatAreGoneAreNotedAndKept(_ limits: WalkLimits) async throws {
        try await Town.with { town in
            let posts = town.write(30)
            try await town.pullAll(limits: limits)
            for post in [posts[3], posts[17], posts[29]] { town.world.purge(post) }
            town.world.delete(posts[5])
            // An ordinary pull cannot see it.
            try await town.pullAll(limits: limits)
            #expect(try absent(town).isEmpty)
            let report = try await town.pull(FullWalkTests.full, limits: limits)
            let absences = report.outcomes.map(\.absent).filter { $0 != AbsentPosts() }
            #expect(absences == [AbsentPosts(new: [.gone: 3])])
            #expect(try absent(town) == [posts[3]: .gone, posts[17]: .gone, posts[29]: .gone])
            #expect(try town.versions(posts[17]).map(\.state) == [.live])
            // The same again is no news.
            let head = try town.archive().head().documents
            let again = try await town.pull(FullWalkTests.full, limits: limits)
            #expect(again.outcomes.map(\.absent).filter { $0 != AbsentPosts() } == [AbsentPosts(known: [.gone: 3])])
            #expect(try absent(town).count == 3)
            let kinds = try await town.archive().check()
            #expect(kinds.damages.isEmpty)
            #expect(try town.archive().head().documents > head)
        }
    }

    @Test func nothingIsAbsentWhereNothingHasGone() async throws {
        try await Town.with { town in
            let posts = town.write(20)
            town.write(3, root: posts[2])
            town.world.delete(posts[7])
            town.world.edit(posts[8], message: "edited")
            try await town.pullAll(limits: .small)
            town.write(4)
            let report = try await town.pull(FullWalkTests.full, limits: .small)
            #expect(report.outcomes.allSatisfy { $0.absent.count == 0 })
            #expect(try absent(town).isEmpty)
        }
    }

    /// A narrowed walk has not looked everywhere, and so does not know.
    @Test func aNarrowedWalkSaysNothingAboutAbsence() async throws {
        try await Town.with { town in
            let posts = town.write(30)
            try await town.pullAll(limits: .small)
            town.world.purge(posts[2])
            var selection = FullWalkTests.full
            selection.since = Timestamp(milliseconds: Town.start + 20_000)
            try await town.pull(selection, limits: .small)
            #expect(try absent(town).isEmpty)
        }
    }

    /// What only an import brought, the server may never have shown to this account: it cannot be missed there.
    @Test func onlyPostsThatTheServerDeliveredAreAskedAbout() async throws {
        try await Town.with { town in
            let posts = town.write(5)
            try await town.pullAll()
            let imported = String(repeating: "i", count: 26)
            let folder = "legal_hold/case/\(town.channel)/messages"
            let columns =
                "TeamName,ChannelName,ChannelDisplayName,ChannelType,UserUsername,PostId,PostCreateAt,PostUpdateAt,"
                + "PostDeleteAt,PostRootId,PostOriginalId,PostMessage,PostType,PostProps,PostFileIds"
            let rows = [imported, posts[1]].map {
                "demo,tea,Tea,O,bob,\($0),\(Town.start),\(Town.start),0,,,forged,,{},[]"
            }
            let path = try Town.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: path) }
            try await StockTool.shell(
                """
                mkdir -p \(folder) && echo '{}' >legal_hold/case/index.json
                printf '%s\\n' '\(columns)' \(rows.map { "'\($0)'" }.joined(separator: " ")) >\(folder)/m.csv
                python3 -m zipfile -c hold.zip legal_hold
                """, in: path)
            let file = ImportFile(path: "\(path)/hold.zip")
            let report = try await ArchiveWriter(town.directory()).add(file, file.survey())
            #expect(report.added == 2)
            for post in posts[1...2] { town.world.purge(post) }
            let requests = town.server.requests.count
            try await town.pull(FullWalkTests.full)
            #expect(try absent(town) == [posts[1]: .gone, posts[2]: .gone])
            #expect(!town.server.requests.dropFirst(requests).contains { $0.path.contains(imported) })
            #expect(try await town.archive().check().damages.isEmpty)
        }
    }

    @Test func aPostThatTheServerForbidsIsToldApart() async throws {
        let forbidden = Box("")
        let refusal = #"{"id":"api.context.permissions.app_error","message":"no","status_code":403}"#
        let interceptor: Town.Interceptor = { request in
            request.path == "/api/v4/posts/\(forbidden.value)"
                ? .status(403, body: refusal, headers: [("Content-Type", "application/json")]) : nil
        }
        try await Town.with(interceptor: interceptor) { town in
            let posts = town.write(8)
            try await town.pullAll()
            for post in posts[2...3] { town.world.purge(post) }
            forbidden.value = posts[3]
            let report = try await town.pull(FullWalkTests.full)
            #expect(try absent(town) == [posts[2]: .gone, posts[3]: .noAccess])
            #expect(report.outcomes.map(\.absent).contains(AbsentPosts(new: [.gone: 1, .noAccess: 1])))
            // What was closed and is gone now is news again.
            forbidden.value = ""
            let later = try await town.pull(FullWalkTests.full)
            #expect(later.outcomes.map(\.absent).contains(AbsentPosts(new: [.gone: 1], known: [.gone: 1])))
        }
    }

    @Test func aChannelThatWasLeftIsFrozenWithTheDate_andComesBack() async throws {
        try await Town.with { town in
            let other = town.world.addChannel(
                team: town.team, name: "secret", displayName: "Secret", type: .private, members: [town.alice, town.bob])
            let post = town.world.post(in: other, by: town.bob, message: "kept")
            try await town.pullAll()
            town.world.leave(town.alice, other)
            let before = Timestamp.now
            let report = try await town.pull()
            #expect(report.frozen.map(\.id) == [other])
            let since = try #require(try town.archive().absences(.channel)[other]).since
            #expect(since >= before)
            #expect(try town.archive().absences(.channel)[other]?.reason == .notListed)
            #expect(try town.archive().header(ofPost: post)?.channelID == other)
            // The date stays that of the first time.
            try await town.pull()
            #expect(try town.archive().absences(.channel)[other]?.since == since)
            town.world.join(town.alice, other)
            try await town.pull()
            #expect(try town.archive().absences(.channel).isEmpty)
            #expect(try await town.archive().check().damages.isEmpty)
        }
    }

    @Test func whoLeavesAChannelIsNotedAndWhoComesBackToo() async throws {
        try await Town.with { town in
            try await town.pullAll()
            let bob = "\(town.channel):\(town.bob)"
            #expect(Set(try town.archive().members(channelID: town.channel).keys) == [town.alice, town.bob])
            #expect(try town.archive().absences(.member).isEmpty)
            town.world.leave(town.bob, town.channel)
            try await town.pullAll()
            let since = try #require(try town.archive().absences(.member)[bob]).since
            #expect(Set(try town.archive().members(channelID: town.channel).keys) == [town.alice, town.bob])
            try await town.pullAll()
            #expect(try town.archive().absences(.member)[bob]?.since == since)
            town.world.join(town.bob, town.channel)
            try await town.pullAll()
            #expect(try town.archive().absences(.member).isEmpty)
            #expect(try await town.archive().check().damages.isEmpty)
        }
    }
}
