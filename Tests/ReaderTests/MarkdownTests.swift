import Testing

@testable import Archive
@testable import Reader

/// Reads Markdown by its lines and fences alone, as any renderer sees them.
private struct FenceReader {
    private(set) var texts: [String] = []
    /// Every line outside of a fenced block.
    private(set) var lines: [String] = []
    private(set) var isOpen = false

    init(_ markdown: String) {
        var fence = 0
        var block: [String] = []
        // Every way in which any program ends a line.
        let lines = markdown.unicodeScalars.split(omittingEmptySubsequences: false) {
            (0x0A...0x0D).contains($0.value) || [0x85, 0x2028, 0x2029].contains($0.value)
        }.map { String($0) }
        for line in lines {
            // A fence of ours is indented by two, and so is every line in it that is not empty.
            let row = line.hasPrefix("  `") ? line.dropFirst(2).prefix { $0 == "`" }.count : 0
            if isOpen {
                // CommonMark, section 4.5: at least as many, up to three spaces before, and nothing behind.
                let trimmed = line.drop { $0 == " " }
                let ticks = trimmed.prefix { $0 == "`" }.count
                if line.count - trimmed.count < 4, ticks >= fence, trimmed.dropFirst(ticks).allSatisfy(\.isWhitespace) {
                    texts.append(block.joined(separator: "\n"))
                    isOpen = false
                } else {
                    #expect(line.isEmpty || line.hasPrefix("  "), "a text stands where our own lines do")
                    block.append(String(line.dropFirst(2)))
                }
            } else if row >= 3 {
                (fence, block, isOpen) = (row, [], true)
            } else {
                self.lines.append(line)
            }
        }
    }
}

@Suite("Markdown")
struct MarkdownTests {
    @Test("every text comes back from its block, and nothing of it stands outside", arguments: hostileTexts)
    func texts(_ text: String) throws {
        let rendering = Rendering(format: .markdown)
        let read = FenceReader(try rendering.text([Draft("p", verified: text), Draft("q", verified: "next")]))
        let calm = FenceReader(try rendering.text([Draft("p", verified: "calm"), Draft("q", verified: "next")]))
        #expect(!read.isOpen)
        guard !text.isEmpty else {
            #expect(read.texts == ["next"] && read.lines.contains("*(no text)*"))
            return
        }
        let block = SafeText.block(text)
        #expect(read.texts == [block.hasSuffix("\n") ? String(block.dropLast()) : block, "next"])
        #expect(read.lines == calm.lines)
    }

    @Test("what the server wrote is not taken for a person's words")
    func systemPosts() throws {
        let posts = [
            Draft("p", plain: "bob joined.") { $0.type = "system_join_channel" },
            Draft("q", plain: "bob joined."), Draft("r", verified: "bob joined.") { $0.type = "system_x" },
        ]
        let markdown = try Rendering(format: .markdown).text(posts)
        #expect(markdown.split(separator: "\n").filter { $0.contains("written by the server") }.count == 1)
        let mails = try Rendering(format: .mbox).text(posts)
        #expect(mails.split(separator: "\n").filter { $0.hasPrefix("Subject: [system] ") }.count == 1)
    }

    @Test("no name adds a line or is markup", arguments: hostileNames)
    func names(_ name: String) throws {
        func read(_ name: String) throws -> FenceReader {
            var rendering = Rendering(format: .markdown)
            rendering.users = [user("alice", name, username: name)]
            rendering.channel = .named("x", display: name)
            rendering.team = Team(id: id("team"), name: "t", displayName: name)
            rendering.server = "https://chat\(name)"
            rendering.includesUnverified = true
            return FenceReader(
                try rendering.text([
                    Draft("p", unverified: "text") {
                        $0.reason = name
                        $0.files = [AttachedFile(id: name, name: name, size: 1, mimeType: name)]
                    }
                ]))
        }
        let (hostile, calm) = (try read(name), try read("calm"))
        #expect(hostile.texts == ["text"] && !hostile.isOpen)
        #expect(hostile.lines.count == calm.lines.count)
        // Our own marks and the escaped ones are all there are.
        for (line, other) in zip(hostile.lines, calm.lines) { #expect(markup(line) == markup(other), "\(line)") }
    }

    /// The marks of a line that mean something: those without a backslash that is not itself escaped.
    private func markup(_ line: String) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var isEscaped = false
        for scalar in line.unicodeScalars {
            if isEscaped {
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
            } else if "`*_{}[]<>#|~&!".unicodeScalars.contains(scalar) {
                result.append(scalar)
            }
        }
        return result
    }

    @Test(
        "markup in a name is taken back to what it is",
        arguments: [
            ("\\*x\\*", "\\\\\\*x\\\\\\*"), ("*\u{301}", "\\*\u{301}"), ("a.b", "a.b"), ("www.x", "www\\.x"),
            ("https://x", "https\\://x"), ("a: b", "a: b"), ("\u{202E}", "\\\\u\\{202E\\}"),
        ])
    func escaping(_ name: String, _ expected: String) {
        #expect(Array(MarkdownRenderer.escape(name).unicodeScalars) == Array(expected.unicodeScalars))
    }

    @Test("withheld words are nowhere, included ones are marked, and plain ones in an encrypted channel too")
    func marks() throws {
        var rendering = Rendering(format: .markdown)
        let drafts = [Draft("p", unverified: "secret"), Draft("q", plain: "open")]
        let withheld = try rendering.text(drafts)
        #expect(!withheld.contains("secret"))
        #expect(withheld.contains("> *\\[Text withheld (signatureInvalid, decrypted: not signed by"))
        #expect(withheld.contains("· not encrypted, not signed\n\n  ```text\n  open\n"))
        rendering.includesUnverified = true
        #expect(try rendering.text(drafts).contains("**NOT VERIFIED** (signatureInvalid: not signed by"))
    }
}

@Suite("Threads whose first post is not here")
struct OrphanTests {
    @Test("a reply says that its first post is not here, and stands under its own day")
    func reply() throws {
        let text = try Rendering(format: .markdown).text([
            Draft("p", verified: "first"), Draft("q", verified: "second") { $0.root = "gone" },
        ])
        #expect(text.contains("*replies to a post that is not here:*\n\n↳ "))
    }

    @Test("a reply below its first post says nothing of the kind")
    func calm() throws {
        let text = try Rendering(format: .markdown).text([
            Draft("p", verified: "first"), Draft("q", verified: "second") { $0.root = "p" },
        ])
        #expect(!text.contains("not here"))
    }
}
