import Foundation
import Testing

/// What `verify` and `check` say of an archive that somebody changed behind the program's back.
@Suite struct DamageTests {
    /// Changes what the guards forbid, and puts the guards back, so that nothing else shows.
    private static func change(_ sql: String, on stage: Stage) async throws {
        let outcome = try await stage.run(
            """
            cd vault/localhost_alice && sqlite3 archive.sqlite "SELECT sql || ';' FROM sqlite_master WHERE type = 'trigger'" >../guards
            sqlite3 archive.sqlite "SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_master WHERE type = 'trigger'" >../drop
            { echo 'BEGIN;'; cat ../drop; echo "\(sql);"; cat ../guards; echo 'COMMIT;'; } | sqlite3 -bail archive.sqlite
            """)
        #expect(outcome.code == 0, "\(outcome.everything)")
    }

    /// Each would give a wrong verdict, and no document is touched by it.
    @Test(arguments: [
        "UPDATE version SET user_id = (SELECT max(user_id) FROM version) WHERE type = 'custom_e2ee'",
        "UPDATE version SET type = '' WHERE type = 'custom_e2ee'",
        "UPDATE version SET create_at = create_at + 1 WHERE seq = 3",
        "UPDATE key_sighting SET sign = encr WHERE seq = 1",
        "DELETE FROM key_sighting",
        "DELETE FROM version WHERE seq = 2",
    ])
    func verify_GivesNoVerdictOnAChangedIndex(_ sql: String) async throws {
        try await Stage.with { stage in
            try await stage.settle()
            #expect(try await stage.run("mmvault verify").code == 2)
            try await Self.change(sql, on: stage)
            for command in ["mmvault verify", "mmvault verify --json"] {
                let outcome = try await stage.run(command)
                #expect(outcome.code == 4 && outcome.everything.contains("DAMAGED  document "), "\(outcome.everything)")
                #expect(outcome.errors.contains("nothing was verified") && !outcome.output.contains("\"content\""))
            }
        }
    }

