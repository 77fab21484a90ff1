import Archive
import DemoServer
import Testing

@testable import Exporter

/// Definite noes: what they end, and what they do not.
struct PullRefusalTests {
    @Test func aSessionThatEndsInTheMiddleEndsThePull() async throws {
        let revoke = Box<(@Sendable () -> Void)?>(nil)
        try await Town.with(
            afterRequest: { _, request in if request.isAboutPosts { revoke.value?() } },
            { town in
                let (world, token) = (town.world, town.token)
                for number in 0..<6 {
                    let channel = world.addChannel(
                        team: town.team, name: "c\(number)", displayName: "", type: .open, members: [town.alice])
                    for _ in 0..<12 { world.post(in: channel, by: town.alice, message: "x") }
                }
                revoke.value = { world.revoke(token) }
                await #expect(throws: ExporterError.sessionExpired(server: town.server.url)) {
                    try await town.pull(limits: .small)
                }
                #expect(town.server.requests.count(where: \.isAboutPosts) < 12)
                let damages = try await town.archive().check().damages
                #expect(damages.isEmpty)
            })
    }

    @Test(arguments: [401, 404, 500]) func aPluginThatRefusesKeepsNobodyFromThePosts(_ status: Int) async throws {
        try await Town.with(
            interceptor: { request in
                request.path.hasPrefix("/plugins/") ? .status(status, body: "Not authorized\n") : nil
            },
            { town in
                town.write(3)
                let report = try await town.pull()
                #expect(report.failures.isEmpty)
                try await town.expectTruth()
                switch report.keysFailure {
                case .refused(let found, _, _, _): #expect(found == status)
                case .noAnswer: #expect(status == 500)
                default: Issue.record("\(String(describing: report.keysFailure))")
                }
                #expect(try town.archive().users().count == 2, "names are known all the same")
            })
    }

    @Test func aServerThatTellsNoNamesKeepsNobodyFromThePosts() async throws {
        try await Town.with(
            interceptor: { $0.path == "/api/v4/users/ids" ? .status(403) : nil },
            { town in
                town.world.pushKey(town.bob, encr: KeyPinningTests.point(1), sign: KeyPinningTests.point(2))
                town.write(3)
                let report = try await town.pull()
                #expect(report.failures.isEmpty && report.keysFailure != nil)
                try await town.expectTruth()
                #expect(try town.archive().knownKeys()[town.bob]?.count == 1, "and the keys are fetched")
            })
    }

    @Test func anotherUsersTokenIsNotUsed() async throws {
        try await Town.with { town in
            let directory = try town.directory()
            let other = town.world.issueToken(for: town.bob)
            try Session(address: town.address, userID: town.alice, username: "alice", token: other).save(in: directory)
            await #expect(throws: ExporterError.otherUser(expected: "alice", found: "bob")) { try await town.pull() }
            #expect(town.server.requests.map(\.path) == ["/api/v4/users/me"])
        }
    }

    private static let forbidden = #"{"id":"api.context.permissions.app_error","message":"No.","status_code":403}"#

    @Test func aListedChannelOneMayNotReadIsFrozenWithTheDate_andComesBack() async throws {
        let closed = Box("")
        try await Town.with(
            interceptor: { request in
                !closed.value.isEmpty && request.channelID == closed.value
                    ? .status(403, body: PullRefusalTests.forbidden) : nil
            },
            { town in
                let secret = town.world.addChannel(
                    team: town.team, name: "secret", displayName: "Secret", type: .private, members: [town.alice])
                town.world.post(in: secret, by: town.alice, message: "kept")
                town.write(2)
                try await town.pullAll()
                closed.value = secret
                town.write(2)
                let report = try await town.pull()
                #expect(report.failures.isEmpty && report.membersFailures.isEmpty)
                #expect(report.closed.map(\.channel.id) == [secret] && report.closed.map(\.isNew) == [true])
                try await town.expectTruth()
                try await town.expectTruth(secret)
                let noticed = try #require(try town.archive().absences(.channel)[secret])
                #expect(noticed.reason == .noAccess)
                // Once is news, and it is asked again each time.
                let questions = town.postRequests(secret).count
                let again = try await town.pull()
                #expect(again.failures.isEmpty && again.closed.map(\.isNew) == [false])
                #expect(town.postRequests(secret).count > questions)
                #expect(try town.archive().absences(.channel)[secret] == noticed)
                closed.value = ""
                town.world.post(in: secret, by: town.alice, message: "and back")
                try await town.pullAll()
                #expect(try town.archive().absences(.channel).isEmpty)
                try await town.expectTruth(secret)
                closed.value = secret
                #expect(try await town.pull().closed.map(\.isNew) == [true])
                #expect(try await town.archive().check().isClean)
            })
    }

    /// What a proxy forbids says nothing about the channel; nor does the plugin's 401, or a session that ends meanwhile.
    @Test(arguments: [(403, "<html>Forbidden</html>"), (401, "Not authorized\n")])
    func aRefusalThatIsNotTheServersOwnClosesNoChannel(_ status: Int, _ body: String) async throws {
        try await Town.with(
            interceptor: { $0.isAboutPosts ? .status(status, body: body) : nil },
            { town in
                let report = try await town.pull()
                #expect(report.failures.contains { $0.channel.id == town.channel } && report.closed.isEmpty)
                #expect(try town.archive().absences(.channel).isEmpty)
            })
    }

    @Test func a403OfASessionThatHasEndedClosesNoChannel() async throws {
        let hasEnded = Box(false)
        try await Town.with(
            interceptor: { request in
                if request.isAboutPosts {
                    hasEnded.value = true
                    return .status(403, body: PullRefusalTests.forbidden)
                }
                let expired = #"{"id":"api.context.session_expired.app_error","message":"","status_code":401}"#
                return hasEnded.value ? .status(401, body: expired) : nil
            },
            { (town: Town) async throws in
                await #expect(throws: ExporterError.sessionExpired(server: town.server.url)) { try await town.pull() }
                #expect(try town.archive().absences(.channel).isEmpty)
            })
    }

    @Test func aChannelThatVanishedFromTheListIsFrozen() async throws {
        try await Town.with { town in
            let secret = town.world.addChannel(
                team: town.team, name: "secret", displayName: "Secret", type: .private, members: [town.alice, town.bob])
            town.world.post(in: secret, by: town.bob, message: "kept")
            try await town.pullAll()
            town.world.leave(town.alice, secret)
            let report = try await town.pull()
            #expect(report.frozen.map(\.id) == [secret])
            #expect(report.failures.isEmpty && !report.outcomes.contains { $0.channel.id == secret })
            #expect(try town.stored(secret).count == 1)
        }
    }

    @Test func twoWritersDoNotShareAnArchive() async throws {
        try await Town.with { town in
            let directory = try town.directory()
            let first = try ArchiveWriter(directory)
            do {
                try await town.pull()
                Issue.record("two writers")
            } catch ExporterError.archive(.inUse(let process, _)) {
                #expect(process == currentProcess())
            }
            #expect(town.server.requests.isEmpty)
            withExtendedLifetime(first) {}
        }
    }

    @Test func withoutASessionNothingIsAsked() async throws {
        try await Town.with { town in
            let directory = try town.vault.makeAccount(
                Account(server: town.server.url, userID: town.alice, username: "alice"))
            #expect(throws: ExporterError.notLoggedIn(account: directory.name)) { try Pull(directory) }
            #expect(town.server.requests.isEmpty)
        }
    }
}
