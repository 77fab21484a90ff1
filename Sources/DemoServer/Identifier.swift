/// A small deterministic generator (SplitMix64): the same seed always gives the same world.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return SeededGenerator.scramble(state)
    }

    /// One step of the generator as a plain function: a well-mixed number for every input.
    static func scramble(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Mattermost's identifiers: 26 characters of z-base-32.
enum Identifier {
    private static let alphabet = Array("ybndrfg8ejkmcpqxot1uwisza345h769".utf8)

    static func make(using generator: inout SeededGenerator) -> String {
        var characters: [UInt8] = []
        while characters.count < 26 {
            // Twelve characters of five bits fit in one draw of 64.
            var bits = generator.next()
            for _ in 0..<min(12, 26 - characters.count) {
                characters.append(alphabet[Int(bits & 31)])
                bits >>= 5
            }
        }
        return String(decoding: characters, as: UTF8.self)
    }

    /// 40 hexadecimal digits, the form of a group channel's name.
    static func makeHex(using generator: inout SeededGenerator) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: (0..<40).map { _ in digits[Int(generator.next() & 15)] }, as: UTF8.self)
    }

    /// What the server accepts as an identifier: 26 ASCII letters or digits, nothing stricter.
    static func isValid(_ text: String) -> Bool {
        text.utf8.count == 26
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"):
                    true
                default: false
                }
            }
    }
}
