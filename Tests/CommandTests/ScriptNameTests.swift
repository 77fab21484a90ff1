import Bytes
import DemoServer
import Foundation
import Testing

/// The names that scripts rely on.
@Suite struct ScriptNameTests {
    @Test(arguments: [
        "mmvault --vault DIR key list", "mmvault --vault=DIR key list", "mmvault key list --vault DIR",
        "mmvault key list --vault=DIR", "mmvault key --vault DIR list", "MMVAULT_DIR=DIR mmvault key list",
        "MMVAULT_DIR=/nowhere mmvault key list --vault DIR", "mmvault --account localhost_alice --vault DIR key list",
        "unset MMVAULT_DIR; XDG_DATA_HOME=$HOME/data mmvault key list",
        "unset MMVAULT_DIR; HOME=$HOME/home mmvault key list",
    ])
    func vault_IsNamedBeforeOrAfterTheCommand(line: String) async throws {
        try await Stage.with { stage in
            try await stage.settle()
            _ = try await stage.run(
                "mkdir -p data home/.local/share; cp -r vault 'other vault'; cp -r vault data/mmvault; "
                    + "mv vault home/.local/share/mmvault")
            let outcome = try await stage.run(
                line.replacing("DIR ", with: "'other vault' ").replacing("DIR", with: "'other vault'")
                    .replacing("MMVAULT_'other vault'", with: "MMVAULT_DIR"))
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("of 9 encrypted posts"))
        }
    }

    @Test(arguments: [
        "mmvault login $URL --token-file - < token.txt", "mmvault login $URL --token-file token.txt",
        "cat token.txt | mmvault login $URL --token-file -", "mmvault login $URL --token-file <(cat token.txt)",
        "printf '%s' $(cat token.txt) | mmvault login $URL --token-file -",
        "printf ' %s \\r\\n' $(cat token.txt) | mmvault login $URL --token-file -",
        "mmvault login $URL --username alice --password-file password.txt",
        "cat password.txt | mmvault login $URL --username alice --password-file -",
        "mmvault login $URL/ --username alice@example.com --password-file - < password.txt",
    ])
    func login_TakesSecretsFromAFile(line: String) async throws {
        try await Stage.with { stage in
            let outcome = try await stage.run(line)
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(try await stage.run("mmvault pull").code == 0)
        }
    }

    @Test func mfaCode_ComesFromAFile() async throws {
        let story = Story()
        story.world.addUser(username: "mia", password: "secret words", mfaCode: "123456")
        try await Stage.with(story: story) { stage in
            try stage.write("mia.txt", "secret words")
            try stage.write("code.txt", "123456\n")
            let line = "mmvault login $URL --username mia --password-file mia.txt"
            #expect(try await stage.run(line).code == 6)
            #expect(try await stage.run("\(line) --mfa-code-file code.txt").code == 0)
            #expect(try await stage.run("echo 654321 | \(line) --mfa-code-file -").code == 6)
            #expect(
                try await stage.run("mmvault login $URL --username mia --password-file - --mfa-code-file -").code == 64)
        }
    }

    @Test func verifyJSON_HasTheNamedKeys() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let outcome = try await stage.run("mmvault verify --json --key old-key.asc --key - --mine < key.asc")
            #expect(outcome.code == 2 && outcome.errors.isEmpty)
            #expect(outcome.lines.count == 15)
            var states: Set<String> = []
            for line in outcome.lines {
                let object = try JSONDocument(Array(line.utf8)).root
                let keys = object.members.map(\.key)
                for key in ["id", "state", "channel_id", "user_id", "authenticity", "content", "key_id"] {
                    #expect(keys.contains(key))
                }
                #expect((object["authenticity"]?.isNull == true) == (object["content"]?.string == "plain"))
                states.insert(object["state"]?.string ?? "")
            }
            #expect(states == ["live", "deleted", "revision"])
        }
    }

    /// Every command ends by itself where nobody can be asked.
    @Test(arguments: [
        ("mmvault login $URL", 64), ("mmvault login $URL --username alice", 64), ("mmvault pull", 0),
        ("mmvault verify --no-keys", 2), ("mmvault key restore key.asc --symmetric", 8),
        ("mmvault key restore key.asc", 8), ("mmvault login $URL --token-file -", 64), ("mmvault status", 0),
    ])
    func nothing_IsAskedWithoutATerminal(line: String, code: Int32) async throws {
        try await Stage.with { stage in
            try await stage.settle()
            for input in ["\(line) < /dev/null", "true | \(line)", "\(line) <&-"] {
                let outcome = try await stage.run("timeout 120 bash -c '\(input)'")
                #expect(outcome.code == code, "\(input): \(outcome.everything)")
            }
        }
    }

    @Test(.enabled(if: Stage.hasGpg, "needs gpg"))
    func twoAccounts_AreKeptApart() async throws {
        try await Stage.with(hasGpg: true) { stage in
            try await stage.settle()
            try await Event.happen("Bob logs in, too", on: stage)
            for command in ["pull", "verify", "status", "check", "key list", "key restore key.asc"] {
                let outcome = try await stage.run("mmvault \(command)")
                #expect(outcome.code == 9 && outcome.errors.contains("--account"), "\(command)")
            }
            #expect(try await stage.run("mmvault --account localhost_alice key restore key.asc").code == 0)
            #expect(stage.paths(below: "vault/localhost_alice/keys").count == 1)
            #expect(stage.paths(below: "vault/localhost_bob/keys").isEmpty)
            let bobs = try await stage.run("mmvault verify --account=localhost_bob")
            #expect(bobs.output.contains("notForUs"))
            #expect(try await stage.run("mmvault login $URL --token-file token.txt").code == 0)
            #expect(stage.paths(below: "vault").filter { $0.hasSuffix("archive.sqlite") }.count == 2)
        }
    }
}
