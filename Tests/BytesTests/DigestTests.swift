import Testing

@testable import Bytes

@Suite struct HexTests {
    @Test func everyByteSurvives() {
        let all = Array(UInt8.min...UInt8.max)
        #expect(Hex.decode(Hex.encode(all)) == all)
        #expect(Hex.decode(Hex.encode(all).uppercased()) == all)
        #expect(Hex.encode([0x00, 0x0F, 0xA5, 0xFF]) == "000fa5ff")
        #expect(Hex.encode([]) == "")
        #expect(Hex.decode("") == [])
    }

    @Test(arguments: ["0", "abc", "0g", "g0", " 00", "0 ", "0x00", "00\n", "é", "٠٠", "００"])
    func anythingElseIsRefused(text: String) { #expect(Hex.decode(text) == nil) }
}

@Suite struct SHA256Tests {
    /// FIPS 180-4's examples, and the empty text.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ])
    func theStandardsAnswersAreGiven(text: String, hex: String) throws {
        let bytes = Array(text.utf8)
        #expect(SHA256Digest(of: bytes).description == hex)
        #expect(SHA256Digest(of: ([1] + bytes + [2])[1..<bytes.count + 1]).description == hex)
        var stream = SHA256Stream()
        stream.update(bytes)
        #expect(stream.finalize().description == hex)
        #expect(try SHA256Digest(bytes: #require(Hex.decode(hex))) == SHA256Digest(of: bytes))
    }

    @Test(arguments: [0, 1, 55, 56, 63, 64, 65, 127, 128, 129, 1000])
    func aStreamGivesWhatOneShotGives(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 13) }
        for piece in [1, 3, 63, 64, 65, 2000] {
            var stream = SHA256Stream()
            stream.update([])
            for start in stride(from: 0, to: count, by: piece) {
                stream.update(Array(bytes[start..<min(start + piece, count)]))
            }
            #expect(stream.finalize() == SHA256Digest(of: bytes))
        }
    }

    @Test(arguments: [0, 1, 31, 33, 64])
    func aDigestHasThirtyTwoBytes(count: Int) {
        #expect(SHA256Digest(bytes: [UInt8](repeating: 0, count: count)) == nil)
    }
}
