import Bytes
import TestSupport
import Testing

@testable import Age

/// The wrapped functions of libcrypto give the standards' own answers.
@Suite struct PrimitiveTests {
    /// RFC 7748, section 6.1.
    @Test func anExchangeGivesTheStandardsAnswer() throws {
        let alice = try secret("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
        let bob = try secret("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
        let (alicePoint, bobPoint) = (X25519.publicPoint(of: alice), X25519.publicPoint(of: bob))
        #expect(Hex.encode(alicePoint) == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
        #expect(Hex.encode(bobPoint) == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
        let shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
        #expect(X25519.shared(scalar: alice, point: bobPoint)?.hex == shared)
        #expect(X25519.shared(scalar: bob, point: alicePoint)?.hex == shared)
    }

    /// RFC 5869, appendices A.1 and A.3.
    @Test func aDerivationGivesTheStandardsAnswer() throws {
        let secret = try secret("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b")
        let salt = try #require(Hex.decode("000102030405060708090a0b0c"))
        let info = try #require(Hex.decode("f0f1f2f3f4f5f6f7f8f9"))
        #expect(
            hkdfSHA256(secret: secret, salt: salt, info: info, count: 42).hex
                == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
        #expect(
            hkdfSHA256(secret: secret, salt: [], info: [], count: 42).hex
                == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
        #expect(
            hkdfSHA256(secret: secret, salt: [UInt8](repeating: 0, count: 32), info: [], count: 42).hex
                == hkdfSHA256(secret: secret, salt: [], info: [], count: 42).hex)
    }

    @Test func aDerivationThatTheStandardDoesNotDefineEndsTheProcess() async {
        await #expect(processExitsWith: .failure) {
            _ = hkdfSHA256(secret: SecretBytes([1]), salt: [], info: [], count: 8161)
        }
        await #expect(processExitsWith: .failure) {
            _ = hkdfSHA256(secret: SecretBytes([1]), salt: [], info: [], count: 0)
        }
        await #expect(processExitsWith: .failure) {
            _ = hkdfSHA256(secret: SecretBytes([]), salt: [], info: [], count: 32)
        }
    }

    @Test func theUnpaddedAlphabetIsTheStandardsOwn() {
        #expect(Base64.standardUnpadded.encode([0xFB, 0xEF, 0xBE, 0xFF]) == "++++/w")
        #expect(Base64.standardUnpadded.decode("++++/w") == [0xFB, 0xEF, 0xBE, 0xFF])
        for other in ["++++/w==", "----_w", "++++/x", "++++/"] {
            #expect(Base64.standardUnpadded.decode(other) == nil, "\(other)")
        }
    }

    @Test func whatIsWipedIsZero() {
        var bytes: [UInt8] = [1, 2, 3]
        wipe(&bytes)
        #expect(bytes == [0, 0, 0])
        #expect(SecretBytes.random(32).hex != SecretBytes.random(32).hex)
        #expect(randomBytes(32) != randomBytes(32))
    }

    private func secret(_ hex: String) throws -> SecretBytes { SecretBytes(try #require(Hex.decode(hex))) }
}

/// C2SP/wycheproof: every test of every file is run and judged, but for those that age has no use for, counted.
@Suite(.enabled(if: SharedData.file(WycheproofFile.folder) != nil, "\(SharedData.absence(of: WycheproofFile.folder))"))
struct AgeWycheproofTests {
    static let exchanges = WycheproofFile("x25519_test.json")
    static let derivations = WycheproofFile("hkdf_sha256_test.json")
    static let seals = WycheproofFile("chacha20_poly1305_test.json")
    /// age has no additional data, and no nonce of another length.
    static let agesSeals = seals.cases.filter { $0.json["aad"]?.string == "" && $0.group["ivSize"]?.int == 96 }

    /// “Acceptable” are points off the curve or with another spelling, which age takes, and the all-zero secret, which
    /// it refuses.
    @Test(arguments: exchanges.cases)
    func anExchangeGivesTheSharedSecretUnlessItIsZero(_ test: WycheproofCase) throws {
        let expected = try test.result
        #expect(expected != .invalid, "the file has no such test; if it gets one, a rule is needed")
        let shared = X25519.shared(scalar: SecretBytes(try test.hex("private")), point: try test.hex("public"))
        if test.flags.contains("ZeroSharedSecret") {
            #expect(shared == nil)
        } else {
            #expect(try shared?.hex == Hex.encode(test.hex("shared")))
        }
    }

    @Test(arguments: derivations.cases.filter { !$0.flags.contains("SizeTooLarge") })
    func aDerivationGivesItsResult(_ test: WycheproofCase) throws {
        let count = try #require(test.json["size"]?.int)
        let result = hkdfSHA256(
            secret: SecretBytes(try test.hex("ikm")), salt: try test.hex("salt"), info: try test.hex("info"),
            count: Int(count))
        #expect(try test.result == .valid)
        #expect(try result.hex == Hex.encode(test.hex("okm")))
    }

    @Test(arguments: agesSeals)
    func aSealIsTheStandardsAndOnlyTheRightTagOpensIt(_ test: WycheproofCase) throws {
        #expect(try test.result == .valid)
        let (key, nonce, text) = (SecretBytes(try test.hex("key")), try test.hex("iv"), try test.hex("msg"))
        let expected = try test.hex("ct") + test.hex("tag")
        var sealing = ChunkCipher(key: key, .sealing)
        var sealed = text + [UInt8](repeating: 0, count: ChunkCipher.tagLength)
        sealed.withUnsafeMutableBytes { sealing.seal($0, text.count, nonce: nonce) }
        #expect(sealed == expected)
        var opening = ChunkCipher(key: key, .opening)
        func opened(_ sealed: [UInt8]) -> [UInt8]? {
            var room = [UInt8](repeating: 0, count: text.count)
            let isOpened = room.withUnsafeMutableBytes { room in
                sealed.withUnsafeBytes { opening.open($0[...], into: room.baseAddress, nonce: nonce) }
            }
            return isOpened ? room : nil
        }
        for bit in 0..<128 {
            var damaged = expected
            damaged[text.count + bit / 8] ^= 1 << (bit % 8)
            #expect(opened(damaged) == nil, "tag bit \(bit)")
        }
        // The context is the same, and none the worse for the failures.
        #expect(opened(expected) == text)
    }

    @Test func everyTestOfAFileIsRunOrLeftOutForAReason() {
        let (exchanges, derivations, seals) = (Self.exchanges, Self.derivations, Self.seals)
        #expect(exchanges.announcedCount == 518)
        #expect(exchanges.cases.count == 518)
        #expect(exchanges.cases.filter { $0.flags.contains("ZeroSharedSecret") }.count == 31)
        #expect(derivations.announcedCount == 86)
        #expect(derivations.cases.count == 86)
        #expect(derivations.cases.filter { $0.flags.contains("SizeTooLarge") }.count == 3)
        #expect(seals.announcedCount == 325)
        #expect(seals.cases.count == 325)
        #expect(Self.agesSeals.count == 45)
    }
}

extension SecretBytes {
    var hex: String { withUnsafeBytes { Hex.encode(UnsafeBufferPointer(start: $0, count: count)) } }
}
