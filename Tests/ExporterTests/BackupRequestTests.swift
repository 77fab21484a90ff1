import Archive
import DemoServer
import Testing

@testable import Exporter

/// The GPG backup that the plugin keeps, asked for as a person would.
struct BackupRequestTests {
    private static let backup = "-----BEGIN PGP MESSAGE-----\n\nhQEMA<&>==\n-----END PGP MESSAGE-----"

    private func push(_ town: Town, _ backup: String?) {
        town.world.pushKey(
            town.alice, encr: KeyPinningTests.point(1), sign: KeyPinningTests.point(2), backup: backup)
    }

    @Test func theBackupComes() async throws {
        try await Town.with { town in
            push(town, Self.backup)
            let found = try await BackupRequest.run(town.directory())
            #expect(found == .backup(Self.backup))
            try await eventually("the connection is closed") { town.world.liveConnections == 0 }
        }
    }

    /// Everybody has a direct channel, and servers refuse a command there that names no team.
    @Test func aDirectChannelAndAGroupAreInNoWay() async throws {
        try await Town.with { town in
            push(town, Self.backup)
            _ = town.world.addDirectChannel(town.alice, town.bob)
            _ = town.world.addGroupChannel([town.alice, town.bob])
            let found = try await BackupRequest.run(town.directory())
            #expect(found == .backup(Self.backup))
        }
    }

    /// Where one way is refused, the next is tried; where all are, that is no “none”.
    @Test(arguments: [1, 100])
    func whereOneChannelRefusesAnotherIsTried(_ refusals: Int) async throws {
        let count = Box(0)
        try await Town.with(
            interceptor: { request in
                guard request.path == "/api/v4/commands/execute", count.value < refusals else { return nil }
                count.value += 1
                return .status(
                    403, body: #"{"id":"api.context.permissions.app_error","message":"no","status_code":403}"#)
            },
            { town in
                push(town, Self.backup)
                _ = town.world.addDirectChannel(town.alice, town.bob)
                if refusals < 100 {
                    let found = try await BackupRequest.run(town.directory())
                    #expect(found == .backup(Self.backup))
                } else {
                    await #expect {
                        try await BackupRequest.run(town.directory(), limit: 0.3)
                    } throws: {
                        guard case .refused(status: 403, _, _, _) = $0 as? ExporterError else { return false }
                        return true
                    }
                }
            })
    }

    /// The plugin answers with an error; to ask again would not help.
    @Test func whereThereIsNoneTheServerSaysSo() async throws {
        try await Town.with { town in
            push(town, nil)
            let found = try await BackupRequest.run(town.directory(), limit: 30)
            #expect(found == BackupRequest.Outcome.none)
            #expect(town.server.requests.count { $0.path == "/api/v4/commands/execute" } == 1)
        }
    }

    @Test func whereNothingComesThereIsNone() async throws {
        try await Town.with(
            interceptor: { $0.path == "/api/v4/commands/execute" ? .status(200, body: "{}") : nil },
            { town in
                push(town, Self.backup)
                let found = try await BackupRequest.run(town.directory(), limit: 0.3)
                #expect(found == .silence(seconds: 0.3))
            })
    }

    @Test func aServerThatFailsIsNotOneWithoutABackup() async throws {
        try await Town.with(
            interceptor: { $0.path == "/api/v4/commands/execute" ? .status(500, body: #"{"id":"store.error"}"#) : nil },
            { town in
                push(town, Self.backup)
                await #expect {
                    try await BackupRequest.run(town.directory(), limit: 0.3)
                } throws: {
                    guard case .noAnswer = $0 as? ExporterError else { return false }
                    return true
                }
            })
    }

    @Test func anotherUsersBackupIsNotShown() async throws {
        try await Town.with { town in
            town.world.pushKey(
                town.bob, encr: KeyPinningTests.point(1), sign: KeyPinningTests.point(2), backup: Self.backup)
            let found = try await BackupRequest.run(town.directory(), limit: 0.3)
            #expect(found == BackupRequest.Outcome.none)
        }
    }

    @Test func aServerWithoutEventsIsNotOneWithoutABackup() async throws {
        try await Town.with(
            interceptor: { $0.path == "/api/v4/websocket" ? .status(404) : nil },
            { town in
                push(town, Self.backup)
                await #expect {
                    try await BackupRequest.run(town.directory(), limit: 0.3)
                } throws: {
                    guard case .noAnswer = $0 as? ExporterError else { return false }
                    return true
                }
            })
    }

    @Test func whoIsInNoChannelCannotAsk() async throws {
        try await Town.with(
            interceptor: { $0.path == "/api/v4/users/me/channels" ? .status(200, body: "[]") : nil },
            { town in
                push(town, Self.backup)
                await #expect(throws: ExporterError.noChannelToAskIn) {
                    try await BackupRequest.run(town.directory(), limit: 0.3)
                }
            })
    }

    @Test func theKeyThatTheServerShowsIsAskedForAndNotKept() async throws {
        try await Town.with { town in
            #expect(try await RegisteredKey.run(town.directory()) == nil)
            push(town, nil)
            let id = try #require(try await RegisteredKey.run(town.directory()))
            #expect(try town.archive().knownKeys().isEmpty)
            try await town.pullAll()
            #expect(try town.archive().knownKeys()[town.alice]?.map(\.sighting.keyID) == [id])
        }
    }

    @Test func aServerWithoutThePluginRefuses() async throws {
        try await Town.with(
            interceptor: {
                $0.path.hasPrefix("/api/v4/commands")
                    ? .status(404, body: #"{"id":"api.context.404.app_error"}"#) : nil
            },
            { town in
                await #expect {
                    try await BackupRequest.run(town.directory(), limit: 5)
                } throws: {
                    guard case .refused(404, _, _, _) = $0 as? ExporterError else { return false }
                    return true
                }
            })
    }
}
