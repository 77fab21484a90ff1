import Archive
import Testing

@testable import Reader

@Suite("SearchQueryError")
struct SearchQueryErrorTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let text, part, problem, hint: String
        init(_ text: String, _ part: String, _ problem: String, _ hint: String = "") {
            (self.text, self.part, self.problem, self.hint) = (text, part, problem, hint)
        }
        var testDescription: String { text }
    }

    @Test("what can be taken in two ways, or in none, is refused with what to type", arguments: rows)
    func refused(_ row: Row) throws {
        let error = try #require(throws: SearchQueryError.self) {
            try SearchQuery(row.text, today: Timestamp(milliseconds: 1_795_422_660_000))
        }
        #expect(error.part == row.part)
        #expect(error.problem.contains(row.problem))
        #expect(row.part.isEmpty || error.problem.contains("“\(row.part)”"))
        let hint = try #require(error.hint)
        #expect(hint.contains(row.hint))
        for text in [error.problem, hint] {
            #expect(text.last != "." && text.first?.isUppercase == false)
        }
    }

    @Test("a long part is shown by its beginning")
    func long() throws {
        let text = "\"" + String(repeating: "long ", count: 100)
        let error = try #require(throws: SearchQueryError.self) {
            try SearchQuery(text, today: Timestamp(milliseconds: 0))
        }
        #expect(error.part.count == 500)
        #expect(error.problem.count < 120)
        #expect(error.problem.contains("long…”"))
    }

    private static let rows: [Row] = [
        Row("", "", "empty"),
        Row(" \t\u{3000}\n", "", "empty"),
        Row("\u{0}\u{7F}", "", "empty"),
        Row("!!!", "!!!", "no word"),
        Row("... ???", "...", "no word"),
        Row("\u{2013}", "\u{2013}", "no word"),
        Row("\u{301}", "\u{301}", "no word"),
        Row("from:bob !!!", "!!!", "no word"),
        Row("one -!!!", "-!!!", "no word"),
        Row("one \"!!!\"", "\"!!!\"", "no word"),
        Row("one ->", "->", "no word"),
        Row("-word", "-word", "leaves posts out"),
        Row("-\"a phrase\" -word", "-\"a phrase\"", "leaves posts out"),
        Row("-from:bob", "-from:bob", "leaves posts out", "without a -"),
        Row("-has:file -on:2021", "-has:file", "leaves posts out"),
        Row("\"one two", "\"one two", "not closed", "type \" where"),
        Row("one \"", "\"", "not closed"),
        Row("one \u{201C}two ", "\u{201C}two", "not closed", "\u{201D}"),
        Row("one \u{201C}two\"", "\u{201C}two\"", "not closed"),
        Row("12\" disk", "\" disk", "not closed"),
        Row("in:\"Town Square", "in:\"Town Square", "not closed"),
        Row("one -\"two", "-\"two", "not closed"),
        Row("\"\"", "\"\"", "between the quotes"),
        Row("one \" \"", "\" \"", "between the quotes"),
        Row("one -\"\"", "-\"\"", "between the quotes"),
        Row("\"\"\"\"", "\"\"", "between the quotes"),
        Row("from:\"\"", "from:\"\"", "between the quotes"),
        Row("*", "*", "*", "release*"),
        Row("one *", "*", "*"),
        Row("*word", "*word", "end of a word"),
        Row("wo*rd", "wo*rd", "end of a word"),
        Row("word**", "word**", "end of a word"),
        Row("word.*", "word.*", "end of a word"),
        Row("one -*", "-*", "end of a word"),
        Row("\"one\"*", "*", "end of a word"),
        Row("-", "-", "no word directly"),
        Row("one - two", "-", "no word directly", "-word"),
        Row("--word", "--word", "two dashes"),
        Row("one -\u{2013}word", "-\u{2013}word", "two dashes"),
        Row("-----", "-----", "two dashes"),
        Row("#", "#", "no tag"),
        Row("one #", "#", "no tag"),
        Row("one -#", "-#", "no tag"),
        Row("##", "##", "no tag"),
        Row("#rel*", "#rel*", "beginning of a tag", "“#rel” or “rel*”"),
        Row("from:", "from:", "nothing stands behind", "from:anna"),
        Row("one from:  ", "from:", "nothing stands behind"),
        Row("from: in:dev", "from:", "nothing stands behind"),
        Row("from: -word", "from:", "nothing stands behind"),
        Row("from:@", "from:@", "nothing stands behind"),
        Row("in:\"~\"", "in:\"~\"", "nothing stands behind", "in:town-square"),
        Row("one -from:", "-from:", "nothing stands behind"),
        Row("on:", "on:", "nothing stands behind", "2026-11-23"),
        Row("verdict:", "verdict:", "nothing stands behind", "verdict:unclean"),
        Row("before:soon", "before:soon", "no date", "2026-11-23"),
        Row("before: soon", "before: soon", "no date"),
        Row("one -on:soon", "-on:soon", "no date"),
        Row("on:2021-13-01", "on:2021-13-01", "no date"),
        Row("on:2021-02-30", "on:2021-02-30", "no date"),
        Row("on:2023-02-29", "on:2023-02-29", "no date"),
        Row("on:2021-00", "on:2021-00", "no date"),
        Row("on:0000", "on:0000", "no date"),
        Row("on:23.11.2026", "on:23.11.2026", "no date"),
        Row("on:23-11-26", "on:23-11-26", "no date"),
        Row("on:11-2026", "on:11-2026", "no date"),
        Row("on:2026-11-23-", "on:2026-11-23-", "no date"),
        Row("on:2026--23", "on:2026--23", "no date"),
        Row("on:2026-11-023", "on:2026-11-023", "no date"),
        Row("on:+026-11", "on:+026-11", "no date"),
        Row("on:2026-11-23T08:31", "on:2026-11-23T08:31", "no date"),
        Row("on:٢٠٢٦", "on:٢٠٢٦", "no date"),
        Row("after:2022 before:2021", "before:2021", "“after:2022”", "is over"),
        Row("before:2021 one after:2022", "after:2022", "“before:2021”"),
        Row("after:2021 before:2022", "before:2022", "“after:2021”"),
        Row("on:2021 on:2022", "on:2022", "“on:2021”"),
        Row("after:today on:today", "on:today", "“after:today”"),
        Row("on:2021-03-04 -on:2021", "-on:2021", "“on:2021-03-04”"),
        Row("-on:2021 on:2021", "-on:2021", "“on:2021”"),
        Row("has:file -has:file", "-has:file", "“has:file”", "leave out one"),
        Row("one -is:deleted is:deleted", "is:deleted", "“-is:deleted”"),
        Row("has:files", "has:files", "does not know", "type has:file"),
        Row("one -has:files", "-has:files", "does not know", "type -has:file"),
        Row("has:image", "has:image", "does not know", "type has:file"),
        Row("is:pinned", "is:pinned", "does not know", "is:edited or is:deleted"),
        Row("is:delete", "is:delete", "does not know", "type is:deleted"),
        Row("verdict:good", "verdict:good", "does not know", "verifiedByEarlierKey"),
        Row("verdict:verifed", "verdict:verifed", "does not know", "type verdict:verified"),
        Row("form:bob", "form:bob", "no filter", "“from:bob”, or “\"form:bob\"”"),
        Row("form: bob", "form: bob", "no filter", "“from:bob”"),
        Row("form:", "form:", "no filter", "“from:”"),
        Row("form: in:dev", "form:", "no filter", "“from:”"),
        Row("one -form:bob", "-form:bob", "no filter", "“-from:bob”, or “-\"form:bob\"”"),
        Row("Fromm:bob", "Fromm:bob", "no filter", "“from:bob”"),
        Row("befor:2021-01-01", "befor:2021-01-01", "no filter", "“before:2021-01-01”"),
        Row("aftre:2021", "aftre:2021", "no filter", "“after:2021”"),
        Row("verdicts:clean", "verdicts:clean", "no filter", "“verdict:clean”"),
        Row("channel:dev", "channel:dev", "no filter", "“in:dev”"),
        Row("channel:\"Town Square\"", "channel:\"Town Square\"", "no filter", "“in:\"Town Square\"”"),
        Row("user:bob", "user:bob", "no filter", "“from:bob”"),
        Row("since:2021", "since:2021", "no filter", "“after:2021”"),
        Row("tag:release", "tag:release", "no filter", "“#release”"),
    ]
}
