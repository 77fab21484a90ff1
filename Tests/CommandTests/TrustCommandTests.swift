import Archive
import Bytes
import DemoServer
import E2EE
import Foundation
import Reader
import Testing

/// Decisions about keys as they are taken at a terminal, and what is not taken for one.
@Suite struct TrustCommandTests {
    private static func bobsKey(_ stage: Stage) -> String { stage.story.bob.key.id.description }

    private func decision(_ stage: Stage) async throws -> String? {
        let line = try await stage.run("mmvault trust bob --json").output
        return try JSONDocument(Array(line.utf8.dropLast())).root["decision"]?.string
    }

    @Test(
        .enabled(if: TerminalTests.hasScript, "needs script(1)"),
        arguments: [("y", true), ("yes", true), ("n", false), ("", false), ("yellow", false)])
    func aKeyIsConfirmedByAnAnswer(_ answer: String, _ isConfirmed: Bool) async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let outcome = try await TerminalTests.atTerminal(
                "mmvault trust confirm @bob", on: stage, input: "sleep 1; echo '\(answer)'; sleep 60")
            #expect(outcome.code == (isConfirmed ? 0 : 1), "\(outcome.output)")
            // The digits stand above the question.
            let digits = Fingerprint(of: stage.story.bob.key.id).lines
            let lines = Screen(outcome.output).lines
            let place = try #require(lines.firstIndex { $0.contains(digits[0]) })
            #expect(lines[place + 1].contains(digits[1]) && lines[place + 2].contains("[y/N]"))
            #expect(try await decision(stage) == (isConfirmed ? "confirmed" : nil))
        }
    }

    /// To accept a key is no comparison of another one: that would void the acceptance in the same breath.
    @Test(
        .enabled(if: TerminalTests.hasScript, "needs script(1)"),
        arguments: [("", "pinned"), ("e", "pinned"), ("n", "rejected")])
    func acceptingAKey_AsksAboutTheOldOne(_ answer: String, _ standing: String) async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let old = stage.story.carol.oldKey.id.description
            stage.story.carolMakesANewKey()
            _ = try await stage.run("mmvault pull")
            let outcome = try await TerminalTests.atTerminal(
                "mmvault trust accept carol", on: stage,
                // What is not offered is asked again.
                input: "sleep 1; echo y; sleep 1; echo '\(answer)'; sleep 1; echo; sleep 60")
            #expect(outcome.code == 0, "\(outcome.output)")
            let screen = Screen(outcome.output).lines.joined(separator: " ")
            #expect(screen.contains("[n]     not theirs") && !screen.contains("[e]"), "\(screen)")
            for line in try await stage.run("mmvault trust carol --json").output.split(separator: "\n") {
                let root = try JSONDocument(Array(line.utf8)).root
                let isOld = root["key_id"]?.string == old
                #expect(root["standing"]?.string == (isOld ? standing : "accepted"), "\(line)")
                #expect(root["is_current"]?.bool == !isOld)
            }
        }
    }

    @Test func nothingIsDecidedByWhatIsPiped() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let key = TrustCommandTests.bobsKey(stage)
            for line in [
                "yes | mmvault trust confirm bob", "yes | mmvault trust confirm bob \(key)",
                "mmvault trust confirm bob --yes", "mmvault trust confirm bob \(key.prefix(63)) --yes",
                "yes | mmvault trust reject bob \(key)", "mmvault trust reject bob \(key.prefix(16)) --yes",
                "mmvault trust withdraw bob \(key) --yes", "mmvault trust adopt bob \(key) --yes",
            ] {
                let outcome = try await stage.run("set +o pipefail; \(line)")
                #expect(outcome.code == 64, "\(line): \(outcome.everything)")
                #expect(outcome.output.isEmpty, "\(line)")
            }
            #expect(try await decision(stage) == nil)
            #expect(try await stage.run("mmvault trust confirm bob \(key.uppercased()) --yes").code == 0)
            #expect(try await decision(stage) == "confirmed")
        }
    }

    @Test func aUserWhomTheArchiveDoesNotHave_EndsWithNine_AndNearNames() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            for line in ["mmvault trust show @bobby", "mmvault export jsonl out --user bobby --no-keys"] {
                let outcome = try await stage.run(line)
                #expect(outcome.code == 9, "\(outcome.everything)")
                #expect(outcome.errors.contains("error: the archive has no user “"))
                #expect(outcome.errors.contains("hint: there is @bob\n"))
            }
        }
    }

    /// Else one of the two answers would be kept, and the other be printed.
    @Test func aKeyIsNamedOnceInOneAnswer() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let key = TrustCommandTests.bobsKey(stage)
            for line in [
                "--not-theirs \(key)", "--earlier \(key)", "--in-use \(key) --not-theirs \(key)",
            ] {
                let outcome = try await stage.run("mmvault trust confirm bob \(key) --yes \(line)")
                #expect(outcome.code == 64 && outcome.errors.contains("is named twice"), "\(outcome.everything)")
            }
            #expect(try await decision(stage) == nil)
        }
    }

    /// A server can show as many keys as it likes: they are one question, and one answer.
    @Test func keysThatSignedNothingAreRejectedAtOnce() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            for _ in 0..<5 {
                stage.story.register(PrivateKey.generate(), stage.story.carol)
                _ = try await stage.run("mmvault pull")
            }
            let question = try await stage.run("mmvault trust carol").output
            #expect(question.contains("4 more keys:") && question.contains("mmvault trust reject @carol --unused"))
            let outcome = try await stage.run("mmvault trust reject carol --unused --yes")
            #expect(
                outcome.code == 0 && outcome.output.hasPrefix("Rejected: 4 keys of @carol\n"), "\(outcome.everything)")
            let rest = try await stage.run("mmvault trust carol").output
            #expect(rest.contains("One open question:"), "\(rest)")
            #expect(try await stage.run("mmvault trust reject carol --unused --yes").code == 64)
        }
    }

    /// To reject a key for one user does not make it another's; and what an answer changes elsewhere is said.
    @Test func anAnswerSaysWhatElseItChanges() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            stage.story.carolMakesANewKey()
            _ = try await stage.run("mmvault pull")
            let lines = try await stage.run("mmvault trust carol --json").output.split(separator: "\n")
            let keys = try lines.map { try #require(try JSONDocument(Array($0.utf8)).root["key_id"]?.string) }
            let new = try #require(keys.last)
            let outcome = try await stage.run("mmvault trust confirm carol \(new) --yes")
            let old = try #require(keys.first)
            #expect(
                outcome.output.replacing("\n", with: " ").contains(
                    "What key \(old.prefix(16))… of @carol signed is newKeyUnanswered now, and was verified."),
                "\(outcome.everything)")
            #expect(outcome.output.contains("\n  mmvault trust confirm @carol \(old.prefix(8))\n"))
        }
    }

    @Test func aKeyInJSON_HasTheNamedMembers() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let key = TrustCommandTests.bobsKey(stage)
            _ = try await stage.run("mmvault trust reject bob \(key) --yes")
            let line = try await stage.run("mmvault trust bob --json").output
            let root = try JSONDocument(Array(line.utf8.dropLast())).root
            #expect(
                root.members.map(\.key) == [
                    "user_id", "username", "key_id", "signer_id", "fingerprint", "standing", "is_current", "sources",
                    "first_seen",
                    "last_seen", "decision", "decided_at", "said",
                ])
            #expect(root["key_id"]?.string == key && root["standing"]?.string == "rejected")
            #expect(root["fingerprint"]?.string == Fingerprint(of: stage.story.bob.key.id).description)
            #expect(root["sources"]?.elements.map(\.string) == ["server"])
        }
    }

    /// Before Alice's first pull Carol had another key, which no server shows her any more.
    @Test func anAdoptedSigner_VerifiesWhatItSigned() async throws {
        try await Stage.with { stage in
            let (story, old) = (stage.story, stage.story.carol.oldKey)
            for number in 1...2 { story.say("Before \(number)", story.carol, old, to: [story.alice.key, old]) }
            story.carolMakesANewKey()
            try await stage.settle()
            let signer = old.publicKey.signer.id.description
            func posts(_ authenticity: String) async throws -> Int {
                let line =
                    "mmvault verify --json --key key.asc --key old-key.asc --mine | grep -c '\"authenticity\":\"\(authenticity)\"'"
                return Int(try await stage.run(line).output.filter(\.isNumber)) ?? -1
            }
            let before = (try await posts("signatureInvalid"), try await posts("verifiedByEarlierKey"))
            let listed = try await stage.run("mmvault trust signers")
            #expect(listed.code == 0 && listed.output.contains(signer), "\(listed.everything)")
            // Beside the key that counts only because the server showed it first stands what speaks against it.
            func doubt() async throws -> Bool {
                let words = try await stage.run("mmvault trust carol").output.split(whereSeparator: \.isWhitespace)
                return words.joined(separator: " ").contains(
                    "posts in this name are by one signer that no server was seen")
            }
            #expect(try await doubt())
            let adopted = try await stage.run("mmvault trust adopt carol \(signer) --yes")
            #expect(adopted.code == 0, "\(adopted.everything)")
            #expect(try await !doubt())
            let after = (try await posts("signatureInvalid"), try await posts("verifiedByEarlierKey"))
            // Two more, and those that she signed with it before.
            #expect(before.0 - after.0 == after.1 - before.1 && after.1 - before.1 >= 4, "\(before) \(after)")
            let line = try await stage.run("mmvault verify --json | grep '\"signer_id\":\"\(signer)\"' | head -1")
                .output
            #expect(line.contains("\"authenticity\":\"verifiedByEarlierKey\"") && line.contains("\"key_id\":null"))
            #expect(try await stage.run("mmvault status").output.contains("By your decision: 1 signer adopted."))
            #expect(try await stage.run("mmvault trust withdraw carol \(signer) --yes").code == 0)
            #expect(try await posts("signatureInvalid") == before.0)
            #expect(try await stage.run("mmvault check").code == 0)
        }
    }

    /// Names are other people's choice, in the archive and in a list.
    @Test func hostileNames_AreNeutralised() async throws {
        let name = "\u{1B}[31mred\u{202E}\r\nerror: forged\u{07}"
        let story = Story()
        let user = story.world.addUser(username: name, firstName: name)
        let key = PrivateKey.generate()
        let encoded = [key.publicKey.encryptionPoint, key.publicKey.signingPoint].map(Base64.standard.encode)
        story.world.pushKey(user, encr: encoded[0], sign: encoded[1])
        let team = story.world.addTeam(name: "hostile", displayName: "Hostile", members: [story.alice.id, user])
        let channel = story.world.addChannel(
            team: team, name: "hostile", displayName: "Hostile", type: .open, members: [story.alice.id, user])
        for text in ["one", "two"] {
            let payload = Story.seal(text, story.bob.oldKey, [story.alice.key])
            story.world.post(
                in: channel, by: user, message: text, type: "custom_e2ee", props: Story.props(payload))
        }
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            let decision = TrustDecision(
                userID: user, verb: .confirmed, signingPoint: story.bob.key.publicKey.signingPoint,
                encryptionPoint: story.bob.key.publicKey.encryptionPoint, at: .now)
            let list = TrustList(
                [decision], of: Account(server: stage.server.url, userID: user, username: name),
                usernames: [user: name], signedBy: key, at: .now)
            try stage.write("list.json", String(decoding: list.bytes, as: UTF8.self))
            try stage.write(
                "other.json", String(decoding: list.bytes, as: UTF8.self).replacing("http:", with: "http:\\u001b[31m"))
            for line in [
                "mmvault trust", "mmvault trust show \(user)", "mmvault trust confirm \(user) \(key.id) --yes",
                "mmvault trust reject \(user) \(key.id)", "mmvault trust import other.json",
                "mmvault trust import list.json", "mmvault trust", "mmvault trust show \(user)",
                "mmvault trust signers", "mmvault trust adopt \(user) 00000000", "mmvault trust $'\\e[31m'",
                "mmvault trust confirm bob $'\\e[31m\\n'",
                "mmvault trust export $'/nowhere/\\e[31m' --all --key key.asc", "mmvault trust import $'\\e[31m'",
            ] {
                let outcome = try await stage.run(line)
                #expect(!outcome.everything.contains { "\u{1B}\u{202E}\r\u{07}".contains($0) }, "\(line)")
                #expect(!outcome.everything.contains("\nerror: forged"), "\(line)")
                #expect(outcome.code != 139 && !outcome.everything.isEmpty, "\(line)")
            }
            #expect(try await stage.run("mmvault trust").output.contains("confirmed, in the list of"))
        }
    }
}
