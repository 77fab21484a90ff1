import Foundation
import Testing

@testable import Archive

@Suite struct GzipTests {
    static let bodies: [[UInt8]] = [
        [], [0], Array("hello".utf8), [UInt8](repeating: 7, count: 1_000_000), noise(1), noise(70_000),
        Array(String(repeating: #"{"id":"x","message":"y"},"#, count: 5000).utf8),
    ]

    private static func noise(_ count: Int) -> [UInt8] {
        var generator = Sequence64(state: UInt64(count))
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    @Test(arguments: bodies)
    func whatGoesInComesOut(_ body: [UInt8]) throws {
        let compressed = try Gzip.compress(body)
        #expect(try Gzip.decompress(compressed, size: body.count) == body)
        #expect(try Gzip.compress(body) == compressed)
    }

    @Test(arguments: bodies)
    func theStockToolReadsIt(_ body: [UInt8]) async throws {
        let sandbox = try Sandbox()
        try Data(Gzip.compress(body)).write(to: URL(fileURLWithPath: "\(sandbox.path)/body.gz"))
        try await sandbox.run("gzip -t body.gz; gzip -dc body.gz >body")
        #expect(try PrivateFile.read("\(sandbox.path)/body") == body)
    }

    @Test(arguments: bodies)
    func anotherSizeIsDamage(_ body: [UInt8]) throws {
        let compressed = try Gzip.compress(body)
        for size in [body.count + 1, body.count - 1, 0, -1, Gzip.maximumSize + 1] where size != body.count {
            #expect(throws: ArchiveError.self, "\(size)") { try Gzip.decompress(compressed, size: size) }
        }
    }

    @Test(arguments: bodies)
    func nothingStandsBehindTheStream(_ body: [UInt8]) throws {
        let compressed = try Gzip.compress(body)
        for tail in [[0], [0x1F], Array("hello".utf8), [UInt8](repeating: 0, count: 5000)] {
            #expect(throws: ArchiveError.self) { try Gzip.decompress(compressed + tail, size: body.count) }
        }
        guard !body.isEmpty else { return }
        #expect(throws: ArchiveError.self) { try Gzip.decompress(compressed + compressed, size: body.count) }
    }

    @Test func aCutStreamIsDamage() throws {
        let body = Array("hello, hello, hello".utf8)
        let compressed = try Gzip.compress(body)
        // The last eight bytes repeat what the record's SHA-256 says better.
        for count in 0..<compressed.count - 8 {
            #expect(throws: ArchiveError.self, "\(count)") {
                try Gzip.decompress(Array(compressed[..<count]), size: body.count)
            }
        }
    }

    @Test(arguments: [[], Array("hello".utf8), Array("hello, this is not compressed at all".utf8)] as [[UInt8]])
    func whatIsNotCompressedIsRefused(_ bytes: [UInt8]) {
        #expect(throws: ArchiveError.self) { try Gzip.decompress(bytes, size: bytes.count) }
    }

    /// Flipping any bit of a stored body is seen: by the record, where gzip itself would not mind.
    @Test func everyFlippedBitIsSeen() throws {
        let body = Array("hello, hello, hello".utf8)
        let row = try DocumentRow(received(body), walk: nil, sequence: 1, previous: DocumentRecord.none)
        for place in row.compressed.indices {
            for bit in 0..<8 {
                var compressed = row.compressed
                compressed[place] ^= 1 << bit
                let damaged = DocumentRow(
                    sequence: 1, record: row.record, hash: row.hash, compressed: compressed)
                #expect(throws: ArchiveError.self) { try damaged.body() }
                // And gzip gives the same bytes, or none, or others; it never crashes.
                _ = try? Gzip.decompress(compressed, size: body.count)
            }
        }
        #expect(try row.body() == body)
    }
}
