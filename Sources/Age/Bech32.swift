internal import Bytes

/// Bech32 (BIP 173) without its limit on the length, as C2SP.org/age has it. Strict: the case of the prefix is the case
/// of the whole, and what decodes encodes again to the same characters.
///
/// Works on arrays, which the caller can wipe where they hold a key.
enum Bech32 {
    private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)
    private static let checksumLength = 6
    /// The separator, which the alphabet does not have.
    private static let separator = UInt8(ascii: "1")

    static func encode(_ bytes: [UInt8], prefix: StaticString) -> [UInt8] {
        var digits = regroup(bytes, from: 8, to: 5)
        defer { wipe(&digits) }
        let isUpper = isUpperCase(prefix)
        let check = polymod(prefix, digits[...], [UInt8](repeating: 0, count: checksumLength)) ^ 1
        var text: [UInt8] = []
        text.reserveCapacity(prefix.utf8CodeUnitCount + 1 + digits.count + checksumLength)
        text += characters(of: prefix)
        text.append(separator)
        for digit in digits { text.append(character(digit, isUpper)) }
        for place in 0..<checksumLength {
            text.append(character(UInt8(truncatingIfNeeded: check >> (5 * (5 - place)) & 31), isUpper))
        }
        return text
    }

    /// - Returns: nil for anything that `encode` would not have written with this prefix.
    static func decode(_ text: [UInt8], prefix: StaticString) -> [UInt8]? {
        let start = prefix.utf8CodeUnitCount + 1
        guard text.count >= start + checksumLength, text.starts(with: characters(of: prefix)),
            text[start - 1] == separator
        else { return nil }
        let isUpper = isUpperCase(prefix)
        var digits: [UInt8] = []
        digits.reserveCapacity(text.count - start)
        defer { wipe(&digits) }
        for character in text[start...] {
            guard let digit = digit(character, isUpper) else { return nil }
            digits.append(digit)
        }
        guard polymod(prefix, digits[...], []) == 1 else { return nil }
        digits.removeLast(checksumLength)
        // The bits behind the last byte are fewer than a digit, and zero.
        let unused = digits.count * 5 % 8
        guard unused < 5, digits.isEmpty || digits[digits.count - 1] & (1 << unused - 1) == 0 else { return nil }
        return regroup(digits, from: 5, to: 8)
    }

    private static func characters(of prefix: StaticString) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)
    }

    private static func isUpperCase(_ prefix: StaticString) -> Bool {
        characters(of: prefix).contains { (0x41...0x5A).contains($0) }
    }

    private static func character(_ digit: UInt8, _ isUpper: Bool) -> UInt8 {
        let character = alphabet[Int(digit)]
        return isUpper && character >= 0x61 ? character - 0x20 : character
    }

    private static func digit(_ character: UInt8, _ isUpper: Bool) -> UInt8? {
        let letters: ClosedRange<UInt8> = isUpper ? 0x41...0x5A : 0x61...0x7A
        guard (0x30...0x39).contains(character) || letters.contains(character) else { return nil }
        return alphabet.firstIndex(of: isUpper && character >= 0x41 ? character + 0x20 : character).map { UInt8($0) }
    }

    /// Whole groups of `to` bits; what is left over is filled with zeros going to fewer bits, dropped going to more.
    private static func regroup(_ values: [UInt8], from: Int, to: Int) -> [UInt8] {
        var result: [UInt8] = []
        // No regrowth, which would leave copies behind that nothing wipes.
        result.reserveCapacity(values.count * from / to + 1)
        var (bits, held): (UInt32, Int) = (0, 0)
        for value in values {
            bits = bits << from | UInt32(value)
            held += from
            while held >= to {
                held -= to
                result.append(UInt8(truncatingIfNeeded: bits >> held & (1 << to - 1)))
            }
        }
        if held > 0, to < from { result.append(UInt8(truncatingIfNeeded: bits << (to - held) & (1 << to - 1))) }
        return result
    }

    /// The checksum's state behind the prefix in lower case and the digits (BIP 173, "Checksum"): 1 for a valid text.
    private static func polymod(_ prefix: StaticString, _ digits: ArraySlice<UInt8>, _ zeros: [UInt8]) -> UInt32 {
        let generator: [UInt32] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3]
        var state: UInt32 = 1
        func feed(_ value: UInt8) {
            let top = state >> 25
            state = (state & 0x1FF_FFFF) << 5 ^ UInt32(value)
            for bit in 0..<5 where top >> bit & 1 == 1 { state ^= generator[bit] }
        }
        // 0x20 turns upper case to lower, and is set already in the digits and the hyphen.
        for character in characters(of: prefix) { feed((character | 0x20) >> 5) }
        feed(0)
        for character in characters(of: prefix) { feed((character | 0x20) & 31) }
        for digit in digits { feed(digit) }
        for zero in zeros { feed(zero) }
        return state
    }
}
