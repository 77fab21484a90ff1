import Bytes
import Foundation
import Testing

/// The main job as a whole: the program against a stand-in server that replays a real one's recording, without and with
/// injected faults. It takes the public test data of MMVAULT_SHARED.
@Suite(
    .serialized, .enabled(if: RecordedServer.shared != nil, "needs MMVAULT_SHARED with tools/replay.py and recordings"))
struct RecordedServerTests {
    @Test(arguments: [nil, 1, 2, 3] as [Int?])
    func everyPost_IsPulledAndReadAsItWasWritten(faults: Int?) async throws {
        let shared = try #require(RecordedServer.shared)
        let expected = try JSONDocument(Array(Data(contentsOf: URL(filePath: "\(shared)/recordings/expected.json"))))
            .root
        try await Stage.with { stage in
            let outcome = try await stage.run(
                """
                coproc python3 '\(shared)/tools/replay.py' '\(shared)/recordings/alice.jsonl' \(faults.map { "--faults \($0)" } ?? "")
                trap 'kill $COPROC_PID' EXIT
                read -r url token <&${COPROC[0]}
                set -e
                mmvault login "$url" --token-file - <<< "$token"
                mmvault pull
                mmvault check
                mmvault verify --json --key '\(shared)/recordings/keys/alice.1.asc' \
                  --key '\(shared)/recordings/keys/alice.2.asc' > verdicts.jsonl || [ $? = 2 ]
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
    static let shared: String? = ProcessInfo.processInfo.environment["MMVAULT_SHARED"].flatMap {
        FileManager.default.fileExists(atPath: "\($0)/tools/replay.py")
            && FileManager.default.fileExists(atPath: "\($0)/recordings/alice.jsonl") ? $0 : nil
    }
}
