/// Lower-case hexadecimal (RFC 4648, section 8).
public enum Hex {
    public static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(2 * bytes.underestimatedCount)
        for byte in bytes {
            result.append(letter(byte >> 4))
            result.append(letter(byte & 15))
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func letter(_ digit: UInt8) -> UInt8 { digit < 10 ? 0x30 + digit : 0x61 + digit - 10 }

    /// - Returns: nil for an odd number of digits or any other character; both cases of letters are read.
    public static func decode(_ text: String) -> [UInt8]? {
        let digits = text.utf8.map(digit)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var result: [UInt8] = []
        for pair in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[pair], let low = digits[pair + 1] else { return nil }
            result.append(high << 4 | low)
        }
        return result
    }

    /// Whether a character is a hexadecimal digit, in either case.
    public static func isDigit(_ byte: UInt8) -> Bool { digit(byte) != nil }

    static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
