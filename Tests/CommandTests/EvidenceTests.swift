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

    /// A text in the clear is one, whatever the post calls itself.
    @Test func clearTextInAnEncryptedPost_CountsAsNotEncrypted() async throws {
        let story = Story()
        story.world.post(in: story.release, by: story.bob.id, message: "Lunch at one", type: "custom_e2ee")
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            let outcome = try await stage.run(
                "mmvault export evidence out --user carol --channel release \(Self.choice) && mmvault check out")
            #expect(outcome.code == 0, "\(outcome.everything)")
            // The plugin's notice that the channel is encrypted is the other one.
            let plain = try await stage.run("jq .discloses.plain_posts out/manifest.json")
            #expect(plain.output == "2\n", "\(plain.everything)")
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

            // Findings and messages refer to each other, and what is said at length is there.
            let page = String(decoding: try stage.read("out/report.html"), as: UTF8.self)
            let number = try #require(page.firstMatch(of: /<h3 id="finding-(\d+)">Finding \d+: repeated ciphertext/)?.1)
            #expect(page.contains("<a href=\"#post-\(copies[0])\">"))
            let post = try #require(page.firstRange(of: "id=\"post-\(copies[0])\""))
            #expect(
                page[post.upperBound...].prefix(600).contains("href=\"#finding-\(number)\">see finding \(number)</a>"))
            #expect(report.contains("\n### Finding \(number): repeated ciphertext\n"))
            #expect(
                report.split(separator: "\n").contains {
                    $0.hasPrefix("*post \(copies[0])") && $0.contains("see finding \(number)")
                })
            #expect(report.contains("in threat-model.md, which is in this package, under “repeated ciphertext”"))
            let model = String(decoding: try stage.read("out/threat-model.md"), as: UTF8.self)
            #expect(model.lowercased().contains("\n### repeated ciphertext\n"))
            let source = URL(filePath: #filePath).deletingLastPathComponent().appending(
                path: "../../docs/threat-model.md")
            #expect(try model == String(contentsOf: source, encoding: .utf8))
        }
    }

    /// What its maker's gpg says is not what the reader's says.
    @Test(.enabled(if: Stage.hasGpg, "needs gpg"))
    func signature_IsJudgedByTheReadersGpg() async throws {
        try await Stage.with(hasGpg: true) { stage in
            try await stage.settle()
            let outcome = try await stage.run(
                "mmvault export evidence out.zip --sign alice \(Self.choice) && gpg --export alice > alice.pgp")
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

    /// What stands in the way is somebody else's.
    @Test func aForeignPart_KeepsItsBytesAndDoesNotBlock() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let outcome = try await stage.run(
                """
                echo data > x.zip.part; ln -s /nowhere y.zip.part
                mmvault export evidence x.zip \(Self.choice) && mmvault export evidence y.zip \(Self.choice) &&
                  cat x.zip.part && readlink y.zip.part && mmvault check x.zip && mmvault check y.zip
                """)
            #expect(outcome.code == 0 && outcome.lines.contains("data"), "\(outcome.everything)")
            #expect(outcome.lines.contains("/nowhere"))
        }
    }

    @Test func ofTwoExportsAtOnce_OneWholePackageIsLeft() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            for form in [".zip", ".tar.zst"] {
                let outcome = try await stage.run(
                    """
                    mmvault export evidence out\(form) \(Self.choice) > first 2>&1 &
                    mmvault export evidence out\(form) \(Self.choice) > second 2>&1; second=$?
                    wait $!; first=$?; printf '%s\\n' $first $second | sort -n
                    mmvault check out\(form) > checked && ls -d out\(form)*
                    """)
                #expect(outcome.output == "0\n64\nout\(form)\n", "\(outcome.everything)")
                #expect(try await stage.run("cat first second").output.contains("out\(form) exists"))
            }
        }
    }

    /// It says what is left, which for a file is nothing.
    @Test func anInterruptedCommand_SaysWhatIsLeft() async throws {
        let story = Story()
        for number in 0..<600 {
            story.say("number \(number)", story.bob, story.bob.key, to: [story.alice.key, story.bob.key])
        }
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            #expect(try await stage.run("mmvault export evidence whole.zip \(Self.choice)").code == 0)
            for (command, says) in [
                ("export evidence out.zip", "a file was not written"),
                ("export evidence out.zip.age --encrypt-to $(age-keygen -y age.key)", "a file was not written"),
                ("export markdown out", "holds INCOMPLETE"), ("audit", "nothing was changed; run it again"),
                ("check whole.zip", "nothing was changed; run it again"),
            ] {
                var wasInterrupted = false
                for delay in [0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6] where !wasInterrupted {
                    let outcome = try await stage.run(
                        """
                        rm -rf out*; [ -e age.key ] || age-keygen -o age.key 2>/dev/null
                        timeout --signal INT --preserve-status \(delay) mmvault \(command)
                        """)
                    #expect(try await stage.run("ls -A | grep '^out[.]' | grep -v '[.]zip$\\|[.]age$'").output.isEmpty)
                    guard outcome.code == 130, outcome.errors.contains("error: interrupted") else { continue }
                    wasInterrupted = true
                    let said = outcome.errors.replacing(/\n +/, with: " ")
                    #expect(said.contains(says), "\(command): \(outcome.errors)")
                    #expect(!said.contains("what was done is kept"), "\(command): \(outcome.errors)")
                    #expect(try await stage.run("ls -A | grep '^out[.]'").output.isEmpty)
                }
                #expect(wasInterrupted, "\(command)")
            }
            let cut = try await stage.run("mkdir cut && touch cut/INCOMPLETE && mmvault export evidence cut")
            #expect(cut.code == 64 && cut.errors.contains("is an export that was cut"), "\(cut.errors)")
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
                // Nothing at all: it had no name yet.
                #expect(try await stage.run("ls -A | grep ^out").output.isEmpty)
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
                seen, ids, links = {}, [], []
                class P(HTMLParser):
                    stack = []
                    def handle_starttag(self, tag, attributes):
                        seen.setdefault(tag, set()).update(name for name, _ in attributes)
                        if tag != 'meta': self.stack.append(tag)
                        for name, value in attributes:
                            if name == 'id': ids.append(value)
                            if name == 'href': links.append(value)
                    def handle_endtag(self, tag):
                        assert self.stack.pop() == tag, tag
                p = P(convert_charrefs=True); p.feed(text); p.close()
                assert not p.stack, p.stack
                allowed = set('html head meta title style body h1 h2 h3 p ul li table tr th td pre div span strong em code a'.split())
                assert set(seen) <= allowed, set(seen) - allowed
                attributes = set().union(*seen.values())
                assert attributes <= set('lang charset http-equiv content name class id href'.split()), attributes
                assert len(ids) == len(set(ids)) and links and set(links) <= {'#' + x for x in ids}, links
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
