import TestSupport
import Testing

@testable import Bytes

struct EphemeralCipherTests {
    private static func apply(_ cipher: EphemeralCipher, _ bytes: [UInt8], at position: Int = 0) -> [UInt8] {
        var result = bytes
        result.withUnsafeMutableBytes { cipher.apply(to: $0, at: position) }
        return result
    }

    @Test func itIsWhatOpensslCallsAES256CTR() async throws {
        let text = Array("a text that is longer than two blocks of sixteen bytes".utf8)
        let hidden = Self.apply(EphemeralCipher(key: SecretBytes(Array(0..<32))), text)
        let expected = try await StockTool.run(
            "openssl",
            ["enc", "-aes-256-ctr", "-K", Hex.encode(Array(0..<32)), "-iv", String(repeating: "0", count: 32)],
            input: text)
        #expect(hidden == expected)
    }

    @Test func piecesOfAnyLengthGiveWhatTheWholeGives() {
        let text = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let cipher = EphemeralCipher()
        let whole = Self.apply(cipher, text)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var pieces: [UInt8] = []
            while pieces.count < text.count {
                let end = min(text.count, pieces.count + Int.random(in: 0...70, using: &generator))
                pieces += Self.apply(cipher, Array(text[pieces.count..<end]), at: pieces.count)
            }
            #expect(pieces == whole)
        }
        #expect(Self.apply(cipher, whole) == text)
        #expect(Self.apply(cipher, Array(whole[333...]), at: 333) == Array(text[333...]))
    }

    @Test func eachHasAKeyOfItsOwn() {
        let text = [UInt8](repeating: 0, count: 64)
        #expect(Self.apply(EphemeralCipher(), text) != Self.apply(EphemeralCipher(), text))
    }

    /// Beyond 64 GiB the number of a block is longer than 32 bits.
    @Test func aFarPositionIsAnotherOne() {
        let cipher = EphemeralCipher()
        let text = [UInt8](repeating: 0, count: 16)
        #expect(Self.apply(cipher, text, at: 1 << 36) != Self.apply(cipher, text, at: 0))
    }
}
