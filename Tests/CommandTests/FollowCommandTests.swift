import DemoServer
import Foundation
import Synchronization
import TestSupport
import Testing

/// `mmvault pull --follow` as a service runs it.
@Suite struct FollowCommandTests {
    /// Runs `mmvault pull --follow` while `body` runs, stops it by a signal, and hands over how it ended.
    private func follow(
        on stage: Stage, stoppedBy signal: String, _ body: () async throws -> Void
    ) async throws -> Outcome {
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
        let lines = try await stage.run("mmvault --vault \(vault) verify --json --key key.asc --key old-key.asc --mine")
            .lines
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

    @Test(.enabled(if: StockTool.isInstalled("systemd-analyze"), "needs systemd-analyze"))
    func theUnitInTheDocs_IsUnderstoodBySystemd() async throws {
        let page = try String(contentsOfFile: Fixtures.path("../docs/follow.md"), encoding: .utf8)
        let unit = try #require(page.components(separatedBy: "```ini\n").last?.components(separatedBy: "```").first)
        #expect(unit.contains("\nPrivateUsers=yes\n") && unit.contains("\nReadWritePaths="))
        try await Stage.with { stage in
            try stage.write(
                "mmvault.service", unit.replacing("/usr/local/bin/mmvault", with: "\(stage.folder)/bin/mmvault"))
            let outcome = try await stage.run(
                "mkdir run && XDG_RUNTIME_DIR=$PWD/run systemd-analyze --user verify ./mmvault.service")
            #expect(outcome.code == 0 && outcome.everything.isEmpty, "\(outcome.everything)")
        }
    }

    @Test func events_AreArchivedAndToldInALineEach() async throws {
        try await Stage.with { stage in
            let world = stage.story.world
            let outcome = try await follow(on: stage, stoppedBy: "TERM") {
                try await waitUntil { log(stage).contains("connected") && log(stage).contains("The archive is in") }
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

    /// Whatever a file keeps it waiting for: what was told is on the disk, and a kill takes nothing of it.
    @Test func aKillDuringTheFirstPull_LosesNoTextOfADeletedPost() async throws {
        let isHeld = Mutex(true)
        try await Stage.with { stage in
            stage.misbehave { request in
                guard request.path.hasPrefix("/api/v4/files/") else { return nil }
                return .hold {
                    while isHeld.withLock({ $0 }), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(20)) }
                }
            }
            let world = stage.story.world
            let file = Attachment(name: "slow.txt", content: Array("slow".utf8))
            world.post(in: stage.story.release, by: stage.story.bob.id, message: "a file", files: [file])
            _ = try await stage.run("mmvault login $URL --token-file token.txt")
            async let outcome = stage.run("mmvault pull --follow >log 2>errors & echo $! >pid; wait $!")
            try await waitUntil { log(stage).contains("connected") }
            let post = world.post(in: stage.story.release, by: stage.story.bob.id, message: "gone in a moment")
            world.purge(post)
            let isArchived = { try await stage.run("mmvault verify --json | grep -c \(post)").output == "1\n" }
            try await waitUntil(isArchived)
            #expect(!log(stage).contains("The archive is in"))
            _ = try await stage.run("kill -KILL $(cat pid)")
            _ = try await outcome
            #expect(try await isArchived())
            #expect(try await stage.run("mmvault check").code == 0)
            isHeld.withLock { $0 = false }
        }
    }
}
