import DemoServer
import Testing

/// Packages from which texts are left out: that something was is seen everywhere, and nothing of it is left anywhere.
@Suite struct RedactionTests {
    private static let plain = "The coffee machine is repaired."
    private static let other = "Release talk moves to ~release."

    private static func with(_ body: (Stage) async throws -> Void) async throws {
        let story = Story()
        let file = Attachment(name: "secret-plan.txt", content: Array("the plan\n".utf8))
        story.world.post(in: story.square, by: story.carol.id, message: "with a file", files: [file])
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            try await body(stage)
        }
    }

    /// The id of the post with a text.
    private static func id(_ text: String, _ stage: Stage) async throws -> String {
        let found = try await stage.run(
            "mmvault export jsonl all \(Stage.keys) >/dev/null; find all -name '*.jsonl' -exec cat {} + | jq -r 'select(.text == \"\(text)\") | .id'"
        )
        return String(try #require(found.lines.first))
    }

    @Test func aPlainPost_LeavesItsPlaceAndNoText() async throws {
        try await Self.with { stage in
            let post = try await Self.id(Self.plain, stage)
            let outcome = try await stage.run("mmvault export evidence out --redact \(post) \(Stage.keys)")
            #expect(outcome.code == 0 && outcome.output.contains("1 redacted"), "\(outcome.everything)")
            #expect(outcome.errors.contains("Rendered without such texts: 1 document."), "\(outcome.everything)")
            #expect(try await stage.run("grep -rl 'coffee machine' out").output == "")
            let check = try await stage.run("mmvault check out")
            #expect(
                check.code == 2 && check.output.hasPrefix("REDACTED  without text: 1 post")
                    && check.output.contains("except for what the archive's owner took out."), "\(check.everything)")
            // It keeps its place, its time and its hash, and its neighbour is not said to be proven.
            let facts = try await stage.run(
                """
                jq -r 'select(.id == "\(post)") | [.text, .redacted, .document_redacted, .create_at] | @csv' out/posts/posts.jsonl
                jq -r 'select(.id == "\(post)") | [.document_redacted, .document, .start, .length, .redacted] | @tsv' out/verdicts.jsonl
                grep -c 'Redacted by the archive' out/report.html out/report.md out/posts/markdown/*/town-square.md out/posts/mbox/*/town-square.mbox
                grep -c 'NOT PROVEN' out/report.html out/report.md out/posts/markdown/*/town-square.md out/posts/mbox/*/town-square.mbox
                ls out/documents | grep redacted
                """)
            #expect(facts.lines[0].hasPrefix(",true,true,17"), "\(facts.everything)")
            #expect(facts.lines.dropFirst(2).allSatisfy { !$0.hasSuffix(":0") }, "\(facts.everything)")
            // The hash is that of the post as the server sent it, and all else in the rendering is as it came.
            let whole = try await stage.run(
                """
                mmvault export evidence whole \(Stage.keys) > /dev/null
                set -- $(jq -r 'select(.id == "\(post)") | [.document, .start, .length, .redacted] | @tsv' out/verdicts.jsonl)
                tail -c +$(($2 + 1)) whole/documents/$1.body | head -c $3 | sha256sum | cut -c1-64; echo $4
                cmp -l whole/documents/$1.body out/documents/$1.redacted | awk -v s=$2 -v l=$3 '$1 <= s || $1 > s + l' | wc -l
                jq -e . out/documents/$1.redacted > /dev/null; echo $?
                """)
            #expect(whole.lines[0] == whole.lines[1] && whole.lines[2...] == ["0", "0"], "\(whole.everything)")
        }
    }

    /// An encrypted message stays in its document, and nobody has its key.
    @Test func anEncryptedPost_LosesItsTextAndItsKey() async throws {
        try await Self.with { stage in
            let post = try await Self.id("Welcome back!", stage)
            let outcome = try await stage.run(
                "mmvault export evidence out --redact \(post) \(Stage.keys) && mmvault check out; echo $?")
            #expect(
                outcome.lines.last == "0" && outcome.output.contains("REDACTED  without text: 1 post"),
                "\(outcome.everything)")
            let facts = try await stage.run(
                """
                grep -rl 'Welcome back' out; ls out/documents | grep -c redacted
                jq -r 'select(.id == "\(post)") | [.key_encryption_key, .authenticity, .content, .document_redacted] | @csv' out/verdicts.jsonl
                set -- $(jq -r 'select(.id == "\(post)") | [.document, .start, .length, .redacted] | @tsv' out/verdicts.jsonl)
                tail -c +$(($2 + 1)) out/documents/$1.body | head -c $3 | sha256sum | cut -c1-64; echo $4
                """)
            #expect(
                facts.lines[0] == "0" && facts.lines[1] == ",\"verified\",\"decrypted\",false", "\(facts.everything)")
            #expect(facts.lines[2] == facts.lines[3], "\(facts.everything)")
        }
    }

    @Test func aUser_IsLeftOutEverywhereWithNamesOfFiles() async throws {
        try await Self.with { stage in
            for name in ["out", "out.zip", "out.tar.zst"] {
                let outcome = try await stage.run(
                    "mmvault export evidence \(name) --redact-user @carol \(Stage.keys) && mmvault check \(name); echo $?"
                )
                #expect(outcome.lines.last == "2" && outcome.output.contains("REDACTED"), "\(outcome.everything)")
            }
            let left = try await stage.run(
                """
                grep -rlE 'coffee machine|secret-plan|the plan|Review (tomorrow|on Friday)|with a file' out
                jq -r 'select(.user_id == .user_id and .username == "carol") | .text' out/posts/posts.jsonl | sort -u
                jq -r 'select(.username == "bob") | .text' out/posts/posts.jsonl | grep -c .
                """)
            #expect(left.lines.first == "null" && left.lines.count == 2, "\(left.everything)")
        }
    }

    @Test func whatCannotBeMeantIsRefused() async throws {
        try await Self.with { stage in
            let elsewhere = try await Self.id("Welcome back!", stage)
            for (command, code, says) in [
                ("evidence out --redact aaaaaaaaaaaaaaaaaaaaaaaaaa", 9, "there is no post"),
                ("evidence out --redact-user nobody", 9, "nobody"),
                ("evidence out --channel release --user bob --redact-user eve", 9, "eve"),
                ("evidence out --channel town-square --redact \(elsewhere)", 9, "nothing to redact"),
                ("jsonl out --redact-user carol", 64, "are for “export evidence”"),
            ] {
                let outcome = try await stage.run("mmvault export \(command) \(Stage.keys)")
                #expect(outcome.code == Int32(code) && outcome.errors.contains(says), "\(outcome.everything)")
                #expect(try await stage.run("ls out").code != 0)
            }
        }
    }

    /// What an owner, or anybody, could make of a rendering.
    @Test(arguments: [
        (
            "a text that is to be left out stands there", "it holds what manifest.json says is redacted",
            "b = open(r).read(); b = b.replace('\"id\":\"POST\"', '\"message\":\"x\",\"id\":\"POST\"', 1); b = b.replace(' ' * 14, '', 1); open(r, 'w').write(b)"
        ),
        (
            "a rendering of what was not redacted", "nothing was taken out",
            "d['redacted'] = {'post_ids': ['aaaaaaaaaaaaaaaaaaaaaaaaaa'], 'user_ids': []}"
        ),
        ("another length", "it is not the body that its record states", "open(r, 'a').write(' ')"),
        ("nothing at all, with hashes made anew", "", "pass"),
    ]) func aRenderingSaysNoMore(_ name: String, _ says: String, _ script: String) async throws {
        try await Self.with { stage in
            let post = try await Self.id(Self.plain, stage)
            _ = try await stage.run("mmvault export evidence out --redact \(post) \(Stage.keys)")
            try stage.write(
                "forge.py",
                """
                import json, glob, os
                r = glob.glob('out/documents/*.redacted')[0]; d = json.load(open('out/manifest.json'))
                \(script.replacing("POST", with: post))
                open('out/manifest.json', 'w').write(json.dumps(d, separators=(',', ':'), ensure_ascii=False) + '\\n')
                """)
            let check = try await stage.run(
                """
                python3 forge.py; cd out; rm SHA256SUMS
                find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum > ../s; mv ../s SHA256SUMS; cd ..
                mmvault check out
                """)
            #expect(check.code == (says.isEmpty ? 2 : 4) && check.output.contains(says), "\(check.everything)")
        }
    }
}
