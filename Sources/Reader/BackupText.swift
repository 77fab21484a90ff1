internal import E2EE

/// Finds the backups of private keys in whatever people have them in: the armor itself, a chat message around it, the
/// server's mail as a mail client saves it, a page.
struct BackupText {
    enum Found: Equatable {
        /// A text that holds one clear-text private key.
        case clearText(String)
        /// An OpenPGP message, armored or binary, that should hold one.
        case openPGP([UInt8])
    }

    static let begin = "-----BEGIN PGP MESSAGE-----"
    static let end = "-----END PGP MESSAGE-----"

    /// Everything in `bytes` that looks like a backup, each once; empty where there is nothing.
    static func find(in bytes: [UInt8]) -> [Found] {
        // Binary OpenPGP begins with a byte whose high bit is set (RFC 9580, section 4.2). So may a text, in another
        // script or with a quotation mark; but encrypted bytes are never UTF-8.
        if let first = bytes.first, first & 0x80 != 0, !bytes.starts(with: [0xEF, 0xBB, 0xBF]),
            String(validating: bytes, as: UTF8.self) == nil
        {
            return [.openPGP(bytes)]
        }
        let whole = String(decoding: bytes, as: UTF8.self)
        var found = search(MailMessage(whole)?.texts ?? [])
        if found.isEmpty { found = search([whole]) }
        guard found.isEmpty || found.contains(where: isEncoded) else { return found }
        // The source of a page, or of a mail without its beginning; or of a page in such a mail.
        let quoted = QuotedPrintable.decode(whole)
        for text in [quoted, HTMLText.plain(whole), HTMLText.plain(quoted)] {
            let decoded = search([text])
            if !decoded.isEmpty, !decoded.contains(where: isEncoded) { return decoded }
            if found.isEmpty { found = decoded }
        }
        return found
    }

    private static func search(_ texts: [String]) -> [Found] {
        var found: [Found] = []
        for text in texts {
            var here = KeyBackup.armors(in: text).map { Found.clearText($0 + "\n") }
            var rest = text[...]
            while let opening = rest.firstRange(of: begin) {
                let after = rest[opening.lowerBound...]
                guard let closing = after.firstRange(of: end) else { break }
                // One that was cut has no end of its own.
                var armored = after[..<closing.upperBound]
                while let next = armored.dropFirst().firstRange(of: begin) { armored = armored[next.lowerBound...] }
                let lines = armored.split(
                    omittingEmptySubsequences: false, whereSeparator: \.isNewline)
                let armor = lines.map(withoutQuotation).joined(separator: "\n") + "\n"
                here.append(.openPGP(Array(armor.utf8)))
                rest = after[closing.upperBound...]
            }
            for item in here where !found.contains(item) { found.append(item) }
        }
        return found
    }

    /// Whether the armor still carries the `=3D` of quoted-printable, or what HTML is made of; no base64 does.
    private static func isEncoded(_ found: Found) -> Bool {
        guard case .openPGP(let bytes) = found else { return false }
        let text = String(decoding: bytes, as: UTF8.self)
        return text.contains("=3D") || text.contains("<") || text.contains("&")
    }

    /// A line of armor without the marks that a reply puts before it and the spaces that come with copying.
    private static func withoutQuotation(_ line: Substring) -> String {
        var rest = line
        while let first = rest.first, first == ">" || first.isWhitespace { rest = rest.dropFirst() }
        return rest.trimmed
    }
}
