/// Base64 (RFC 4648), strict: the alphabet's characters, full padding where the variant has it, and zero bits behind
/// the last byte. What decodes encodes again to the same characters, so no payload has two spellings.
public struct Base64: Sendable {
    private let alphabet: [UInt8]
    private let values: [UInt8]
    private let isPadded: Bool

    /// Section 4: `+`, `/`, padded. Everything in a message.
    public static let standard = Base64(extra: "+/", isPadded: true)
    /// Section 5 without padding: `-`, `_`. The numbers of a JWK (RFC 7517).
    public static let urlUnpadded = Base64(extra: "-_", isPadded: false)

    private init(extra: String, isPadded: Bool) {
        alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\(extra)".utf8)
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        self.values = values
        self.isPadded = isPadded
    }

    public func encode(_ bytes: some Collection<UInt8>) -> String {
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        var buffer: UInt32 = 0
        var bits = 0
        for byte in bytes {
            buffer = buffer << 8 | UInt32(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                result.append(alphabet[Int(buffer >> bits & 63)])
            }
        }
        if bits > 0 { result.append(alphabet[Int(buffer << (6 - bits) & 63)]) }
        if isPadded { while !result.count.isMultiple(of: 4) { result.append(UInt8(ascii: "=")) } }
        return String(decoding: result, as: UTF8.self)
    }

    /// - Returns: nil for anything that `encode` would not have written.
    public func decode(_ characters: some Collection<UInt8>) -> [UInt8]? {
        var count = characters.count
        if isPadded {
            guard count.isMultiple(of: 4) else { return nil }
            let padding = characters.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
            count -= padding
        }
        guard count % 4 != 1 else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(count * 3 / 4)
        var buffer: UInt32 = 0
        var bits = 0
        for character in characters.prefix(count) {
            let value = values[Int(character)]
            guard value != 0xFF else { return nil }
            buffer = buffer << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                result.append(UInt8(truncatingIfNeeded: buffer >> bits))
            }
        }
        guard buffer & (1 << bits - 1) == 0 else { return nil }
        return result
    }

    public func decode(_ text: String) -> [UInt8]? { decode(Array(text.utf8)) }
}
