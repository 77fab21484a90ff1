import DemoServer
import E2EE
import Foundation
import Testing

/// A word that stands in encrypted posts and nowhere else: whatever a command does, and wherever it is killed, no file
/// that was written meanwhile holds it.
@Suite(.serialized, .enabled(if: Stage.hasGpg, "needs gpg"))
struct CanaryTests {
    /// Commands that decrypt, or that could come upon something decrypted.
    private static let commands = [
        "mmvault pull", "mmvault key restore --mine key.gpg.asc", "mmvault key restore --mine - < old-key.asc",
        "mmvault key list",
        "mmvault status --months", "mmvault verify --details", "mmvault verify --json", "mmvault check",
        "mmvault search canary*", "mmvault search canary* --relevance --context 3", "mmvault search canary* --json",
        "mmvault search --key key.asc canary*", "mmvault search --no-keys canary*",
        "mmvault search in:release -nothing", "mmvault key identity", "mmvault channels --members",
        "mmvault read release", "mmvault read release --last 5", "mmvault read release --around 2025-04-03",
        "mmvault key backup -", "mmvault recover $URL", "mmvault pull --full",
        "printf 'canary*\\n' | mmvault search -", "mmvault trust export - --all", "mmvault trust signers",
        "mmvault audit", "mmvault export evidence sealed$RANDOM.zip.gpg --encrypt-to alice",
        "mmvault export evidence sealed$RANDOM.tar.zst.age --sign alice --encrypt-to "
            + "age14l4q6dv48c2tlywg98pnvmnxejzqk5qwkstuv3045x4uk7f5egyqd68p5d",
    ]

    /// New for each test, so that what an earlier one left cannot be taken for a leak.
    private let canary = "canary\(UUID().uuidString.filter { $0 != "-" }.lowercased())"

    private func story(posts: Int) -> Story {
        let story = Story()
        let keys = [story.alice.key, story.bob.key]
        for number in 0..<posts {
            story.say("\(canary) number \(number)", story.bob, story.bob.key, to: keys)
        }
        story.world.delete(story.say("\(canary) deleted", story.bob, story.bob.key, to: keys))
        return story
    }

    /// Every file written since the test began, in the vault, the working directory and where programs put what is for a
    /// moment only.
    private func expectNoLeak(_ stage: Stage, after command: String) async throws {
        let outcome = try await stage.run(
            """
            find . /tmp /var/tmp /dev/shm -xdev -type f -newer began ! -path '*/exported/*' -print0 2>/dev/null |
            xargs -0 -r grep -lF --binary-files=text -e '\(canary)' 2>/dev/null
            """)
        #expect(outcome.output.isEmpty, "\(command) left decrypted text in \(outcome.output)")
    }

    /// A search that finds nothing, wherever it looks, would pass: so it must find what is there.
    private func expectLeakIsSeen(_ stage: Stage) async throws {
        try await Task.sleep(for: .milliseconds(20))
        let path = "/var/tmp/\(UUID().uuidString)"
        try Data("\0\(canary)\0".utf8).write(to: URL(filePath: path))
        let outcome = try await stage.run(
            "find /var/tmp -type f -newer began -print0 | xargs -0 grep -lF --binary-files=text -e '\(canary)'")
        try FileManager.default.removeItem(atPath: path)
        #expect(outcome.output == path + "\n")
    }

    private func begin(_ stage: Stage) async throws {
        try stage.write("began", "")
        try await expectLeakIsSeen(stage)
        #expect(try await stage.run("mmvault login $URL --token-file token.txt").code == 0)
    }

    @Test func noCommand_LeavesDecryptedTextOnDisk() async throws {
        try await Stage.with(story: story(posts: 40), hasGpg: true) { stage in
            try await begin(stage)
            var found = 0
            for command in CanaryTests.commands {
                let outcome = try await stage.run(command)
                #expect([0, 2].contains(outcome.code), "\(command): \(outcome.errors)")
                if outcome.output.contains(canary) { found += 1 }
                try await expectNoLeak(stage, after: command)
            }
            // The commands did decrypt.
            #expect(found >= 5)
            #expect(try await stage.run("mmvault export markdown exported").code == 0)
            #expect(try await stage.run("grep -rq '\(canary)' exported").code == 0)
            try await expectNoLeak(stage, after: "export")
        }
    }

    @Test func noKilledCommand_LeavesDecryptedTextOnDisk() async throws {
        try await Stage.with(story: story(posts: 600), hasGpg: true) { stage in
            try await begin(stage)
            #expect(
                try await stage.run(
                    "mmvault pull && mmvault key restore --mine key.gpg.asc && mmvault key restore --mine old-key.gpg.asc"
                ).code == 0)
            var random = SystemlessGenerator(state: 3)
            var kills = 0
            for command in CanaryTests.commands + ["mmvault export mbox exported/killed"] {
                for _ in 0..<4 {
                    // Without an index, so that one is being made when the kill comes.
                    _ = try await stage.run("rm -rf vault/*/search exported")
                    let seconds = 0.02 + Double(random.next() % 300) / 1000
                    let words = command.replacing("mmvault", with: "timeout --signal KILL \(seconds) mmvault")
                    if try await stage.run(words).code == 137 { kills += 1 }
                    try await expectNoLeak(stage, after: "a killed “\(command)”")
                }
            }
            #expect(kills >= 20)
            #expect(try await stage.run("mmvault check").code == 0)
            #expect(try await stage.run("mmvault search \(canary) --limit 1000 --json").lines.count == 601)
        }
    }
}

/// What other processes of the same user can see of one that holds keys.
@Suite struct ProcessTests {
    private static let canChangeUser = getuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")

    /// The files of a process that may not be dumped belong to root (proc(5)).
    @Test(.enabled(if: canChangeUser, "needs root, to become somebody else"))
    func process_CannotBeDumped() async throws {
        try await Stage.with { stage in
            let outcome = try await stage.run(
                """
                mkfifo wait; chmod 755 .
                cp "$(readlink -f bin/mmvault)" /tmp/$$.mmvault; chmod 755 /tmp/$$.mmvault; trap 'rm /tmp/$$.mmvault' EXIT
                for program in "/tmp/$$.mmvault login $URL --vault nowhere --token-file -" "sleep 99"; do
                  setpriv --reuid=65534 --clear-groups $program <> wait &
                  for i in $(seq 100); do grep -q 'core file size *0 *0 ' /proc/$!/limits && break; sleep 0.1; done
                  stat -c %u /proc/$!/environ; grep 'core file' /proc/$!/limits; kill -9 $!
                done
                """)
            let lines = outcome.lines
            #expect(lines.count == 4, "\(outcome.everything)")
            #expect(lines.first == "0")
            #expect(lines.dropFirst().first?.split(separator: " ").dropFirst(4).prefix(2) == ["0", "0"])
            // What the test sees of a process that did not ask for it.
            #expect(lines.dropFirst(2).first == "65534")
        }
    }
}
