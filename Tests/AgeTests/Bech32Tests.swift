import Bytes
import Testing

@testable import Age

@Suite struct Bech32Tests {
    /// C2SP.org/age, "The X25519 recipient type": 32 bytes of 0x42 and their public point.
    static let identity = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
    static let recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"

    @Test func theStandardsKeysAreReadAndWritten() throws {
        let identity = try #require(AgeIdentity(Self.identity))
        #expect(identity.scalar.hex == String(repeating: "42", count: 32))
        #expect(identity.secretText == Self.identity)
        #expect(identity.recipient.description == Self.recipient)
        #expect(AgeRecipient(Self.recipient) == identity.recipient)
        #expect(AgeIdentity(scalar: SecretBytes([UInt8](repeating: 0x42, count: 32))).secretText == Self.identity)
    }

    @Test func everyKeySurvives() throws {
        for _ in 0..<50 {
            let identity = AgeIdentity.generate()
            #expect(identity.secretText.utf8.count == 74)
            #expect(identity.recipient.description.utf8.count == 62)
            let again = try #require(AgeIdentity(identity.secretText))
            #expect(again.scalar.hex == identity.scalar.hex)
            #expect(again.recipient == identity.recipient)
            #expect(AgeRecipient(identity.recipient.description) == identity.recipient)
        }
    }

    /// BIP 173, "Test vectors", those of the prefixes that can be told apart from their data.
    @Test func theStandardsAnswersAreGiven() {
        #expect(Bech32.decode(Array("a12uel5l".utf8), prefix: "a") == [])
        #expect(Bech32.decode(Array("A12UEL5L".utf8), prefix: "A") == [])
        #expect(Bech32.encode([], prefix: "a") == Array("a12uel5l".utf8))
        let split = "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w"
        #expect(
            Bech32.decode(Array(split.utf8), prefix: "split").map { Bech32.encode($0, prefix: "split") }
                == Array(split.utf8))
        #expect(Bech32.decode(Array("A1G7SGD8".utf8), prefix: "A") == nil)
        #expect(Bech32.decode(Array("a12uel5".utf8), prefix: "a") == nil)
    }

    @Test(arguments: 0...70)
    func everyLengthSurvives(count: Int) {
        let bytes = randomBytes(count)
        let text = Bech32.encode(bytes, prefix: "age")
        #expect(text.count == 4 + (count * 8 + 4) / 5 + 6)
        #expect(Bech32.decode(text, prefix: "age") == bytes)
        #expect(Bech32.decode(text, prefix: "agf") == nil)
    }

    /// Any one wrong character, and any other case, length, prefix or surrounding.
    @Test func everyOtherSpellingIsRefused() {
        for (good, isRead) in [
            (Self.identity, { AgeIdentity($0) != nil }), (Self.recipient, { AgeRecipient($0) != nil }),
        ] as [(String, (String) -> Bool)] {
            #expect(isRead(good))
            #expect(!isRead(good.lowercased() == good ? good.uppercased() : good.lowercased()))
            for spelling in [
                good + " ", " " + good, good + "\n", "", good + good, good + "q", String(good.dropFirst()),
            ] {
                #expect(!isRead(spelling), "\(spelling)")
            }
            let characters = Array(good.utf8)
            for position in characters.indices {
                #expect(!isRead(String(decoding: characters[..<position], as: UTF8.self)))
                for byte in UInt8(0x20)..<0x7F where byte != characters[position] {
                    var other = characters
                    other[position] = byte
                    #expect(!isRead(String(decoding: other, as: UTF8.self)), "\(position): \(byte)")
                }
            }
        }
    }

    @Test(arguments: [
        // A hybrid recipient, a plugin's, an empty one, and one of 31 and of 33 bytes.
        "age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4e",
        String(decoding: Bech32.encode([], prefix: "age"), as: UTF8.self),
        String(decoding: Bech32.encode([UInt8](repeating: 9, count: 31), prefix: "age"), as: UTF8.self),
        String(decoding: Bech32.encode([UInt8](repeating: 9, count: 33), prefix: "age"), as: UTF8.self),
        String(decoding: Bech32.encode([UInt8](repeating: 9, count: 32), prefix: "ago"), as: UTF8.self),
    ])
    func otherRecipientsAreRefused(text: String) { #expect(AgeRecipient(text) == nil) }

    /// Digits that no encoder writes: the checksum is right, and the bits behind the last byte are not zero, or are a
    /// whole digit.
    @Test func anotherSpellingWithARightChecksumIsRefused() throws {
        for (digits, isValid) in [
            ([0, 0], true), ([0, 1], false), ([0, 3], false), ([0], false), ([0, 0, 0], false),
        ] {
            let text = Bech32Tests.text(ofDigits: digits.map { UInt8($0) })
            #expect((Bech32.decode(Array(text.utf8), prefix: "age") != nil) == isValid, "\(digits)")
        }
    }

    /// To a point of low order nothing can be sealed: 0, 1 and the two of order 8 (RFC 7748, section 6.1).
    @Test(arguments: [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    ])
    func aPointOfLowOrderIsNoRecipient(hex: String) throws {
        let point = try #require(Hex.decode(hex))
        #expect(AgeRecipient(String(decoding: Bech32.encode(point, prefix: "age"), as: UTF8.self)) == nil)
    }

    /// A second, plainer spelling of the checksum.
    private static func text(ofDigits digits: [UInt8]) -> String {
        func polymod(_ values: [UInt8]) -> UInt32 {
            values.reduce(1) { state, value in
                let generator: [UInt32] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3]
                let next = (state & 0x1FF_FFFF) << 5 ^ UInt32(value)
                return (0..<5).reduce(next) { state >> (25 + UInt32($1)) & 1 == 1 ? $0 ^ generator[$1] : $0 }
            }
        }
        let prefix = Array("age".utf8)
        let expanded = prefix.map { $0 >> 5 } + [0] + prefix.map { $0 & 31 }
        let check = polymod(expanded + digits + [0, 0, 0, 0, 0, 0]) ^ 1
        let all = digits + (0..<6).map { UInt8(check >> (5 * (5 - $0)) & 31) }
        let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l")
        return "age1" + String(all.map { alphabet[Int($0)] })
    }
}
