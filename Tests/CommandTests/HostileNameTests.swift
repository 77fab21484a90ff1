import Bytes
import DemoServer
import E2EE
import Foundation
import Reader
import Testing

@testable import mmvault

/// A server, or a colleague, that chooses names to play tricks on a terminal.
@Suite(.enabled(if: SafeText.line("\u{1B}") != "\u{1B}", "SafeText lets everything pass"))
struct HostileNameTests {
    static let names = [
        "\u{1B}[31mred\u{1B}]0;title\u{07}", "bell\u{07}", "back\rwards", "two\nlines\nerror: forged",
        "\u{202E}gnp.exe", "\u{2066}isolated", "שלום עולם", "zero\u{200B}width\u{FEFF}", "\u{9B}31mC1",
        "tab\tand\u{0B}",
        String(repeating: "very long ", count: 40), "\u{7F}\u{08}\u{08}\u{08}", "",
    ]

    private static func story() -> Story {
        let story = Story()
        let world = story.world
        let users = names.map { world.addUser(username: $0.isEmpty ? "nobody" : $0, firstName: $0) }
        let team = world.addTeam(name: "hostile", displayName: names[0], members: [story.alice.id])
        for (name, user) in zip(names, users) {
            let channel = world.addChannel(
                team: team, name: "c\(user)", displayName: name, type: .open, members: [story.alice.id, user])
            world.post(in: channel, by: user, message: name)
            world.post(in: channel, by: user, message: name, type: "custom_e2ee", props: #"{"e2ee":{"version":9}}"#)
            let direct = world.addDirectChannel(story.alice.id, user)
            world.post(in: direct, by: user, message: name, type: "custom_e2ee")
        }
        return story
    }

    @Test func names_AreNeutralisedWhereverTheyArePrinted() async throws {
        try await Stage.with(story: HostileNameTests.story()) { stage in
            _ = try await stage.run("mmvault login $URL --token-file token.txt")
            for line in [
                "mmvault pull", "mmvault status --months", "mmvault verify --details", "mmvault check",
                "mmvault key list", "mmvault channels", "mmvault read $'\\e[31m'", "mmvault read o",
                "mmvault read c --thread $'\\a'",
                "mmvault channels --json | grep -o '\"id\":\"[a-z0-9]*\"' | cut -d'\"' -f4 | xargs -n1 mmvault read",
                "mmvault pull --channel $'\\e[31m'", "mmvault verify --channel $'a\\nb\\e[1m'",
                "mmvault $'\\e[31m'", "mmvault key restore $'\\e[31m\\n'", "mmvault --vault $'\\e[31m' status",
                "mmvault login $'https://\\e[31m'", "mmvault --account $'\\a' check",
            ] {
                expectTame(try await stage.run(line), line)
            }
        }
    }

    @Test func refusals_AreNeutralised() async throws {
        try await Stage.with { stage in
            let body = #"{"id":"no","message":"\u001b[31mgo\u0007 away\u202e\r\u0000","status_code":403}"#
            stage.misbehave { _ in .status(403, body: body, headers: [("Content-Type", "application/json")]) }
            expectTame(try await stage.run("mmvault login $URL --token-file token.txt"), "login")
            stage.misbehave { _ in .status(400, body: "\u{1B}[31mplain\u{202E}") }
            expectTame(
                try await stage.run("mmvault login $URL --username a --password-file password.txt"), "plain refusal")
        }
    }

    @Test func ownUsername_IsNeutralised() async throws {
        let story = Story()
        let user = story.world.addUser(username: "\u{1B}[31m\u{202E}../../evil")
        try await Stage.with(story: story) { stage in
            try stage.write("evil.txt", story.world.issueToken(for: user))
            expectTame(try await stage.run("mmvault login $URL --token-file evil.txt"), "login")
            expectTame(try await stage.run("mmvault status"), "status")
            #expect(!FileManager.default.fileExists(atPath: "\(stage.folder)/evil"))
        }
    }

    /// A user name of any length, in a sentence of the audit's; and one that a shell would take for more than a name, in a
    /// command that people copy.
    @Test func names_StayShortInFindingsAndHarmlessInCommands() async throws {
        let story = Story()
        let (long, shell) = ("carol" + String(repeating: "x", count: 5000), "dave;touch pwned")
        let users = [long, shell].map { story.world.addUser(username: $0) }
        let signers = [PrivateKey.generate(), PrivateKey.generate()]
        for (user, signer) in zip(users, signers) {
            for text in ["one", "two"] {
                let payload = Story.seal(text, signer, [story.alice.key, signer])
                story.world.post(
                    in: story.release, by: user, message: "Encrypted message", type: "custom_e2ee",
                    props: Story.props(payload))
            }
        }
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            let audit = try await stage.run("mmvault audit")
            #expect(audit.output.contains("@carolxxx") && audit.lines.allSatisfy { String($0).columns <= 80 })
            let listed = try await stage.run("mmvault trust signers")
            #expect(listed.lines.allSatisfy { String($0).columns <= 80 }, "\(listed.output)")
            let commands = listed.lines.filter { $0.contains("mmvault trust adopt") }
            #expect(commands.count == 2 && commands.allSatisfy { !$0.contains(";") && !$0.contains("…") })
            for user in users { #expect(commands.contains { $0.contains(" adopt \(user) ") }) }
        }
    }

    /// A text that looks like the post before, as a search shows it.
    @Test func foundText_StandsInNoOtherPostsPlace() async throws {
        let story = Story()
        story.world.post(
            in: story.square, by: story.bob.id, message: " \n\t  2025-03-03 11:06  @alice: I agree to the freeze")
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            let found = try await stage.run("mmvault search agree --context 1 --key key.asc")
            #expect(found.lines.contains { $0.hasPrefix("  2025-03-03 11:06  @alice: I agree") }, "\(found.output)")
            #expect(!found.lines.contains { $0.hasPrefix("   ") && $0.contains("@alice: I agree") })
        }
    }

    /// JSON holds texts as they are, and a terminal would take some for commands.
    @Test func jsonAtATerminal_IsEscapedOnceMore() throws {
        let line = #"{"text":"\u001b[2J "# + "\u{9B}31m\u{202E}\u{E0001}é\u{200D}" + #""}"# + "\n"
        let shown = Terminal.escaped(json: line)
        #expect(shown == #"{"text":"\u001b[2J \u009b31m\u202e\udb40\udc01é\u200d"}"# + "\n")
        let texts = try [line, shown].map { try JSONDocument(Array($0.utf8)).root["text"]?.string }
        #expect(texts[0] == texts[1])
    }

    /// Nothing but line ends and what prints; no line that a name could have begun.
    private func expectTame(_ outcome: Outcome, _ line: String) {
        let raw = outcome.everything.unicodeScalars.filter { scalar in
            switch scalar.properties.generalCategory {
            case .control: scalar != "\n"
            case .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate: true
            default: false
            }
        }
        #expect(raw.isEmpty, "\(line): \(outcome.everything.debugDescription.prefix(2000))")
        #expect(!outcome.everything.contains("\nerror: forged"), "\(line)")
        for text in outcome.everything.split(separator: "\n") where !text.contains("/") {
            #expect(text.count <= 120, "\(line): \(text)")
        }
    }
}
