internal import Foundation

/// How a text is cut into what can be searched for. Case, diacritics and the ends of words are left to SQLite's tokenizer
/// (`unicode61`); what it does not know is done here, for texts and for queries alike.
///
/// - Chinese, Japanese and Korean are written without spaces, or with few: each run of them becomes its pairs of
///   neighbours and its last character, so that any part of a run is found (`会議` in `東京会議室`).
/// - Each emoji is a word of its own.
/// - Compatibility forms are one with what they stand for (NFKC: `ｆｕｌｌ`, `ﬁ`), and marks that readers skip are gone.
enum SearchText {
    /// Categories of the characters that words are made of, for the tokenizer: its own choice (letters, numbers, private
    /// use), marks, and symbols, which stand alone.
    static let tokenizer = "unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc So'"

    static func ofPost(_ text: String) -> String { cut(text, endsRuns: true).text }

    /// - Returns: the words of a term, and whether the last one is only how a word begins.
    static func ofTerm(_ text: String) -> (text: String, isPrefix: Bool) { cut(text, endsRuns: false) }

    /// - Parameter endsRuns: whether the text ends where it ends. That of a term may go on in a post.
    private static func cut(_ text: String, endsRuns: Bool) -> (text: String, isPrefix: Bool) {
        guard text.utf8.contains(where: { $0 >= 0x80 }) else { return (text, false) }
        // An array: to append several scalars to a view copies all of it.
        var result: [Unicode.Scalar] = []
        var run: [Unicode.Scalar] = []
        func endRun(keepsLast: Bool) {
            for (first, second) in zip(run, run.dropFirst()) { result.append(contentsOf: [" ", first, second, " "]) }
            if let last = run.last, keepsLast || run.count == 1 { result.append(contentsOf: [" ", last, " "]) }
            run = []
        }
        for scalar in text.precomposedStringWithCompatibilityMapping.unicodeScalars {
            if isWrittenInRuns(scalar) {
                run.append(scalar)
                continue
            }
            if isSkipped(scalar) { continue }
            endRun(keepsLast: true)
            if scalar.value >= 0x80, scalar.properties.generalCategory == .otherSymbol || scalar.properties.isEmoji {
                result.append(contentsOf: [" ", scalar, " "])
            } else {
                result.append(scalar)
            }
        }
        let isPrefix = !endsRuns && run.count == 1
        endRun(keepsLast: endsRuns)
        return (String(String.UnicodeScalarView(result)), isPrefix)
    }

    /// Chinese characters, kana, bopomofo and hangul, by their blocks (Unicode, Blocks.txt), after NFKC.
    static func isWrittenInRuns(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value >= 0x1100 else { return false }
        return runs.contains { $0.contains(scalar.value) }
    }

    private static let runs: [ClosedRange<UInt32>] = [
        0x4E00...0x9FFF, 0x3041...0x3096, 0x30A1...0x30FA, 0x30FC...0x30FF, 0xAC00...0xD7A3, 0x3005...0x3007,
        0x3021...0x3029, 0x3031...0x3035, 0x303B...0x303C, 0x309D...0x309F, 0x3105...0x312F, 0x31A0...0x31BF,
        0x31F0...0x31FF, 0x3400...0x4DBF, 0x1100...0x11FF, 0xA960...0xA97C, 0xD7B0...0xD7FB, 0xF900...0xFAFF,
        0x1B000...0x1B16F, 0x20000...0x3FFFD,
    ]

    /// Marks within words that people write or leave out: the soft hyphen, joiners without width, variation selectors,
    /// the vowel points of Hebrew and Arabic, and the Arabic filler.
    private static func isSkipped(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0xAD, 0x2060, 0xFEFF, 0x0640, 0x0670: true
        case 0xFE00...0xFE0F, 0xE0100...0xE01EF, 0x0591...0x05C7, 0x0610...0x061A, 0x064B...0x065F, 0x06D6...0x06ED:
            true
        default: false
        }
    }
}

/// Hashtags, as Mattermost has them: `#`, a letter, and letters, digits, `-`, `_` and `.` up to the last letter or digit.
enum Hashtag {
    /// Those of a text, each one word for the tokenizer, between spaces.
    static func all(in text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "#")) else { return "" }
        var tags: [String] = []
        var previous: Character?
        var rest = text[...]
        while let first = rest.first {
            defer { previous = first }
            rest = rest.dropFirst()
            guard first == "#", previous.map({ !isPart($0) && $0 != "#" }) ?? true else { continue }
            let body = rest.prefix { isPart($0) || $0 == "-" || $0 == "." }
            if let tag = token(String(body)) { tags.append(tag) }
            if let last = body.last {
                rest = rest[body.endIndex...]
                previous = last
                continue
            }
        }
        return tags.joined(separator: " ")
    }

    /// The word that a tag, written without `#`, is in the index; nil for what is none.
    static func token(_ tag: String) -> String? {
        var body = tag.precomposedStringWithCompatibilityMapping[...]
        while let last = body.last, !(last.isLetter || last.isNumber) { body = body.dropLast() }
        guard body.contains(where: \.isLetter), body.first != "-", body.first != "." else { return nil }
        // What would end a word stands as characters for private use, which do not.
        return String(body).replacing("-", with: "\u{E02D}").replacing(".", with: "\u{E02E}").replacing(
            "_", with: "\u{E05F}")
    }

    private static func isPart(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }
}
