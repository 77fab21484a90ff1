import Bytes
import Testing

@testable import E2EE

@Suite struct CounterModeTests {
    static let key: [UInt8] = (0..<16).map { UInt8($0 * 11 + 3) }
    static let lengths = [0, 1, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 100, 4099]
    /// The low half of the counter block: how far it is from its overflow.
    static let lowHalves: [UInt64] = [
        0, 1, 0xFF, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, .max - 300, .max - 3, .max - 2, .max - 1, .max,
    ]

    /// FIPS 197, appendix B.
    @Test func theReferenceGivesTheStandardsAnswer() throws {
        let key = try #require(Hex.decode("2b7e151628aed2a6abf7158809cf4f3c"))
        let block = try #require(Hex.decode("3243f6a8885a308d313198a2e0370734"))
        #expect(Hex.encode(ReferenceAES(key: key).encrypt(block)) == "3925841d02dc09fbdc118597196a0b32")
    }

    @Test(arguments: lowHalves, [UInt8(0), 0xFF])
    func onlyTheLowHalfOfTheBlockCounts(low: UInt64, high: UInt8) {
        let block = [UInt8](repeating: high, count: 8) + (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - 8 * $0)) }
        let reference = ReferenceAES(key: CounterModeTests.key)
        let secret = SecretBytes(CounterModeTests.key)
        for length in CounterModeTests.lengths {
            let text = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let encrypted = AESCounterMode.apply(key: secret, counterBlock: block, to: text)
            #expect(encrypted == reference.counterMode(block, text), "\(length) bytes")
            #expect(AESCounterMode.apply(key: secret, counterBlock: block, to: encrypted) == text, "\(length) bytes")
        }
    }
}
