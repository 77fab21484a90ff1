import Bytes
import Testing

@testable import Age

@Suite struct SealTests {
    static let edges = [0, 1, 2, 15, 16, 17, 65535, 65536, 65537, 131071, 131072, 131073, 200_000]

    static func text(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

    @Test(arguments: edges)
    func whatIsSealedOpens(count: Int) throws {
        let identity = AgeIdentity.generate()
        let text = SealTests.text(count)
        let sealed = AgeWriter.sealed(text, to: [identity.recipient])
        let file = try AgeFile(sealed, identities: [identity])
        #expect(file.plaintextCount == count)
        #expect(try file.decrypted() == text)
        #expect(try file.decrypted() == text, "a second time")
        let chunks = max(1, (count + 65535) / 65536)
        #expect(try sealed.count == AgeHeader.parse(sealed).end + 16 + count + 16 * chunks)
    }

    /// However the text is cut into pieces, the file opens, and no piece of output is longer than a chunk.
    @Test(arguments: [1, 7, 1000, 65535, 65536, 65537, 200_000])
    func theSizeOfThePiecesDoesNotMatter(piece: Int) throws {
        let identity = AgeIdentity.generate()
        let text = SealTests.text(piece < 100 ? 70_000 : 200_000)
        var sealed: [UInt8] = []
        var writer = AgeWriter(to: [identity.recipient])
        func take(_ output: UnsafeRawBufferPointer) {
            #expect(output.count <= AgePayload.sealedChunkLength)
            sealed += output
        }
        text.withUnsafeBytes { text in
            for start in stride(from: 0, to: text.count, by: piece) {
                let piece = text[start..<min(start + piece, text.count)]
                writer.write(UnsafeRawBufferPointer(rebasing: piece), take)
                writer.write(UnsafeRawBufferPointer(start: nil, count: 0), take)
            }
        }
        writer.finish(take)
        #expect(try AgeFile(sealed, identities: [identity]).decrypted() == text)
    }

    @Test func everyRecipientOpensAndNoOneElse() throws {
        let identities = (0..<5).map { _ in AgeIdentity.generate() }
        let sealed = AgeWriter.sealed([1, 2, 3], to: identities.map(\.recipient))
        for identity in identities {
            #expect(try AgeFile(sealed, identities: [identity]).decrypted() == [1, 2, 3])
            let ring = [AgeIdentity.generate(), AgeIdentity.generate(), identity]
            #expect(try AgeFile(sealed, identities: ring).decrypted() == [1, 2, 3])
        }
        #expect(throws: AgeError.noIdentityMatches) { try AgeFile(sealed, identities: [.generate(), .generate()]) }
        #expect(throws: AgeError.noIdentityMatches) { try AgeFile(sealed, identities: []) }
    }

    @Test func noTwoFilesAreAlike() throws {
        let recipient = AgeIdentity.generate().recipient
        let (one, other) = (AgeWriter.sealed([], to: [recipient]), AgeWriter.sealed([], to: [recipient]))
        let (first, end) = try AgeHeader.parse(one)
        let (second, otherEnd) = try AgeHeader.parse(other)
        #expect(first.stanzas[0].arguments != second.stanzas[0].arguments)
        #expect(first.stanzas[0].body != second.stanzas[0].body)
        #expect(one[end..<end + 16] != other[otherEnd..<otherEnd + 16])
    }

    @Test func aHeaderIsWrittenAsTheStandardShowsIt() throws {
        let sealed = AgeWriter.sealed([1], to: [AgeIdentity.generate().recipient])
        let (header, end) = try AgeHeader.parse(sealed)
        let lines = String(decoding: sealed[..<end], as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.map(\.utf8.count) == [21, 53, 43, 47, 0])
        #expect(lines[0] == "age-encryption.org/v1")
        #expect(lines[1].hasPrefix("-> X25519 "))
        #expect(header.encoded == Array(sealed[..<end]))
    }

    @Test func whatTheOutputThrowsIsThrown() {
        struct Full: Error {}
        #expect(throws: Full.self) {
            let writer = AgeWriter(to: [AgeIdentity.generate().recipient])
            try writer.finish { (_) throws(Full) in throw Full() }
        }
    }

    @Test func aWriterWhoseOutputFailedIsNotUsedOn() async {
        await #expect(processExitsWith: .failure) {
            struct Full: Error {}
            var writer = AgeWriter(to: [AgeIdentity.generate().recipient])
            let text = [UInt8](repeating: 1, count: 70_000)
            try? text.withUnsafeBytes { text throws in
                try writer.write(text) { (_) throws(Full) in throw Full() }
            }
            writer.finish { _ in }
        }
        await #expect(processExitsWith: .failure) { _ = AgeWriter(to: []) }
    }
}
