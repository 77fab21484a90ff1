import Bytes
import TestSupport
import Testing

@testable import E2EE

/// C2SP/wycheproof: every test of every file is run and judged; none is left out but for its key size, counted.
@Suite(.enabled(if: SharedData.file(WycheproofFile.folder) != nil, "\(SharedData.absence(of: WycheproofFile.folder))"))
struct WycheproofTests {
    static let signatures = WycheproofFile("ecdsa_secp256r1_sha256_p1363_test.json")
    static let points = WycheproofFile("ecdh_secp256r1_ecpoint_test.json")
    static let jwks = WycheproofFile("ecdh_secp256r1_webcrypto_test.json")
    static let wraps = WycheproofFile("aes_wrap_test.json")
    static let wraps128 = wraps.cases.filter { $0.group["keySize"]?.int == 128 }

    // MARK: ECDSA

    @Test(arguments: signatures.cases)
    func aSignatureIsValidExactlyWhereItShouldBe(_ test: WycheproofCase) throws {
        let point = try #require(test.group["publicKey"]?["uncompressed"]?.string.flatMap { Hex.decode($0) })
        let key = try PublicKey(encryptionPoint: point, signingPoint: point)
        let digest = SHA256Digest(of: try test.hex("msg"))
        let expected = try test.result
        #expect(expected != .acceptable, "the file has no such test; if it gets one, a rule is needed")
        #expect(key.verifies(signature: try test.hex("sig"), digest: digest) == (expected == .valid))
    }

    // MARK: ECDH

    /// Where the point is compressed the protocol refuses it, also where the file would accept it (“acceptable”): a
    /// message has an uncompressed point, and nothing else.
    @Test(arguments: points.cases)
    func anExchangeGivesTheSharedSecretOrRefusesThePoint(_ test: WycheproofCase) throws {
        let isCompressed = test.flags.contains("CompressedPoint")
        let expected = try test.result
        #expect(expected != .acceptable || isCompressed)
        let scalar = SecretBytes(try number(try test.hex("private")))
        let point = try test.hex("public")
        let shared = P256.sharedX(scalar: scalar, point: point)?.copy
        if expected == .valid {
            #expect(shared == (try test.hex("shared")))
        } else {
            #expect(shared == nil)
        }
        #expect(P256.isOnCurve(point) == (expected == .valid))
    }

    /// A JWK of another curve is not recognised by its name here, which the exchange never sees, but by its point.
    @Test(arguments: jwks.cases)
    func anExchangeOfJWKsGivesTheSharedSecretOrRefusesThePoint(_ test: WycheproofCase) throws {
        func member(_ key: StaticString, _ field: StaticString) throws -> [UInt8] {
            try #require(test.json[key]?[field]?.string.flatMap { Base64.urlUnpadded.decode($0) })
        }
        let expected = try test.result
        #expect(expected != .acceptable, "the file has no such test; if it gets one, a rule is needed")
        let scalar = SecretBytes(try number(try member("private", "d")))
        let point = [4] + (try member("public", "x")) + (try member("public", "y"))
        let shared = P256.sharedX(scalar: scalar, point: point)?.copy
        if expected == .valid {
            #expect(shared == (try test.hex("shared")))
            #expect(P256.publicPoint(of: scalar) == [4] + (try member("private", "x")) + (try member("private", "y")))
        } else {
            #expect(shared == nil)
        }
    }

    // MARK: AES key wrap

    /// Wrapping 8 bytes, which RFC 3394 does not define, is “acceptable” to the file and refused here: the shortest
    /// wrapped key that is read has 24 bytes.
    @Test(arguments: wraps128)
    func aWrappedKeyUnwrapsExactlyWhereItShould(_ test: WycheproofCase) throws {
        let kek = SecretBytes(try test.hex("key"))
        let (plain, wrapped) = (try test.hex("msg"), try test.hex("ct"))
        let expected = try test.result
        #expect(expected != .acceptable || test.flags == ["ShortKey"])
        let unwrapped = AESKeyWrap.unwrap(wrapped, with: kek)?.copy
        if expected == .valid {
            #expect(unwrapped == plain)
            #expect(AESKeyWrap.wrap(SecretBytes(plain), with: kek) == wrapped)
        } else {
            #expect(unwrapped == nil)
        }
        // What cannot be wrapped is refused too; elsewhere the right wrapping differs from the damaged one.
        if ["EmptyKey", "WrongDataSize", "ShortKey"].contains(test.flags.first) {
            #expect(AESKeyWrap.wrap(SecretBytes(plain), with: kek) == nil)
        } else if expected == .invalid, !plain.isEmpty {
            #expect(AESKeyWrap.wrap(SecretBytes(plain), with: kek) != wrapped)
        }
    }

    // MARK: The count

    @Test(arguments: [(signatures, 262), (points, 355), (jwks, 353), (wraps, 165)])
    func everyTestOfAFileIsRun(_ file: WycheproofFile, count: Int) {
        #expect(file.announcedCount == count, "\(file.name)")
        #expect(file.cases.count == count, "\(file.name)")
        #expect(Set(file.cases.map(\.id)).count == count, "\(file.name)")
    }

    @Test func onlyOtherKeySizesAreLeftOut() {
        let others = WycheproofTests.wraps.cases.filter { [192, 256].contains($0.group["keySize"]?.int) }
        #expect(WycheproofTests.wraps128.count == 42)
        #expect(others.count == 123)
        #expect(WycheproofTests.wraps128.count + others.count == WycheproofTests.wraps.announcedCount)
    }

    @Test func theRefusalsAreThoseThatAreMeant() throws {
        let tally = WycheproofTests.points.tally
        #expect(tally["CompressedPoint"] == 8)
        #expect(tally["InvalidCurveAttack"] == 16)
        #expect(tally["InvalidEncoding"] == 1)
        let points = try WycheproofTests.points.cases.filter { try $0.result != .valid }
        #expect(points.count == 8 + 16 + 1)
        let jwks = try WycheproofTests.jwks.cases.filter { try $0.result != .valid }
        #expect(jwks.count == 16 + 4 + 2 + 1)
        let wraps = try WycheproofTests.wraps128.filter { try $0.result == .acceptable }
        #expect(wraps.map(\.id) == [12])
    }

    /// A number as 32 bytes: the files write it with leading zeros or without.
    private func number(_ bytes: [UInt8]) throws -> [UInt8] {
        let digits = Array(bytes.drop { $0 == 0 })
        try #require(digits.count <= 32)
        return [UInt8](repeating: 0, count: 32 - digits.count) + digits
    }
}

extension SecretBytes {
    fileprivate var copy: [UInt8] { withUnsafeBytes { Array(UnsafeBufferPointer(start: $0, count: count)) } }
}
