import Bytes
import Testing

@testable import E2EE

/// SplitMix64: the same numbers for the same seed on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }
}

/// Nothing that a server or a careless copy can do to the bytes makes them say something else.
@Suite struct MutationTests {
    static let seeds: [UInt64] = [1, 20, 300, 4000]

    /// Protocol, "What the signature covers": of the payload, `version` and the wrapped keys are not covered. The
    /// version can only be 1, and so the one place where a flipped bit may leave the message authentic is inside the
    /// characters of a wrapped key: the reader's own then fails to unwrap, another's makes no difference.
    @Test func oneFlippedBitLeavesAMessageAuthenticOnlyInsideAWrappedKey() throws {
        let fixture = Fixtures.message("valid")
        let original = try #require(fixture.plaintext)
        let payload = try EncryptedMessage(fixture.payload).json
        let root = try JSONDocument(payload).root
        var (own, others): (Set<Int>, Set<Int>) = ([], [])
        for pair in root["encryptedKey"]?.elements ?? [] {
            let isOwn = pair.elements[0].string == Base64.standard.encode(fixture.reader.id.bytes)
            let inside = pair.elements[1].range.dropFirst().dropLast()
            if isOwn { own.formUnion(inside) } else { others.formUnion(inside) }
        }
        var authentic = 0
        for (position, bit) in payload.indices.flatMap({ position in (0..<8).map { (position, $0) } }) {
            var damaged = payload
            damaged[position] ^= 1 << bit
            guard let root = try? JSONDocument(damaged).root else { continue }
            let verdict = Verdict(root, sender: fixture.sender, reader: fixture.reader)
            guard verdict.authenticity == "verified" else { continue }
            authentic += 1
            if own.contains(position) {
                #expect(verdict.content == "keyUnwrapFailed", "byte \(position), bit \(bit)")
            } else {
                #expect(others.contains(position), "byte \(position), bit \(bit)")
                #expect(verdict.content == "decrypted", "byte \(position), bit \(bit)")
                #expect(verdict.text == original, "byte \(position), bit \(bit)")
            }
        }
        #expect(authentic > 100)
    }

    @Test(arguments: seeds)
    func noReplacedByteMakesAMessageSayAnotherText(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let fixtures = Fixtures.messages.filter { $0.authenticity == "verified" && ($0.plaintext?.count ?? 9999) < 300 }
        #expect(fixtures.count > 15)
        for fixture in fixtures {
            let payload = Array(try fixture.payload.bytes)
            for _ in 0..<40 {
                let position = Int.random(in: payload.indices, using: &generator)
                let byte = UInt8.random(in: 0...255, using: &generator)
                var damaged = payload
                damaged[position] = byte
                guard let root = try? JSONDocument(damaged).root else { continue }
                let verdict = Verdict(root, sender: fixture.sender, reader: fixture.reader)
                guard verdict.authenticity == "verified", verdict.content == "decrypted" else { continue }
                #expect(verdict.text == fixture.plaintext, "seed \(seed), \(fixture.name), byte \(position) := \(byte)")
            }
        }
    }

    /// The public point is checked against the private number, so that damage to one of them is found.
    @Test func noFlippedBitMakesABackupAnotherKey() throws {
        let key = Fixtures.keys[0]
        let backup = Array(key.backup.utf8)
        var unharmed = 0
        for (position, bit) in backup.indices.flatMap({ position in (0..<8).map { (position, $0) } }) {
            var damaged = backup
            damaged[position] ^= 1 << bit
            guard let keys = try? KeyBackup.privateKeys(in: damaged) else { continue }
            unharmed += 1
            #expect(keys.map(\.id.description) == [key.idHex], "byte \(position), bit \(bit)")
        }
        // A line feed that became another white space; `true` cannot become `false` by one bit.
        #expect(unharmed < 100)
    }

    @Test(arguments: seeds)
    func randomBytesAreNeverAKeyNorAnEnd(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let noise = generator.bytes(Int.random(in: 0...200, using: &generator))
            let armored = Array(KeyBackup.begin.utf8) + noise + Array(KeyBackup.end.utf8)
            #expect(throws: KeyError.self, "seed \(seed)") { try KeyBackup.privateKeys(in: noise) }
            #expect(throws: KeyError.self, "seed \(seed)") { try KeyBackup.privateKeys(in: armored) }
            #expect(throws: KeyError.self, "seed \(seed)") { try PrivateKey(json: noise) }
            let encoded = KeyBackup.begin + Base64.standard.encode(noise) + KeyBackup.end
            #expect(throws: KeyError.self, "seed \(seed)") { try KeyBackup.privateKeys(in: encoded) }
        }
    }

    @Test(arguments: seeds)
    func randomPayloadsAreNeverAuthentic(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let sender = Fixtures.privateKey("alice")
        let point = sender.publicKey.encryptionPoint
        var parsed = 0
        for _ in 0..<300 {
            var json = JSONWriter()
            func noise(_ likely: Int) -> String {
                let count = Int.random(in: 0..<4, using: &generator) > 0 ? likely : Int(generator.next() % 100)
                return Base64.standard.encode(generator.bytes(count))
            }
            json.object { json in
                json.int("version", Int.random(in: 0..<8, using: &generator) == 0 ? 2 : 1)
                json.string("iv", noise(16))
                json.string("pubECDHE", generator.next() % 2 == 0 ? Base64.standard.encode(point) : noise(65))
                json.array("encryptedKey") { json in
                    for _ in 0..<generator.next() % 4 {
                        json.array {
                            let isOurs = generator.next() % 2 == 0
                            $0.string(nil, isOurs ? Base64.standard.encode(sender.id.bytes) : noise(32))
                            $0.string(nil, noise(24))
                        }
                    }
                }
                json.string("encryptedData", noise(40))
                json.string("signature", noise(64))
            }
            let root = try JSONDocument(json.bytes).root
            guard let message = try? EncryptedMessage(root) else { continue }
            parsed += 1
            #expect(!sender.publicKey.verifies(message), "seed \(seed)")
            if case .decrypted = message.open(with: Keyring([sender])) { Issue.record("opened; seed \(seed)") }
        }
        #expect(parsed > 20, "seed \(seed)")
    }
}
