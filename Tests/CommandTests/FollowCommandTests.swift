import DemoServer
import Foundation
import Testing

/// `mmvault pull --follow` as a service runs it.
@Suite struct FollowCommandTests {
    /// Runs `mmvault pull --follow` while `body` runs, stops it by a signal, and hands over how it ended.
    private func follow(
        on stage: Stage, stoppedBy signal: String, _ body: () async throws -> Void
    ) async throws -> Stage.Outcome {
        _ = try await stage.run("mmvault login $URL --token-file token.txt")
        async let outcome = stage.run(
            """
            mmvault pull --follow >log 2>errors & echo $! >pid; wait $!; code=$?; cat log; cat errors >&2; exit $code
            """)
        try await waitUntil { stage.story.world.liveConnections > 0 }
        try await body()
        let stopped = try await stage.run("kill -\(signal) $(cat pid)")
        #expect(stopped.code == 0)
        return try await outcome
    }

    private func waitUntil(_ isSo: () async throws -> Bool) async throws {
        for _ in 0..<400 {
            if try await isSo() { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("not so within twenty seconds")
    }

    private func log(_ stage: Stage) -> String {
        (try? stage.read("log")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private func posts(_ stage: Stage, vault: String) async throws -> [Substring] {
        let lines = try await stage.run("mmvault --vault \(vault) verify --json --key key.asc --key old-key.asc").lines
        return lines.filter { $0.contains(#""state":"live""#) }.sorted()
    }

    @Test(arguments: ["TERM", "INT", "HUP"])
    func stoppedFollowing_EndsWithSuccess(signal: String) async throws {
        try await Stage.with { stage in
            let outcome = try await follow(on: stage, stoppedBy: signal) {
                try await waitUntil { log(stage).contains("connected") }
                let inUse = try await stage.run("mmvault pull")
                #expect(inUse.code == 5 && inUse.errors.contains("in use by process"))
            }
            #expect(outcome.code == 0, "\(outcome.everything)")
            #expect(outcome.errors.isEmpty, "\(outcome.errors)")
            #expect(outcome.lines.last == "Stopped. What has come until now is archived.")
        }
    }

    @Test func events_AreArchivedAndToldInALineEach() async throws {
        try await Stage.with { stage in
            let world = stage.story.world
            let outcome = try await follow(on: stage, stoppedBy: "TERM") {
                try await waitUntil { log(stage).contains("connected") }
                // What the first pull missed is asked for when it is connected.
                try await Task.sleep(for: .seconds(1))
                let post = world.post(in: stage.story.release, by: stage.story.bob.id, message: "catch me")
                try await waitUntil { log(stage).contains("1 new in Release 発売") }
                world.delete(post)
                try await waitUntil {
                    try await stage.run("mmvault verify --json | grep \(post) | grep -c deleted").output == "1\n"
                }
                #expect(try await stage.run("mmvault verify --json | grep \(post) | grep -c earlier").output == "1\n")
            }
            #expect(outcome.code == 0)
            #expect(try await stage.run("mmvault check").code == 0)
            // The same as a pull finds.
            _ = try await stage.run("mmvault --vault plain login $URL --token-file token.txt")
            #expect(try await stage.run("mmvault --vault plain pull").code == 0)
            #expect(try await posts(stage, vault: "plain") == posts(stage, vault: "vault"))
        }
    }
}
