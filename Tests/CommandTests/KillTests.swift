import DemoServer
import Foundation
import Testing

/// A pull that is ended at any moment: what was done stays, and the next one goes on.
@Suite(.serialized) struct KillTests {
    /// Several thousand plain posts, some on the same millisecond, with edits and deletions.
    private static func longStory() -> Story {
        let story = Story()
        let world = story.world
        var generator = SystemlessGenerator(state: 11)
        let channels = (0..<4).map { number in
            let team = world.addTeam(name: "team\(number)", displayName: "Team \(number)", members: [story.alice.id])
            return world.addChannel(
                team: team, name: "long\(number)", displayName: "Long \(number)", type: .open,
                members: [story.alice.id, story.bob.id])
        }
        for channel in channels {
            for number in 0..<900 {
                world.tick = generator.next() % 3 == 0 ? 0 : 1
                let post = world.post(in: channel, by: story.bob.id, message: "post \(number)")
                if generator.next() % 40 == 0 { world.edit(post, message: "post \(number), edited") }
                if generator.next() % 60 == 0 { world.delete(post) }
            }
        }
        world.tick = 1
        return story
    }

    private static func slowness(_ milliseconds: Int) -> @Sendable (ServerRequest) -> Fault? {
        { _ in .stall(.milliseconds(milliseconds)) }
    }

    /// What `verify --json` prints, in an order of its own: the time of arrival decides between ties.
    private func posts(_ stage: Stage, vault: String = "vault") async throws -> [Substring] {
        try await stage.run("mmvault --vault \(vault) verify --json").lines.sorted()
    }

    @Test(arguments: [1, 2] as [UInt64])
    func killedPull_EndsWithTheSamePosts(seed: UInt64) async throws {
        try await Stage.with(story: KillTests.longStory()) { stage in
            _ = try await stage.run("mmvault --vault whole login $URL --token-file token.txt")
            #expect(try await stage.run("mmvault --vault whole pull").code == 0)
            let whole = try await posts(stage, vault: "whole")
            #expect(whole.count > 3600)

            #expect(try await stage.run("mmvault login $URL --token-file token.txt").code == 0)
            stage.misbehave(KillTests.slowness(40))
            var generator = SystemlessGenerator(state: seed)
            var kills = 0
            for _ in 0..<12 {
                let seconds = 0.05 + Double(generator.next() % 500) / 1000
                if try await stage.run("timeout --signal KILL \(seconds) mmvault pull").code == 137 { kills += 1 }
            }
            #expect(kills >= 10)
            stage.misbehave(nil)
            #expect(try await stage.run("mmvault check").code == 0)
            #expect(try await stage.run("mmvault pull").code == 0)
            #expect(try await posts(stage) == whole)
            #expect(try await stage.run("mmvault check").code == 0)
        }
    }

    /// A kill leaves no time to note how far it came.
    @Test func pullKilledInALargeFile_GoesOnBehindWhatWasNoted() async throws {
        try await Stage.with(story: FileCommandTests.story(files: 1, size: 120 << 20)) { stage in
            #expect(try await stage.run("mmvault login $URL --token-file token.txt").code == 0)
            let killed = try await stage.run(
                """
                mmvault pull >/dev/null 2>&1 &
                for _ in {1..3000}; do
                  [ "$(stat -c %s vault/*/files/*.part 2>/dev/null || echo 0)" -lt 20000000 ] || break
                  sleep 0.01
                done
                kill -KILL $! && ls vault/*/files
                """)
            #expect(killed.code == 0 && killed.output.contains(".part\n"), "\(killed.everything)")
            #expect(try await stage.run("mmvault pull").code == 0)
            let ranges = stage.server.requests.filter { $0.path.hasPrefix("/api/v4/files/") }.map(\.range)
            let start = ranges.last??.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }
            #expect(ranges.count == 2 && start ?? 0 >= 16 << 20, "\(ranges)")
            #expect(try await stage.run("mmvault check").code == 0)
        }
    }

    @Test func interruptedPull_SaysSoAndGoesOn() async throws {
        try await Stage.with(story: KillTests.longStory()) { stage in
            _ = try await stage.run("mmvault login $URL --token-file token.txt")
            stage.misbehave(KillTests.slowness(100))
            for signal in ["INT", "TERM", "HUP"] {
                let outcome = try await stage.run("timeout --signal \(signal) --preserve-status 1 mmvault pull")
                #expect(outcome.code == 130)
                #expect(outcome.errors.hasPrefix("error: interrupted\nhint: what was done is kept"))
            }
            stage.misbehave(nil)
            #expect(try await stage.run("mmvault pull").code == 0)
            #expect(try await stage.run("mmvault check").code == 0)
            #expect(try await posts(stage).count > 3600)
        }
    }

    @Test func faultyServer_IsOutlasted() async throws {
        try await Stage.with(story: KillTests.longStory()) { stage in
            stage.misbehave(Faults.random(seed: 5))
            #expect(try await stage.run("mmvault login $URL --token-file token.txt").code == 0)
            let outcome = try await stage.run("mmvault pull")
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(try await posts(stage).count > 3600)
        }
    }
}

/// Numbers that are the same each time (SplitMix64).
struct SystemlessGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
