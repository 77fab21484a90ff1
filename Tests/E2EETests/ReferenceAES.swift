/// AES-128 (FIPS 197) written from the standard, slowly and with nothing of libcrypto: what the counter mode is held to.
struct ReferenceAES {
    private let roundKeys: [[UInt8]]

    private static let sBox: [UInt8] = (0...255).map { value in
        // The inverse in GF(2^8) by trial, then the affine map of section 5.1.1.
        let value = UInt8(value)
        let inverse = (0...255).map { UInt8($0) }.first { multiply($0, value) == 1 } ?? 0
        let turned = (1...4).reduce(inverse) { $0 ^ (inverse << $1 | inverse >> (8 - $1)) }
        return turned ^ 0x63
    }

    init(key: [UInt8]) {
        var words = stride(from: 0, to: 16, by: 4).map { Array(key[$0..<$0 + 4]) }
        var constant: UInt8 = 1
        for index in 4..<44 {
            var word = words[index - 1]
            if index.isMultiple(of: 4) {
                word = [word[1], word[2], word[3], word[0]].map { ReferenceAES.sBox[Int($0)] }
                word[0] ^= constant
                constant = ReferenceAES.multiply(constant, 2)
            }
            words.append(zip(words[index - 4], word).map { $0 ^ $1 })
        }
        roundKeys = stride(from: 0, to: 44, by: 4).map { Array(words[$0..<$0 + 4].joined()) }
    }

    func encrypt(_ block: [UInt8]) -> [UInt8] {
        var state = zip(block, roundKeys[0]).map { $0 ^ $1 }
        for round in 1...10 {
            let substituted = state.map { ReferenceAES.sBox[Int($0)] }
            // Byte `row + 4 * column`; row r moves r columns to the left.
            let shifted = (0..<16).map { substituted[($0 + 4 * ($0 % 4)) % 16] }
            let mixed = round == 10 ? shifted : ReferenceAES.mixColumns(shifted)
            state = zip(mixed, roundKeys[round]).map { $0 ^ $1 }
        }
        return state
    }

    /// Counter mode as the protocol has it: the low 64 bits count, the high 64 bits stay.
    func counterMode(_ block: [UInt8], _ text: [UInt8]) -> [UInt8] {
        var counter = block[8...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        var result: [UInt8] = []
        for start in stride(from: 0, to: text.count, by: 16) {
            let low = (0..<8).map { UInt8(truncatingIfNeeded: counter >> (56 - 8 * $0)) }
            let pad = encrypt(block[..<8] + low)
            result += zip(text[start..<min(start + 16, text.count)], pad).map { $0 ^ $1 }
            counter &+= 1
        }
        return result
    }

    private static func mixColumns(_ state: [UInt8]) -> [UInt8] {
        (0..<16).map { place in
            let column = place / 4 * 4
            let row = place % 4
            return multiply(state[column + row], 2) ^ multiply(state[column + (row + 1) % 4], 3)
                ^ state[column + (row + 2) % 4] ^ state[column + (row + 3) % 4]
        }
    }

    private static func multiply(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var (left, right, product) = (left, right, UInt8(0))
        while right > 0 {
            if right & 1 == 1 { product ^= left }
            left = left << 1 ^ (left & 0x80 == 0 ? 0 : 0x1B)
            right >>= 1
        }
        return product
    }
}
