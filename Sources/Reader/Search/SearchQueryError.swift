/// Why a query cannot be answered as it stands.
///
/// All three texts may quote the query, and so hold what is not safe to show on a terminal.
public struct SearchQueryError: Error, Equatable, Sendable {
    /// The part of the query that is not clear, as typed.
    public let part: String
    /// What is wrong with it, to be read behind “the search is not clear: ”.
    public let problem: String
    /// What to type instead.
    public let hint: String?

    private init(_ part: String, _ problem: String, _ hint: String) {
        (self.part, self.problem, self.hint) = (part, problem, hint)
    }
}

extension SearchQueryError {
    static let empty = SearchQueryError("", "it is empty", "type a word to find, or a filter such as from:anna")

    /// - Parameter similar: what the archive has that the name may mean.
    static func nobody(_ name: String, _ part: String, similar: [String]) -> Self {
        Self(
            part, "nobody in the archive is called \(quoted(name))",
            similar.isEmpty
                ? "a person is named as in from:anna, or by a name in quotes"
                : "there is \(similar.map(quoted).joined(separator: ", "))")
    }

    /// - Parameter similar: what the archive has that the name may mean.
    static func noChannel(_ name: String, _ part: String, similar: [String]) -> Self {
        Self(
            part, "no channel in the archive is called \(quoted(name))",
            similar.isEmpty
                ? "“mmvault channels” lists them; a name with spaces stands in quotes"
                : "there is \(similar.map(quoted).joined(separator: ", "))")
    }

    static func noWord(_ part: String) -> Self {
        Self(part, "\(quoted(part)) holds no word", "a word has a letter, a digit or an emoji")
    }

    static func onlyExclusions(_ part: String) -> Self {
        Self(
            part, "\(quoted(part)) leaves posts out, and nothing says which to find",
            "add a word, or a filter without a - before it")
    }

    static func unclosedQuote(_ part: String, closing: String) -> Self {
        Self(part, "the quote in \(quoted(part)) is not closed", "type \(closing) where the phrase ends")
    }

    static func emptyPhrase(_ part: String) -> Self {
        Self(part, "nothing stands between the quotes of \(quoted(part))", "type the phrase between them")
    }

    static func star(_ part: String) -> Self {
        Self(
            part, "\(quoted(part)) has a * elsewhere than at the end of a word",
            "type the beginning of a word and then *, as in release*")
    }

    static func dash(_ part: String) -> Self {
        Self(
            part, "\(quoted(part)) has no word directly behind its -",
            "-word leaves out the posts with the word; in quotes, a - is nothing special")
    }

    static func doubleDash(_ part: String) -> Self {
        Self(part, "\(quoted(part)) begins with two dashes", "type one - before what is to be left out")
    }

    static func tag(_ part: String) -> Self { Self(part, "\(quoted(part)) names no tag", "type it as in #release") }

    static func tagPrefix(_ part: String, tag: String) -> Self {
        Self(part, "\(quoted(part)) is the beginning of a tag", "type \(quoted("#\(tag)")) or \(quoted("\(tag)*"))")
    }

    static func noValue(_ part: String, _ filter: SearchFilter) -> Self {
        let example =
            switch filter {
            case .from: "from:anna"
            case .in: "in:town-square"
            case .on, .before, .after: "\(filter.rawValue):2026-11-23"
            case .has: "has:file"
            case .is: "is:edited"
            case .verdict: "verdict:unclean"
            }
        return Self(part, "nothing stands behind \(quoted(part))", "type it as in \(example)")
    }

    static func date(_ part: String) -> Self {
        Self(
            part, "\(quoted(part)) holds no date of the calendar",
            "a date is 2026-11-23, a month 2026-11, a year 2026; today and yesterday are dates too")
    }

    static func value(_ part: String, _ filter: SearchFilter, _ value: String, known: [String]) -> Self {
        let lowered = value.lowercased()
        let near = known.filter { SearchFilter.isNear(lowered, $0.lowercased()) }
        let choice = near.isEmpty ? known : near
        let dash = part.unicodeScalars.first?.isDash == true ? "-" : ""
        return Self(
            part, "\(quoted(part)) asks for what \(filter.rawValue): does not know",
            choice.count > 3
                ? "behind \(filter.rawValue): there may be \(choice.joined(separator: ", "))"
                : "type \(choice.map { "\(dash)\(filter.rawValue):\($0)" }.joined(separator: " or "))")
    }

    /// `meant` is the part as it should have been, `text` how to find the part itself.
    static func misspelt(_ part: String, meant: String, text: String) -> Self {
        Self(part, "\(quoted(part)) is no filter", "type \(quoted(meant)), or \(quoted(text)) to find that text")
    }

    static func contradiction(_ part: String, _ other: String, isTime: Bool) -> Self {
        Self(
            part, "no post fits both \(quoted(other)) and \(quoted(part)), which contradict each other",
            isTime
                ? "after: begins when its day, month or year is over, before: ends where it begins" : "leave out one")
    }

    private static func quoted(_ part: String) -> String { "“\(shown(part))”" }

    /// A part in a line: without the spaces it was typed with, and not at any length.
    private static func shown(_ part: String) -> String {
        let scalars = Array(part.unicodeScalars)
        let line = SearchQueryScanner.text(scalars.prefix(60))
        return scalars.count > 60 ? line + "…" : line
    }
}
