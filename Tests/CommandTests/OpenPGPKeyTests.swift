import Foundation
import Testing

/// Which OpenPGP key a name means: one that is named exactly, or none. Wherever a command takes such a name, the rules are
/// the same.
@Suite(.enabled(if: Stage.hasGpg, "needs gpg"))
struct OpenPGPKeyTests {
    /// Alice's key has only her name; there are two of Carol's.
    private func populated(_ body: (Stage) async throws -> Void) async throws {
        try await Stage.with(hasGpg: true) { stage in
            try await stage.settle()
            for name in [
                "bob <bob@example.invalid>", "carol <carol@example.invalid>", "carol 2 <Carol@Example.invalid>",
            ] {
                try await stage.makeGpgKey(for: name)
            }
            let others = try await stage.run(
                """
                make() { gpg --batch --quiet --pinentry-mode loopback --passphrase '' "$@"; }
                make --quick-gen-key 'signer <signer@example.invalid>' ed25519 sign never
                make --faked-system-time 20200101T000000 --quick-gen-key 'expired <expired@example.invalid>' \\
                  future-default default 1y
                for name in revoked disabled; do
                  make --quick-gen-key "$name <$name@example.invalid>" future-default default never
                done
                printf 'disable\\nsave\\n' | gpg --batch --quiet --command-fd 0 --edit-key disabled
                sed 's/^://' gnupg/openpgp-revocs.d/$(gpg --list-keys --with-colons revoked | awk -F: '/^fpr/ {print $10; exit}').rev |
                  gpg --batch --quiet --import
                """)
            #expect(others.code == 0, "\(others.errors)")
            try await body(stage)
        }
    }

