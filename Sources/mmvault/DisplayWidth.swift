import Reader

/// How much room text takes on a terminal, and how it is made to fit. Text of strangers has been through `SafeText`.
extension Character {
    /// Columns that a terminal gives it: 2 for East Asian wide characters and emoji (UAX #11, UTS #51), else 1.
    var columns: Int {
        // Nearly all of them.
        if isASCII { return 1 }
        guard let first = unicodeScalars.first else { return 0 }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        let isEmoji = first.properties.isEmojiPresentation || unicodeScalars.contains("\u{FE0F}")
        return isEmoji || Character.wide.contains { $0.contains(first.value) } ? 2 : 1
    }

    /// The most columns that any terminal gives it: one that does not know how characters join shows each by itself.
    var mostColumns: Int {
        isASCII ? 1 : max(columns, unicodeScalars.reduce(0) { $0 + Character($1).columns })
    }

    /// Whether no line should begin with it (JIS X 4051, in short).
    fileprivate var staysBehind: Bool {
        "、。，．・：；？！）］｝」』】〉》〕ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ…‥,.!?:;)]}”’".contains(self)
    }

    /// Whether no line should end with it.
    fileprivate var staysBefore: Bool { "（［｛「『【〈《〔([{“‘".contains(self) }

    /// The blocks of East_Asian_Width W and F, in order; emoji are told apart by their own property.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
        0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x17000...0x18CFF, 0x1AFF0...0x1B2FF,
        0x20000...0x3FFFD,
    ]
}

extension String {
    var columns: Int { reduce(0) { $0 + $1.columns } }

    /// As many of the first characters as `width` columns hold.
    func prefix(columns width: Int) -> String {
        var room = width
        var result = ""
        for character in self {
            room -= character.columns
            if room < 0 { break }
            result.append(character)
        }
        return result
    }

    /// Cut to `width` columns, and seen to be cut.
    func clipped(to width: Int) -> String { columns > width ? prefix(columns: width - 1) + "…" : self }

    /// Cut or filled up to `width` columns.
    func padded(to width: Int) -> String {
        let shown = clipped(to: width)
        return shown + String(repeating: " ", count: width - shown.columns)
    }

    func rightAligned(in width: Int) -> String { String(repeating: " ", count: max(0, width - columns)) + self }

    /// Broken into lines of at most `width` columns, behind spaces and beside wide characters; what fits is not touched.
    ///
    /// - Parameter cutsWords: whether a word that is longer, like an address, is cut; else it stays whole.
    func lines(width: Int, cutsWords: Bool) -> [String] {
        split(separator: "\n", omittingEmptySubsequences: false).flatMap { paragraph -> [String] in
            if paragraph.utf8.count <= width, paragraph.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) {
                return [String(paragraph)]
            }
            var lines: [String] = []
            var line: [Character] = []
            var taken = 0
            /// How many characters of the line may stay where the rest goes on to the next.
            var end = 0
            for character in paragraph.lazy.flatMap({ $0 == "\t" ? Array("    ") : [$0] }) {
                if let last = line.last, !character.isWhitespace {
                    let isBesideWide = last.columns == 2 || character.columns == 2
                    if last.isWhitespace || isBesideWide && !last.staysBefore && !character.staysBehind {
                        end = line.count
                    }
                }
                line.append(character)
                taken += character.mostColumns
                guard taken > width, !character.isWhitespace else { continue }
                if end == 0, cutsWords { end = line.count - 1 }
                guard end > 0 else { continue }
                lines.append(String(line[..<end]).trimmedAtEnd)
                line.removeFirst(end)
                taken = line.reduce(0) { $0 + $1.mostColumns }
                end = 0
            }
            return lines + [String(line).trimmedAtEnd]
        }
    }

    var trimmedAtEnd: String {
        var rest = self[...]
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        return String(rest)
    }

    /// Without the spaces that come with copying.
    var trimmed: String {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest = rest.dropFirst() }
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        return String(rest)
    }

    /// Broken at spaces into lines of at most `width` columns, all but the first behind `indent` spaces. A word that is
    /// longer, like a path, stays whole: people copy it. Line ends in the text stay where they are.
    func wrapped(indent: Int = 0, width: Int = Terminal.textWidth) -> String {
        let margin = String(repeating: " ", count: indent)
        var lines: [String] = []
        for paragraph in split(separator: "\n", omittingEmptySubsequences: false) {
            var line = lines.isEmpty ? "" : margin
            var isContinued = false
            var hasWord = false
            for word in paragraph.split(separator: " ", omittingEmptySubsequences: false).map(String.init) {
                if hasWord, line.columns + 1 + word.columns > width {
                    lines.append(line)
                    line = margin
                    isContinued = true
                    hasWord = false
                }
                if isContinued, !hasWord, word.isEmpty { continue }
                line += hasWord ? " \(word)" : word
                hasWord = true
            }
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }
}

extension Int {
    /// `12,345`
    var grouped: String {
        var digits = Array(String(magnitude))
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: place)
            place -= 3
        }
        return (self < 0 ? "-" : "") + String(digits)
    }

    /// `3 posts`, `1 post`
    func of(_ noun: String, _ plural: String? = nil) -> String {
        "\(grouped) \(self == 1 ? noun : plural ?? noun + "s")"
    }
}

extension SafeText {
    /// A name that somebody else chose, safe, and short enough to leave room for what is said about it.
    static func name(_ text: String) -> String {
        let safe = line(text)
        return safe.columns > 40 ? safe.prefix(columns: 39) + "…" : safe
    }
}

extension Int64 {
    /// `812 bytes`, `3.4 MiB`.
    var asBytes: String {
        guard self >= 1 << 10 else { return Int(self).of("byte") }
        var (tenths, unit) = ((self * 10) >> 10, 0)
        while tenths >= 10240, unit < 3 { (tenths, unit) = (tenths >> 10, unit + 1) }
        let shown = tenths < 1000 ? "\(tenths / 10).\(tenths % 10)" : Int(tenths / 10).grouped
        return "\(shown) \(["KiB", "MiB", "GiB", "TiB"][unit])"
    }
}
