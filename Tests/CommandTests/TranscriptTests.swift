import Foundation
import Testing

@testable import mmvault

/// Each file in `Fixtures/transcripts` is typed again and must print what it says. After a change that is meant, record
/// them anew with MMVAULT_RECORD=1, and read the difference.
@Suite(.enabled(if: Stage.hasGpg, "needs gpg"))
struct TranscriptTests {
    static let records = ProcessInfo.processInfo.environment["MMVAULT_RECORD"] == "1"

    @Test(arguments: Transcript.names)
    func transcript_PrintsTheSameAgain(name: String) async throws {
        let path = "\(Transcript.folder)/\(name)"
        let written = Transcript(try String(contentsOfFile: path, encoding: .utf8))
        try await Stage.with(hasGpg: true) { stage in
            let replayed = try await written.replayed(on: stage)
            if TranscriptTests.records {
                try replayed.text.write(toFile: path, atomically: true, encoding: .utf8)
            }
            for (expected, found) in zip(written.entries, replayed.entries) where !TranscriptTests.records {
                #expect(found == expected)
            }
        }
    }

    @Test(arguments: Transcript.names)
    func transcript_FitsEightyColumns(name: String) throws {
        let text = try String(contentsOfFile: "\(Transcript.folder)/\(name)", encoding: .utf8)
        for entry in Transcript(text).entries {
            guard case .command(let command, let printed) = entry, !command.contains("--json") else { continue }
            // Long words, like paths, stay whole, but stand by themselves; a key's full id is one.
            for line in printed where line.columns > 80 {
                let longest = line.split(separator: " ").map(\.count).max() ?? 0
                #expect(longest >= 60, "\(line)")
            }
        }
    }
}
