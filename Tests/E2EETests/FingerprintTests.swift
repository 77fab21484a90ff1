import Bytes
import Foundation
import TestSupport
import Testing

@testable import E2EE

/// A key's name as digits, the same for everybody.
@Suite struct FingerprintTests {
    private static let key = String(repeating: "0123456789abcdef", count: 4)

    @Test func aFingerprintIsTwelveGroupsOfFiveDigits() throws {
        for byte in UInt8.min...UInt8.max {
            let key = try #require(KeyID([UInt8](repeating: byte, count: 32)))
            let fingerprint = Fingerprint(of: key)
            #expect(fingerprint.groups.count == 12)
            #expect(fingerprint.groups.allSatisfy { $0.utf8.count == 5 && $0.utf8.allSatisfy { 0x30...0x39 ~= $0 } })
            #expect(fingerprint.lines.joined(separator: " ") == fingerprint.description)
        }
    }

    /// As docs/trust.md computes it, with nothing but a shell and coreutils.
    @Test(.enabled(if: StockTool.isInstalled("basenc"), "needs coreutils 8.31"))
    func stockToolsComputeTheSame() async throws {
        let document = try String(
            contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("docs/trust.md"), encoding: .utf8)
        let script = try #require(
            document.split(separator: "```bash\n").dropFirst().first?.split(separator: "```").first)
        let output = try await StockTool.run(
            "bash", ["-euc", "id=\(Self.key)\n\(script)"], environment: ["PATH": "/usr/bin:/bin"])
        let words = String(decoding: output, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        let key = try #require(KeyID(hex: Self.key))
        #expect(words.joined(separator: " ") == Fingerprint(of: key).description)
    }

    /// Neither signature may pass for the other: see `SignedList`.
    @Test func aListsSignatureIsNoMessages() throws {
        let key = PrivateKey.generate()
        let message = EncryptedMessage.seal([1, 2, 3], from: key, to: [key.publicKey])
        let signer = key.publicKey.signer
        #expect(signer.verifies(message) && !signer.verifies(message.signature, ofTrustList: [1, 2, 3]))
        let list = Array(#"{"version":1}"#.utf8)
        let signature = key.sign(trustList: list[...])
        #expect(signer.verifies(signature, ofTrustList: list[...]))
        #expect(!signer.verifies(signature: signature, digest: SHA256Digest(of: list)))
        // The bytes of a message that are a hash must all lie within the line that every list begins with.
        let line = "mmvault trust list, version 1: which key is known to be whose\n"
        #expect(line.utf8.count >= 48)
        #expect(signer.verifies(signature: signature, digest: SHA256Digest(of: Array(line.utf8) + list)))
    }
}
