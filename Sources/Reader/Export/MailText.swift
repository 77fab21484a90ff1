internal import Bytes

/// The pieces of a mail's header (RFC 5322) that hold foreign text. None of them can end a line or begin another header.
enum MailText {
    /// Free text, as in `Subject`: as it is where it is ASCII, otherwise in encoded words (RFC 2047).
    static func unstructured(_ text: String) -> String {
        let safe = SafeText.line(text)
        // What looks like an encoded word would be decoded by whoever reads it.
        let isPlain = safe.utf8.allSatisfy { $0 < 0x7F } && safe.utf8.count <= 900 && !safe.contains("=?")
        return isPlain ? safe : encodedWords(safe)
    }

    /// A name, as in `From` and `List-Id`: quoted, or in encoded words.
    static func phrase(_ text: String) -> String {
        let safe = SafeText.line(text)
        let isFree = !safe.utf8.contains { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\"") }
        let escaped = isFree ? safe : safe.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        let quoted = "\"\(escaped)\""
        // An address or another name follows on the same line, which takes 998 bytes.
        let isPlain = safe.utf8.allSatisfy { $0 < 0x7F } && quoted.utf8.count <= 400 && !safe.contains("=?")
        return isPlain ? quoted : encodedWords(safe)
    }

    /// One word of letters, digits, dots, hyphens and underscores, for addresses and ids.
    static func atom(_ text: String) -> String {
        // Every id, and nearly every name.
        if !text.isEmpty, text.utf8.count <= 64,
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) })
        {
            return text
        }
        let kept = text.lowercased().unicodeScalars.map { scalar in
            scalar.isASCII
                && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                    || "-_".unicodeScalars.contains(scalar) || scalar == ".")
                ? Character(scalar) : "_"
        }
        // Dots stand between other characters only (RFC 5322, section 3.2.3).
        let word = String(kept.prefix(64)).split(separator: ".").joined(separator: ".")
        return word.isEmpty ? "_" : word
    }

    /// Base64 encoded words of at most 75 characters, none of which splits a character, one a line.
    private static func encodedWords(_ text: String) -> String {
        var words: [String] = []
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            let next = Array(String(scalar).utf8)
            if bytes.count + next.count > 45 {
                words.append("=?UTF-8?B?\(Base64.standard.encode(bytes))?=")
                bytes = []
            }
            bytes += next
        }
        if !bytes.isEmpty || words.isEmpty { words.append("=?UTF-8?B?\(Base64.standard.encode(bytes))?=") }
        return words.joined(separator: "\n ")
    }
}
