import Archive
import E2EE
import Foundation
import Reader
import TestSupport
import Testing

/// Carol's key from before her new one is in no answer of the recorded server. The private half is part of the public test
/// data.
@Suite(.enabled(if: SharedKeys.carols != nil, "\(SharedData.absence(of: SharedKeys.file))"))
struct TrustTests {
    private static let carol = "i5icaim8ijrp8rc1midxigb3ia"

    private func decide(_ verb: TrustDecision.Verb, _ signer: SigningPoint, _ recording: Recording) async throws {
        let decision = TrustDecision(
            userID: Self.carol, verb: verb, signingPoint: signer.bytes, encryptionPoint: nil, at: .now)
        try await ArchiveWriter(recording.directory).append(
            TrustDecision.document([decision], at: decision.at), objects: .trust)
    }

    @Test func anAdoptedSigner_VerifiesTheirPostsAndNothingElse() async throws {
        let signer = try #require(SharedKeys.carols?.publicKey.signer)
        let keys = [try Fixture.key(1), try Fixture.key(2)]
        try await Recording.with { recording in
            let report = try await SignerSearch(
                recording.archive, trusted: TrustedKeys(recording.archive, atHand: keys.map(\.publicKey))
            ).run()
            let found = try #require(report.signers.first)
            #expect(found.point == signer && found.userID == Self.carol)

            let before = try await recording.read(with: keys)
            try await decide(.adopted, signer, recording)
            let after = try await recording.read(with: keys)
            var expected = before
            for post in found.posts {
                let reading = try #require(before[post.id])
                #expect(reading.userID == Self.carol && reading.authenticity == "signatureInvalid")
                expected[post.id]?.authenticity = "verifiedByEarlierKey"
            }
            #expect(found.posts.count == 53 && after == expected)
            // Of what is left, each was tampered with.
            let invalid = after.filter { $0.value.authenticity == "signatureInvalid" }
            #expect(Set(invalid.keys) == Set(try Truth.seeded().filter { Self.tampered.contains($0.value) }.keys))

            try await decide(.rejected, signer, recording)
            #expect(try await recording.read(with: keys) == before)
            try await decide(.withdrawn, signer, recording)
            #expect(try await recording.read(with: keys) == before)
            #expect(try await recording.archive.check().damages.isEmpty)
        }
    }

    private static let tampered: Set<String> = [
        "stolen-by-mallory", "flipped-data", "recipients-reordered", "empty-recipients",
    ]
}

/// Private keys of the recording that are not in its fixtures.
private enum SharedKeys {
    /// Where Carol's is, in the shared data.
    static let file = "recordings/keys/carol.1.asc"

    /// The one before her new one.
    static let carols: PrivateKey? = SharedData.file(file).flatMap { try? Data(contentsOf: $0) }
        .flatMap { try? KeyBackup.privateKeys(in: Array($0)).first }
}
