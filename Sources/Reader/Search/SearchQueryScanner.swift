/// Walks over a query: knows spaces, quotes and runs of anything else, and nothing of what they mean.
struct SearchQueryScanner {
    let scalars: [Unicode.Scalar]
    private(set) var position = 0

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    /// The scalar here, or `offset` behind here; nil behind the end.
    func peek(_ offset: Int = 0) -> Unicode.Scalar? {
        position + offset < scalars.count ? scalars[position + offset] : nil
    }

    var isAtQuote: Bool { peek()?.closingQuotes != nil }

    /// Whether nothing, or a space, stands before here.
    var isBehindSpace: Bool { position == 0 || scalars[position - 1].isSearchSpace }

    mutating func skip(_ count: Int = 1) { position += count }

    /// False where nothing but spaces is left.
    mutating func skipSpaces() -> Bool {
        while let scalar = peek() {
            guard scalar.isSearchSpace else { return true }
            skip()
        }
        return false
    }

    /// Everything up to the next space or quote.
    mutating func run() -> ArraySlice<Unicode.Scalar> {
        let rest = scalars[position...]
        let run = rest[..<(rest.firstIndex { $0.isSearchSpace || $0.closingQuotes != nil } ?? rest.endIndex)]
        position = run.endIndex
        return run
    }

    /// What stands between the quote here and the one that closes it. A fault counts from `start`.
    mutating func quoted(from start: Int) throws(SearchQueryError) -> String {
        guard let closing = peek()?.closingQuotes else { return "" }
        let rest = scalars[(position + 1)...]
        guard let end = rest.firstIndex(where: closing.contains) else {
            position = scalars.count
            throw .unclosedQuote(part(from: start), closing: String(closing[0]))
        }
        position = end + 1
        let text = Self.text(rest[..<end])
        if text.isEmpty { throw .emptyPhrase(part(from: start)) }
        return text
    }

    /// What was typed from `start` to here, without spaces at its end.
    func part(from start: Int) -> String {
        let typed = scalars[start..<position]
        let end = typed.lastIndex { !$0.isSearchSpace } ?? start - 1
        return String(String.UnicodeScalarView(typed[...end]))
    }

    /// The text of a slice, with one space for any run of spaces, and none at its ends.
    static func text(_ slice: ArraySlice<Unicode.Scalar>) -> String {
        let words = slice.split(whereSeparator: \.isSearchSpace)
        return String(String.UnicodeScalarView(words.joined(separator: CollectionOfOne<Unicode.Scalar>(" "))))
    }
}
