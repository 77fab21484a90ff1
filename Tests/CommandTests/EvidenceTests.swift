import DemoServer
import E2EE
import Testing

/// `export evidence`: what a choice of posts makes a package of, and that the check takes it.
@Suite struct EvidenceTests {
    @Test(arguments: ["", ".zip", ".tar.zst"])
    func package_IsTheSameWhereverItIsMadeAndPassesTheCheck(form: String) async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let first = try await stage.run("mmvault export evidence one\(form) \(Stage.keys)")
            #expect(first.code == 0, "\(first.everything)")
            let second = try await stage.run(
                "umask 000; cp -r vault other; TZ=Asia/Tokyo LC_ALL=C mmvault --vault other export evidence two\(form) \(Stage.keys)"
            )
            #expect(second.code == 0, "\(second.everything)")
            let same = try await stage.run("diff -r one\(form) two\(form)")
            #expect(same.code == 0, "\(same.everything)")
            // Nothing that was there is replaced, and nothing is left of the attempt.
            let again = try await stage.run("mmvault export evidence one\(form) \(Stage.keys)")
            #expect(again.code == 64 && again.errors.contains("exists"))
            let check = try await stage.run("mmvault --vault nowhere check one\(form)")
            #expect(check.code == 0, "\(check.everything)")
            #expect(check.output.hasSuffix("Everything in it fits together.\n"))
            #expect(check.output.contains("texts decrypted again"))
            #expect(try await stage.run("ls | grep part").output.isEmpty)
        }
    }

    /// With every form of post: old revisions, deleted ones, files, events of the WebSocket, imports, another's posts
    /// alone.
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
                    "mmvault --vault \(vault) export evidence \(vault).zip \(choice.contains("keys") ? "" : Stage.keys) \(choice)"
                let outcome = try await stage.run(line)
                // Texts that are not clean are written where they are asked for.
                #expect(
                    outcome.code == (choice.contains("unverified") ? 2 : 0), "\(line): \(outcome.everything)")
                let check = try await stage.run("mmvault check \(vault).zip")
                #expect(check.code == 0, "\(line): \(check.everything)")
            }
        }
    }

    /// The server keeps the ids of files in tombstones and old revisions, and takes their names out.
    @Test func filesOfEditedAndDeletedPosts_PassTheCheck() async throws {
        let story = Story()
        let posts = ["edited", "deleted"].map { word in
            let file = Attachment(name: "\(word).txt", content: Array("\(word)\n".utf8))
            return story.world.post(in: story.square, by: story.bob.id, message: "to be \(word)", files: [file])
        }
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            story.world.edit(posts[0], message: "was edited")
            story.world.delete(posts[1])
            #expect(try await stage.run("mmvault pull").code == 0)
            let outcome = try await stage.run("mmvault export evidence out \(Stage.keys) && mmvault check out")
            #expect(outcome.code == 0, "\(outcome.everything)")
            #expect(try await stage.run("cat out/files/*").output.contains("deleted\n"))
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
            let outcome = try await stage.run("mmvault export evidence out \(Stage.keys) && mmvault check out")
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

    @Test(arguments: [
        ("export evidence x.zip.age", "--encrypt-to is missing"),
        ("export evidence x.tar.gz", "cannot write a file of the kind"),
        ("export evidence x.TGZ", "cannot write a file of the kind"),
        ("export evidence x.7z", "cannot write a file of the kind"),
        ("export evidence x.tar", "cannot write a file of the kind"),
        ("export evidence x.age", "--encrypt-to is missing"),
        ("export evidence x.zip --encrypt-to age1qqq", "no age recipient"),
        ("export evidence x --encrypt-to alice", "must end with .zip.gpg"),
        ("export evidence x.zip --encrypt-to alice", "NAME.zip.gpg"),
        ("export markdown x --sign alice", "export evidence"),
        ("export evidence x.zip --sign nobody", "gpg has no secret key for “nobody”"),
        ("export evidence x --sign nobody", "“gpg --list-secret-keys” shows yours"),
        ("export evidence x --since 2030-01-01", "nothing was chosen"),
        ("export evidence x.zip --since 2030-01-01", "nothing was chosen"),
        ("export evidence x.zip.gpg --encrypt-to nobody@nowhere.invalid", "gpg has no key for “nobody@nowhere"),
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
                "mmvault export evidence out --user carol --channel release \(Stage.keys)")
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
                "mmvault export evidence out --user carol --channel release \(Stage.keys) && mmvault check out")
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
                "mmvault export evidence out --channel release \(Stage.keys) && mmvault check out")
            #expect(outcome.code == 0 && !outcome.errors.contains("besides those chosen"), "\(outcome.everything)")
            let counts = try await stage.run(
                "cd out; jq .discloses.posts manifest.json; jq '[.documents[] | .posts - .chosen] | add > 0' manifest.json"
            )
            #expect(counts.lines == ["0", "true"], "\(counts.everything)")
        }
    }
}
