/// A piece of the report's first part, which is told twice: in HTML and in Markdown. Every text is plain text.
enum ReportBlock {
    case heading(String)
    /// The heading of a finding, to which posts refer by its number.
    case finding(Int, String)
    /// Posts by their ids; those that stand in the report are referred to.
    case posts(String, [String], shown: Set<String>)
    case paragraph(String)
    case list([String])
    case table([String], [[String]])
    /// Lines that a person types or compares.
    case code([String])

    /// Posts of one finding that are named.
    private static let shownPosts = 20

    private static func rest(_ ids: [String], _ shown: Set<String>) -> String {
        let more = ids.count > shownPosts ? " and \(ids.count - shownPosts) more, each of which says so" : ""
        let absent = ids.count { !shown.contains($0) }
        return more + (absent > 0 ? "; \(absent) of them were not chosen and are not in this package" : "")
    }

    var html: String {
        switch self {
        case .heading(let text): return "<h2>\(ReportHTML.line(text))</h2>\n"
        case .finding(let number, let text):
            return "<h3 id=\"finding-\(number)\">Finding \(number): \(ReportHTML.line(text))</h3>\n"
        case .posts(let label, let ids, let shown):
            let links = ids.prefix(ReportBlock.shownPosts).map { id in
                let id = ReportHTML.line(id)
                return shown.contains(id) ? "<a href=\"#post-\(id)\"><code>\(id)</code></a>" : "<code>\(id)</code>"
            }
            return "<p>\(ReportHTML.line(label)) \(links.joined(separator: ", "))\(ReportBlock.rest(ids, shown))</p>\n"
        case .paragraph(let text): return "<p>\(ReportHTML.line(text))</p>\n"
        case .list(let items):
            return "<ul>\n\(items.map { "<li>\(ReportHTML.line($0))</li>\n" }.joined())</ul>\n"
        case .table(let header, let rows):
            let head = header.map { "<th>\(ReportHTML.line($0))</th>" }.joined()
            let body = rows.map { row in
                "<tr>\(row.map { "<td>\(ReportHTML.line($0))</td>" }.joined())</tr>\n"
            }
            return "<div class=\"wide\"><table>\n<tr>\(head)</tr>\n\(body.joined())</table></div>\n"
        case .code(let lines):
            return "<pre class=\"code\">\n\(lines.map(ReportHTML.line).joined(separator: "\n"))</pre>\n"
        }
    }

    var markdown: String {
        let escape = MarkdownRenderer.escape
        switch self {
        case .heading(let text): return "\n## \(escape(text))\n"
        case .finding(let number, let text): return "\n### Finding \(number): \(escape(text))\n"
        case .posts(let label, let ids, let shown):
            let names = ids.prefix(ReportBlock.shownPosts).joined(separator: ", ")
            return "\n\(escape("\(label) \(names)\(ReportBlock.rest(ids, shown))"))\n"
        case .paragraph(let text): return "\n\(escape(text))\n"
        case .list(let items): return "\n\(items.map { "- \(escape($0))\n" }.joined())"
        case .table(let header, let rows):
            let lines = [header, header.map { _ in "---" }] + rows
            return "\n"
                + lines.enumerated().map { number, cells in
                    "| \(cells.map { number == 1 ? $0 : escape($0) }.joined(separator: " | ")) |\n"
                }.joined()
        case .code(let lines):
            return "\n```text\n\(lines.map { "\(SafeText.line($0))\n" }.joined())```\n"
        }
    }
}