    /// Every command that takes a name, with what it must not leave behind.
    private func refused(_ name: String, says: [String], _ stage: Stage, signs: Bool = false) async throws {
        let lines =
            signs
            ? ["mmvault export evidence x.zip --sign '\(name)'"]
            : [
                "mmvault key restore key.asc --recipient '\(name)'",
                "mmvault key backup x.asc --recipient '\(name)' --key key.asc",
                "mmvault export evidence x.zip.gpg --encrypt-to '\(name)'",
            ]
        for line in lines {
            let outcome = try await stage.run(line)
            #expect(outcome.code == 8, "\(line): \(outcome.everything)")
            let errors = unwrapped(outcome.errors)
            for words in says { #expect(errors.contains(words), "\(line): \(outcome.errors)") }
            #expect(errors.contains("hint: "), "\(outcome.errors)")
        }
        #expect(stage.paths(below: "vault/localhost_alice/keys").isEmpty)
        #expect(try await stage.run("ls | grep ^x").output.isEmpty)
    }

    /// To which keys a message is encrypted.
    private func recipients(_ path: String, _ stage: Stage) async throws -> [String] {
        try await stage.run("gpg --quiet --batch --list-only --status-fd 1 --decrypt \(path)").lines
            .filter { $0.contains("ENC_TO") }.map { String($0.split(separator: " ")[2]) }
    }

    @Test func keyThatIsNamedExactly_IsUsed() async throws {
        try await populated { stage in
            let bob = try await stage.fingerprint("bob")
            let subkey = String(try await stage.subkeyFingerprint("bob").suffix(16))
            let groups = stride(from: 0, to: 40, by: 4).map { String(bob.dropFirst($0).prefix(4)) }
            let names = [
                bob, bob.lowercased(), "0x\(bob)", groups.joined(separator: " "), String(bob.suffix(16)),
                "0x\(bob.suffix(16))", "bob@example.invalid", "<bob@example.invalid>", "BOB@example.invalid",
                "bob <bob@example.invalid>",
            ]
            for name in names {
                let outcome = try await stage.run(
                    "rm -f x.asc; mmvault key backup x.asc --key key.asc --recipient '\(name)'")
                #expect(outcome.code == 0, "\(name): \(outcome.everything)")
                #expect(unwrapped(outcome.errors).contains("\(bob), bob <bob@example.invalid>"), "\(outcome.errors)")
                #expect(try await recipients("x.asc", stage) == [subkey], "\(name)")
            }
            // A whole user id, though it is also a part of others.
            let alice = try await stage.run("mmvault key restore key.asc --recipient alice")
            #expect(alice.code == 0, "\(alice.everything)")
        }
    }

    @Test func partOfAName_NamesNoKey() async throws {
        try await populated { stage in
            let bob = try await stage.fingerprint("bob")
            let inexact = "does not name an OpenPGP key exactly"
            for name in [
                "bo", "bob", "bob@example", "b@example.invalid", String(bob.suffix(8)), "\(bob)!", "=bob", "*bo",
            ] {
                let isFound = !["b@example.invalid", "=bob"].contains(name)
                try await refused(name, says: isFound ? [inexact, bob] : [], stage)
            }
            try await refused("example.invalid", says: [inexact], stage)
            try await refused("nobody", says: ["gpg has no key for “nobody”"], stage)
            try await refused(String(repeating: "0", count: 40), says: ["gpg has no key for"], stage)
            try await refused("", says: [], stage)
            try await refused("bo", says: [inexact, bob], stage, signs: true)
            try await refused("nobody", says: ["gpg has no secret key for “nobody”"], stage, signs: true)
        }
    }

    @Test func nameOfSeveralKeys_NamesNone() async throws {
        try await populated { stage in
            let keys = try await stage.run(
                "gpg --list-keys --with-colons carol | awk -F: '/^pub/ {p=1} /^fpr/ && p {print $10; p=0}'"
            ).lines
            #expect(keys.count == 2)
            for signs in [false, true] {
                try await refused(
                    "carol@example.invalid", says: ["several OpenPGP keys"] + keys.map(String.init), stage,
                    signs: signs)
            }
        }
    }

    @Test func keyThatCannotBeUsed_IsRefused() async throws {
        try await populated { stage in
            for (name, says) in [
                ("signer", "cannot encrypt"), ("expired", "has expired"), ("revoked", "was revoked"),
                ("disabled", "is disabled"),
            ] {
                let fingerprint = try await stage.fingerprint(name)
                for form in ["\(name)@example.invalid", fingerprint] {
                    try await refused(form, says: [says, fingerprint], stage)
                    if name != "signer" { try await refused(form, says: [says, fingerprint], stage, signs: true) }
                }
            }
        }
    }

    /// An address that also an older key of the same owner has.
    @Test func renewedKey_IsTheOneThatCanBeUsed() async throws {
        try await populated { stage in
            try await stage.makeGpgKey(for: "renewed <expired@example.invalid>")
            let outcome = try await stage.run(
                "mmvault key backup x.asc --key key.asc --recipient expired@example.invalid")
            #expect(outcome.code == 0, "\(outcome.everything)")
            #expect(try await recipients("x.asc", stage).count == 1)
        }
    }

    /// A subkey can be bound to another key without its owner, and gpg would choose another subkey.
    @Test func subkey_NamesNoKey() async throws {
        try await populated { stage in
            let (bob, subkey) = (try await stage.fingerprint("bob"), try await stage.subkeyFingerprint("bob"))
            for name in [subkey, String(subkey.suffix(16)), "0x\(subkey)"] {
                try await refused(name, says: ["is a subkey", bob], stage)
            }
        }
    }

    @Test func userIDThatIsAFingerprint_IsNone() async throws {
        try await populated { stage in
            let bob = try await stage.fingerprint("bob")
            try await stage.makeGpgKey(for: bob)
            try await stage.makeGpgKey(for: String(bob.suffix(16)))
            for name in [bob, String(bob.suffix(16))] {
                let outcome = try await stage.run(
                    "rm -f x.asc; mmvault key backup x.asc --key key.asc --recipient \(name)")
                #expect(outcome.code == 0, "\(outcome.everything)")
                #expect(unwrapped(outcome.errors).contains("\(bob), bob <bob@"), "\(outcome.errors)")
            }
        }
    }

    @Test func userID_MovesNoCursorAndIsNoOption() async throws {
        try await Stage.with(hasGpg: true) { stage in
            try await stage.settle()
            try await stage.makeGpgKey(for: "eve \u{1B}[31m\u{202E} <eve@example.invalid>")
            let shown = try await stage.run("mmvault key backup x.asc --key key.asc --recipient eve@example.invalid")
            #expect(
                shown.code == 0 && unwrapped(shown.errors).contains("eve \\u{1B}[31m\\u{202E} <eve@"), "\(shown.errors)"
            )
            #expect(!shown.everything.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{202E}" })
            let option = try await stage.run("mmvault key restore key.asc --recipient=--output=leak; ls")
            #expect(option.errors.contains("gpg has no key for “--output=leak”"), "\(option.errors)")
            #expect(!option.lines.contains("leak"))
        }
    }

    @Test func ownKey_IsTheOnlyOne_OrIsToBeNamed() async throws {
        try await Stage.with(hasGpg: true) { stage in
            try await stage.settle()
            let alice = try await stage.fingerprint("alice")
            try await stage.makeGpgKey(for: "alice at work <alice@example.invalid>")
            let work = try await stage.fingerprint("alice@example.invalid")
            for line in ["mmvault key restore key.asc", "mmvault key backup x.asc --key key.asc"] {
                let outcome = try await stage.run(line)
                #expect(outcome.code == 8, "\(outcome.everything)")
                let errors = unwrapped(outcome.errors)
                for words in ["you have several OpenPGP keys", "--recipient", alice, work] {
                    #expect(errors.contains(words), "\(outcome.errors)")
                }
            }
            #expect(stage.paths(below: "vault/localhost_alice/keys").isEmpty)
            let recovered = try await stage.run("mmvault recover $URL --token-file token.txt --backup old-key.asc")
            #expect(unwrapped(recovered.everything).contains("--recipient"), "\(recovered.everything)")
            let named = try await stage.run("mmvault key restore key.asc --recipient \(work)")
            #expect(named.code == 0 && named.output.contains("kept encrypted to \(work)"), "\(named.everything)")
        }
    }

