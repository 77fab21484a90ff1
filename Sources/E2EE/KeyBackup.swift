internal import Bytes

/// The clear-text backup: a private key's JSON in base64 cut at 60 columns, between two lines (protocol, "Keys").
public enum KeyBackup {
    public static let begin = "-----BEGIN MM E2EE PRIVATE KEY-----"
    public static let end = "-----END MM E2EE PRIVATE KEY-----"

    /// Whether `text` holds a clear-text private key, damaged or not.
    public static func isPresent(in text: String) -> Bool { text.contains(begin) }

    /// Every private key in `text`, in order. Text around the armor is ignored (people paste a whole chat message), and
    /// so is white space inside it, quotation marks of a mail at the beginning of a line included.
    ///
    /// - Throws: `KeyError`, also where there is none.
    public static func privateKeys(in text: String) throws(KeyError) -> [PrivateKey] {
        var keys: [PrivateKey] = []
        var rest = text[...]
        while let opening = rest.firstRange(of: begin) {
            rest = rest[opening.upperBound...]
            guard let closing = rest.firstRange(of: end) else { throw .armorNotClosed }
            let armored = rest[..<closing.lowerBound].utf8.filter { !isQuotationOrSpace($0) }
            guard let json = Base64.standard.decode(armored) else { throw .armorNotBase64 }
            keys.append(try PrivateKey(json: json))
            rest = rest[closing.upperBound...]
        }
        guard !keys.isEmpty else { throw .noArmor }
        return keys
    }

    /// The armor as the plugin writes it, with a final line end.
    public static func text(of key: PrivateKey) -> String {
        let base64 = Array(Base64.standard.encode(key.backupJSON()).utf8)
        let lines = stride(from: 0, to: base64.count, by: 60).map {
            String(decoding: base64[$0..<min($0 + 60, base64.count)], as: UTF8.self)
        }
        return ([begin] + lines + [end]).joined(separator: "\n") + "\n"
    }

    private static func isQuotationOrSpace(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x20, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, UInt8(ascii: ">"): true
        default: false
        }
    }
}
