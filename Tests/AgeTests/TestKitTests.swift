import Bytes
import TestSupport
import Testing

@testable import Age

/// The age test kit: every file that a reader of X25519 alone can judge opens, or fails, as it says itself.
@Suite(.enabled(if: SharedData.file(TestKitFile.folder) != nil, "\(SharedData.absence(of: TestKitFile.folder))"))
struct TestKitTests {
    /// Of the other kinds those whose outcome does not depend on the kind that is not read.
    static let alsoJudged = ["hybrid_x25519_arg", "scrypt_and_x25519"]
    static let judged = TestKitFile.all.filter { file in
        alsoJudged.contains(file.name) || !["armor_", "hybrid", "scrypt"].contains { file.name.hasPrefix($0) }
    }

    @Test(arguments: judged)
    func aFileBehavesAsItSays(_ file: TestKitFile) async throws {
        switch try #require(file.value("expect")) {
        case "success":
            let text = try await open(file)
            #expect(SHA256Digest(of: text).description == file.value("payload"))
        case "no match": await #expect(throws: AgeError.noIdentityMatches) { try await open(file) }
        case "HMAC failure": await #expect(throws: AgeError.headerMACWrong) { try await open(file) }
        case "header failure":
            let error = await #expect(throws: AgeError.self) { try await open(file) }
            switch error {
            case .notAgeFile: #expect(file.name == "empty")
            case .unsupportedVersion: #expect(file.name == "version_unsupported")
            case .malformedHeader: break
            default: Issue.record("\(file.name): \(String(describing: error))")
            }
        case "payload failure":
            let error = await #expect(throws: AgeError.self) { try await open(file) }
            guard case .payloadDamaged = error else {
                Issue.record("\(file.name): \(String(describing: error))")
                return
            }
        case let other: Issue.record("\(file.name) expects “\(other)”")
        }
    }

    @Test(arguments: TestKitFile.all)
    func whatParsesEncodesToTheSameBytes(_ file: TestKitFile) async throws {
        let bytes = try await file.bytes
        guard let (header, end) = try? AgeHeader.parse(bytes) else { return }
        #expect(header.encoded == Array(bytes[..<end]))
    }

    /// A passphrase's file and a hybrid one are sealed to no identity of ours, or malformed; they never open.
    @Test(arguments: TestKitFile.all.filter { !judged.map(\.name).contains($0.name) })
    func aFileOfAnotherKindDoesNotOpen(_ file: TestKitFile) async throws {
        let error = await #expect(throws: AgeError.self) { try await open(file) }
        switch error {
        case .notAgeFile: #expect(file.name.hasPrefix("armor_"))
        case .malformedHeader, .noIdentityMatches: #expect(!file.name.hasPrefix("armor_"))
        default: Issue.record("\(file.name): \(String(describing: error))")
        }
    }

    @Test func everyFileIsJudgedOrLeftOutForAReason() {
        let left = TestKitFile.all.map(\.name).filter { !TestKitTests.judged.map(\.name).contains($0) }
        #expect(TestKitFile.all.count == 143)
        #expect(TestKitTests.judged.count == 69)
        #expect(left.filter { $0.hasPrefix("armor_") }.count == 33)
        #expect(left.filter { $0.hasPrefix("hybrid") }.count == 17)
        #expect(left.filter { $0.hasPrefix("scrypt") }.count == 24)
        let outcomes = Dictionary(grouping: TestKitTests.judged) { $0.value("expect") ?? "" }.mapValues(\.count)
        #expect(
            outcomes == [
                "success": 14, "no match": 3, "HMAC failure": 1, "header failure": 33, "payload failure": 18,
            ])
        #expect(TestKitTests.judged.filter { $0.value("compressed") != nil }.count == 19)
    }

    private func open(_ file: TestKitFile) async throws -> [UInt8] {
        let identities = file.values("identity").compactMap { AgeIdentity($0) }
        let expected = file.values("identity").filter { !$0.hasPrefix("AGE-SECRET-KEY-PQ-") }
        #expect(identities.map(\.secretText) == expected)
        return try AgeFile(await file.bytes, identities: identities).decrypted()
    }
}