    /// What these say would rest on the damaged index as well.
    @Test(arguments: ["DELETE FROM version WHERE seq = 2", "UPDATE key_sighting SET sign = encr WHERE seq = 1"])
    func nothingIsSaidOrWrittenOfADamagedArchive(_ sql: String) async throws {
        try await Stage.with { stage in
            try await stage.settle()
            try await Self.change(sql, on: stage)
            for (command, says) in [
                ("audit", "nothing was looked for"), ("audit --json", "nothing was looked for"),
                ("trust signers", "nothing was searched"), ("trust signers --json", "nothing was searched"),
                ("trust adopt carol 12345678", "nothing was searched"),
                ("export evidence out", "nothing was written"), ("export evidence out.zip", "nothing was written"),
            ] {
                let outcome = try await stage.run("mmvault \(command)")
                #expect(
                    outcome.code == 4 && outcome.everything.contains("DAMAGED  document "),
                    "\(command): \(outcome.everything)")
                #expect(
                    outcome.errors.replacing(/\n +/, with: " ").contains(says), "\(command): \(outcome.errors)")
                if command.contains("--json") { #expect(outcome.output.isEmpty, "\(outcome.output)") }
                #expect(!outcome.output.contains("Nothing found"))
            }
            #expect(try await stage.run("ls | grep ^out").output.isEmpty)
        }
    }

    /// One damaged document keeps no other post from being read, if that is asked for.
    @Test func whatIsLeftOfADamagedArchive_IsTakenOnRequest() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let key = "--key key.asc --key old-key.asc --mine"
            let whole = try await stage.run("mmvault read release --no-pager \(key)")
            try await Self.change(
                "UPDATE document SET body = zeroblob(length(body)) WHERE seq = (SELECT max(document) FROM version)",
                on: stage)
            for command in ["read release --no-pager", "export markdown out", "search review"] {
                let outcome = try await stage.run("mmvault \(command) \(key)")
                #expect(outcome.code == 4 && outcome.output.isEmpty, "\(command): \(outcome.everything)")
                #expect(outcome.errors.contains("nothing is"), "\(outcome.errors)")
            }
            let rest = try await stage.run("mmvault read release --no-pager --damaged \(key)")
            #expect(rest.code == 4 && rest.errors.contains("may be wrong"), "\(rest.everything)")
            #expect(!rest.output.isEmpty && rest.lines.count <= whole.lines.count)
            #expect(try await stage.run("mmvault export markdown out --damaged \(key)").code == 4)
            let files = try await stage.run("ls out").lines
            #expect(files.contains("INCOMPLETE") && files.contains("manifest.json"), "\(files)")
            #expect(try await stage.run("mmvault export evidence package --damaged \(key)").code == 64)
        }
    }

    @Test func whatDoesNotRestOnFiles_IsSaidWhereOnlyAFileIsMissing() async throws {
        try await Stage.with(story: FileCommandTests.story(files: 1, size: 100)) { stage in
            try await stage.settle()
            #expect(try await stage.run("rm vault/*/files/*/*; mmvault check").code == 4)
            for (command, says) in [
                ("audit", "the findings hold"), ("trust signers", "what is said of signers holds"),
                ("export evidence out", "the package is written"),
            ] {
                let outcome = try await stage.run("mmvault \(command)")
                #expect(outcome.code == 4 && outcome.output.contains("MISSING"), "\(outcome.everything)")
                #expect(outcome.errors.replacing(/\n +/, with: " ").contains(says), "\(outcome.errors)")
            }
            #expect(try await stage.run("mmvault check out").code == 0)
        }
    }

    @Test func verify_GivesItsVerdictsWhereOnlyAFileIsMissing() async throws {
        try await Stage.with(story: FileCommandTests.story(files: 1, size: 100)) { stage in
            try await stage.settle()
            #expect(try await stage.run("rm vault/*/files/*/*; mmvault check").code == 4)
            let outcome = try await stage.run("mmvault verify")
            #expect(outcome.code == 4 && outcome.errors.contains("the verdicts on the posts hold"), "\(outcome.errors)")
            #expect(outcome.output.contains("MISSING") && !outcome.output.contains("Nothing is wrong"))
            #expect(outcome.output.contains("posts and old revisions in "))
        }
    }

    /// The chain alone cannot show that its end was cut off.
    @Test func check_MissesAnEndThatWasCutOffOnlyWithoutANotedHead() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let head = try await stage.run("mmvault check | sed -n '/head of the chain:/{n;s/^ *//p}' | tee head")
                .output
            #expect(head.count == 65)
            var outcome = try await stage.run("mmvault check --head $(cat head)")
            #expect(outcome.code == 0 && outcome.output.contains("The head that you noted is that of document "))
            try await Self.change(
                """
                CREATE TEMP TABLE cut AS SELECT max(seq) AS seq FROM document;
                DELETE FROM walk WHERE document IN (SELECT seq FROM cut);
                DELETE FROM version WHERE document IN (SELECT seq FROM cut);
                DELETE FROM attachment WHERE document IN (SELECT seq FROM cut);
                DELETE FROM ciphertext WHERE document IN (SELECT seq FROM cut);
                DELETE FROM keyless WHERE document IN (SELECT seq FROM cut);
                DELETE FROM object WHERE document IN (SELECT seq FROM cut);
                DELETE FROM key_sighting WHERE document IN (SELECT seq FROM cut);
                DELETE FROM document WHERE seq IN (SELECT seq FROM cut)
                """, on: stage)
            outcome = try await stage.run("mmvault check")
            #expect(outcome.code == 0, "\(outcome.everything)")
            outcome = try await stage.run("mmvault check --head $(cat head)")
            #expect(
                outcome.code == 4 && outcome.errors.contains("is not in the archive's chain"), "\(outcome.everything)")
            #expect(try await stage.run("mmvault check --head 1234").code == 64)
        }
    }
}
