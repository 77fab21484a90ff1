import DemoServer
import Foundation

/// A Mattermost with the plugin, two accounts on it that were made for a test, and a team that both are in.
struct LiveServer: Sendable {
    /// Without a slash at its end.
    let url: String
    /// A token of the account whose history is kept.
    let token: String
    /// A token of the account that writes, edits and deletes.
    let otherToken: String
    /// A token of a third account, without which there is no group channel.
    var thirdToken: String?
    /// A token of a system administrator who is in the team, without which no posts share one time.
    var adminToken: String?
    /// The team's name, as it stands in addresses.
    let team: String
    /// Whether keys that the accounts have may go: the plugin keeps one for each account, and a new one replaces it.
    let mayReplaceKeys: Bool

    /// The one that the environment names (docs/live-test.md); nil where it names none.
    static let real: LiveServer? = {
        let variables = ProcessInfo.processInfo.environment
        guard let url = variables["MMVAULT_LIVE_URL"], let token = variables["MMVAULT_LIVE_TOKEN"],
            let other = variables["MMVAULT_LIVE_OTHER"], let team = variables["MMVAULT_LIVE_TEAM"]
        else { return nil }
        return LiveServer(
            url: url.hasSuffix("/") ? String(url.dropLast()) : url, token: token, otherToken: other,
            thirdToken: variables["MMVAULT_LIVE_THIRD"], adminToken: variables["MMVAULT_LIVE_ADMIN"], team: team,
            mayReplaceKeys: variables["MMVAULT_LIVE_REPLACE_KEYS"] == "1")
    }()

    /// Runs `body` against the embedded server, which has what such a test asks for.
    static func withStandIn(_ body: (LiveServer) async throws -> Void) async throws {
        let world = World(seed: 5, startingAt: Int64(Date().timeIntervalSince1970 * 1000))
        let users = ["keeper", "writer", "third", "admin"].map { world.addUser(username: $0) }
        _ = world.addTeam(name: "test", displayName: "Test", members: users)
        world.makeAdministrator(users[3])
        world.tiesAreUnstable = true
        // As the newest one that the test was run against.
        world.version = "11.6.0"
        let server = EmbeddedServer(world: world)
        try await server.start()
        let live = LiveServer(
            url: server.url, token: world.issueToken(for: users[0]), otherToken: world.issueToken(for: users[1]),
            thirdToken: world.issueToken(for: users[2]), adminToken: world.issueToken(for: users[3]), team: "test",
            mayReplaceKeys: false)
        do {
            try await body(live)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }
}
