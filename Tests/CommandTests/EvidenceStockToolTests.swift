import Testing

/// What others can make of a package without mmvault, and what their gpg says of it.
@Suite struct EvidenceStockToolTests {
    @Test(.enabled(if: Stage.hasGpg, "needs gpg"))
    func stockTools_VerifyAPackageAndItsPosts() async throws {
        try await Stage.with(hasGpg: true) { stage in
            try await stage.settle()
            let outcome = try await stage.run(
                "mmvault export evidence out.zip --sign alice \(Stage.keys) && mmvault export evidence out.tar.zst --sign alice \(Stage.keys)"
            )
            #expect(outcome.code == 0, "\(outcome.everything)")
            let unpacked = try await stage.run(
                """
                set -e
                mkdir zip tar; unzip -q out.zip -d zip; tar --zstd -xf out.tar.zst -C tar
                [ "$(ls zip)" = evidence-"$(sha256sum < zip/*/SHA256SUMS | cut -c1-12)" ]
                diff -r zip tar --exclude SHA256SUMS.asc
                cd zip/evidence-*; sha256sum --quiet --strict -c SHA256SUMS; gpg --quiet --verify SHA256SUMS.asc SHA256SUMS
                find . -type f ! -name 'SHA256SUMS*' | wc -l; wc -l < SHA256SUMS
                """)
            #expect(unpacked.code == 0, "\(unpacked.everything)")
            #expect(Set(unpacked.lines).count == 1)
            let check = try await stage.run("mmvault check out.tar.zst")
            #expect(check.output.contains("signature: good, by alice"), "\(check.everything)")

            // The commands that the report shows.
            let chain = try await stage.run(
                """
                cd zip/evidence-*/
                split -l 11 --filter=sha256sum chain.txt | cut -c1-64 > ../hashes
                grep '^previous ' chain.txt | cut -c10- | tail -n +2 | diff - <(head -n -1 ../hashes)
                [ "$(tail -n 1 ../hashes)" = "$(jq -r .archive.head manifest.json)" ] && echo head
                for body in documents/*.body; do
                  record=${body%.body}.record; number=$(basename $body .body)
                  grep -q "^sha256 $(sha256sum < $body | cut -c1-64)$" $record || echo "$body differs"
                  [ "$(sha256sum < $record | cut -c1-64)" = "$(sed -n ${number}p ../hashes)" ] || echo "$record differs"
                done
                """)
            #expect(chain.output == "head\n", "\(chain.everything)")

            // A post is cut out of its document, and decrypted with the key of that one message.
            let posts = try await stage.run(
                """
                cd zip/evidence-*/
                jq -r 'select(.key_encryption_key) | [.document, .start + 1, .length, .key_encryption_key, .id] | @tsv' verdicts.jsonl |
                while read document start length key id; do
                  tail -c +$start documents/$document.body | head -c $length > ../post
                  [ "$(jq -r .id ../post)" = $id ] || echo "$id is elsewhere"
                  by=$(jq -r "select(.id == \\"$id\\") | .opened_by" posts/posts.jsonl | xxd -r -p | base64 -w0)
                  jq -j --arg by $by '.props.e2ee.encryptedKey[] | select(.[0] == $by)[1]' ../post | base64 -d |
                    openssl enc -d -id-aes128-wrap -K $key -iv a6a6a6a6a6a6a6a6 > ../key
                  jq -j .props.e2ee.encryptedData ../post | base64 -d |
                    openssl enc -d -aes-128-ctr -K $(xxd -p ../key) -iv $(jq -j .props.e2ee.iv ../post | base64 -d | xxd -p) > ../text
                  jq -j "select(.id == \\"$id\\") | .text" posts/posts.jsonl | cmp - ../text && echo same
                done
                """)
            #expect(posts.lines.count >= 7 && Set(posts.lines) == ["same"], "\(posts.everything)")
        }
    }

