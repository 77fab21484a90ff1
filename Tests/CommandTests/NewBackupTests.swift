import E2EE
import Foundation
import Reader
import TestSupport
import Testing

/// A new backup of a private key, in the form that the plugin imports.
@Suite(.enabled(if: Stage.hasGpg, "needs gpg"))
struct NewBackupTests {
    private func settled(_ body: (Stage) async throws -> Void) async throws {
        try await Stage.with(hasGpg: true) { stage in
            try await stage.settle()
            #expect(
                try await stage.run(
                    "mmvault key restore --mine key.gpg.asc && mmvault key restore --mine old-key.gpg.asc"
                ).code == 0)
            try await body(stage)
        }
    }

    @Test func backup_HoldsTheKeyThatIsOnTheServer_AndIsRestoredFrom() async throws {
        try await settled { stage in
            let outcome = try await stage.run("umask 000; mmvault key backup new.asc")
            #expect(outcome.code == 0)
            #expect(outcome.output == "Backup of key \(stage.story.alice.key.id.short)… in new.asc\n")
            #expect(try stage.permissions("new.asc") == 0o600)
            #expect(
                String(decoding: try stage.read("new.asc"), as: UTF8.self).hasPrefix("-----BEGIN PGP MESSAGE-----\n"))
            let opened = try await stage.run("gpg --quiet --batch --decrypt new.asc")
            #expect(opened.output == KeyBackup.text(of: stage.story.alice.key))
            _ = try await stage.run("rm vault/*/keys/*")
            #expect(try await stage.run("mmvault key restore new.asc").code == 0)
            #expect(stage.paths(below: "vault/localhost_alice/keys").count == 1)
        }
    }

    /// The server writes the mails: a second backup in one may be its own.
    @Test func mine_IsAboutOneKey() async throws {
        try await Stage.with(hasGpg: true) { stage in
            try await stage.settle()
            let outcome = try await stage.run("cat key.asc old-key.asc > both; mmvault key restore --mine both")
            #expect(outcome.code == 0, "\(outcome.everything)")
            #expect(
                outcome.errors.contains("both holds 2 private keys, and --mine says of one"), "\(outcome.everything)")
            #expect(!outcome.output.contains("Noted"))
            let refused = try await stage.run("mmvault verify --key both --mine --no-keys")
            #expect(refused.code == 64 && refused.errors.contains("--mine says of one"), "\(refused.everything)")
        }
    }

    @Test func backup_IsOfTheKeyThatIsNamed() async throws {
        try await settled { stage in
            let id = stage.story.alice.oldKey.id.short
            let outcome = try await stage.run("mmvault key backup - --id \(id) | gpg --quiet --batch --decrypt")
            #expect(outcome.output == KeyBackup.text(of: stage.story.alice.oldKey))
            #expect(try await stage.run("mmvault key backup new.asc --id 0000").code == 8)
            #expect(!stage.paths(below: "").contains { $0.hasSuffix("new.asc") })
        }
    }

    @Test func backup_GoesToTheRecipientThatIsNamed_OrNowhere() async throws {
        try await settled { stage in
            let made = try await stage.run(
                """
                gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-gen-key 'bob <bob@example.invalid>' \\
                  future-default default never
                mmvault key backup bobs.asc --recipient bob@example.invalid
                gpg --batch --quiet --list-packets --list-only bobs.asc 2>/dev/null | grep -o 'keyid [0-9A-F]*'
                gpg --list-keys --with-colons --with-subkey-fingerprint bob@example.invalid | grep ^sub | cut -d: -f5
                """)
            #expect(made.code == 0, "\(made.errors)")
            let words = made.output.split(whereSeparator: \.isWhitespace)
            #expect(words.count >= 3 && words[words.count - 2] == words[words.count - 1], "\(made.output)")
            let nobody = try await stage.run("mmvault key backup no.asc --recipient nobody@example.invalid")
            #expect(nobody.code == 8)
            #expect(nobody.errors.contains("error: gpg has no key for “nobody@example.invalid”"))
        }
    }

    /// Bob's key is in no keyring here. gpg's own settings name a key server, which has it.
    @Test(.enabled(if: StockTool.isInstalled("dirmngr"), "needs dirmngr"))
    func backup_GoesToARecipientThatGpgFindsOnAKeyServer() async throws {
        try await settled { stage in
            let outcome = try await stage.run(
                """
                mkdir -m 700 bob; mkdir -p server/pks
                gpg --homedir bob --batch --quiet --pinentry-mode loopback --passphrase '' \
                  --quick-gen-key 'bob <bob@example.invalid>' future-default default never
                gpg --homedir bob --armor --export >server/pks/lookup
                python3 -um http.server 0 --bind 127.0.0.1 --directory server >asked 2>&1 & trap "kill $!" EXIT
                until grep -q port asked; do sleep 0.1; done
                echo "keyserver hkp://127.0.0.1:$(sed -n 's/.* port \\([0-9]*\\) .*/\\1/p' asked)" >gnupg/dirmngr.conf
                echo 'auto-key-locate keyserver' >gnupg/gpg.conf
                mmvault key backup bobs.asc --recipient bob@example.invalid
                """)
            #expect(outcome.code == 0, "\(outcome.everything)")
            #expect(outcome.errors.contains("gpg has no key for “bob@example.invalid”, and looks for one elsewhere\n"))
            let asked = try await stage.run("grep -c 'GET /pks/lookup.*search=bob@example.invalid' asked")
            #expect(asked.output == "1\n", "\(asked.everything)")
            let opened = try await stage.run(
                "gpg --homedir bob --quiet --batch --decrypt bobs.asc; gpgconf --homedir bob --kill all")
            #expect(opened.output == KeyBackup.text(of: stage.story.alice.key), "\(opened.errors)")
        }
    }

    /// Nobody is left writing to a program that has gone.
    @Test func gpgThatReadsNothing_IsAnError() async throws {
        try await settled { stage in
            _ = try await stage.run("mkdir fake")
            try stage.write("fake/gpg", "#!/bin/sh\necho 'gpg: no home' >&2\nexit 2\n")
            let outcome = try await stage.run(
                """
                chmod +x fake/gpg; export PATH=$PWD/fake:$PATH; rm vault/*/keys/*
                for try in {1..20}; do mmvault key restore key.gpg.asc 2>&1; echo "exit $?"; done
                """)
            #expect(outcome.lines.count { $0 == "exit 8" } == 20, "\(outcome.everything)")
            #expect(outcome.output.contains("error: gpg could not decrypt the backup: no home"))
        }
    }

    @Test func whatIsTooLargeForABackup_IsNone() async throws {
        try await settled { stage in
            let outcome = try await stage.run("head -c 3M /dev/zero | tr '\\0' '\\377' | mmvault key restore -")
            #expect(outcome.code == 8 && outcome.errors.contains("it is too large"), "\(outcome.everything)")
        }
    }

    @Test func backup_ReplacesNothing() async throws {
        try await settled { stage in
            try stage.write("mine.asc", "precious")
            #expect(try await stage.run("mmvault key backup mine.asc").code == 64)
            #expect(try stage.read("mine.asc") == Data("precious".utf8))
        }
    }
}
