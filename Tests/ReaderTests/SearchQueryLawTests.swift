import Archive
import Testing

@testable import Reader

@Suite("SearchQuery: laws")
struct SearchQueryLawTests {
    private let today = Timestamp(milliseconds: 1_795_422_660_000)

    private static let pieces = [
        "word", "two", "\"", "\u{201C}", "\u{201D}", "\u{AB}", "\u{BB}", "*", "-", "\u{2013}", "#", "#tag", ":",
        "\u{FF1A}", "from:", "in:", "on:", "before:", "after:", "has:", "is:", "verdict:", "form:", "channel:", "bob",
        "@", "~", "2026-11-23", "2021", "today", "file", "edited", "clean", "!!!", ".", "//", "\\", "日本", "🎉",
        "\u{200D}", "\u{301}", "\u{0}", "\u{1B}[31m", "\u{202E}", "\u{E0001}", "\u{10FFFF}", "\u{FEFF}", "'", "_", "7",
    ]
    private static let spaces = [" ", "  ", "\t", "\n", "\r\n", "\u{A0}", "\u{3000}", "\u{200B} ", " \u{0}"]

    /// The query, or what is wrong with the text.
    private func read(_ text: String) -> Result<SearchQuery, SearchQueryError> {
        do throws(SearchQueryError) {
            return .success(try SearchQuery(text, today: today))
        } catch {
            return .failure(error)
        }
    }

    @Test("any text is a query with something to find, or an error about a part of it")
    func total() {
        var random = Seeded(1)
        for _ in 0..<20_000 {
            var text = ""
            for _ in 0..<Int.random(in: 0...9, using: &random) {
                text += Self.pieces.randomElement(using: &random) ?? ""
                if Bool.random(using: &random) { text += Self.spaces.randomElement(using: &random) ?? "" }
            }
            switch read(text) {
            case .success(let query):
                let terms = query.required + query.excluded
                #expect(terms.allSatisfy { $0.isSearchable }, "\(text.debugDescription)")
                #expect(!query.createAt.isEmpty)
                #expect(!query.notation.split(separator: " ").allSatisfy { $0.hasPrefix("-") })
            case .failure(let error):
                #expect(Array(text.unicodeScalars).contains(Array(error.part.unicodeScalars)))
                #expect(!error.problem.isEmpty && error.hint?.isEmpty == false)
            }
        }
    }

    @Test("it is all the same how many spaces stand where one does, and of which kind")
    func spaces() {
        var random = Seeded(2)
        for _ in 0..<10_000 {
            let count = Int.random(in: 1...7, using: &random)
            let chosen = (0..<count).map { _ in Self.pieces.randomElement(using: &random) ?? "" }
            var spaced = Self.spaces.randomElement(using: &random) ?? ""
            for piece in chosen { spaced += piece + (Self.spaces.randomElement(using: &random) ?? "") }
            switch (read(chosen.joined(separator: " ")), read(spaced)) {
            case (.success(let one), .success(let other)): #expect(one == other)
            case (.failure(let one), .failure(let other)):
                #expect(one.problem == other.problem && one.hint == other.hint, "\(spaced.debugDescription)")
            default: Issue.record("read in two ways: \(spaced.debugDescription)")
            }
        }
    }

    @Test("the order of terms and filters decides nothing but their order")
    func order() throws {
        let parts = ["one", "-two", "\"three four\"", "from:bob", "after:2020", "before: 2022", "-is:deleted", "rel*"]
        let notation = try SearchQuery(parts.joined(separator: " "), today: today).notation
        var random = Seeded(3)
        for _ in 0..<200 {
            let text = parts.shuffled(using: &random).joined(separator: " ")
            let other = try SearchQuery(text, today: today).notation
            #expect(other.split(separator: " ").sorted() == notation.split(separator: " ").sorted())
        }
    }

    @Test(
        "a megabyte of anything is read in one go",
        arguments: [
            "\"", "\"a\"-", "\u{201C}a\u{201D}", "-", "#", "a", "a ", "a:", "from:", "from: a ", "!", "a\u{301}", "🎉",
            "-on:2021 ", "\u{2013}",
        ])
    func megabyte(_ piece: String) {
        let text = "a " + String(repeating: piece, count: 1_000_000 / piece.utf8.count)
        if case .failure(let error) = read(text) {
            #expect(error.part.utf8.count <= text.utf8.count)
            #expect(error.problem.utf8.count < 1000)
        }
    }
}

extension SearchQuery.Term {
    fileprivate var isSearchable: Bool {
        switch self {
        case .word(let text), .prefix(let text), .phrase(let text), .tag(let text):
            text.unicodeScalars.contains(where: \.isSearchable)
        }
    }
}
