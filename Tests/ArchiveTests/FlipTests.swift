import Foundation
import Testing

@testable import Archive

/// One damaged byte, anywhere in the file: it is found, or it is one that means nothing.
@Suite(.serialized) struct FlipTests {
    /// Bytes of the file's header that SQLite itself does not use for what it reads: how to write, counters of changes
    /// (only compared with each other), hints, and room for the future.
    static let harmless = Set([18] + Array(24...27) + Array(40...46) + Array(48...51) + Array(56...59) + Array(72...99))

    /// Every byte takes minutes: for that, set MMVAULT_EVERY_FLIP. Otherwise every seventeenth, so that no row of any table
    /// is left out, and the whole header.
    static let step = ProcessInfo.processInfo.environment["MMVAULT_EVERY_FLIP"] == nil ? 17 : 1

    @Test func everyDamagedByteIsFoundOrMeansNothing() async throws {
        let sandbox = try Sandbox()
        let original = try sandbox.account()
        try await fillSmallArchive(original)
        let directory = try sandbox.copy(original)
        let file = try DatabaseFile(sandbox, directory)
        let descriptor = open(directory.archivePath, O_RDWR)
        defer { close(descriptor) }
        #expect(try await !isNoticed(directory))

        func flip(_ place: Int, _ mask: UInt8) async throws -> Bool {
            var byte = file.bytes[place] ^ mask
            #expect(pwrite(descriptor, &byte, 1, off_t(place)) == 1)
            let isFound = try await isNoticed(directory)
            byte ^= mask
            #expect(pwrite(descriptor, &byte, 1, off_t(place)) == 1)
            return isFound
        }
        let masks: [UInt8] = [0x01, 0x80, 0xFF]
        for place in DatabaseFile.header where !Self.harmless.contains(place) || Self.step == 1 {
            for mask in masks {
                let isFound = try await flip(place, mask)
                #expect(isFound || Self.harmless.contains(place), "byte \(place) ^ \(mask)")
            }
        }
        let live = file.bytes.indices.dropFirst(DatabaseFile.header.count).filter { !file.unused.contains($0) }
        #expect(live.count > 8000)
        for (number, index) in stride(from: 0, to: live.count, by: Self.step).enumerated() {
            let place = live[index]
            for mask in Self.step == 1 ? masks : [masks[number % 3]] {
                let isFound = try await flip(place, mask)
                #expect(isFound, "byte \(place) ^ \(mask), page \(place / file.pageSize + 1)")
            }
        }
        // What is not used may hold anything; and now all is as it was.
        for place in file.unused.sorted().prefix(20) { _ = try await flip(place, 0xFF) }
        #expect(try PrivateFile.read(directory.archivePath) == file.bytes)
        #expect(try await !isNoticed(directory))
    }
}
