import Archive

@testable import Reader

extension SearchQuery {
    /// The query on one line: kind and value of everything in it, `-` before what is left out.
    var notation: String {
        var items = required.map(\.notation) + excluded.map { "-" + $0.notation }
        items += from.map { "from(\($0))" } + notFrom.map { "-from(\($0))" }
        items += channels.map { "in(\($0))" } + notChannels.map { "-in(\($0))" }
        if createAt != Int64.min..<Int64.max { items.append("at(\(Self.notation(createAt)))") }
        items += notCreateAt.map { "-at(\(Self.notation($0)))" }
        for (name, flag) in [("file", hasFile), ("edited", isEdited), ("deleted", isDeleted)] {
            if let flag { items.append(flag ? name : "-" + name) }
        }
        items += verdicts.map { "verdict(\($0.word))" } + notVerdicts.map { "-verdict(\($0.word))" }
        return items.joined(separator: " ")
    }

    /// The days at which a range begins and ends; nothing for an end that is open.
    private static func notation(_ range: Range<Int64>) -> String {
        func day(_ milliseconds: Int64) -> String {
            if milliseconds == .min || milliseconds == .max { return "" }
            // Of any time, also of one that no post can have.
            let time = Timestamp(milliseconds: milliseconds).iso8601
            return milliseconds % 86_400_000 == 0 ? String(time.prefix { $0 != "T" }) : time
        }
        return "\(day(range.lowerBound))..\(day(range.upperBound))"
    }
}

extension SearchQuery.Term {
    fileprivate var notation: String {
        switch self {
        case .word(let text): "word(\(text))"
        case .prefix(let text): "prefix(\(text))"
        case .phrase(let text): "phrase(\(text))"
        case .tag(let text): "tag(\(text))"
        }
    }
}
