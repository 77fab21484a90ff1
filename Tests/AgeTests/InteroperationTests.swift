import Bytes
import Foundation
import TestSupport
import Testing

@testable import Age

/// The stock age(1) opens what is sealed here, and what it seals opens here.
@Suite(.enabled(if: StockTool.isInstalled("age"), "age(1) is not installed: apt-get install age"))
struct InteroperationTests {
    @Test(arguments: SealTests.edges)
    func stockAgeOpensWhatIsSealedHere(count: Int) async throws {
        let (identity, text) = (AgeIdentity.generate(), SealTests.text(count))
        let sealed = AgeWriter.sealed(text, to: [AgeIdentity.generate().recipient, identity.recipient])
        let opened = try await withFile(sealed) { path in
            // The key goes in by standard input: arguments can be read by every user of the machine.
            try await StockTool.run("age", ["-d", "-i", "-", path], input: identity.secretCharacters + [0x0A])
        }
        #expect(opened == text)
    }

    @Test(arguments: SealTests.edges)
    func whatStockAgeSealsOpensHere(count: Int) async throws {
        let (identity, text) = (AgeIdentity.generate(), SealTests.text(count))
        let recipients = ["-r", identity.recipient.description, "-r", AgeIdentity.generate().recipient.description]
        let sealed = try await StockTool.run("age", recipients, input: text)
        let (header, end) = try AgeHeader.parse(sealed)
        #expect(header.encoded == Array(sealed[..<end]))
        #expect(try AgeFile(sealed, identities: [identity]).decrypted() == text)
    }

    @Test func stockAgeRefusesAnotherKey() async throws {
        let sealed = AgeWriter.sealed([1], to: [AgeIdentity.generate().recipient])
        let failure = await #expect(throws: StockTool.Failure.self) {
            try await withFile(sealed) { path in
                try await StockTool.run("age", ["-d", "-i", "-", path], input: AgeIdentity.generate().secretCharacters)
            }
        }
        #expect(failure?.code == 1)
    }

    /// Runs `body` with a file that holds these bytes, which only this user can read, and which is gone afterwards.
    private func withFile<R>(_ bytes: [UInt8], _ body: (_ path: String) async throws -> R) async throws -> R {
        let path = FileManager.default.temporaryDirectory.appending(path: "age-test-\(UUID().uuidString)").path
        try #require(
            FileManager.default.createFile(
                atPath: path, contents: Data(bytes), attributes: [.posixPermissions: 0o600]))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(path)
    }
}
