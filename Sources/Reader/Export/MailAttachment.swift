internal import Archive
internal import Bytes

/// The parts of a mail that holds files (RFC 2045 and 2046): the text as it would stand without them, then each file in
/// base64.
struct MailAttachment {
    /// What parts the parts. Nobody can write a text that holds the hash of itself.
    static func boundary(_ text: String, _ post: StoredVersion.Header) -> String {
        let seed = Array("\(post.id) \(post.sequence) \(text)".utf8)
        return "=_mmvault_\(SHA256Digest(of: seed).description.prefix(40))"
    }

    static func header(_ shown: ShownFile) -> String {
        """
        Content-Type: \(mediaType(shown.attached.mimeType))
        Content-Disposition: attachment\(parameter("filename", ExportName.component(shown.name)))
        Content-Transfer-Encoding: base64

        """
    }

    /// `type/subtype`, and never one by which a mail reader would take the file for more mail.
    private static func mediaType(_ text: String?) -> String {
        let other = "application/octet-stream"
        let type = (text ?? "").prefix { $0 != ";" }.lowercased()
        let parts = type.split(separator: "/", omittingEmptySubsequences: false)
        let isToken = { (part: Substring) in
            !part.isEmpty && part.utf8.count <= 64
                && part.utf8.allSatisfy {
                    (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || "+-._".utf8.contains($0)
                }
        }
        guard parts.count == 2, parts.allSatisfy(isToken), parts[0] != "message", parts[0] != "multipart" else {
            return other
        }
        return type
    }

    /// A parameter as RFC 2231 has it: percent-encoded UTF-8, in pieces that leave no line too long.
    private static func parameter(_ name: String, _ value: String) -> String {
        let isPlain = { (byte: UInt8) in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "-._+".utf8.contains(byte)
        }
        var pieces = [""]
        for byte in value.utf8 {
            let next = isPlain(byte) ? String(UnicodeScalar(byte)) : "%\(Hex.encode([byte]).uppercased())"
            if pieces[pieces.count - 1].utf8.count + next.utf8.count > 54 { pieces.append("") }
            pieces[pieces.count - 1] += next
        }
        guard pieces.count > 1 else { return ";\n \(name)*=UTF-8''\(pieces[0])" }
        return pieces.enumerated().map { number, piece in
            ";\n \(name)*\(number)*=\(number == 0 ? "UTF-8''" : "")\(piece)"
        }.joined()
    }

    /// The content in lines of 76 characters.
    static func write(_ content: FileContent, from store: FileStore, to file: ExportFile) throws(ArchiveError) {
        /// Bytes to a line.
        let width = 57
        var rest: [UInt8] = []
        try store.read(content.sha256) { chunk throws(ArchiveError) in
            rest += chunk
            let whole = rest.count / width * width
            writeLines(Array(rest[..<whole]), to: file)
            rest.removeFirst(whole)
        }
        writeLines(rest, to: file)
    }

    static func writeLines(_ bytes: [UInt8], to file: ExportFile) {
        let encoded = Array(Base64.standard.encode(bytes).utf8)
        for start in stride(from: 0, to: encoded.count, by: 76) {
            file.write(encoded[start..<min(start + 76, encoded.count)])
            file.write("\n")
        }
    }
}
