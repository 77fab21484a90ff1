import Testing

@testable import Bytes

@Suite struct HMACTests {
    struct Vector: Sendable {
        let key: [UInt8]
        let message: [UInt8]
        let mac: String
    }

    /// RFC 4231, test cases 1, 2, 4 and 6.
    static let vectors = [
        Vector(
            key: [UInt8](repeating: 0x0B, count: 20), message: Array("Hi There".utf8),
            mac: "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
                + "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"),
        Vector(
            key: Array("Jefe".utf8), message: Array("what do ya want for nothing?".utf8),
            mac: "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                + "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"),
        Vector(
            key: [UInt8](1...25), message: [UInt8](repeating: 0xCD, count: 50),
            mac: "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
                + "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"),
        Vector(
            key: [UInt8](repeating: 0xAA, count: 131),
            message: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            mac: "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
                + "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"),
    ]

    @Test(arguments: vectors.indices)
    func hmacSHA512_IsThatOfRFC4231(place: Int) {
        let (key, message) = (HMACTests.vectors[place].key, HMACTests.vectors[place].message)
        for cut in [0, 1, message.count / 2, message.count] {
            var hmac = HMACSHA512(key: SecretBytes(key))
            for piece in [message[..<cut], message[cut...]] { piece.withUnsafeBytes { hmac.update($0) } }
            #expect(Hex.encode(hmac.finalize()) == HMACTests.vectors[place].mac)
        }
    }
}
