import Bytes
import TestSupport
import Testing

@testable import E2EE

/// A signature tells its signer's public point, up to two candidates (SEC 1 v2, 4.1.6).
@Suite struct RecoveryTests {
    static let intact = Fixtures.messages.filter { $0.authenticity == "verified" }
    static let order = Hex.decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") ?? []
    static let prime = Hex.decode("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff") ?? []

    @Test(arguments: intact)
    func aMessagesSignerIsAmongItsCandidates(_ fixture: MessageFixture) throws {
        let message = try EncryptedMessage(fixture.payload)
        #expect(message.possibleSigners.count == 2)
        #expect(message.possibleSigners.contains(fixture.sender.signingPoint))
        // Each candidate would have made this signature, and only a second message tells them apart.
        for point in message.possibleSigners {
            #expect(try PublicKey(encryptionPoint: point, signingPoint: point).verifies(message))
        }
    }

    @Test(arguments: Fixtures.messages.filter { $0.authenticity == "signatureInvalid" })
    func aTamperedMessagesSupposedSenderIsNoCandidate(_ fixture: MessageFixture) throws {
        let message = try EncryptedMessage(fixture.payload)
        #expect(!message.possibleSigners.contains(fixture.sender.signingPoint))
    }

    @Test func twoMessagesOfOneSignerLeaveOneCandidate() throws {
        let sender = Fixtures.privateKey("alice")
        let sets = (0..<16).map { _ in
            Set(EncryptedMessage.seal([7], from: sender, to: []).possibleSigners)
        }
        for (one, other) in zip(sets, sets.dropFirst()) {
            #expect(one.intersection(other) == [sender.publicKey.signingPoint])
        }
    }

    @Test(arguments: intact)
    func theOtherSignatureOfTheSameMessageHasTheSameCandidates(_ fixture: MessageFixture) throws {
        let message = try EncryptedMessage(fixture.payload)
        let (r, s) = (message.signature.prefix(32), Array(message.signature.suffix(32)))
        let signature = r + Self.difference(Self.order, s)
        #expect(fixture.sender.verifies(signature: Array(signature), digest: message.signedDigest))
        let other = P256.signers(of: Array(signature), digest: message.signedDigest.bytes)
        #expect(Set(other) == Set(message.possibleSigners))
    }

    /// Where r + n is less than p too, R may have either for its x coordinate. Nobody comes upon such a signature by
    /// signing; here r is chosen. How many points have r or r + n for their coordinate was told by Euler's criterion.
    @Test(
        arguments: zip(
            UInt8(1)...40,
            [
                0, 0, 2, 2, 2, 4, 0, 2, 4, 0, 2, 2, 2, 0, 2, 2, 2, 2, 2, 2,
                2, 2, 4, 4, 2, 2, 2, 0, 2, 0, 2, 2, 2, 4, 4, 2, 2, 2, 2, 2,
            ]))
    func anXCoordinateAboveTheOrderIsFound(_ r: UInt8, _ count: Int) throws {
        let digest = SHA256Digest(of: [1, 2, 3])
        let signature = [UInt8](repeating: 0, count: 31) + [r] + [UInt8](repeating: 0x11, count: 32)
        let signers = P256.signers(of: signature, digest: digest.bytes)
        #expect(signers.count == count)
        #expect(Set(signers).count == count)
        for point in signers {
            let key = try PublicKey(encryptionPoint: point, signingPoint: point)
            #expect(key.verifies(signature: signature, digest: digest))
        }
    }

    @Test func noSignatureWithANumberOutOfRangeHasASigner() {
        let (zero, one) = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 0, count: 31) + [5])
        let digest = SHA256Digest(of: []).bytes
        let highest = [UInt8](repeating: 0xFF, count: 32)
        #expect(!P256.signers(of: one + one, digest: digest).isEmpty)
        #expect(!P256.signers(of: one + Self.difference(Self.order, one), digest: digest).isEmpty)
        for bad in [zero, Self.order, Self.prime, highest] {
            #expect(P256.signers(of: bad + one, digest: digest).isEmpty)
            #expect(P256.signers(of: one + bad, digest: digest).isEmpty)
        }
        for count in [0, 63, 65, 128] {
            #expect(P256.signers(of: [UInt8](repeating: 1, count: count), digest: digest).isEmpty)
        }
        #expect(P256.signers(of: one + one, digest: Array(digest.dropLast())).isEmpty)
    }

    /// 0 as a digest, and digests that are no smaller than the order, are numbers like all others.
    @Test(arguments: [[UInt8](repeating: 0, count: 32), order, prime, [UInt8](repeating: 0xFF, count: 32)])
    func everyDigestHasASigner(_ digest: [UInt8]) throws {
        let key = Fixtures.privateKey("bob")
        let signature = try #require(key.signer.sign(digest: digest))
        #expect(P256.signers(of: signature, digest: digest).contains(key.publicKey.signingPoint))
    }

    /// −eG may be just what sR is: one candidate is then no point, and the other is.
    @Test func thePointAtInfinityIsNoCandidate() throws {
        // R = G and s = e: Q = r⁻¹(eG − eG), or −2er⁻¹G.
        let g = try #require(P256.publicPoint(of: SecretBytes([UInt8](repeating: 0, count: 31) + [1])))
        let digest = [UInt8](repeating: 0x42, count: 32)
        let signers = P256.signers(of: Array(g[1..<33]) + digest, digest: digest)
        #expect(signers.count == 1)
        let point = try #require(signers.first)
        let hash = try #require(SHA256Digest(bytes: digest))
        #expect(
            try PublicKey(encryptionPoint: point, signingPoint: point)
                .verifies(signature: Array(g[1..<33]) + digest, digest: hash))
    }

    @Test(
        .enabled(if: SharedData.file(WycheproofFile.folder) != nil, "\(SharedData.absence(of: WycheproofFile.folder))"),
        arguments: WycheproofTests.signatures.cases)
    func theKeyIsACandidateExactlyWhereTheSignatureIsValid(_ test: WycheproofCase) throws {
        let point = try #require(test.group["publicKey"]?["uncompressed"]?.string.flatMap { Hex.decode($0) })
        let digest = SHA256Digest(of: try test.hex("msg"))
        let signers = P256.signers(of: try test.hex("sig"), digest: digest.bytes)
        #expect(signers.contains(point) == (try test.result == .valid))
        #expect(signers.allSatisfy(P256.isOnCurve))
    }

    // MARK: Numbers of 32 bytes

    private static func difference(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        var borrow = 0
        var result = left
        for place in left.indices.reversed() {
            let value = Int(left[place]) - Int(right[place]) - borrow
            borrow = value < 0 ? 1 : 0
            result[place] = UInt8(truncatingIfNeeded: value)
        }
        return result
    }
}
