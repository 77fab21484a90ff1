import Bytes
import Foundation
import Testing

@testable import Age

/// The stock age(1) opens what is sealed here, and what it seals opens here.
@Suite(.enabled(if: StockAge.path != nil, "age(1) is not installed: apt-get install age"))
struct InteroperationTests {
    @Test(arguments: SealTests.edges)
    func stockAgeOpensWhatIsSealedHere(count: Int) throws {
        let (identity, text) = (AgeIdentity.generate(), SealTests.text(count))
        let sealed = AgeWriter.sealed(text, to: [AgeIdentity.generate().recipient, identity.recipient])
        let result = try withPrivateDirectory { directory in
            let file = try write(sealed, directory, "sealed.age")
            // The key goes in by standard input: arguments can be read by every user of the machine.
            return try StockAge.run(["-d", "-i", "-", file.path()], input: identity.secretCharacters + [0x0A])
        }
        #expect(result.status == 0)
        #expect(result.output == text)
    }

    @Test(arguments: SealTests.edges)
    func whatStockAgeSealsOpensHere(count: Int) throws {
        let (identity, text) = (AgeIdentity.generate(), SealTests.text(count))
        let recipients = ["-r", identity.recipient.description, "-r", AgeIdentity.generate().recipient.description]
        let result = try StockAge.run(recipients, input: text)
        #expect(result.status == 0)
        let (header, end) = try AgeHeader.parse(result.output)
        #expect(header.encoded == Array(result.output[..<end]))
        #expect(try AgeFile(result.output, identities: [identity]).decrypted() == text)
    }

    @Test func stockAgeRefusesAnotherKey() throws {
        let sealed = AgeWriter.sealed([1], to: [AgeIdentity.generate().recipient])
        let status = try withPrivateDirectory { directory in
            let file = try write(sealed, directory, "sealed.age")
            return try StockAge.run(["-d", "-i", "-", file.path()], input: AgeIdentity.generate().secretCharacters)
                .status
        }
        #expect(status == 1)
    }
}

private enum StockAge {
    static let path = ["/usr/bin/age", "/usr/local/bin/age"].first { FileManager.default.isExecutableFile(atPath: $0) }

    static func run(_ arguments: [String], input: [UInt8]) throws -> (status: Int32, output: [UInt8]) {
        try AgeTests.run(try #require(path), arguments, input: input)
    }
}