    /// A stranger types what README.txt and the report show, and nothing else.
    @Test(.enabled(if: Stage.hasGpg, "needs gpg"))
    func theReportsOwnCommands_VerifyAndDecryptAMessage() async throws {
        try await Stage.with(hasGpg: true) { stage in
            try await stage.settle()
            let outcome = try await stage.run(
                """
                mmvault export evidence out.zip --sign alice \(Stage.keys) > /dev/null
                mkdir stranger; unzip -q out.zip -d stranger; mkdir -m 700 home
                cd stranger/evidence-*
                sed -n '/^## How to check/,/^## /p' report.md | sed -n '/^```text$/,/^```$/p' | grep -v '^```' |
                  grep -v '^mmvault\\|/N\\.' > ../commands
                GNUPGHOME=$PWD/../../home bash -e ../commands 2>&1
                jq -r "select(.id == \\"$(jq -r .id ../post 2>/dev/null)\\") | .text" posts/posts.jsonl
                """)
            #expect(outcome.code == 0, "\(outcome.everything)")
            #expect(outcome.lines.contains("yes") && outcome.lines.contains("Verified OK"), "\(outcome.everything)")
            #expect(outcome.output.contains("Good signature from \"alice\""), "\(outcome.everything)")
            let text = try await stage.run(
                """
                cd stranger/evidence-*; id=$(sed -n 's/.*These commands take post \\([a-z0-9]*\\),.*/\\1/p' report.md)
                jq -r "select(.id == \\"$id\\") | .text" posts/posts.jsonl
                """)
            #expect(
                !text.output.isEmpty && outcome.output.hasSuffix(text.output), "\(outcome.everything)\(text.everything)"
            )
        }
    }

    @Test(.enabled(if: Stage.hasGpg, "needs gpg"))
    func sealedPackage_OpensWithStockToolsAndIsTheOneThatIsNotSealed() async throws {
        try await Stage.with(hasGpg: true) { stage in
            try await stage.settle()
            let outcome = try await stage.run(
                """
                set -e
                age-keygen -o age.key 2>/dev/null; recipient=$(age-keygen -y age.key)
                for form in zip tar.zst; do
                  mmvault export evidence open.$form \(Stage.keys)
                  mmvault export evidence sealed.$form.age --encrypt-to $recipient \(Stage.keys)
                  mmvault export evidence sealed.$form.gpg --encrypt-to alice \(Stage.keys)
                  age -d -i age.key sealed.$form.age | cmp - open.$form
                  gpg --quiet --decrypt sealed.$form.gpg | cmp - open.$form
                done
                stat -c %a sealed.*
                """)
            #expect(outcome.code == 0, "\(outcome.everything)")
            #expect(outcome.lines.suffix(4).allSatisfy { $0 == "600" })
            // Their reader checks them as they are.
            let open = try await stage.run("mmvault check open.zip")
            #expect(open.code == 0, "\(open.everything)")
            for command in [
                "sealed.zip.age --identity age.key", "sealed.tar.zst.age --identity - < age.key", "sealed.zip.gpg",
                "sealed.tar.zst.gpg",
            ] {
                let check = try await stage.run("mmvault check \(command)")
                #expect(check.code == 0 && check.output == open.output, "\(command): \(check.everything)")
            }
            for (command, code, says) in [
                ("sealed.zip.age", 8, "--identity FILE names the file with your key"),
                ("sealed.zip.age --identity other.key", 8, "is sealed for another age key"),
                ("sealed.zip.age --identity sealed.zip.age", 64, "holds no age identity"),
                ("cut.zip.age --identity age.key", 4, "was changed or cut"),
                ("changed.zip.age --identity age.key", 4, "was changed or cut"),
                ("open.zip.age --identity age.key", 4, "is not a sealed package"),
                ("GNUPGHOME=$PWD/none mmvault check sealed.zip.gpg", 8, "gpg could not decrypt the package"),
                ("cut.zip.gpg", 4, "was changed or cut"), ("longer.zip.gpg", 4, "was changed or cut"),
                ("open.zip.gpg", 4, "is not a sealed package"), ("signed.zip.gpg", 65, "and is not encrypted"),
                ("stored.zip.gpg", 65, "and is not encrypted"), ("bomb.zip.gpg", 4, "is not a sealed package"),
            ] {
                let check = try await stage.run(
                    """
                    age-keygen -o other.key 2>/dev/null; mkdir -pm 700 none; cp open.zip open.zip.age
                    head -c -70000 sealed.zip.age > cut.zip.age; head -c -10 sealed.zip.gpg > cut.zip.gpg
                    cp open.zip open.zip.gpg; { cat sealed.zip.gpg; printf more; } > longer.zip.gpg
                    [ -e bomb.zip.gpg ] || {
                      gpg -q --batch --yes -s -u alice -o signed.zip.gpg open.zip; gpg -q --batch --yes --store -o stored.zip.gpg open.zip
                      head -c 300000000 /dev/zero | gpg -q --batch --yes --trust-model always -e -r alice -o bomb.zip.gpg
                    }
                    { head -c 5000 sealed.zip.age; printf x; tail -c +5002 sealed.zip.age; } > changed.zip.age
                    \(command.contains("mmvault") ? command : "mmvault check \(command)")
                    """)
                #expect(check.code == Int32(code) && check.errors.contains(says), "\(command): \(check.everything)")
                #expect(!check.output.contains("fits together"), "\(command)")
            }
            #expect(try await stage.run("ls -A | grep part").output.isEmpty)
        }
    }

    /// What its maker's gpg says is not what the reader's says.
    @Test(.enabled(if: Stage.hasGpg, "needs gpg"))
    func signature_IsJudgedByTheReadersGpg() async throws {
        try await Stage.with(hasGpg: true) { stage in
            try await stage.settle()
            let outcome = try await stage.run(
                "mmvault export evidence out.zip --sign alice \(Stage.keys) && gpg --export alice > alice.pgp")
            #expect(outcome.code == 0, "\(outcome.everything)")
            _ = try await stage.run("mkdir fake")
            try stage.write("fake/gpg", "#!/bin/sh\nprintf 'gpg: Fatal: no \\033[1mhome\\n' >&2\nexit 2\n")
            let unknown =
                "that calls itself “alice”; gpg does not know whose it is: compare the fingerprint with its owner"
            let cases: [(name: String, setup: String, says: String)] = [
                (
                    "merely imported", "mkdir -m 700 g; export GNUPGHOME=$PWD/g; gpg --quiet --import alice.pgp",
                    unknown
                ),
                ("no key", "mkdir -m 700 h; export GNUPGHOME=$PWD/h", unknown),
                ("no home", "mkdir home; unset GNUPGHOME; export HOME=$PWD/home", unknown),
                ("nobody's home", "unset GNUPGHOME; export HOME=/nowhere", unknown),
                ("a home that is a file", "touch f; export GNUPGHOME=$PWD/f", unknown),
                (
                    "a gpg that fails", "chmod +x fake/gpg; export PATH=$PWD/fake:$PATH",
                    "not judged by gpg: Fatal: no "
                ),
            ]
            for (name, setup, says) in cases {
                let check = try await stage.run("\(setup); mmvault check out.zip")
                #expect(check.code == 2, "\(name): \(check.everything)")
                #expect(!check.everything.contains("DAMAGED") && !check.everything.contains("\u{1B}"), "\(name)")
                #expect(check.output.contains("except for the signature, which was not judged."), "\(name)")
                #expect(check.output.replacing(/\n +/, with: " ").contains(says), "\(name): \(check.output)")
            }
            #expect(try await stage.run("ls -A home").output.isEmpty)
        }
    }
}
