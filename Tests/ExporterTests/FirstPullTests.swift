import Archive
import DemoServer
import NIOHTTP1
import Testing

@testable import Exporter

/// A first pull brings everything that the account can see, byte for byte.
struct FirstPullTests {
    /// Channels of every kind, with everything that can happen to a post in each.
    private func populate(_ town: Town) -> [String] {
        let world = town.world
        let carol = world.addUser(username: "carol")
        let archived = world.addChannel(
            team: town.team, name: "old", displayName: "Old", type: .open, members: [town.alice, town.bob])
        let channels = [
            town.channel,
            world.addChannel(
                team: town.team, name: "secret", displayName: "Secret", type: .private, members: [town.alice, town.bob]),
            world.addDirectChannel(town.alice, town.bob), world.addDirectChannel(town.alice, town.alice),
            world.addGroupChannel([town.alice, town.bob, carol]), archived,
        ]
        for channel in channels {
            world.post(in: channel, by: town.alice, message: "alice joined", type: "system_join_channel")
            let posts = (0..<8).map { world.post(in: channel, by: town.alice, message: "<post> & \($0) \u{2028}é🙂") }
            world.post(
                in: channel, by: town.alice, message: "Encrypted message", type: "custom_e2ee",
                props: #"{"e2ee":{"n":9007199254740993,"x":1.0}}"#)
            let reply = world.post(in: channel, by: town.alice, message: "reply", root: posts[0])
            world.edit(reply, message: "reply, edited")
            world.edit(posts[1], message: "edited")
            world.editProps(posts[2], #"{"a":1}"#)
            world.pin(posts[3])
            world.react(posts[4], by: town.alice)
            world.delete(posts[5])
            world.delete(posts[0])
        }
        world.archiveChannel(archived)
        return channels
    }

    @Test func everyRowOfEveryKindOfChannelIsKept() async throws {
        try await Town.with { town in
            let channels = populate(town)
            try await town.pullAll()
            for channel in channels {
                #expect(town.world.posts(in: channel).count == 15)
                try await town.expectTruth(channel)
            }
            let known = try town.archive().channels()
            #expect(Set(known.map(\.id)) == Set(channels))
            #expect(known.count { $0.deleteAt > 0 } == 1)
        }
    }

    @Test func aPostIsKeptInTheBytesInWhichItWasServed() async throws {
        try await Town.with { town in
            _ = populate(town)
            try await town.pullAll()
            let newest = try town.newest()
            try await MattermostClient.using(town.address, token: town.token, patience: .eager) {
                client throws(ExporterError) in
                let path = "/api/v4/channels/\(town.channel)/posts?since=1&skipFetchThreads=true"
                let body = try await client.send(Request(.GET, path)) { answer throws(ExporterError) in answer.body }
                let text = String(decoding: body, as: UTF8.self)
                #expect(newest.count == 15)
                for (id, version) in newest {
                    #expect(text.contains("\"\(id)\":\(String(decoding: version.json, as: UTF8.self))"))
                }
            }
        }
    }

    @Test func namesTeamsAndMembersAreKept() async throws {
        try await Town.with { town in
            let dave = town.world.addUser(username: "dave")
            town.world.join(dave, town.channel)
            town.world.post(in: town.channel, by: dave, message: "bye")
            town.world.leave(dave, town.channel)
            let erin = town.world.addUser(username: "erin")
            town.world.join(erin, town.channel)
            try await town.pullAll()
            let archive = try town.archive()
            #expect(Set(try archive.users().map(\.username)) == ["alice", "bob", "dave", "erin"])
            #expect(try archive.teams().map(\.name) == ["demo"])
        }
    }

    @Test func aSecondPullOfAnUnchangedServerAddsNothing() async throws {
        try await Town.with { town in
            _ = populate(town)
            try await town.pullAll()
            let before = try town.stored().count
            let report = try await town.pull()
            #expect(report.outcomes.allSatisfy { $0.added == 0 })
            #expect(try town.stored().count == before)
        }
    }

    @Test func anEmptyAccountIsNoFailure() async throws {
        let world = World(seed: 3)
        let server = EmbeddedServer(world: world)
        try await server.start()
        let lonely = world.addUser(username: "lonely")
        let path = try Town.temporaryDirectory()
        let login = try await Login.run(
            try ServerAddress(server.url), .token(world.issueToken(for: lonely)), vault: Vault(path: path))
        let report = try await Pull(login.directory, patience: .eager).run()
        #expect(report.outcomes.isEmpty && report.frozen.isEmpty && report.keysFailure == nil)
        await server.stop()
    }

    @Test func someoneInNoTeamStillHasDirectChannels() async throws {
        let world = World(seed: 3)
        let server = EmbeddedServer(world: world)
        try await server.start()
        let (one, other) = (world.addUser(username: "one"), world.addUser(username: "other"))
        let channel = world.addDirectChannel(one, other)
        world.post(in: channel, by: other, message: "hello")
        let login = try await Login.run(
            try ServerAddress(server.url), .token(world.issueToken(for: one)),
            vault: Vault(path: Town.temporaryDirectory()))
        let report = try await Pull(login.directory, patience: .eager).run()
        #expect(report.outcomes.map(\.channel.id) == [channel] && report.outcomes[0].added == 1)
        await server.stop()
    }

    /// Mattermost says 404 of a team in which one has no channel.
    @Test(arguments: [403, 404]) func aTeamWithoutAChannelListIsNoFailure(_ status: Int) async throws {
        let interceptor: Town.Interceptor = { request in
            guard request.path.hasSuffix("/channels"), request.path.contains("/teams/") else { return nil }
            return .status(
                status, body: #"{"id":"app.channel.get_channels.not_found.app_error","message":"","status_code":404}"#)
        }
        try await Town.with(interceptor: interceptor) { town in
            let report = try await town.pull()
            #expect(report.outcomes.isEmpty)
        }
    }

    @Test func aTeamWithoutChannelsIsNoFailure() async throws {
        try await Town.with { town in
            _ = town.world.addTeam(name: "empty", displayName: "Empty", members: [town.alice])
            town.write(3)
            try await town.pullAll()
            try await town.expectTruth()
        }
    }
}
