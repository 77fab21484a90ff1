/// What a query is made of. By scalars and not by characters: a mark that combines with a quote does not hide the quote.
extension Unicode.Scalar {
    /// Whether it parts one word from the next: spaces, and what shows as nothing and so cannot be meant.
    var isSearchSpace: Bool {
        if isASCII { return value <= 0x20 || value == 0x7F }
        // ZERO WIDTH SPACE and the byte order mark come along with what is copied.
        return properties.isWhitespace || properties.generalCategory == .control || value == 0x200B || value == 0xFEFF
    }

    /// Whether an index of words could hold it.
    var isSearchable: Bool {
        isLetter || isNumber
            // Digits, `#` and `*` are emoji too, as far as Unicode goes.
            || !isASCII && properties.isEmoji
    }

    var isLetter: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }

    var isNumber: Bool {
        switch properties.generalCategory {
        case .decimalNumber, .letterNumber, .otherNumber: true
        default: false
        }
    }

    /// An accent, for one, that stands for itself behind its letter.
    var isMark: Bool {
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: true
        default: false
        }
    }

    /// Whether it may stand in a hashtag behind the first character.
    var isInTag: Bool { isLetter || isNumber || isMark || isTagPunctuation }

    /// What may stand inside a hashtag and not at its end.
    var isTagPunctuation: Bool { self == "-" || self == "_" || self == "." }

    /// `-` and what text processors make of it: hyphens, the figure dash, the en dash, minus signs. An em dash is
    /// punctuation.
    var isDash: Bool {
        switch value {
        case 0x2D, 0x2010...0x2013, 0x2212, 0xFE63, 0xFF0D: true
        default: false
        }
    }

    var isColon: Bool { self == ":" || value == 0xFF1A }

    /// The quotes that may close what this one opens; nil for anything but a quote.
    ///
    /// Languages differ in which one of a pair comes first: „so“, “so”, «so», »so«.
    var closingQuotes: [Unicode.Scalar]? {
        switch value {
        case 0x22, 0xFF02: ["\"", "\u{FF02}"]
        case 0x201C...0x201F: ["\u{201D}", "\u{201C}", "\u{201E}", "\u{201F}"]
        case 0xAB, 0xBB: ["\u{BB}", "\u{AB}"]
        default: nil
        }
    }
}
