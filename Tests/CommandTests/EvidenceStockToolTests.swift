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
                jq -r 'select(.message_key) | [.document, .start + 1, .length, .message_key, .id] | @tsv' verdicts.jsonl |
                while read document start length key id; do
                  tail -c +$start documents/$document.body | head -c $length > ../post
                  [ "$(jq -r .id ../post)" = $id ] || echo "$id is elsewhere"
                  jq -j .props.e2ee.encryptedData ../post | base64 -d |
                    openssl enc -d -aes-128-ctr -K $key -iv $(jq -j .props.e2ee.iv ../post | base64 -d | xxd -p) > ../text
                  jq -j "select(.id == \\"$id\\") | .text" posts/posts.jsonl | cmp - ../text && echo same
                done
                """)
            #expect(posts.lines.count >= 7 && Set(posts.lines) == ["same"], "\(posts.everything)")
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
            for (name, says) in [
                ("sealed.zip.age", "age -d -i KEYFILE"), ("sealed.zip.gpg", "gpg --output sealed.zip"),
            ] {
                let check = try await stage.run("mmvault check \(name)")
                #expect(check.code == 65 && check.errors.contains(says), "\(check.everything)")
            }
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
            let cases: [(name: String, setup: String, says: String)] = [
                (
                    "merely imported", "mkdir -m 700 g; export GNUPGHOME=$PWD/g; gpg --quiet --import alice.pgp",
                    "that calls itself “alice”; gpg does not know whose it is: compare the fingerprint with its owner"
                ),
                ("no key", "mkdir -m 700 h; export GNUPGHOME=$PWD/h", "gpg does not know the key"),
                ("no home", "mkdir home; unset GNUPGHOME; export HOME=$PWD/home", "gpg does not know the key"),
                ("nobody's home", "unset GNUPGHOME; export HOME=/nowhere", "gpg does not know the key"),
                ("a home that is a file", "touch f; export GNUPGHOME=$PWD/f", "judged"),
                (
                    "a gpg that fails", "chmod +x fake/gpg; export PATH=$PWD/fake:$PATH",
                    "not judged by gpg: Fatal: no "
                ),
            ]
            for (name, setup, says) in cases {
                let check = try await stage.run("\(setup); mmvault check out.zip")
                #expect(check.code == 2, "\(name): \(check.everything)")
                #expect(!check.everything.contains("DAMAGED") && !check.everything.contains("\u{1B}"), "\(name)")
                #expect(check.output.contains("Everything else in it fits together."), "\(name)")
                #expect(check.output.replacing(/\n +/, with: " ").contains(says), "\(name): \(check.output)")
            }
            #expect(try await stage.run("ls -A home").output.isEmpty)
        }
    }
}
