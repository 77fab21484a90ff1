import Archive
import Testing

@testable import Reader

@Suite("SearchQuery")
struct SearchQueryTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let text, meaning: String
        init(_ text: String, _ meaning: String) { (self.text, self.meaning) = (text, meaning) }
        var testDescription: String { text }
    }

    /// 2026-11-23, 08:31 UTC.
    private let today = Timestamp(milliseconds: 1_795_422_660_000)

    @Test("words, phrases, prefixes and tags are what is to be found", arguments: termRows)
    func terms(_ row: Row) throws {
        #expect(try SearchQuery(row.text, today: today).notation == row.meaning)
    }

    @Test("a dash directly before a part leaves it out", arguments: exclusionRows)
    func exclusions(_ row: Row) throws {
        #expect(try SearchQuery(row.text, today: today).notation == row.meaning)
    }

    @Test("a filter's name and a colon ask for other things than text", arguments: filterRows)
    func filters(_ row: Row) throws {
        #expect(try SearchQuery(row.text, today: today).notation == row.meaning)
    }

    @Test("dates are days, months or years in UTC, and narrow each other", arguments: dateRows)
    func dates(_ row: Row) throws {
        #expect(try SearchQuery(row.text, today: today).notation == row.meaning)
    }

    @Test("what people paste means what it shows", arguments: pastedRows)
    func pasted(_ row: Row) throws {
        #expect(try SearchQuery(row.text, today: today).notation == row.meaning)
    }

    @Test("every word for a verdict is known, in capitals or not", arguments: VerdictWord.allCases)
    func verdictWords(_ word: VerdictWord) throws {
        for spelling in [word.word, word.word.uppercased(), word.word.lowercased()] {
            #expect(try SearchQuery("verdict:\(spelling)", today: today).verdicts == [word])
        }
    }

    private static let termRows: [Row] = [
        Row("release", "word(release)"),
        Row("release notes", "word(release) word(notes)"),
        Row("Release NOTES", "word(Release) word(NOTES)"),
        Row("release release", "word(release) word(release)"),
        Row("\"release notes\"", "phrase(release notes)"),
        Row("\"one\" two \"three four\"", "phrase(one) word(two) phrase(three four)"),
        Row("\"-word from:bob #tag rel*\"", "phrase(-word from:bob #tag rel*)"),
        Row("say\"hi there\"now", "word(say) phrase(hi there) word(now)"),
        Row("rel*", "prefix(rel)"),
        Row("rel* note*", "prefix(rel) prefix(note)"),
        Row("日本*", "prefix(日本)"),
        Row("e\u{301}te\u{301}*", "prefix(e\u{301}te\u{301})"),
        Row("#release", "tag(release)"),
        Row("#release-2.0_rc", "tag(release-2.0_rc)"),
        Row("#release,", "tag(release)"),
        Row("#release-.", "tag(release)"),
        Row("#2026q4", "tag(2026q4)"),
        Row("#été", "tag(été)"),
        Row("#C#", "tag(C)"),
        Row("#1", "word(#1)"),
        Row("C#", "word(C#)"),
        Row("#one,two", "word(#one,two)"),
        Row("#1*", "prefix(#1)"),
        Row("12:30", "word(12:30)"),
        Row("https://example.org/x?a=b", "word(https://example.org/x?a=b)"),
        Row("in://x", "word(in://x)"),
        Row("C:\\dir", "word(C:\\dir)"),
        Row("TODO:", "word(TODO:)"),
        Row("TODO: write", "word(TODO:) word(write)"),
        Row("foo:bar", "word(foo:bar)"),
        Row("std::vector", "word(std::vector)"),
        Row(":smile:", "word(:smile:)"),
        Row("hash:abc no:5 an:x", "word(hash:abc) word(no:5) word(an:x)"),
        Row("re:from:bob", "word(re:from:bob)"),
        Row("well-known", "word(well-known)"),
        Row("don't stop", "word(don't) word(stop)"),
        Row("a@b.example", "word(a@b.example)"),
        Row("@bob", "word(@bob)"),
        Row("R & D", "word(R) word(D)"),
        Row("wait ... what", "word(wait) word(what)"),
        Row("🎉", "word(🎉)"),
        Row("❤\u{FE0F}", "word(❤\u{FE0F})"),
        Row("👩\u{200D}👩\u{200D}👧", "word(👩\u{200D}👩\u{200D}👧)"),
        Row("\"🎉🎉\"", "phrase(🎉🎉)"),
        Row("日本語", "word(日本語)"),
        Row("עברית عربی", "word(עברית) word(عربی)"),
        Row("½ Ⅷ ٣", "word(½) word(Ⅷ) word(٣)"),
    ]

    private static let exclusionRows: [Row] = [
        Row("one -two", "word(one) -word(two)"),
        Row("-two one", "word(one) -word(two)"),
        Row("one -\"two three\"", "word(one) -phrase(two three)"),
        Row("one -two*", "word(one) -prefix(two)"),
        Row("one -#two", "word(one) -tag(two)"),
        Row("one -5", "word(one) -word(5)"),
        Row("one -https://example.org", "word(one) -word(https://example.org)"),
        Row("-two from:bob", "-word(two) from(bob)"),
        Row("-two has:file", "-word(two) file"),
        Row("\"well known\"-ish", "phrase(well known) word(-ish)"),
        Row("one \u{2013}two", "word(one) -word(two)"),
        Row("one \u{2212}\u{201C}two three\u{201D}", "word(one) -phrase(two three)"),
        Row("one \u{2011}#two", "word(one) -tag(two)"),
        Row("one \u{2013}from:bob", "word(one) -from(bob)"),
        Row("one \u{2013} two", "word(one) word(two)"),
        Row("one \u{2212}5", "word(one) word(\u{2212}5)"),
        Row("one \u{2014}two", "word(one) word(\u{2014}two)"),
        Row("2020\u{2013}2021", "word(2020\u{2013}2021)"),
    ]

    private static let filterRows: [Row] = [
        Row("from:bob", "from(bob)"),
        Row("from:@bob", "from(bob)"),
        Row("from:\"@bob\"", "from(bob)"),
        Row("from:@\"bob\"", "from(bob)"),
        Row("from: bob", "from(bob)"),
        Row("FROM:Bob", "from(Bob)"),
        Row("from:me", "from(me)"),
        Row("from:bob from:anna", "from(bob) from(anna)"),
        Row("from:bob:remote", "from(bob:remote)"),
        Row("from:\"in:x\"", "from(in:x)"),
        Row("one -from:bob", "word(one) -from(bob)"),
        Row("one -from: bob", "word(one) -from(bob)"),
        Row("from:anna -from:bob", "from(anna) -from(bob)"),
        Row("in:town-square", "in(town-square)"),
        Row("in:~town-square", "in(town-square)"),
        Row("in:@bob", "in(@bob)"),
        Row("in:\"Town Square\"", "in(Town Square)"),
        Row("in: \"Town Square\" one", "word(one) in(Town Square)"),
        Row("in:a in:b -in:c one", "word(one) in(a) in(b) -in(c)"),
        Row("has:file", "file"),
        Row("Has:File", "file"),
        Row("has:file has:file", "file"),
        Row("one -has:file", "word(one) -file"),
        Row("is:edited", "edited"),
        Row("is:deleted", "deleted"),
        Row("is:edited -is:deleted has:file", "file edited -deleted"),
        Row("verdict:signatureinvalid", "verdict(signatureInvalid)"),
        Row("verdict:clean verdict:notForUs", "verdict(clean) verdict(notForUs)"),
        Row("verdict:UNCLEAN -verdict:plain", "verdict(unclean) -verdict(plain)"),
        Row(
            "from:bob in:dev \"code review\" rel* #x -y",
            "phrase(code review) prefix(rel) tag(x) -word(y) from(bob) in(dev)"),
    ]

    private static let dateRows: [Row] = [
        Row("on:2026-11-23", "at(2026-11-23..2026-11-24)"),
        Row("on:2026-1-5", "at(2026-01-05..2026-01-06)"),
        Row("on:2026\u{2013}11\u{2013}23", "at(2026-11-23..2026-11-24)"),
        Row("on:\"2026-11-23\"", "at(2026-11-23..2026-11-24)"),
        Row("on: 2026-11-23", "at(2026-11-23..2026-11-24)"),
        Row("on:2026-11", "at(2026-11-01..2026-12-01)"),
        Row("on:2026-12", "at(2026-12-01..2027-01-01)"),
        Row("on:2026", "at(2026-01-01..2027-01-01)"),
        Row("on:2024-02", "at(2024-02-01..2024-03-01)"),
        Row("on:2023-02", "at(2023-02-01..2023-03-01)"),
        Row("on:2024-02-29", "at(2024-02-29..2024-03-01)"),
        Row("on:9999", "at(9999-01-01..10000-01-01)"),
        Row("on:today", "at(2026-11-23..2026-11-24)"),
        Row("on:Yesterday", "at(2026-11-22..2026-11-23)"),
        Row("before:2021-01-01", "at(..2021-01-01)"),
        Row("before:2021", "at(..2021-01-01)"),
        Row("before:0001", "at(..0001-01-01)"),
        Row("after:2021-01-01", "at(2021-01-02..)"),
        Row("after:2021-02", "at(2021-03-01..)"),
        Row("after:2021", "at(2022-01-01..)"),
        Row("after:yesterday", "at(2026-11-23..)"),
        Row("after:2020 before:2022", "at(2021-01-01..2022-01-01)"),
        Row("before:2022 after:2020", "at(2021-01-01..2022-01-01)"),
        Row("after:2019 after:2020 before:2023 before:2022", "at(2021-01-01..2022-01-01)"),
        Row("on:2021 on:2021-03", "at(2021-03-01..2021-04-01)"),
        Row("one -before:2021", "word(one) at(2021-01-01..)"),
        Row("one -after:2021", "word(one) at(..2022-01-01)"),
        Row("one -on:2021-03-04", "word(one) -at(2021-03-04..2021-03-05)"),
        Row("on:2021 -on:2021-03", "at(2021-01-01..2022-01-01) -at(2021-03-01..2021-04-01)"),
    ]

    private static let pastedRows: [Row] = [
        Row("\u{201C}release notes\u{201D}", "phrase(release notes)"),
        Row("\u{201E}release notes\u{201C}", "phrase(release notes)"),
        Row("\u{201D}release notes\u{201D}", "phrase(release notes)"),
        Row("\u{AB}release notes\u{BB}", "phrase(release notes)"),
        Row("\u{BB}release notes\u{AB}", "phrase(release notes)"),
        Row("\u{FF02}release notes\u{FF02}", "phrase(release notes)"),
        Row("\"the \u{201C}big\u{201D} one\"", "phrase(the \u{201C}big\u{201D} one)"),
        Row("in:\u{201C}Town Square\u{201D}", "in(Town Square)"),
        Row("from\u{FF1A}bob", "from(bob)"),
        Row("from\u{FF1A}\u{FF20}bob", "from(bob)"),
        Row("\u{6642}\u{FF1A}x", "word(\u{6642}\u{FF1A}x)"),
        Row("one\u{3000}two", "word(one) word(two)"),
        Row("one\u{A0}two\u{2028}three\tfour\r\nfive", "word(one) word(two) word(three) word(four) word(five)"),
        Row("\u{FEFF}from:bob\u{200B}", "from(bob)"),
        Row("one\u{0}two\u{1B}three", "word(one) word(two) word(three)"),
        Row("\"one\u{A0}  two\"", "phrase(one two)"),
        Row("\"\u{301}one\"\u{301}", "phrase(\u{301}one)"),
    ]
}
