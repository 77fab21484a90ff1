import Foundation
import TestSupport
import Testing

/// Pull, recover and follow as a user's first day with them, on a server that this test writes to by its API alone: on a
/// real Mattermost with the plugin where there is one (scripts/test-live), and on the embedded one always, so that the test
/// itself is known to work.
@Suite(.enabled(if: Stage.hasGpg, "needs gpg"))
struct LiveServerTests {
    @Test func theEmbeddedServer_IsKeptAndRead() async throws {
        try await LiveServer.withStandIn { try await LiveServerTests.play(on: $0) }
    }

    @Test(.enabled(if: LiveServer.real != nil, "no live server: docs/live-test.md"))
    func aRealServer_IsKeptAndRead() async throws {
        try await LiveServerTests.play(on: try #require(LiveServer.real))
    }

    private static func play(on server: LiveServer) async throws {
        let story = try await LiveStory(server)
        do {
            try await story.begin()
            try await story.recover()
            try await story.pull()
            try await story.pullManyChanges()
            try await story.pullClearEdits()
            try await story.follow()
            try await story.lookBack()
        } catch {
            await story.end()
            throw error
        }
        await story.end()
    }
}
