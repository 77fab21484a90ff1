internal import Bytes

/// As much of MIME (RFC 2045, 2046) as it takes to find a backup in a mail that was saved to a file: the texts of its
/// parts, decoded. Not a mail reader: what it does not know, it leaves as it is.
struct MailMessage {
    /// The texts of all parts that are text, plain ones before HTML, HTML without its markup.
    let texts: [String]

    /// - Returns: nil where `source` does not begin like a mail.
    init?(_ source: String) {
        var lines = source.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false)[...]
        // The line that separates mails in an mbox.
        if lines.first?.hasPrefix("From ") == true { lines = lines.dropFirst() }
        guard let headers = MailHeaders(&lines), headers.isMail else { return nil }
        let parts = MailMessage.parts(headers, lines, depth: 0)
        texts = parts.filter { !$0.isHTML }.map(\.text) + parts.filter(\.isHTML).map { HTMLText.plain($0.text) }
    }

    private typealias Part = (text: String, isHTML: Bool)

    private static func parts(_ headers: MailHeaders, _ lines: ArraySlice<Substring>, depth: Int) -> [Part] {
        let type = headers["content-type"] ?? "text/plain"
        let mediaType = type.prefix { $0 != ";" }.lowercased().filter { !$0.isWhitespace }
        if mediaType.hasPrefix("multipart/"), depth < 8, let boundary = MailHeaders.parameter("boundary", of: type) {
            let sections = lines.split(omittingEmptySubsequences: false) {
                $0 == "--\(boundary)" || $0.hasPrefix("--\(boundary) ") || $0 == "--\(boundary)--"
            }
            return sections.dropFirst().flatMap { section -> [Part] in
                var section = section
                guard let headers = MailHeaders(&section) else { return [] }
                return parts(headers, section, depth: depth + 1)
            }
        }
        guard
            mediaType.hasPrefix("text/") || mediaType == "application/pgp-encrypted"
                || mediaType.hasSuffix("octet-stream")
        else { return [] }
        let body = lines.joined(separator: "\n")
        let text =
            switch headers["content-transfer-encoding"]?.lowercased() {
            case "quoted-printable": QuotedPrintable.decode(body)
            case "base64":
                Base64.standard.decode(body.utf8.filter { $0 > 0x20 }).map { String(decoding: $0, as: UTF8.self) }
                    ?? body
            default: body
            }
        return [(text, mediaType == "text/html")]
    }
}

/// The headers of a mail or of a part, by lower-case name; folded lines are joined.
private struct MailHeaders {
    private var fields: [String: String] = [:]

    /// Takes the lines up to and with the first empty one.
    init?(_ lines: inout ArraySlice<Substring>) {
        var name: String?
        while let line = lines.popFirst() {
            if line.isEmpty { return }
            if line.first == " " || line.first == "\t" {
                guard let name else { return nil }
                fields[name, default: ""] += line
                continue
            }
            guard let colon = line.firstIndex(of: ":"), !line[..<colon].contains(where: \.isWhitespace) else {
                return nil
            }
            let lowered = line[..<colon].lowercased()
            name = lowered
            fields[lowered] = line[line.index(after: colon)...].trimmed
        }
    }

    var isMail: Bool { self["content-type"] != nil || self["from"] != nil || self["mime-version"] != nil }

    subscript(name: String) -> String? { fields[name] }

    static func parameter(_ name: String, of value: String) -> String? {
        for piece in value.split(separator: ";").dropFirst() {
            let pair = piece.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, pair[0].trimmed.lowercased() == name else { continue }
            return pair[1].trimmed.replacing("\"", with: "")
        }
        return nil
    }
}

/// Quoted-printable (RFC 2045, section 6.7).
enum QuotedPrintable {
    static func decode(_ text: String) -> String {
        let bytes = Array(text.replacing("\r\n", with: "\n").utf8)
        var result: [UInt8] = []
        var position = 0
        while position < bytes.count {
            guard bytes[position] == UInt8(ascii: "=") else {
                result.append(bytes[position])
                position += 1
                continue
            }
            if position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "\n") {
                position += 2
            } else if position + 2 < bytes.count,
                let byte = Hex.decode(String(decoding: bytes[position + 1...position + 2], as: UTF8.self))?.first
            {
                result.append(byte)
                position += 3
            } else {
                result.append(bytes[position])
                position += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// The text of an HTML page, for finding armor in it: tags dropped, the references resolved that armor can come in.
enum HTMLText {
    static func plain(_ html: String) -> String {
        var text = html
        for tag in ["<br>", "<br/>", "<br />", "</p>", "</div>"] { text = text.replacing(tag, with: "\n") }
        var result = ""
        var isInTag = false
        for character in text {
            if character == "<" { isInTag = true }
            if !isInTag { result.append(character) }
            if character == ">" { isInTag = false }
        }
        let references = [
            ("&#43;", "+"), ("&#x2b;", "+"), ("&#x2B;", "+"), ("&plus;", "+"), ("&#61;", "="), ("&#x3d;", "="),
            ("&#x3D;", "="), ("&equals;", "="), ("&#47;", "/"), ("&#x2f;", "/"), ("&#x2F;", "/"), ("&sol;", "/"),
            ("&#10;", "\n"), ("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&"),
        ]
        return references.reduce(result) { $0.replacing($1.0, with: $1.1) }
    }
}
