import Archive
import DemoServer
import TestSupport
import Testing

@testable import Exporter

/// What somebody has begun to write: it lies on the server in the clear, and is no post.
@Suite struct DraftTests {
    private static let secret = "I would rather not say this in the open"

    private func documents(_ town: Town) async throws -> String {
        try await StockTool.shell("sqlite3 '\(town.directory().archivePath)' 'SELECT record FROM document'")
    }

    @Test func drafts_AreKeptAsTheyComeAndAreNoPosts() async throws {
        try await Town.with { town in
            town.world.version = "11.2.0"
            let direct = town.world.addDirectChannel(town.alice, town.bob)
            let second = town.world.addTeam(name: "second", displayName: "Second", members: [town.alice])
            let post = town.write(1)[0]
            town.world.draft(DraftTests.secret, in: town.channel, by: town.alice)
            town.world.draft("a reply", in: town.channel, by: town.alice, root: post)
            town.world.draft("between us", in: direct, by: town.alice)
            town.world.draft("Bob's", in: town.channel, by: town.bob)
            try await town.pullAll()
            let asked = town.server.requests.map(\.path).filter { $0.hasSuffix("/drafts") }
            #expect(Set(asked) == Set([town.team, second].map { "/api/v4/users/me/teams/\($0)/drafts" }))
            #expect(asked.count == 2)
            let archive = try town.archive()
            let drafts = try archive.drafts()
            #expect(
                Set(drafts.map(\.draft.id)) == [
                    "\(town.channel):\(town.alice):", "\(town.channel):\(town.alice):\(post)",
                    "\(direct):\(town.alice):",
                ])
            #expect(drafts.allSatisfy { $0.goneSince == nil })
            // The second team's list has only what stands in the first one's, too.
            let records = try await documents(town)
            #expect(records.split(separator: "\n").count { $0 == "kind drafts" } <= 2)
            #expect(try town.stored().allSatisfy { !String(decoding: $0.json, as: UTF8.self).contains("rather not") })
            #expect(try await archive.check().isClean)
            // The same again is no news.
            let head = try archive.head().documents
            try await town.pullAll()
            let more = try await StockTool.shell(
                "sqlite3 '\(town.directory().archivePath)' 'SELECT record FROM document WHERE seq > \(head)'")
            #expect(!more.contains("kind drafts") && !more.contains("kind absences"))
            try await town.expectTruth()
        }
    }

    @Test func aDraftThatHasGone_StaysWithTheTime() async throws {
        try await Town.with { town in
            town.world.version = "11.2.0"
            town.world.draft(DraftTests.secret, in: town.channel, by: town.alice)
            try await town.pullAll()
            let seen = try #require(try town.archive().drafts().first)
            town.world.dropDraft(in: town.channel, by: town.alice)
            try await town.pullAll()
            let gone = try #require(try town.archive().drafts().first)
            #expect(gone.draft == seen.draft && gone.lastSeen == seen.lastSeen)
            #expect(try #require(gone.goneSince) >= gone.lastSeen)
            // It is noted once; a member of the same channel is another thing.
            let head = try town.archive().head().documents
            try await town.pullAll()
            #expect(try town.archive().absentMembers(channelID: town.channel).isEmpty)
            let more = try await StockTool.shell(
                "sqlite3 '\(town.directory().archivePath)' 'SELECT record FROM document WHERE seq > \(head)'")
            #expect(!more.contains("kind absences"))
            town.world.draft(DraftTests.secret, in: town.channel, by: town.alice)
            try await town.pullAll()
            #expect(try town.archive().drafts().map(\.goneSince) == [nil])
            #expect(try await town.archive().check().isClean)
        }
    }

    @Test(arguments: [403, 404, 501]) func aRefusal_KeepsNobodyFromThePosts(_ status: Int) async throws {
        let isRefused = Box(false)
        try await Town.with(
            interceptor: {
                $0.path.hasSuffix("/drafts") && isRefused.value
                    ? .status(status, body: #"{"id":"x","message":"no"}"#) : nil
            },
            { town in
                town.world.version = "11.2.0"
                town.world.draft(DraftTests.secret, in: town.channel, by: town.alice)
                try await town.pullAll()
                isRefused.change { $0 = true }
                town.write(3)
                let report = try await town.pull()
                #expect(report.draftsFailure == nil && report.failures.isEmpty)
                // Nobody said that it has gone.
                #expect(try town.archive().drafts().map(\.goneSince) == [nil])
                try await town.expectTruth()
            })
    }

    @Test func aServerWithoutDrafts_IsPulledAsAnyOther() async throws {
        try await Town.with { town in
            town.world.version = "11.2.0"
            town.world.disableDrafts()
            town.write(3)
            let report = try await town.pull()
            #expect(report.draftsFailure == nil && report.failures.isEmpty)
            #expect(try town.archive().drafts().isEmpty)
            try await town.expectTruth()
        }
    }

    @Test(arguments: ["null", "[]\n"]) func none_IsNoNews(_ body: String) async throws {
        try await Town.with(
            interceptor: { $0.path.hasSuffix("/drafts") ? .status(200, body: body) : nil },
            { town in
                town.world.version = "11.2.0"
                let report = try await town.pull()
                #expect(report.draftsFailure == nil)
                #expect(try await !documents(town).contains("kind drafts"))
            })
    }

    @Test func aFailureOfTheList_KeepsNobodyFromThePosts() async throws {
        try await Town.with(
            interceptor: { $0.path.hasSuffix("/drafts") ? .status(200, body: #"[{"message":"x"}]"#) : nil },
            { town in
                town.world.version = "11.2.0"
                town.write(3)
                let report = try await town.pull(
                    patience: Patience(attempts: 2, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0))
                #expect(report.draftsFailure != nil && report.failures.isEmpty)
                try await town.expectTruth()
            })
    }

    /// Of the server's version, a change is kept.
    @Test func theServersVersion_IsNotedWhenItIsAnother() async throws {
        try await Town.with { town in
            for version in ["10.5.1", "10.5.1", "11.2.0", ""] {
                town.world.version = version
                town.write(1)
                try await town.pullAll()
            }
            let records = try await documents(town).split(separator: "\n").map(String.init)
            #expect(records.count { $0 == "kind server" } == 2)
            let archive = try town.archive()
            let all = try town.stored().map(\.header.documentSequence)
            #expect(try archive.serverVersions(ofDocuments: all) == ["10.5.1", "11.2.0"])
            #expect(try archive.serverVersions(ofDocuments: [1]) == [])
            #expect(try await archive.check().isClean)
        }
    }
}
