internal import Bytes

/// The clear-text backup: a private key's JSON in base64 cut at 60 columns, between two lines (protocol, "Keys").
public enum KeyBackup {
    public static let begin = "-----BEGIN MM E2EE PRIVATE KEY-----"
    public static let end = "-----END MM E2EE PRIVATE KEY-----"

    /// The pieces of `text` that each hold one clear-text private key, damaged or not: from the line that begins it to
    /// the one that ends it, or to the next beginning, or to the end.
    public static func armors(in text: String) -> [String] {
        let bytes = Array(text.utf8)
        var armors: [String] = []
        var opening = bytes.firstRange(of: begin, from: 0)
        while let start = opening {
            let next = bytes.firstRange(of: begin, from: start.upperBound)
            let limit = next?.lowerBound ?? bytes.count
            let closing = bytes[..<limit].firstRange(of: end, from: start.upperBound)?.upperBound ?? limit
            armors.append(String(decoding: bytes[start.lowerBound..<closing], as: UTF8.self))
            opening = next
        }
        return armors
    }

    /// Every private key in `text`, in order. Text around the armor is ignored (people paste a whole chat message), and
    /// so is white space inside it, quotation marks of a mail at the beginning of a line included.
    ///
    /// Works on bytes: to Swift's characters, an armor line with a combining mark behind it is another line.
    ///
    /// - Throws: `KeyError`, also where there is none.
    public static func privateKeys(in text: String) throws(KeyError) -> [PrivateKey] {
        var bytes = Array(text.utf8)
        defer { wipe(&bytes) }
        return try privateKeys(in: bytes)
    }

    /// As above, for a caller that can wipe what it read: a `String` cannot be wiped.
    public static func privateKeys(in text: [UInt8]) throws(KeyError) -> [PrivateKey] {
        var keys: [PrivateKey] = []
        var position = 0
        while let opening = text.firstRange(of: begin, from: position) {
            guard let closing = text.firstRange(of: end, from: opening.upperBound) else { throw .armorNotClosed }
            keys.append(try privateKey(armored: text[opening.upperBound..<closing.lowerBound]))
            position = closing.upperBound
        }
        guard !keys.isEmpty else { throw .noArmor }
        return keys
    }

    private static func privateKey(armored text: ArraySlice<UInt8>) throws(KeyError) -> PrivateKey {
        var base64: [UInt8] = []
        // No regrowth, which would leave copies behind that nothing wipes.
        base64.reserveCapacity(text.count)
        defer { wipe(&base64) }
        for byte in text where !isQuotationOrSpace(byte) { base64.append(byte) }
        guard var json = Base64.standard.decode(base64) else { throw .armorNotBase64 }
        defer { wipe(&json) }
        return try PrivateKey(json: json)
    }

    /// The armor as the plugin's client writes it, with a final line end, which the client leaves out. It is the key in
    /// clear, in a string that cannot be wiped: only for a command whose purpose is to hand it out.
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

extension RandomAccessCollection<UInt8> where Index == Int {
    /// Where `line` stands first at or behind `start`.
    fileprivate func firstRange(of line: String, from start: Int) -> Range<Int>? {
        let length = line.utf8.count
        guard endIndex - start >= length else { return nil }
        for place in start...(endIndex - length) where self[place..<(place + length)].elementsEqual(line.utf8) {
            return place..<(place + length)
        }
        return nil
    }
}
