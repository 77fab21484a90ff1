import Bytes
import Foundation
import TestSupport
import Testing

/// The main job as a whole: the program against a stand-in server that replays a real one's recording, without and with
/// injected faults. It takes public test data that is not part of this repository.
@Suite(
    .serialized,
    .enabled(if: SharedData.file(RecordedServer.script) != nil, "\(SharedData.absence(of: RecordedServer.script))"),
    .enabled(if: SharedData.file(RecordedServer.answers) != nil, "\(SharedData.absence(of: RecordedServer.answers))"))
struct RecordedServerTests {
    @Test(arguments: [nil, 1, 2, 3] as [Int?])
    func everyPost_IsPulledAndReadAsItWasWritten(faults: Int?) async throws {
        let script = try #require(SharedData.file(RecordedServer.script)).path
        let answers = try #require(SharedData.file(RecordedServer.answers))
        let recordings = answers.deletingLastPathComponent().path
        let expected = try JSONDocument(Array(Data(contentsOf: URL(filePath: "\(recordings)/expected.json")))).root
        try await Stage.with { stage in
            let outcome = try await stage.run(
                """
                coproc python3 '\(script)' '\(answers.path)' \(faults.map { "--faults \($0)" } ?? "")
                trap 'kill $COPROC_PID' EXIT
                read -r url token <&${COPROC[0]}
                set -e
                mmvault login "$url" --token-file - <<< "$token"
                mmvault pull
                mmvault check
                mmvault verify --json --key '\(recordings)/keys/alice.1.asc' \
                  --key '\(recordings)/keys/alice.2.asc' --mine > verdicts.jsonl || [ $? = 2 ]
                """)
            #expect(outcome.code == 0, "\(outcome.everything)")
            var found: [String: JSONValue] = [:]
            for line in String(decoding: try stage.read("verdicts.jsonl"), as: UTF8.self).split(separator: "\n") {
                let object = try JSONDocument(Array(line.utf8)).root
                let id = try #require(object["id"]?.string)
                // Versions that a newer one of the same id superseded are told apart by their state.
                if object["state"]?.string != "earlier" { found[id] = object }
            }
            #expect(expected.members.count == 607)
            #expect(Set(found.keys) == Set(expected.members.map(\.key)))
            let differing = expected.members.filter { id, post in
                ["state", "channel_id", "user_id", "authenticity", "content"].contains {
                    found[id]?[$0]?.string != post[$0]?.string
                }
            }
            #expect(differing.map(\.key) == [])
        }
    }
}

enum RecordedServer {
    /// What replays its answers, and these themselves: where they are, in the shared data.
    static let script = "tools/replay.py"
    static let answers = "recordings/alice.jsonl"
}
