import Archive
import DemoServer
import Testing

@testable import Exporter

/// A pull of only some channels, or only some time.
struct SelectionTests {
    private struct Places {
        let town: Town
        let secret: String
        let direct: String
        let other: String
        let carol: String
    }

    private func with(_ body: (Places) async throws -> Void) async throws {
        try await Town.with { town in
            let world = town.world
            let carol = world.addUser(username: "carol", nickname: "Caz")
            let second = world.addTeam(name: "second", displayName: "Second")
            let places = Places(
                town: town,
                secret: world.addChannel(
                    team: town.team, name: "secret", displayName: "Top Secret", type: .private, members: [town.alice]),
                direct: world.addDirectChannel(town.alice, carol),
                other: world.addChannel(
                    team: second, name: "tea", displayName: "Other Tea", type: .open, members: [town.alice]),
                carol: carol)
            for channel in [town.channel, places.secret, places.direct, places.other] {
                for number in 0..<3 { world.post(in: channel, by: town.alice, message: "\(number)") }
            }
            try await body(places)
        }
    }

    private func pulled(_ places: Places, channels: [String] = [], teams: [String] = []) async throws -> Set<String> {
        var selection = Pull.Selection()
        selection.channels = channels
        selection.teams = teams
        let report = try await places.town.pull(selection)
        #expect(report.failures.isEmpty && report.frozen.isEmpty)
        let kept = Set(try places.town.archive().versionCounts().keys)
        #expect(kept == Set(report.outcomes.map(\.channel.id)))
        return kept
    }

    @Test(arguments: ["secret", "Top Secret", "~secret"])
    func aChannelIsChosenByWhatItIsCalled(_ name: String) async throws {
        try await with { places async throws in
            #expect(try await pulled(places, channels: [name]) == [places.secret])
        }
    }

    /// On a first pull, too, when nobody's name is known yet.
    @Test(arguments: ["@carol", "carol", "Caz"])
    func aDirectChannelIsChosenByTheOthersName(_ name: String) async throws {
        try await with { places async throws in
            #expect(try await pulled(places, channels: [name]) == [places.direct])
        }
    }

    @Test func aChannelIsChosenByItsID() async throws {
        try await with { places async throws in
            #expect(try await pulled(places, channels: [places.other]) == [places.other])
        }
    }

    @Test func aNameThatSeveralBearChoosesThemAll() async throws {
        try await with { places async throws in
            #expect(
                try await pulled(places, channels: ["tea", "secret"])
                    == [places.town.channel, places.other, places.secret])
        }
    }

    @Test func aTeamIsChosenByNameOrID() async throws {
        try await with { places async throws in
            #expect(try await pulled(places, teams: ["second"]) == [places.other])
        }
        try await with { places async throws in
            #expect(try await pulled(places, teams: [places.town.team]) == [places.town.channel, places.secret])
        }
        try await with { places async throws in
            #expect(try await pulled(places, channels: ["tea"], teams: ["demo"]) == [places.town.channel])
        }
    }

    @Test func aNameThatNobodyBearsIsAnErrorAndFetchesNoPosts() async throws {
        try await with { places async throws in
            for (channels, teams, expected) in [
                (["tea", "nowhere"], [], "nowhere"), (["@nobody"], [], "@nobody"), ([], ["nowhere"], "team nowhere"),
            ] {
                var selection = Pull.Selection()
                selection.channels = channels
                selection.teams = teams
                let chosen = selection
                await #expect(throws: ExporterError.noSuchChannel(expected)) { try await places.town.pull(chosen) }
            }
            #expect(try places.town.archive().versionCounts().isEmpty)
            #expect(try places.town.archive().walkState(channelID: places.town.channel) == nil)
            #expect(!places.town.server.requests.contains { $0.isAboutPosts })
        }
    }

    // MARK: A floor

    private func since(_ time: Int64) -> Pull.Selection {
        var selection = Pull.Selection()
        selection.since = Timestamp(milliseconds: time)
        return selection
    }

    private func isNarrowed(_ report: PullReport) -> Bool {
        report.outcomes.allSatisfy { if case .narrowed = $0.result { true } else { false } }
    }

    @Test func aFloorStopsTheWalkAndTheNextPullFinishesIt() async throws {
        try await Town.with { town in
            let posts = town.write(60)
            town.world.edit(posts[2], message: "edited")
            town.world.delete(posts[4])
            town.world.advance(by: 100_000_000)
            let floor = try #require(town.world.post(posts[40])).createAt
            #expect(isNarrowed(try await town.pull(since(floor), limits: .small)))
            let missing = try town.differences(where: { $0.createAt >= floor && $0.isLive })
            #expect(missing.isEmpty)
            #expect(try town.stored().count < 35)
            #expect(town.postRequests().count < 10)
            try await town.pullAll(limits: .small)
            try await town.expectTruth()
        }
    }

    @Test func aLaterPullWithAFloorPicksUpWhatIsNew() async throws {
        try await Town.with { town in
            let posts = town.write(60)
            let floor = try #require(town.world.post(posts[40])).createAt
            try await town.pull(since(floor), limits: .small)
            town.world.advance(by: 100_000_000)
            let new = town.write(3)
            town.world.edit(posts[50], message: "edited")
            #expect(isNarrowed(try await town.pull(since(floor), limits: .small)))
            for id in new { #expect(try town.states(id) == [.live]) }
            #expect(try town.states(posts[50]) == [.earlier, .live])
            try await town.pullAll(limits: .small)
            try await town.expectTruth()
        }
    }

    /// A higher floor must not leave a gap between what was fetched before and what is fetched now.
    @Test func aHigherFloorLeavesNoGap() async throws {
        try await Town.with { town in
            town.world.sinceLimit = 20
            let limits = WalkLimits(pageSize: 5, cut: 20, overlap: 3000)
            let posts = town.write(60)
            try await town.pull(since(try #require(town.world.post(posts[50])).createAt), limits: limits)
            town.world.advance(by: 100_000_000)
            let between = town.write(30)
            town.world.advance(by: 100_000_000)
            let newest = town.write(3)
            try await town.pull(since(try #require(town.world.post(newest[0])).createAt), limits: limits)
            #expect(try town.states(newest[2]) == [.live])
            try await town.pullAll(limits: limits)
            #expect(try town.states(between[15]) == [.live])
            let missing = try town.differences(where: \.isLive)
            #expect(missing.isEmpty, "\(missing.count)")
        }
    }

    /// Old revisions and tombstones are shown by `since` alone: a cut answer under a floor is not the last word.
    @Test func aCutAnswerUnderAFloorDoesNotSettleThePast() async throws {
        try await Town.with { town in
            let old = town.write(10)
            town.world.edit(old[3], message: "edited")
            town.world.delete(old[5])
            town.world.advance(by: 100_000_000)
            let young = town.write(1050)
            let floor = try #require(town.world.post(young[0])).createAt
            town.world.advance(by: 100_000_000)
            town.write(1)
            try await town.pull(since(floor - 1))
            #expect(try town.archive().walkState(channelID: town.channel)?.hasAskedForPast == false)
            for id in young { town.world.purge(id) }
            try await town.pullAll()
            let differences = try town.differences()
            #expect(differences.isEmpty, "\(differences.prefix(3))")
        }
    }
}
