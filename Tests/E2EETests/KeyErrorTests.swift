import Bytes
import Testing

@testable import E2EE

/// Each kind of damage to a key has its own error, and no error tells anything of the key.
@Suite struct KeyErrorTests {
    @Test(arguments: KeyDamage.armors + KeyDamage.backups + KeyDamage.jwks(.signing) + KeyDamage.jwks(.encryption))
    func eachDamageHasItsErrorWhichTellsNothingOfTheKey(_ damage: KeyDamage) throws {
        let error = try #require(throws: KeyError.self) { try KeyBackup.privateKeys(in: damage.text) }
        #expect(error == damage.expected)
        expectNoKeyBytes(in: error)
    }

    /// A number that is that of the mirrored point (d → n − d) belongs to the same x, not to the same point.
    @Test func aMirroredPointIsAnotherPoint() throws {
        let point = try PublicKey(#require(Fixtures.keys[0].json["public"])).signingPoint
        let prime = try #require(Hex.decode("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"))
        var (mirrored, borrow) = ([UInt8](repeating: 0, count: 32), 0)
        for place in (0..<32).reversed() {
            let difference = Int(prime[place]) - Int(point[33 + place]) - borrow
            mirrored[place] = UInt8(truncatingIfNeeded: difference)
            borrow = difference < 0 ? 1 : 0
        }
        let damaged = KeyDamage.json.replacing(KeyDamage.sign.y, with: Base64.urlUnpadded.encode(mirrored))
        #expect(throws: KeyError.scalarDoesNotMatchPoint(.signing)) { try PrivateKey(json: Array(damaged.utf8)) }
    }

    @Test(arguments: [
        "", "\\u001b[2J", "a b", "KEY", "aaaaaaaaaaaaaaaaa", "é", KeyDamage.encr.d, String(KeyDamage.sign.d.prefix(16)),
    ])
    func aStrangersNameIsRepeatedOnlyWhereItIsAShortWord(name: String) throws {
        let json = KeyDamage.json.replacing("{\"sign\":", with: "{\"\(name)\":0,\"sign\":")
        let error = try #require(throws: KeyError.self) { try PrivateKey(json: Array(json.utf8)) }
        #expect(error == .unexpectedField("backup.…"))
        expectNoKeyBytes(in: error)
    }

    @Test func extMayBeFalse() throws {
        let json = KeyDamage.json.replacing("\"ext\":true", with: "\"ext\":false")
        #expect(try PrivateKey(json: Array(json.utf8)).id.description == Fixtures.keys[0].idHex)
    }

    @Test func membersMayStandInAnyOrderAndSpacing() throws {
        let root = try JSONDocument(Array(KeyDamage.json.utf8)).root
        var turned = JSONWriter()
        turned.object { json in
            json.int("version", 1)
            for (name, jwk) in root.members.filter({ $0.value.kind == .object }).reversed() {
                json.object(name) { json in
                    json.array("key_ops") { $0.string(nil, jwk["key_ops"]?.elements.first?.string) }
                    json.bool("ext", true)
                    for (name, value) in jwk.members.reversed() where value.kind == .string {
                        json.string(name, value.string)
                    }
                }
            }
        }
        let spaced = turned.text.replacing(",", with: " ,\n\t").replacing(":", with: " : ")
        #expect(try PrivateKey(json: Array(spaced.utf8)).id.description == Fixtures.keys[0].idHex)
    }

    /// No eight characters in a row of any of the key's numbers, nor of its armor.
    private func expectNoKeyBytes(in error: KeyError) {
        let said = "\(error) \(String(reflecting: error))"
        let armor = KeyDamage.backup.split(separator: "\n").dropFirst().dropLast().joined()
        let (sign, encr) = (KeyDamage.sign, KeyDamage.encr)
        for secret in [sign.x, sign.y, sign.d, encr.x, encr.y, encr.d, armor] {
            let characters = Array(secret.utf8)
            for start in 0...(characters.count - 8) {
                let piece = String(decoding: characters[start..<start + 8], as: UTF8.self)
                #expect(!said.contains(piece))
            }
        }
    }
}
