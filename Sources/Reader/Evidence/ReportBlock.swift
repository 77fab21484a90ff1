/// A piece of the report's first part, which is told twice: in HTML and in Markdown. Every text is plain text.
enum ReportBlock {
    case heading(String)
    case subheading(String)
    case paragraph(String)
    case list([String])
    case table([String], [[String]])
    /// Lines that a person types or compares.
    case code([String])

    var html: String {
        switch self {
        case .heading(let text): return "<h2>\(ReportHTML.line(text))</h2>\n"
        case .subheading(let text): return "<h3>\(ReportHTML.line(text))</h3>\n"
        case .paragraph(let text): return "<p>\(ReportHTML.line(text))</p>\n"
        case .list(let items):
            return "<ul>\n\(items.map { "<li>\(ReportHTML.line($0))</li>\n" }.joined())</ul>\n"
        case .table(let header, let rows):
            let head = header.map { "<th>\(ReportHTML.line($0))</th>" }.joined()
            let body = rows.map { row in
                "<tr>\(row.map { "<td>\(ReportHTML.line($0))</td>" }.joined())</tr>\n"
            }
            return "<table>\n<tr>\(head)</tr>\n\(body.joined())</table>\n"
        case .code(let lines):
            return "<pre class=\"code\">\n\(lines.map(ReportHTML.line).joined(separator: "\n"))</pre>\n"
        }
    }

    var markdown: String {
        let escape = MarkdownRenderer.escape
        switch self {
        case .heading(let text): return "\n## \(escape(text))\n"
        case .subheading(let text): return "\n### \(escape(text))\n"
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
