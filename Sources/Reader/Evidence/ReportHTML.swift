/// HTML that stands alone: no script, no picture, nothing fetched, and every text is text.
enum ReportHTML {
    /// Foreign text for one line.
    static func line(_ text: String) -> String { escape(SafeText.line(text)) }

    /// Foreign text of several lines, for within `<pre>`.
    static func block(_ text: String) -> String { escape(SafeText.block(text)) }

    /// By scalars: a mark with an accent on it is one character, and still a mark.
    private static func escape(_ text: String) -> String {
        // An array: to append several scalars to a view copies all of it.
        var result: [Unicode.Scalar] = []
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result.append(contentsOf: "&amp;".unicodeScalars)
            case "<": result.append(contentsOf: "&lt;".unicodeScalars)
            case ">": result.append(contentsOf: "&gt;".unicodeScalars)
            case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
            case "'": result.append(contentsOf: "&#39;".unicodeScalars)
            default: result.append(scalar)
            }
        }
        return String(String.UnicodeScalarView(result))
    }

    static func head(title: String) -> String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <meta name="viewport" content="width=device-width">
        <title>\(line(title))</title>
        <style>
        \(style)
        </style>
        </head>
        <body>

        """
    }

    static let foot = "</body>\n</html>\n"

    /// Every text is isolated, so that a line which is written from right to left turns nothing around it.
    private static let style = """
        body { font: 11pt/1.45 Georgia, "DejaVu Serif", serif; color: #111; background: #fff; max-width: 46em;
          margin: 2em auto; padding: 0 1em; }
        h1, h2, h3, th, .who { font-family: "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
        h1 { font-size: 1.6em; } h2 { font-size: 1.25em; margin-top: 2em; border-bottom: 1px solid #999; }
        h3 { font-size: 1.05em; margin-top: 1.6em; }
        .wide { overflow-x: auto; } .wide + .wide { margin-top: 1em; }
        table { border-collapse: collapse; width: 100%; font-size: 0.92em; }
        th, td { text-align: left; vertical-align: top; padding: 0.25em 0.6em 0.25em 0; border-bottom: 1px solid #ccc; }
        td { min-width: 5.5em; overflow-wrap: anywhere; } td:first-child { min-width: 10em; }
        pre, code { font-family: "DejaVu Sans Mono", Consolas, monospace; font-size: 0.9em; }
        pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.3em 0; }
        pre.code { background: #f3f3f3; padding: 0.6em; }
        .post { margin: 0.9em 0; padding-left: 0.8em; border-left: 3px solid #bbb; break-inside: avoid-page; }
        .reply { margin-left: 2em; } .old { color: #555; margin-left: 2em; }
        .unverified { border-left: 3px double #a00; } .mark { color: #a00; font-weight: bold; }
        .who { font-size: 0.95em; } .facts { color: #555; font-size: 0.8em; overflow-wrap: anywhere; }
        .notice { font-style: italic; } pre, .who, td, .facts, h1, h2, h3 { unicode-bidi: isolate; }
        a { color: inherit; } :target { background: #fff3c4; }
        @media print { body { margin: 0; max-width: none; font-size: 9.5pt; } .wide { overflow-x: visible; }
          td { min-width: 4.5em; } h2, h3 { break-after: avoid; } }
        """
}
