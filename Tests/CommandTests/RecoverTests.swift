import Bytes
import DemoServer
import E2EE
import Foundation
import Testing

/// One command after losing a device.
@Suite(.enabled(if: Stage.hasGpg, "needs gpg"))
struct RecoverTests {
    /// The server keeps a backup of `key`, encrypted to Alice's OpenPGP key, and shows `shown` as her public key.
    private func store(_ file: String, shown: PrivateKey, _ stage: Stage) throws {
        let backup = String(decoding: try stage.read(file), as: UTF8.self)
        stage.story.world.pushKey(
            stage.story.alice.id, encr: Base64.standard.encode(shown.publicKey.encryptionPoint),
            sign: Base64.standard.encode(shown.publicKey.signingPoint), backup: backup)
    }

    private func with(_ body: (Stage) async throws -> Void) async throws {
        try await Stage.with(hasGpg: true) { try await body($0) }
    }

    private static let command = "mmvault recover $URL --token-file token.txt"

    @Test func recovery_BringsKeyAndMessages_AndSaysWhatIsMissing() async throws {
        try await with { stage in
            try store("key.gpg.asc", shown: stage.story.alice.key, stage)
            let outcome = try await stage.run(RecoverTests.command)
            #expect(outcome.code == 0, "\(outcome.everything)")
            let id = stage.story.alice.key.id.description
            for part in [
                "Logged in to http://127.0.0.1",
                "The server holds a backup of your private key; your gpg is to open it.",
                "Restored: \(id)", "The key that the server shows for you is here: \(id.prefix(16))…", "Recovered:",
                "Not recovered:", "mmvault read CHANNEL",
            ] {
                #expect(outcome.output.contains(part), "\(part) is missing in \(outcome.output)")
            }
            // Nothing else than what the commands do one by one.
            let verdicts = try await stage.run("mmvault verify --json")
            let opened = verdicts.lines.filter { $0.contains(#""authenticity":"verified","content":"decrypted""#) }
            #expect(outcome.output.contains("  \(opened.count) posts and old revisions, opened and verified\n"))
            let plain = verdicts.lines.filter { $0.contains(#""content":"plain""#) }
            #expect(outcome.output.contains("  \(plain.count) posts and old revisions that were never encrypted\n"))
            let closed = verdicts.lines.filter { $0.contains(#""content":"notForUs""#) }
            #expect(
                closed.count > 1
                    && outcome.output.contains(
                        "  \(closed.count) posts and old revisions encrypted for keys that are not")
            )
            #expect(try await stage.run("mmvault check").code == 0)
        }
    }

    @Test func secondRun_GoesOnWhereTheFirstEnded() async throws {
        try await with { stage in
            try store("key.gpg.asc", shown: stage.story.alice.key, stage)
            #expect(try await stage.run(RecoverTests.command).code == 0)
            stage.story.carolMakesANewKey()
            let outcome = try await stage.run("mmvault recover $URL")
            #expect(outcome.code == 0, "\(outcome.everything)")
            #expect(outcome.output.contains("Still logged in to"))
            #expect(outcome.output.contains("Kept already: key \(stage.story.alice.key.id.description.prefix(16))…"))
            #expect(outcome.errors.contains("the server shows another key for @carol"))
        }
    }

    /// An old key was restored before, and the server holds the backup of the one that it shows.
    @Test func aSecondRun_AsksForTheKeyThatTheServerShows_AndKeepsTheOldOne() async throws {
        try await with { stage in
            let (key, oldKey) = (stage.story.alice.key.id.description, stage.story.alice.oldKey.id.description)
            try store("key.gpg.asc", shown: stage.story.alice.key, stage)
            let first = try await stage.run("\(RecoverTests.command) --backup old-key.gpg.asc")
            #expect(first.code == 0, "\(first.everything)")
            #expect(first.errors.contains("the server shows another key for you than the one restored"))
            #expect(first.output.contains("  mmvault key restore FILE      your key, from its backup\n"))
            let second = try await stage.run("mmvault recover $URL")
            #expect(second.code == 0, "\(second.everything)")
            for part in [
                "Kept already: key \(oldKey.prefix(16))…\nThe server shows another key for you: \(key.prefix(16))…\n",
                "The server holds a backup of your private key", "Restored: \(key)",
                "The key that the server shows for you is here: \(key.prefix(16))…",
            ] {
                #expect(second.output.contains(part), "\(part) is missing in \(second.everything)")
            }
            #expect(try await stage.run("mmvault key list | grep -c '\(key)\\|\(oldKey)'").output == "2\n")
            // Both are there now, and nobody asks for a backup again.
            let third = try await stage.run("mmvault recover $URL")
            #expect(third.code == 0 && !third.output.contains("backup of your private key"), "\(third.everything)")
        }
    }

    /// A server that has no backup says nothing; one that cannot be asked is another matter.
    @Test(arguments: [("/api/v4/websocket", 502), ("/api/v4/commands/execute", 404), ("/api/v4/commands/execute", 502)])
    func whereTheServerCannotBeAsked_ThatIsSaid(_ path: String, _ status: Int) async throws {
        try await with { stage in
            try store("key.gpg.asc", shown: stage.story.alice.key, stage)
            stage.misbehave { $0.path == path ? .status(status) : nil }
            let outcome = try await stage.run(RecoverTests.command)
            #expect(outcome.code == 8)
            #expect(outcome.errors.contains("the server could not be asked for a backup of your private key:"))
            #expect(!outcome.output.contains("The server holds"))
            #expect(outcome.output.contains("Recovered:"))
            #expect(outcome.output.contains("  mmvault key restore FILE      your key, from its backup\n"))
            #expect(outcome.errors.contains("hint: “mmvault key restore FILE”"))
            // At a terminal, a file is asked for; the mail is one.
            let asked = try await stage.run(
                "printf 'key.gpg.asc\\n' | script -qec 'stty -echo; mmvault recover $URL' /dev/null")
            #expect(asked.output.contains("File with a backup, or its mail"), "\(asked.everything)")
            #expect(asked.output.contains("Restored: \(stage.story.alice.key.id)"))
            #expect(asked.code == 0)
        }
    }

    @Test func withoutABackup_MessagesComeAllTheSame_AndAFileDoes() async throws {
        try await with { stage in
            let outcome = try await stage.run(RecoverTests.command)
            #expect(outcome.code == 8)
            #expect(outcome.output.contains("The server holds no backup of your private key."))
            #expect(outcome.output.contains("Recovered:"))
            #expect(
                outcome.errors.contains("error: your private key is not restored\nhint: “mmvault key restore FILE”"))
            #expect(try await stage.run("mmvault check").code == 0)
            #expect(try await stage.run("mmvault recover $URL --backup key.gpg.asc").code == 0)
            #expect(try await stage.run("mmvault search ship --json").lines.count == 1)
        }
    }

    @Test func backupThatGpgCannotOpen_IsSaid_AndMessagesCome() async throws {
        try await with { stage in
            try stage.write(
                "other.asc", String(contentsOfFile: Fixtures.path("recording/alice.1.gpg.asc"), encoding: .utf8))
            try store("other.asc", shown: stage.story.alice.key, stage)
            let outcome = try await stage.run(RecoverTests.command)
            #expect(outcome.code == 8)
            #expect(outcome.errors.contains("your private key is not restored: gpg could not decrypt the backup"))
            #expect(outcome.output.contains("Recovered:"))
            // What is missing is not a backup.
            let hint = "hint: bring your OpenPGP secret key here (“gpg --import FILE”, or its smart"
            #expect(outcome.errors.contains(hint), "\(outcome.errors)")
            let restore = try await stage.run("LANG=de_DE.UTF-8 LANGUAGE=de mmvault key restore other.asc")
            #expect(restore.code == 8 && restore.errors.contains(hint), "\(restore.errors)")
        }
    }

    /// On an empty archive nobody's key is known yet.
    @Test func aColleaguesBackup_IsNotTakenForOnesOwn() async throws {
        try await with { stage in
            let first = try await stage.run("\(RecoverTests.command) --backup bobs-key.asc")
            #expect(first.code == 8, "\(first.everything)")
            let bob = stage.story.bob.key.id.description
            #expect(first.errors.contains("key \(bob.prefix(16))…, which was restored as yours, is @bob's"))
            #expect(first.errors.contains("error: your private key is not restored"))
        }
        try await with { stage in
            #expect(try await stage.run("\(RecoverTests.command) --backup key.gpg.asc").code == 0)
            // It opens posts, and nobody but its owner says whose it is: what Bob signed stays Bob's.
            let restored = try await stage.run("mmvault key restore bobs-key.asc")
            let bob = stage.story.bob.key.id.description
            #expect(
                restored.code == 0 && restored.errors.contains("Not noted as yours: key \(bob.prefix(16))… opens posts")
            )
            let trust = try await stage.run("mmvault trust").output
            #expect(trust.contains("also known as @bob's") || trust.contains("is known as @bob's, too"), "\(trust)")
            let again = try await stage.run("mmvault recover $URL --backup bobs-key.asc")
            #expect(again.errors.contains("key \(bob.prefix(16))…, which was restored as yours, is @bob's"))
        }
    }

    @Test func anotherKeyOnTheServer_IsSaidPlainly() async throws {
        try await with { stage in
            try store("old-key.gpg.asc", shown: stage.story.alice.key, stage)
            let outcome = try await stage.run(RecoverTests.command)
            #expect(outcome.code == 0)
            let story = stage.story
            #expect(outcome.errors.contains("the server shows another key for you than the one restored"))
            #expect(outcome.errors.contains("server  \(story.alice.key.id.description.prefix(16))…"))
            #expect(outcome.errors.contains("here    \(story.alice.oldKey.id.description.prefix(16))…"))
        }
    }

    @Test func aBackupThatIsNotThere_IsSaidBeforeAnythingIsDone() async throws {
        try await with { stage in
            let outcome = try await stage.run("\(RecoverTests.command) --backup nosuch.eml")
            #expect(outcome.code == 64 && outcome.output.isEmpty)
            #expect(outcome.errors.contains("error: there is no file nosuch.eml"))
            #expect(stage.paths(below: "vault").isEmpty)
        }
    }

    @Test func aServerThatIsNotThere_EndsIt() async throws {
        try await with { (stage: Stage) async throws in
            #expect(try await stage.run("mmvault recover http://127.0.0.1:9 --token-file token.txt").code == 7)
            #expect(try await stage.run("echo wrong | mmvault recover $URL --token-file -").code == 6)
            #expect(stage.paths(below: "vault").isEmpty)
        }
    }
}
