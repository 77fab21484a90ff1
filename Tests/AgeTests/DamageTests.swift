import Bytes
import Testing

@testable import Age

@Suite struct DamageTests {
    static let identity = AgeIdentity.generate()
    static let small = AgeWriter.sealed(Array("a small text".utf8), to: [identity.recipient])
    /// Three chunks, the last one of 1000 bytes, with the header and the nonce before them.
    static let large = AgeWriter.sealed(SealTests.text(2 * 65536 + 1000), to: [identity.recipient])

    static func open(_ bytes: [UInt8]) throws -> [UInt8] {
        try AgeFile(bytes, identities: [identity]).decrypted()
    }

    @Test func everyTruncationIsFound() throws {
        #expect(try DamageTests.open(DamageTests.small) == Array("a small text".utf8))
        for count in 0..<DamageTests.small.count {
            #expect(throws: AgeError.self, "\(count)") { try DamageTests.open(Array(DamageTests.small[..<count])) }
        }
    }

    @Test func everyFlippedBitIsFound() {
        for bit in 0..<DamageTests.small.count * 8 {
            var damaged = DamageTests.small
            damaged[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: AgeError.self, "\(bit)") { try DamageTests.open(damaged) }
        }
    }

    /// Bytes changed, put in, taken out and repeated at random: nothing opens, and a header that parses still has only
    /// this one spelling.
    @Test(arguments: 0..<4 as Range<UInt64>)
    func everyMutationIsFound(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2500 {
            var damaged = DamageTests.small
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<damaged.count, using: &generator)
                let end = Int.random(in: place...min(place + 50, damaged.count), using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: damaged[place] = UInt8.random(in: .min ... .max, using: &generator)
                case 1: damaged.insert(Array("\n -=AX>".utf8).randomElement(using: &generator) ?? 0, at: place)
                case 2: damaged.remove(at: place)
                case 3: damaged.insert(contentsOf: damaged[place..<end], at: place)
                default: damaged.removeSubrange(place..<max(end, place + 1))
                }
                if damaged.isEmpty { damaged = [0] }
            }
            guard damaged != DamageTests.small else { continue }
            #expect(throws: AgeError.self) { try DamageTests.open(damaged) }
            if let (header, end) = try? AgeHeader.parse(damaged) { #expect(header.encoded == Array(damaged[..<end])) }
        }
    }

    @Test func everyByteBehindTheEndIsFound() {
        for byte in UInt8.min...UInt8.max {
            #expect(throws: AgeError.self) { try DamageTests.open(DamageTests.small + [byte]) }
        }
        #expect(throws: AgeError.self) { try DamageTests.open(DamageTests.small + DamageTests.small) }
    }

    /// Chunks are 65552 bytes sealed.
    @Test func chunksLeftOutDoubledOrExchangedAreFound() throws {
        let start = try AgeHeader.parse(DamageTests.large).end + 16
        let before = Array(DamageTests.large[..<start])
        let cuts = [start, start + 65552, start + 2 * 65552, DamageTests.large.count]
        let chunks = (0..<3).map { Array(DamageTests.large[cuts[$0]..<cuts[$0 + 1]]) }
        #expect(try DamageTests.open(before + chunks.joined()).count == 2 * 65536 + 1000)
        for (order, damaged) in [
            ([], 0), ([0], 0), ([1], 0), ([2], 0), ([0, 1], 1), ([0, 2], 1), ([1, 2], 0), ([1, 0, 2], 0),
            ([0, 2, 1], 1),
            ([0, 0, 1, 2], 1), ([0, 1, 1, 2], 2), ([0, 1, 2, 2], 2),
        ] {
            let bytes = before + order.flatMap { chunks[$0] }
            #expect(throws: AgeError.payloadDamaged(chunk: damaged), "\(order)") { try DamageTests.open(bytes) }
        }
    }

    @Test(arguments: [0, 1, 2])
    func afterAFailureNothingIsLeftInTheBuffer(chunk: Int) throws {
        var bytes = DamageTests.large
        bytes[try AgeHeader.parse(bytes).end + 16 + chunk * 65552 + 500] ^= 1
        let file = try AgeFile(bytes, identities: [DamageTests.identity])
        var room = [UInt8](repeating: 0xAA, count: file.plaintextCount)
        room.withUnsafeMutableBytes { room in
            _ = #expect(throws: AgeError.payloadDamaged(chunk: chunk)) { try file.decrypt(into: room) }
        }
        #expect(room.allSatisfy { $0 == 0 })
        #expect(throws: AgeError.payloadDamaged(chunk: chunk)) { try file.decrypted() }
    }

    /// An empty last chunk, rightly sealed: allowed only where it is the only one.
    @Test func anEmptyLastChunkBehindAFullOneIsRefusedByItsLength() throws {
        for (count, chunks) in [(16, 1), (17, 1), (65552, 1), (65552 + 17, 2), (2 * 65552, 2)] {
            #expect(try AgePayload.chunkCount(count) == chunks)
        }
        for (count, chunk) in [(0, 0), (15, 0), (65553, 1), (65552 + 15, 1), (65552 + 16, 1), (2 * 65552 + 16, 2)] {
            #expect(throws: AgeError.payloadDamaged(chunk: chunk)) { try AgePayload.chunkCount(count) }
        }
    }

    @Test func theCounterIsBigEndian() {
        var nonce = AgePayload.Nonce()
        for _ in 0..<0x1_02_03 { nonce.advance() }
        #expect(nonce.bytes == [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0])
        nonce.markLast()
        #expect(nonce.bytes == [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 1])
    }
}

/// SplitMix64: the same mutations in every run.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
