internal import Archive

/// What is known of a channel over time, for the head of its Markdown file. It is kept short: the manifest has all of it.
enum MarkdownHead {
    /// How many texts or people are named in one place.
    private static let patience = 20

    /// One a line, in Markdown.
    static func lines(_ past: ChannelPast, _ people: ExportPeople) -> [String] {
        let texts = [("header", past.headers), ("purpose", past.purposes)].flatMap { lines($0, $1) }
        return texts + [members(past, people)].filter { !$0.isEmpty }
    }

    /// The newest first.
    private static func lines(_ name: String, _ texts: [ChannelPast.Text]) -> [String] {
        let shown = texts.suffix(patience).reversed().map { text in
            let when =
                text.until.map { "seen \(text.since.date), no longer on \($0.date)" } ?? "seen since \(text.since.date)"
            return "\(name) (\(when)): \(MarkdownRenderer.escape(text.text))"
        }
        return shown + rest(texts.count, "\(name)s")
    }

    private static func members(_ past: ChannelPast, _ people: ExportPeople) -> String {
        let shown = past.members.prefix(patience).map { member in
            let left = member.left.map { ", no longer on \($0.date)" } ?? ""
            return "@\(MarkdownRenderer.escape(people.shownUsername(member.userID))) (seen \(member.since.date)\(left))"
        }
        guard !shown.isEmpty else { return "" }
        return "members: \((shown + rest(past.members.count, "")).joined(separator: ", "))"
    }

    private static func rest(_ count: Int, _ what: String) -> [String] {
        let words = what.isEmpty ? "more" : "more \(what)"
        return count > patience ? ["\(count - patience) \(words) in manifest.json"] : []
    }
}
