import E2EE
import Reader
import Testing

/// Carol made a new key; the recording's server shows only that one.
@Suite struct SignerTests {
    @Test func postsBeforeARotation_AreOneSigners() async throws {
        try await Recording.with { recording in
            let keys = try [Fixture.key(1), Fixture.key(2)].map(\.publicKey)
            let report = try await SignerSearch(
                recording.archive, trusted: TrustedKeys(recording.archive, atHand: keys)
            ).run()
            #expect(report.signers.count == 1)
            let signer = try #require(report.signers.first)
            #expect(signer.userID == "i5icaim8ijrp8rc1midxigb3ia")
            #expect(signer.posts.count == 53)
            #expect(
                signer.probableKeyID?.description == "0c37f183df0203e130f36abc7929e016a7b0d2894957e5df2c643566060d5fec")
            // What `truth.json` notes as stolen-by-mallory, flipped-data, recipients-reordered and empty-recipients.
            #expect(report.misattributed.map(\.posts.count) == [1])
            #expect(report.unexplained.values.map(\.count) == [3])
            #expect(report.adopted.isEmpty)
        }
    }
}
