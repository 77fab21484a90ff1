import DemoServer
import E2EE
import Foundation
import Testing

/// `export evidence`, and what others can make of a package without mmvault.
@Suite struct EvidenceTests {
    static let choice = "--key key.asc --key old-key.asc"

    @Test(arguments: ["", ".zip", ".tar.zst"])
    func package_IsTheSameWhereverItIsMadeAndPassesTheCheck(form: String) async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let first = try await stage.run("mmvault export evidence one\(form) \(Self.choice)")
            #expect(first.code == 0, "\(first.everything)")
            let second = try await stage.run(
                "umask 000; cp -r vault other; TZ=Asia/Tokyo LC_ALL=C mmvault --vault other export evidence two\(form) \(Self.choice)"
            )
            #expect(second.code == 0, "\(second.everything)")
            let same = try await stage.run("diff -r one\(form) two\(form)")
            #expect(same.code == 0, "\(same.everything)")
            // Nothing that was there is replaced, and nothing is left of the attempt.
            let again = try await stage.run("mmvault export evidence one\(form) \(Self.choice)")
            #expect(again.code == 64 && again.errors.contains("exists"))
            let check = try await stage.run("mmvault --vault nowhere check one\(form)")
            #expect(check.code == 0, "\(check.everything)")
            #expect(check.output.hasSuffix("Everything in it fits together.\n"))
            #expect(check.output.contains("texts decrypted again"))
            #expect(try await stage.run("ls | grep part").output.isEmpty)
        }
    }

    /// With every form of post: old revisions, deleted ones, files, events of the WebSocket, imports, another's posts alone.
    @Test(arguments: [
        "", "--no-keys", "--channel release --include-unverified", "--user bob", "--until 2025-03-10 --no-files",
        "--team harbour", "--channel @bob --since 2025-04-01",
    ])
    func everyChoice_PassesTheCheck(choice: String) async throws {
        let story = Story()
        let file = Attachment(name: "<b>\u{202E}x.txt", content: Array("attached\n".utf8))
        story.world.post(in: story.release, by: story.bob.id, message: "<b>with a file", files: [file])
        story.carolMakesANewKey()
        try await Stage.with(story: story) { stage in
            try await stage.zipBulk()
            try await stage.settle()
            _ = try await stage.run("mmvault import export.zip --as alice --vault imported")
            let decided = try await stage.run(
                """
                mmvault trust confirm carol \(story.carol.key.id) --yes && mmvault trust reject bob \(story.bob.key.id) --yes
                """)
            #expect(decided.code == 0, "\(decided.everything)")
            for vault in ["vault", "imported"] where vault == "vault" || !choice.contains("@bob") {
                let line =
                    "mmvault --vault \(vault) export evidence \(vault).zip \(choice.contains("keys") ? "" : Self.choice) \(choice)"
                let outcome = try await stage.run(line)
                #expect(outcome.code == 0, "\(line): \(outcome.everything)")
                let check = try await stage.run("mmvault check \(vault).zip")
                #expect(check.code == 0, "\(line): \(check.everything)")
            }
        }
    }

    /// What the archive says of a post besides its bytes: that the server shows it no longer, who made an emoji.
    @Test func whatIsToldOfAPostFromElsewhere_PassesTheCheckAndCannotBeMadeUp() async throws {
        let story = Story()
        let gone = story.world.post(in: story.square, by: story.bob.id, message: "soon gone")
        let kept = story.world.post(in: story.square, by: story.bob.id, message: "kept")
        _ = story.world.addEmoji("harbour", by: story.carol.id)
        story.world.react(kept, by: story.carol.id, emoji: "harbour")
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            story.world.purge(gone)
            #expect(try await stage.run("mmvault pull --full").code == 0)
            let outcome = try await stage.run("mmvault export evidence out \(Self.choice) && mmvault check out")
            #expect(outcome.code == 0, "\(outcome.everything)")
            let report = String(decoding: try stage.read("out/report.html"), as: UTF8.self)
            #expect(report.contains("gone from the server (noticed ") && report.contains(":harbour: (made by @carol)"))
            let forged = try await stage.run(
                """
                sed -i '/"\(kept)"/s/"absence":null/"absence":{"reason":"gone","since":1}/' out/posts/posts.jsonl
                cd out; find * -type f ! -name SHA256SUMS | LC_ALL=C sort | xargs -d '\\n' sha256sum > ../s; mv ../s SHA256SUMS
                mmvault check .
                """)
            #expect(
                forged.code == 4 && forged.output.contains("no document says"), "\(forged.everything)")
        }
    }

    @Test(.enabled(if: Stage.hasGpg, "needs gpg"))
    func stockTools_VerifyAPackageAndItsPosts() async throws {
        try await Stage.with(hasGpg: true) { stage in
            try await stage.settle()
            let outcome = try await stage.run(
                "mmvault export evidence out.zip --sign alice \(Self.choice) && mmvault export evidence out.tar.zst --sign alice \(Self.choice)"
            )
            #expect(outcome.code == 0, "\(outcome.everything)")
            let unpacked = try await stage.run(
                """
                set -e
                mkdir zip tar; unzip -q out.zip -d zip; tar --zstd -xf out.tar.zst -C tar
                diff -r zip tar --exclude SHA256SUMS.asc
                cd zip; sha256sum --quiet --strict -c SHA256SUMS; gpg --quiet --verify SHA256SUMS.asc SHA256SUMS
                find . -type f ! -name 'SHA256SUMS*' | wc -l; wc -l < SHA256SUMS
                """)
            #expect(unpacked.code == 0, "\(unpacked.everything)")
            #expect(Set(unpacked.lines).count == 1)
            let check = try await stage.run("mmvault check out.tar.zst")
            #expect(check.output.contains("signature: good, by alice"), "\(check.everything)")

            // The commands that the report shows.
            let chain = try await stage.run(
                """
                cd zip
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
                cd zip
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
                  mmvault export evidence open.$form \(Self.choice)
                  mmvault export evidence sealed.$form.age --encrypt-to $recipient \(Self.choice)
                  mmvault export evidence sealed.$form.gpg --encrypt-to alice \(Self.choice)
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

    @Test(arguments: [
        ("export evidence x.zip.age", "nobody to seal it for"),
        ("export evidence x.tar.gz", "does not write"), ("export evidence x.TGZ", "does not write"),
        ("export evidence x.7z", "does not write"), ("export evidence x.tar", "does not write"),
        ("export evidence x.age", "nobody to seal it for"),
        ("export evidence x.zip --encrypt-to age1qqq", "no age recipient"),
        ("export evidence x --encrypt-to alice", "is one file"),
        ("export evidence x.zip --encrypt-to alice", "NAME.zip.gpg"),
        ("export markdown x --sign alice", "export evidence"),
        ("export evidence x.zip --sign nobody", "sign the package"),
        ("export evidence x --sign nobody", "name a key that can sign"),
        ("export evidence x --since 2030-01-01", "nothing was chosen"),
        ("export evidence x.zip --since 2030-01-01", "nothing was chosen"),
        ("export evidence x.zip.gpg --encrypt-to nobody@nowhere.invalid", "gpg has no key to encrypt to"),
        ("export evidence x.zip.gpg --encrypt-to nobody@nowhere.invalid", "import the recipient's first"),
    ])
    func wrongWishes_LeaveNothing(line: String, says: String) async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let outcome = try await stage.run("mmvault \(line)")
            #expect([64, 8, 9].contains(outcome.code), "\(outcome.everything)")
            #expect(
                outcome.errors.replacing("\n       ", with: " ").replacing("\n      ", with: " ").contains(says),
                "\(outcome.errors)")
            #expect(try await stage.run("ls | grep ^x").output.isEmpty)
        }
    }

    @Test(arguments: ["jsonl", "markdown", "mbox"])
    func anEmptyExport_IsWarnedOf(format: String) async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let outcome = try await stage.run("mmvault export \(format) x --since 2030-01-01")
            #expect(outcome.code == 0 && outcome.errors.contains("nothing was chosen"), "\(outcome.everything)")
        }
    }

    @Test func whatIsDisclosedBesides_IsSaidBeforeAndInTheReport() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let outcome = try await stage.run(
                "mmvault export evidence out --user carol --channel release \(Self.choice)")
            #expect(outcome.errors.hasPrefix("The package shows the server's answers as they came. They hold "))
            let sums = try await stage.run(
                "cd out; jq .discloses.posts manifest.json; grep -c 'posts and old revisions besides' report.md"
            )
            let count = try #require(sums.lines.first)
            #expect(outcome.errors.contains("They hold \(count) post") && sums.lines.last == "1", "\(outcome.errors)")
        }
    }

    /// The server answers with the same posts again and again: walked, asked for what changed, walked once more.
    @Test func aWholeChannel_DisclosesNothingBesides() async throws {
        let story = Story()
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            story.world.post(in: story.release, by: story.bob.id, message: "later")
            #expect(try await stage.run("mmvault pull && mmvault pull --full").code == 0)
            let outcome = try await stage.run(
                "mmvault export evidence out --channel release \(Self.choice) && mmvault check out")
            #expect(outcome.code == 0 && !outcome.errors.contains("besides those chosen"), "\(outcome.everything)")
            let counts = try await stage.run(
                "cd out; jq .discloses.posts manifest.json; jq '[.documents[] | .posts - .chosen] | add > 0' manifest.json"
            )
            #expect(counts.lines == ["0", "true"], "\(counts.everything)")
        }
    }

    /// A message of a direct channel, repeated in two others, of which one is chosen.
    @Test func findings_AreCutToTheChosenChannels() async throws {
        let story = Story()
        let message = Story.props(Story.seal("between us", story.bob.key, [story.alice.key, story.bob.key]))
        func post(_ channel: String, _ author: Story.Person) -> String {
            story.world.advance(by: 3_600_000)
            return story.world.post(
                in: channel, by: author.id, message: "Encrypted message", type: "custom_e2ee", props: message)
        }
        let original = post(story.direct, story.bob)
        let copies = [post(story.release, story.carol), post(story.square, story.carol)]
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            let outcome = try await stage.run(
                "mmvault export evidence out --channel release \(Self.choice) && mmvault check out")
            #expect(outcome.code == 0, "\(outcome.everything)")
            let finding = try await stage.run(
                """
                jq -c 'select(.kind == "repeated-ciphertext")
                  | [.posts, .posts_elsewhere, .original, .original_elsewhere, .places[].posts[].id]' out/findings.jsonl
                """)
            #expect(finding.output == "[1,1,null,true,\"\(copies[0])\"]\n", "\(finding.everything)")
            for name in ["findings.jsonl", "report.md", "report.html"] {
                let text = String(decoding: try stage.read("out/\(name)"), as: UTF8.self)
                #expect(text.contains(copies[0]))
                for secret in [original, copies[1], story.direct, story.square, "Town Square"] {
                    #expect(!text.contains(secret), "\(name): \(secret)")
                }
            }
            let report = String(decoding: try stage.read("out/report.md"), as: UTF8.self)
            #expect(report.contains("1 more, in channels that are not in this package"))
            #expect(report.contains("Limits: ") && !report.contains("cannot mean"))
        }
    }

    @Test func aKilledExport_LeavesNoPackage() async throws {
        let story = Story()
        for number in 0..<400 {
            story.say("number \(number)", story.bob, story.bob.key, to: [story.alice.key, story.bob.key])
        }
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            var kills = 0
            var random = SystemlessGenerator(state: 5)
            for round in 0..<8 {
                let form = [".zip", ".tar.zst"][round % 2]
                let seconds = 0.05 + Double(random.next() % 400) / 1000
                let outcome = try await stage.run(
                    "rm -f out*; timeout --signal KILL \(seconds) mmvault export evidence out\(form) \(Self.choice)")
                guard outcome.code == 137 else { continue }
                kills += 1
                #expect(try await stage.run("ls out\(form)").code != 0)
            }
            #expect(kills > 0)
            // A folder says of itself that it was cut.
            _ = try await stage.run("mmvault export evidence cut \(Self.choice) && touch cut/INCOMPLETE")
            let check = try await stage.run("mmvault check cut")
            #expect(check.code == 4 && check.output.contains("it was cut"))
        }
    }

    @Test func hostileTexts_StayTextsInTheReport() async throws {
        let story = Story()
        let hostile = [
            "</pre><script>alert(1)</script><img src=x onerror=alert(1)>", "\u{1B}[2J\u{1B}]0;x\u{07}",
            "\u{202E}gnp.exe\u{2066}",
            "```\n# forged\n```\n<h1>forged</h1>", "a\0b\rc", "&lt;b&gt; &#60;i> <\u{338}b> '\"><b x=\"", "\n\nx",
            "[x](http://127.0.0.1/) ![x](http://127.0.0.1/x.png) https://127.0.0.1/",
        ]
        for (number, text) in hostile.enumerated() {
            let user = story.world.addUser(username: "eve\(number)", firstName: text)
            story.world.post(in: story.square, by: user, message: text)
            story.say(text, story.bob, story.bob.key, to: [story.alice.key])
        }
        let team = story.world.addTeam(name: "t", displayName: hostile[0], members: [story.alice.id, story.bob.id])
        let channel = story.world.addChannel(
            team: team, name: "c", displayName: hostile[0], type: .open, members: [story.alice.id, story.bob.id])
        story.world.post(in: channel, by: story.bob.id, message: hostile[3])
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            let outcome = try await stage.run("mmvault export evidence out \(Self.choice) && mmvault check out")
            #expect(outcome.code == 0, "\(outcome.everything)")
            try await stage.python(
                """
                from html.parser import HTMLParser
                import re, sys
                text = open('out/report.html', encoding='utf-8', newline='').read()
                seen = {}
                class P(HTMLParser):
                    stack = []
                    def handle_starttag(self, tag, attributes):
                        seen.setdefault(tag, set()).update(name for name, _ in attributes)
                        if tag != 'meta': self.stack.append(tag)
                    def handle_endtag(self, tag):
                        assert self.stack.pop() == tag, tag
                p = P(convert_charrefs=True); p.feed(text); p.close()
                assert not p.stack, p.stack
                allowed = set('html head meta title style body h1 h2 h3 p ul li table tr th td pre div span strong em code'.split())
                assert set(seen) <= allowed, set(seen) - allowed
                attributes = set().union(*seen.values())
                assert attributes <= set('lang charset http-equiv content name class'.split()), attributes
                for name in ['report.html', 'report.md']:
                    text = open('out/' + name, encoding='utf-8', newline='').read()
                    found = re.findall('[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]', text)
                    assert not found, found
                assert "default-src 'none'" in open('out/report.html').read()
                assert 'url(' not in open('out/report.html').read()
                """)
        }
    }
}
