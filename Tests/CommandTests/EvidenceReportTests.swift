import Bytes
import DemoServer
import E2EE
import Foundation
import Testing

/// What the report of a package shows, and what it does not do to whoever opens it.
@Suite struct EvidenceReportTests {
    /// A package is to prove something: a text by a key that nobody has answered for is in it on request only, and marked.
    @Test func textsByUnansweredKeys_AreShownOnRequest() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            stage.story.carolMakesANewKey()
            guard try await stage.run("mmvault pull").code == 0 else { throw StageError(what: "the second pull") }
            let outcome = try await stage.run(
                """
                mmvault export evidence out \(Stage.keys) && mmvault check out; grep -rl 'New laptop' out
                jq -r 'select(.authenticity == "newKeyUnanswered") | [.key_encryption_key, .content] | @csv' out/verdicts.jsonl
                """)
            #expect(outcome.lines.last == ",\"decrypted\"", "\(outcome.everything)")
            #expect(try await stage.run("grep -rl 'New laptop' out").output == "")
            #expect(try await stage.run("grep -c newKeyUnanswered out/report.md").code == 0)
            let asked = try await stage.run(
                """
                mmvault export evidence all --include-unverified \(Stage.keys); mmvault check all; echo $?
                grep -h -B2 'New laptop' all/report.html | grep -c 'TO LOOK AT'
                """)
            #expect(Array(asked.lines.suffix(2)) == ["0", "1"], "\(asked.everything)")
        }
    }

    /// Carol cannot read a message that Bob wrote to Alice, and sends one that opens with its key. A package of Carol's message
    /// would tell her that key.
    @Test func aMessageMadeToLearnAnotherKey_IsNotOpenedForOthers() async throws {
        let story = Story()
        let secret = Story.seal("between us", story.bob.key, [story.alice.key, story.bob.key])
        let props = Story.props(secret)
        let data = Base64.standard.encode(secret.encryptedData)
        func post(_ channel: String, _ author: Story.Person, _ props: String) -> String {
            story.world.advance(by: 3_600_000)
            return story.world.post(
                in: channel, by: author.id, message: "Encrypted message", type: "custom_e2ee", props: props)
        }
        let original = post(story.direct, story.bob, props)
        let probe = post(
            story.release, story.carol,
            props.replacing(data, with: Base64.standard.encode(Array(secret.encryptedData.prefix(1)))))
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            for (name, post, options) in [
                ("probe", probe, "--channel release --include-unverified"),
                ("redacted", probe, "--include-unverified --redact \(original)"),
                ("hers", probe, "--include-unverified --user carol"),
            ] {
                let outcome = try await stage.run(
                    """
                    mmvault export evidence \(name) \(options) \(Stage.keys) > /dev/null; mmvault check \(name) > /dev/null; echo $?
                    jq -c 'select(.id == "\(post)") | .key_encryption_key' \(name)/verdicts.jsonl
                    jq -r 'select(.id == "\(post)") | .text' \(name)/posts/posts.jsonl
                    """)
                #expect(outcome.lines == ["0", "null", "null"], "\(name): \(outcome.everything)")
                let report = try await stage.run(
                    "grep -c 'would open a message that is not shown here' \(name)/report.md")
                #expect(report.output != "0\n", "\(report.everything)")
            }
            // Where all of them are shown, nobody learns more from the key; and so nobody can keep a message out of a package.
            let whole = try await stage.run(
                """
                mmvault export evidence whole \(Stage.keys) > /dev/null; mmvault check whole > /dev/null; echo $?
                jq -r 'select(.id == "\(original)") | .text' whole/posts/posts.jsonl
                """)
            #expect(whole.lines == ["0", "between us"], "\(whole.everything)")
            let audit = try await stage.run("mmvault audit")
            #expect(audit.code == 2 && audit.output.contains("ONE EPHEMERAL KEY FOR SEVERAL MESSAGES"))
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
                "mmvault export evidence out --channel release \(Stage.keys) && mmvault check out")
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
            #expect(!model.contains(/\]\([^#)]/), "it links to what is not in the package")
            #expect(model.lowercased().contains("\n### repeated ciphertext\n"))
            let source = URL(filePath: #filePath).deletingLastPathComponent().appending(
                path: "../../docs/threat-model.md")
            #expect(try model == String(contentsOf: source, encoding: .utf8))
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
            let outcome = try await stage.run("mmvault export evidence out \(Stage.keys) && mmvault check out")
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
