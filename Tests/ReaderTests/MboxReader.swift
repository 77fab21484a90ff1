import Bytes

/// A reader of mboxrd that knows nothing of the writer: what docs/exports.md says, taken literally.
struct MboxReader {
    struct Message {
        let envelope: String
        /// Lines as they stand there, folded ones joined by LF.
        var headers: [(name: String, value: String)] = []
        var body: [UInt8] = []

        func all(_ name: String) -> [String] { headers.filter { $0.name == name }.map(\.value) }

        subscript(name: String) -> String? { all(name).first }

        /// The text: the body without its last LF and one `>` less, or what the base64 says.
        var text: [UInt8]? {
            if self["Content-Transfer-Encoding"] == "base64" {
                return Base64.standard.decode(body.filter { $0 != 0x0A })
            }
            guard body.last == 0x0A else { return nil }
            let lines = body.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
            return Array(
                lines.map { line -> ArraySlice<UInt8> in
                    let rest = line.drop { $0 == UInt8(ascii: ">") }
                    return line.first == UInt8(ascii: ">") && rest.starts(with: "From ".utf8) ? line.dropFirst() : line
                }.joined(separator: [0x0A]))
        }
    }

    private(set) var messages: [Message] = []
    /// What is no mbox: lines before the first message, headers without a colon.
    private(set) var complaints: [String] = []

    init(_ bytes: [UInt8]) {
        var isHeader = false
        var blank = true
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast()
        for line in lines {
            if line.starts(with: "From ".utf8) {
                if !blank { complaints.append("no empty line before a message") }
                endMessage()
                messages.append(Message(envelope: String(decoding: line, as: UTF8.self)))
                isHeader = true
                continue
            }
            guard !messages.isEmpty else {
                complaints.append("a line before the first message")
                continue
            }
            let last = messages.count - 1
            blank = line.isEmpty
            if !isHeader {
                messages[last].body += line + [0x0A]
            } else if line.isEmpty {
                isHeader = false
            } else {
                addHeader(String(decoding: line, as: UTF8.self), to: last)
            }
        }
        if bytes.last != 0x0A, !bytes.isEmpty { complaints.append("no line end at the end") }
        endMessage()
    }

    private mutating func addHeader(_ line: String, to index: Int) {
        if line.utf8.count > 998 { complaints.append("a header line of \(line.utf8.count) bytes") }
        if !line.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { complaints.append("not ASCII: \(line)") }
        if line.hasPrefix(" "), !messages[index].headers.isEmpty {
            messages[index].headers[messages[index].headers.count - 1].value += "\n\(line)"
        } else if let colon = line.firstRange(of: ": ") {
            messages[index].headers.append(
                (String(line[..<colon.lowerBound]), String(line[colon.upperBound...])))
        } else {
            complaints.append("no header: \(line)")
        }
    }

    /// Each message has an empty line behind it.
    private mutating func endMessage() {
        guard let last = messages.indices.last else { return }
        if messages[last].body.last == 0x0A {
            messages[last].body.removeLast()
        } else {
            complaints.append("a message without an empty line behind it")
        }
    }

    /// What a header means to a mail reader: encoded words decoded, folds taken out, quotes too.
    static func decoded(_ value: String, complaints: inout [String]) -> String {
        var bytes: [UInt8] = []
        let words = value.split(separator: "\n ", omittingEmptySubsequences: false).map(String.init)
        for word in words {
            if word.hasPrefix("=?UTF-8?B?"), word.hasSuffix("?="),
                let data = Base64.standard.decode(
                    String(word.dropFirst(10).dropLast(2)))
            {
                if word.utf8.count > 75 { complaints.append("an encoded word of \(word.utf8.count) characters") }
                if String(validating: data, as: UTF8.self) == nil { complaints.append("a word splits a character") }
                bytes += data
            } else {
                if word.contains("=?") { complaints.append("half an encoded word: \(word)") }
                bytes += word.utf8
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The same for a name, which may stand in quotes.
    static func unquoted(_ value: String, complaints: inout [String]) -> String {
        let text = decoded(value, complaints: &complaints)
        guard value.hasPrefix("\"") else { return text }
        if !value.hasSuffix("\"") || value.utf8.count < 2 { complaints.append("an open quote: \(value)") }
        var result = ""
        var isEscaped = false
        for character in text.dropFirst().dropLast() {
            if character == "\\", !isEscaped {
                isEscaped = true
                continue
            }
            if character == "\"", !isEscaped { complaints.append("a quote that ends early: \(value)") }
            isEscaped = false
            result.append(character)
        }
        if isEscaped { complaints.append("the end is escaped: \(value)") }
        return result
    }
}