    /// The secret half of the subkey is elsewhere: what is encrypted to it could not be opened here.
    @Test func ownKey_IsOneThatOpensWhatIsEncryptedToIt() async throws {
        try await Stage.with(hasGpg: true) { stage in
            try await stage.settle()
            let outcome = try await stage.run(
                """
                rm gnupg/private-keys-v1.d/$(gpg --list-secret-keys --with-colons --with-keygrip alice |
                  awk -F: '/^grp/ {grip=$10} END {print grip}').key
                mmvault key restore key.asc
                """)
            #expect(outcome.code == 8 && outcome.errors.contains("you have no OpenPGP key"), "\(outcome.everything)")
        }
    }

    /// gpg.conf may add recipients to every message, and make another key of a name.
    @Test func settingsOfGpg_AddNoReader() async throws {
        try await populated { stage in
            let (bob, carol) = (try await stage.fingerprint("bob"), try await stage.fingerprint("carol 2"))
            let subkey = String(try await stage.subkeyFingerprint("bob").suffix(16))
            for setting in [
                "encrypt-to \(carol)", "hidden-encrypt-to \(carol)", "group \(bob)=\(carol)",
                "group bob@example.invalid=\(carol)", "default-recipient \(carol)", "default-recipient-self",
            ] {
                let outcome = try await stage.run(
                    """
                    echo '\(setting)' >gnupg/gpg.conf; rm -f x.*
                    mmvault key backup x.asc --key key.asc --recipient bob@example.invalid
                    mmvault export evidence x.zip.gpg --encrypt-to bob@example.invalid
                    rm gnupg/gpg.conf
                    """)
                for path in ["x.asc", "x.zip.gpg"] {
                    #expect(try await recipients(path, stage) == [subkey], "\(setting): \(outcome.everything)")
                }
            }
            _ = try await stage.run("rm x.*")
            for setting in ["recipient \(carol)", "hidden-recipient \(carol)"] {
                try stage.write("gnupg/gpg.conf", setting + "\n")
                try await refused("bob@example.invalid", says: ["gpg.conf", bob], stage)
                let own = try await stage.run("mmvault key restore key.asc")
                #expect(own.code == 8, "\(own.everything)")
            }
            try stage.write("gnupg/gpg.conf", "group team=\(bob) \(carol)\n")
            try await refused("team", says: ["gpg has no key for “team”"], stage)
            try stage.write("gnupg/gpg.conf", "local-user \(carol)\n")
            try await refused("bob@example.invalid", says: ["gpg.conf", bob], stage, signs: true)
        }
    }

    @Test func signature_IsByTheKeyThatIsNamed() async throws {
        try await populated { stage in
            let bob = try await stage.fingerprint("bob")
            for name in [bob, "bob@example.invalid"] {
                let outcome = try await stage.run(
                    "rm -f x.zip; mmvault export evidence x.zip --sign \(name) && mmvault check x.zip")
                #expect(outcome.code == 0, "\(outcome.everything)")
                #expect(outcome.output.contains("signed by bob <bob@example.invalid>:\n  \(bob)"), "\(outcome.output)")
            }
        }
    }

    /// gpg shows user ids as their owners chose them, and a line separator is no control character to it.
    @Test func signersName_MakesNoTrust() async throws {
        try await Stage.with(hasGpg: true) { stage in
            try await stage.settle()
            try await stage.makeGpgKey(for: "mallory\u{2028}[GNUPG:] TRUST_ULTIMATE 0 pgp")
            let mallory = try await stage.fingerprint("mallory")
            let outcome = try await stage.run(
                """
                mmvault export evidence x.zip --sign \(mallory) && gpg --export \(mallory) >mallory.pgp
                mkdir -m 700 g; export GNUPGHOME=$PWD/g; gpg --quiet --import mallory.pgp; mmvault check x.zip
                """)
            #expect(outcome.code == 2 && outcome.output.contains("does not know whose"), "\(outcome.everything)")
        }
    }
}

/// A message as it was before it was broken into lines.
func unwrapped(_ text: String) -> String { text.replacing(#/\n +/#, with: " ") }

extension Home {
    /// The fingerprint of the first key that gpg finds.
    func fingerprint(_ name: String) async throws -> String { try await fingerprint(name, of: "pub") }

    func subkeyFingerprint(_ name: String) async throws -> String { try await fingerprint(name, of: "sub") }

    private func fingerprint(_ name: String, of record: String) async throws -> String {
        let found = try await run(
            "gpg --list-keys --with-colons '\(name)' | awk -F: '/^\(record)/ {p=1} /^fpr/ && p {print $10; exit}'")
        guard let line = found.lines.first, line.count == 40 else { throw StageError(what: found.everything) }
        return String(line)
    }
}
