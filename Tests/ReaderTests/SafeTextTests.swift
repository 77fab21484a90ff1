import Testing

@testable import Reader

@Suite("SafeText")
struct SafeTextTests {
    private func shown(_ scalar: Unicode.Scalar) -> String {
        "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
    }

    private func scalars(_ range: ClosedRange<UInt32>) -> [Unicode.Scalar] { range.compactMap(Unicode.Scalar.init) }

    @Test("every control character is shown in a line") func controls() {
        for scalar in scalars(0...0x1F) + scalars(0x7F...0x9F) {
            #expect(SafeText.line("a\(String(scalar))b") == "a\(shown(scalar))b")
        }
    }

    @Test("no escape sequence survives") func escapes() {
        #expect(SafeText.line("\u{1B}[31mred") == "\\u{1B}[31mred")
        #expect(SafeText.block("\u{1B}]0;title\u{7}") == "\\u{1B}]0;title\\u{7}")
        #expect(SafeText.block("\u{9B}2J") == "\\u{9B}2J")
    }

    @Test(
        "what turns, hides or ends a line is shown",
        arguments: [
            0x202A...0x202E, 0x2066...0x2069, 0x200E...0x200F, 0x61C...0x61C, 0x200B...0x200B, 0x2060...0x2064,
            0xFEFF...0xFEFF, 0xAD...0xAD, 0x180E...0x180E, 0xFFF9...0xFFFB, 0xE0001...0xE0001, 0xE0020...0xE007F,
            0xFDD0...0xFDEF, 0xFFFE...0xFFFF, 0x1FFFE...0x1FFFF, 0x10FFFE...0x10FFFF, 0x34F...0x34F, 0x115F...0x1160,
            0x3164...0x3164, 0x2800...0x2800, 0x1D173...0x1D17A,
        ] as [ClosedRange<UInt32>])
    func hidden(_ range: ClosedRange<UInt32>) {
        for scalar in scalars(range) {
            #expect(SafeText.line(String(scalar)) == shown(scalar))
            #expect(SafeText.block("x\(String(scalar))y") == "x\(shown(scalar))y")
        }
    }

    @Test(
        "what people write stays as it is",
        arguments: [
            "plain text, ~!@#$%^&*()", "e\u{301}", "é", "日本語", "עברית", "عربی", "می\u{200C}خواهم",
            "👩\u{200D}👩\u{200D}👧", "❤\u{FE0F}",
            "🏳\u{FE0F}\u{200D}🌈", "👍🏽", "\u{A0}", "\u{3000}", "\u{E000}\u{F8FF}", "\\u{202E}", "",
        ])
    func kept(_ text: String) {
        #expect(Array(SafeText.line(text).unicodeScalars) == Array(text.unicodeScalars))
        #expect(Array(SafeText.block(text).unicodeScalars) == Array(text.unicodeScalars))
    }

    @Test("a line has no line ends and no tabs") func line() {
        #expect(SafeText.line("a\nb\tc\r\nd") == "a\\u{A}b\\u{9}c\\u{D}\\u{A}d")
        #expect(SafeText.line("a\u{2028}b\u{2029}c\u{85}") == "a\\u{2028}b\\u{2029}c\\u{85}")
    }

    @Test("a block ends its lines with LF alone, CR LF being one end")
    func block() {
        #expect(SafeText.block("a\nb\tc") == "a\nb\tc")
        #expect(SafeText.block("a\r\nb\r\n") == "a\nb\n")
        #expect(SafeText.block("a\r\r\nb\n\rc") == "a\n\nb\n\nc")
        for end in ["\r", "\u{B}", "\u{C}", "\u{85}", "\u{2028}", "\u{2029}"] {
            #expect(SafeText.block("a\(end)b") == "a\nb")
        }
    }

    @Test("nothing dangerous comes out of any text, and nothing is done twice")
    func random() {
        var random = Seeded(1)
        let pools: [ClosedRange<UInt32>] = [0...0x9F, 0x2000...0x206F, 0...0xFFFF, 0x10000...0x10FFFF, 0x20...0x7E]
        for _ in 0..<5000 {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                let pool = pools[Int.random(in: 0..<pools.count, using: &random)]
                if let scalar = Unicode.Scalar(UInt32.random(in: pool, using: &random)) { text.append(scalar) }
            }
            let source = String(text)
            let (line, block) = (SafeText.line(source), SafeText.block(source))
            #expect(!line.unicodeScalars.contains(where: isDangerous))
            #expect(!block.unicodeScalars.contains { isDangerous($0) && $0 != "\n" && $0 != "\t" })
            #expect(Array(SafeText.line(line).utf8) == Array(line.utf8))
            #expect(Array(SafeText.block(block).utf8) == Array(block.utf8))
        }
    }

    private func isDangerous(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: true
        case .format: scalar != "\u{200C}" && scalar != "\u{200D}"
        default: scalar.properties.isBidiControl
        }
    }
}
