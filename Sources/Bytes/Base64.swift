/// Base64 (RFC 4648), strict: the alphabet's characters, full padding where the variant has it, and zero bits behind
/// the last byte. What decodes encodes again to the same characters, so no payload has two spellings.
///
/// Every message has about a thousand characters of it, so both directions work on plain buffers: a generic function
/// is not specialised for another module, and was some sixty times slower.
public struct Base64: Sendable {
    private let alphabet: [UInt8]
    /// The value of each character, 0xFF for those outside the alphabet.
    private let values: [UInt8]
    private let isPadded: Bool

    /// Section 4: `+`, `/`, padded. Everything in a message.
    public static let standard = Base64(extra: "+/", isPadded: true)
    /// Section 5 without padding: `-`, `_`. The numbers of a JWK (RFC 7517).
    public static let urlUnpadded = Base64(extra: "-_", isPadded: false)
    /// Section 4 without padding: `+`, `/`. The header of an age file (C2SP.org/age, "Conventions").
    public static let standardUnpadded = Base64(extra: "+/", isPadded: false)

    private init(extra: String, isPadded: Bool) {
        alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\(extra)".utf8)
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        self.values = values
        self.isPadded = isPadded
    }

    public func encode(_ bytes: [UInt8]) -> String { encode(bytes[...]) }

    public func encode(_ bytes: ArraySlice<UInt8>) -> String {
        let tail = bytes.count % 3
        let capacity = (bytes.count + 2) / 3 * 4
        return String(unsafeUninitializedCapacity: capacity) { output in
            alphabet.withUnsafeBufferPointer { alphabet in
                bytes.withUnsafeBufferPointer { input in
                    var read = 0
                    var written = 0
                    while read < input.count - tail {
                        let group = UInt32(input[read]) << 16 | UInt32(input[read + 1]) << 8 | UInt32(input[read + 2])
                        for place in 0..<4 { output[written + place] = alphabet[Int(group >> (18 - 6 * place) & 63)] }
                        read += 3
                        written += 4
                    }
                    guard tail > 0 else { return written }
                    let group = UInt32(input[read]) << 16 | (tail == 2 ? UInt32(input[read + 1]) << 8 : 0)
                    for place in 0...tail { output[written + place] = alphabet[Int(group >> (18 - 6 * place) & 63)] }
                    guard isPadded else { return written + tail + 1 }
                    for place in (tail + 1)..<4 { output[written + place] = UInt8(ascii: "=") }
                    return written + 4
                }
            }
        }
    }

    /// - Returns: nil for anything that `encode` would not have written.
    public func decode(_ characters: ArraySlice<UInt8>) -> [UInt8]? {
        characters.withUnsafeBufferPointer { decode($0) }
    }

    /// - Returns: nil for anything that `encode` would not have written.
    public func decode(_ characters: [UInt8]) -> [UInt8]? { decode(characters[...]) }

    /// - Returns: nil for anything that `encode` would not have written.
    public func decode(_ text: String) -> [UInt8]? { decode(Array(text.utf8)[...]) }

    /// Decodes to where a secret is kept, without a copy of it in an array.
    ///
    /// - Returns: false where the characters are not what `encode` writes for exactly as many bytes as `room` holds.
    public func decode(_ characters: ArraySlice<UInt8>, into room: UnsafeMutableRawBufferPointer) -> Bool {
        characters.withUnsafeBufferPointer { characters in
            guard let digits = digitCount(characters), digits * 3 / 4 == room.count else { return false }
            return decode(characters, digits, into: room)
        }
    }

    private func decode(_ characters: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard let digits = digitCount(characters) else { return nil }
        var isValid = false
        let result = [UInt8](unsafeUninitializedCapacity: digits * 3 / 4) { room, count in
            count = digits * 3 / 4
            let bytes = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(room)[..<count])
            isValid = decode(characters, digits, into: bytes)
        }
        return isValid ? result : nil
    }

    /// How many characters stand before the padding, or nil where there cannot be that many.
    private func digitCount(_ characters: UnsafeBufferPointer<UInt8>) -> Int? {
        var digits = characters.count
        if isPadded {
            guard digits.isMultiple(of: 4) else { return nil }
            for _ in 0..<2 where digits > 0 && characters[digits - 1] == UInt8(ascii: "=") { digits -= 1 }
        }
        return digits % 4 == 1 ? nil : digits
    }

    /// Writes all of `room`, which must have `digits * 3 / 4` bytes.
    private func decode(
        _ characters: UnsafeBufferPointer<UInt8>, _ digits: Int, into room: UnsafeMutableRawBufferPointer
    ) -> Bool {
        values.withUnsafeBufferPointer { values in
            let tail = digits % 4
            var seen: UInt8 = 0
            func value(_ position: Int) -> UInt32 {
                let value = values[Int(characters[position])]
                seen |= value
                return UInt32(value)
            }
            var read = 0
            var written = 0
            while read < digits - tail {
                let group = value(read) << 18 | value(read + 1) << 12 | value(read + 2) << 6 | value(read + 3)
                room[written] = UInt8(truncatingIfNeeded: group >> 16)
                room[written + 1] = UInt8(truncatingIfNeeded: group >> 8)
                room[written + 2] = UInt8(truncatingIfNeeded: group)
                read += 4
                written += 3
            }
            guard tail > 0 else { return seen < 64 }
            let group = value(read) << 18 | value(read + 1) << 12 | (tail == 3 ? value(read + 2) << 6 : 0)
            room[written] = UInt8(truncatingIfNeeded: group >> 16)
            if tail == 3 { room[written + 1] = UInt8(truncatingIfNeeded: group >> 8) }
            let unused: UInt32 = tail == 3 ? 0xFF : 0xFFFF
            return seen < 64 && group & unused == 0
        }
    }
}
