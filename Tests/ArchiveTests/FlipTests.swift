import Foundation
import Testing

@testable import Archive

/// One damaged byte, or an end that is missing, anywhere in the file: it is found, or it is a byte that means nothing.
@Suite struct FlipTests {
    /// Bytes of the file's header that nothing can be held against: which change of the schema this is, and the version of
    /// SQLite that wrote last.
    static let harmless = Set(Array(40...43) + Array(96...99))
    static let masks: [UInt8] = [0x01, 0x80, 0xFF]
    /// Each in a copy of its own, side by side.
    static let shares = 4

    let sandbox: Sandbox
    let original: AccountDirectory

    init() async throws {
        sandbox = try Sandbox()
        original = try sandbox.account()
        try await fillSmallArchive(original)
    }

    @Test(arguments: 0..<shares)
    func everyFlippedByteIsFoundOrMeansNothing(_ share: Int) async throws {
        let directory = try await sandbox.copy(original)
        let file = try await DatabaseFile(sandbox, directory)
        let descriptor = open(directory.archivePath, O_RDWR)
        defer { close(descriptor) }
        #expect(try await !isNoticed(directory))
        let live = file.bytes.indices.filter { !file.unused.contains($0) }
        #expect(live.count > 8000)
        // One expectation for all: the testing library keeps something for each.
        var missed: [String] = []
        for place in live where place % Self.shares == share {
            for mask in Self.masks {
                try write([file.bytes[place] ^ mask], at: place, descriptor)
                if try await !isNoticed(directory), !Self.harmless.contains(place) {
                    missed.append("byte \(place) ^ \(mask), page \(place / file.pageSize + 1)")
                }
                try write([file.bytes[place]], at: place, descriptor)
            }
        }
        #expect(missed.isEmpty)
        // What is not used may hold anything; and now all is as it was.
        #expect(try PrivateFile.read(directory.archivePath) == file.bytes)
        #expect(try await !isNoticed(directory))
    }

    @Test func aFileCutAtAnyLengthIsFound() async throws {
        let directory = try await sandbox.copy(original)
        let whole = try #require(try PrivateFile.read(directory.archivePath))
        let descriptor = open(directory.archivePath, O_RDWR)
        defer { close(descriptor) }
        var missed: [Int] = []
        // All of the first pages and of the last, and what lies around the end of each.
        let pageSize = 4096
        let counts = whole.indices.filter { count in
            count < 2 * pageSize || count >= whole.count - pageSize || (count + 3) % pageSize < 6
        }
        for count in counts.reversed() {
            guard ftruncate(descriptor, off_t(count)) == 0 else { throw POSIXError(.EIO) }
            if try await !isNoticed(directory) { missed.append(count) }
        }
        #expect(missed.isEmpty)
        try write(whole, at: 0, descriptor)
        #expect(try await !isNoticed(directory))
    }

    private func write(_ bytes: [UInt8], at place: Int, _ descriptor: Int32) throws {
        guard pwrite(descriptor, bytes, bytes.count, off_t(place)) == bytes.count else {
            throw POSIXError(.EIO)
        }
    }

    @Test func aFileThatIsTooLongIsFound() async throws {
        let directory = try await sandbox.copy(original)
        let whole = try #require(try PrivateFile.read(directory.archivePath))
        for more in [1, 4095, 4096] {
            try PrivateFile.replace(directory.archivePath, with: whole + [UInt8](repeating: 0, count: more))
            #expect(try await isNoticed(directory), "\(more) bytes more")
        }
    }
}
