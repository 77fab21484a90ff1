import Archive
import Bytes
import E2EE
import Foundation
import Reader
import TestSupport
import Testing

/// What was really written, by whom and with which intent: kept beside the recording, and not in this repository.
enum Truth {
    /// Where that is, in the shared data.
    static let file = "recordings/truth.json"

    /// The posts that were seeded, by what is noted of them.
    static func seeded() throws -> [String: String] {
        let file = try #require(SharedData.file(file))
        let root = try JSONDocument([UInt8](Data(contentsOf: file))).root
        return (root["posts"]?.members ?? []).reduce(into: [:]) { notes, post in
            if let note = post.value["note"]?.string { notes[post.key] = note }
        }
    }
}

@Suite struct AuditTests {
    private func findings(_ recording: Recording, keys: [Int] = [1, 2]) async throws -> [Finding] {
        let own = try keys.map(Fixture.key).map(\.publicKey)
        let trusted = try TrustedKeys(recording.archive, atHand: own, ownForOnce: own)
        return try await Audit(recording.archive, trusted: trusted).run()
    }

    @Test(.enabled(if: SharedData.file(Truth.file) != nil, "\(SharedData.absence(of: Truth.file))"))
    func findings_AreJustTheSeededCases() async throws {
        let notes = try Truth.seeded()
        try await Recording.with { recording in
            let found = try await findings(recording).filter { !$0.isExplained }
            let brief = found.map { finding in
                let posts = finding.places.flatMap(\.posts).map { notes[$0.id] ?? "not seeded: \($0.id)" }
                return "\(finding.kind.rawValue): \(posts.sorted().joined(separator: ", "))"
            }
            #expect(
                brief == [
                    "repeated-ciphertext: replayed-by-bob, stolen-by-mallory", "misattributed-posts: stolen-by-mallory",
                    "unrecorded-signers: empty-recipients, flipped-data, recipients-reordered",
                    "missing-recipients: not-for-alice", "missing-recipients: empty-recipients",
                ])
            // The rest of what was seeded is of another sort: what has no known form, what a wrapped key says, which nobody
            // signs, and a second signature of a message that was written once.
            let left = Set(notes.values).subtracting(
                brief.flatMap { $0.split(separator: ": ")[1].components(separatedBy: ", ") })
            #expect(
                left == [
                    "array", "bad-base64", "compressed-point", "der-signature", "empty-text", "files",
                    "malleated-signature", "no-signature", "not-an-object", "null", "point-off-curve", "short-iv",
                    "version-9", "wrapped-key-flipped",
                ])
        }
    }

    /// The one key id that belongs to nobody is Carol's key before she made a new one.
    @Test func recipientNobodyKnows_IsExplained() async throws {
        try await Recording.with { recording in
            let explained = try await findings(recording).filter(\.isExplained)
            #expect(explained.map(\.kind) == [.unrecordedSigners, .unknownRecipients])
            for finding in explained {
                #expect(finding.keyIDs.map(\.short) == ["0c37f183df0203e1"])
                #expect(finding.explanation?.contains("@fixture.carol") == true)
            }
            #expect(explained.map(\.posts) == [53, 209])
        }
    }

    /// Without Alice's first key nobody knows that it was hers, and it is told as Carol's is; nothing else changes but that
    /// nobody can say any more that she was left out.
    @Test func ownEarlierKey_IsExplainedWhereItIsNotAtHand() async throws {
        try await Recording.with { recording in
            let all = try await findings(recording, keys: [2])
            #expect(all.filter(\.isExplained).count == 4)
            #expect(all.filter { !$0.isExplained }.count == 4)
        }
    }
}
