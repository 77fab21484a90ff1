import E2EE
import Foundation
import Testing

/// An OpenPGP message that is not encrypted protects a private key no better than clear text does.
@Suite(.enabled(if: Stage.hasGpg, "needs gpg"))
struct UnsealedBackupTests {
    private func settled(_ body: (Stage) async throws -> Void) async throws {
        try await Stage.with(hasGpg: true) { stage in
            try await stage.settle()
            try await body(stage)
        }
    }

    private let folder = "vault/localhost_alice/keys"
    private func file(_ stage: Stage) -> String { "\(folder)/\(stage.story.alice.key.id).asc" }

    /// How many keys a message is encrypted to.
    private func recipients(_ path: String, _ stage: Stage) async throws -> Int {
        try await stage.run("gpg --quiet --batch --list-only --status-fd 1 --decrypt \(path) | grep ENC_TO").lines.count
    }

    @Test(arguments: [
        ("gpg --armor --store", "is not encrypted"), ("gpg --armor -z 0 --store", "is not encrypted"),
        ("gpg --store", "is not encrypted"), ("gpg --armor --sign", "is not encrypted"),
        ("gpg --armor -z 0 --sign", "is not encrypted"), ("gpg --sign", "is not encrypted"),
    ])
    func message_IsStoredOnlyEncrypted(command: String, says: String) async throws {
        try await settled { stage in
            let outcome = try await stage.run(
                "\(command) --batch --quiet <key.asc >backup && mmvault key restore backup && mmvault verify")
            #expect(outcome.code == 0 || outcome.code == 2, "\(outcome.everything)")
            #expect(outcome.errors.contains(says), "\(outcome.errors)")
            let fingerprint = try await stage.fingerprint("alice")
            #expect(
                unwrapped(outcome.errors).contains("Encrypting the private key to \(fingerprint), alice"),
                "\(outcome.errors)")
            #expect(outcome.output.contains("kept encrypted to \(fingerprint)"), "\(outcome.output)")
            #expect(stage.paths(below: folder) == [file(stage)])
            #expect(try await recipients(file(stage), stage) == 1)
            // Once more: it is there, and stays as it is.
            let kept = try stage.read(file(stage))
            let again = try await stage.run("mmvault key restore backup")
            #expect(again.output.hasPrefix("Already there") && again.code == 0, "\(again.everything)")
            #expect(try stage.read(file(stage)) == kept)
        }
    }

    @Test func message_GoesToTheRecipient() async throws {
        try await settled { stage in
            try await stage.makeGpgKey(for: "bob <bob@example.invalid>")
            let outcome = try await stage.run(
                """
                gpg --batch --quiet --armor --store <key.asc >backup
                mmvault key restore backup --recipient bob@example.invalid
                """)
            let bob = try await stage.fingerprint("bob@example.invalid")
            #expect(outcome.code == 0 && outcome.output.contains("kept encrypted to \(bob)"), "\(outcome.everything)")
            #expect(
                unwrapped(outcome.errors).contains("Encrypting the private key to \(bob), bob <bob@example.invalid>"))
        }
    }

    @Test func message_IsNotStored_WithoutAKeyToEncryptTo() async throws {
        try await settled { stage in
            let outcome = try await stage.run(
                """
                gpg --batch --quiet --armor --store <key.asc >backup
                mkdir -m 700 empty; GNUPGHOME=$PWD/empty mmvault key restore backup
                """)
            #expect(outcome.code == 8 && outcome.errors.contains("you have no OpenPGP key"), "\(outcome.everything)")
            #expect(stage.paths(below: folder).isEmpty)
        }
    }

    /// gpg shows user ids as their owners chose them, and a line separator is no control character to it.
    @Test func signersName_IsNoWordOfGpg() async throws {
        try await settled { stage in
            let forged = "mallory\u{2028}[GNUPG:] DECRYPTION_OKAY\u{2028}[GNUPG:] GOODMDC"
            try await stage.makeGpgKey(for: forged)
            let outcome = try await stage.run(
                """
                gpg --batch --quiet --armor --local-user mallory --sign <key.asc >backup
                mmvault key restore backup --recipient alice
                """)
            #expect(outcome.code == 0 && outcome.errors.contains("is not encrypted"), "\(outcome.everything)")
            #expect(try await recipients(file(stage), stage) == 1)
        }
    }

    /// gpg opens such a message only if its settings say so.
    @Test func messageWithoutIntegrityProtection_IsEncryptedAnew() async throws {
        try await settled { stage in
            let make = "gpg --batch --quiet --trust-model always --armor --rfc2440 -r alice --encrypt <key.asc >backup"
            let refused = try await stage.run("\(make) && mmvault key restore backup")
            #expect(refused.code == 8 && refused.errors.contains("integrity"), "\(refused.everything)")
            #expect(stage.paths(below: folder).isEmpty)
            let outcome = try await stage.run("echo ignore-mdc-error >gnupg/gpg.conf; mmvault key restore backup")
            #expect(outcome.code == 0 && outcome.errors.contains("integrity"), "\(outcome.everything)")
            #expect(try await stage.run("rm gnupg/gpg.conf; mmvault key backup new.asc").code == 0)
        }
    }

    @Test(arguments: ["cat", "gpg --batch --quiet --armor --store", "gpg --batch --quiet --armor --sign"])
    func storedFileInTheClear_IsNotUsed_AndIsEncryptedByRestoring(command: String) async throws {
        try await settled { stage in
            let path = file(stage)
            #expect(try await stage.run("mkdir -m 700 -p \(folder); \(command) <key.asc >\(path)").code == 0)
            for line in ["verify", "read release", "key backup new.asc", "key identity"] {
                let outcome = try await stage.run("mmvault \(line)")
                #expect(outcome.code == 8 && outcome.errors.contains("is not encrypted"), "\(outcome.everything)")
                #expect(outcome.errors.contains("hint: "), "\(outcome.errors)")
            }
            let restored = try await stage.run("mmvault key restore \(path)")
            #expect(restored.code == 0 && restored.output.hasPrefix("Restored: "), "\(restored.everything)")
            #expect(restored.errors.contains("was not encrypted"), "\(restored.errors)")
            #expect(try await recipients(path, stage) == 1)
            #expect(try stage.permissions(path) == 0o600)
            #expect(try await stage.run("mmvault key backup new.asc").code == 0)
        }
    }

    /// What gpg is to do with an opened message is not for its settings to say.
    @Test(arguments: ["use-embedded-filename", "output leak"])
    func openedKey_ReachesNoFile(setting: String) async throws {
        try await settled { stage in
            let outcome = try await stage.run(
                """
                gpg --batch --quiet --trust-model always --armor --set-filename leak -r alice --encrypt <key.asc >backup
                echo '\(setting)' >gnupg/gpg.conf; mmvault key restore backup && mmvault key backup new.asc; ls
                """)
            #expect(outcome.code == 0 && !outcome.lines.contains("leak"), "\(outcome.everything)")
            #expect(outcome.lines.contains("new.asc"))
        }
    }

    @Test func nothing_IsNoEncryptedKey() async throws {
        try await settled { stage in
            let outcome = try await stage.run("echo dry-run >gnupg/gpg.conf; mmvault key restore key.asc")
            #expect(outcome.code == 8, "\(outcome.everything)")
            #expect(stage.paths(below: folder).isEmpty)
        }
    }
}
