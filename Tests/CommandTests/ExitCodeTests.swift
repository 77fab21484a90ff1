import DemoServer
import Foundation
import Testing

@testable import mmvault

/// Each number that docs/exit-codes.md promises, and a way to get it.
struct ExitCase: Sendable, CustomTestStringConvertible {
    let code: ExitCode
    /// What happens before, as in a transcript.
    let events: [String]
    let line: String

    init(_ code: ExitCode, _ line: String, after events: String...) {
        self.code = code
        self.line = line
        self.events = events
    }

    var testDescription: String { "\(code.rawValue): \(line)" }

    private static let settled = "Alice has logged in and pulled"

    static let all: [ExitCase] = [
        ExitCase(.success, "mmvault pull", after: settled),
        ExitCase(.success, "mmvault verify --channel town-square", after: settled),
        ExitCase(.success, "mmvault check", after: settled),
        ExitCase(.failure, "mmvault verify --json > /dev/full", after: settled),
        ExitCase(.failure, "mmvault --help > /dev/full"),
        ExitCase(.findings, "mmvault verify --key key.asc --key old-key.asc --mine", after: settled),
        ExitCase(.findings, "mmvault verify --json --key key.asc", after: settled),
        ExitCase(.findings, "mmvault audit", after: settled),
        ExitCase(.findings, "mmvault audit --json", after: settled),
        ExitCase(.success, "mmvault audit --channel town-square", after: settled),
        ExitCase(.noArchive, "mmvault audit --channel nowhere", after: settled),
        ExitCase(.damaged, "mmvault audit", after: settled, "the archive loses a byte"),
        ExitCase(
            .unchecked,
            """
            mmvault export evidence out --no-keys > /dev/null 2>&1; cd out
            sed -i 's/"mmvault_evidence":[0-9]*/"mmvault_evidence":99/' manifest.json
            find . -type f ! -name SHA256SUMS -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum > SHA256SUMS
            mmvault check .
            """, after: settled),
        ExitCase(.success, "mmvault trust signers", after: settled),
        ExitCase(.damaged, "mmvault trust signers", after: settled, "the archive loses a byte"),
        ExitCase(.usage, "mmvault trust adopt carol 12345678", after: settled),
        ExitCase(.incomplete, "mmvault pull", after: settled, "a proxy refuses one channel"),
        ExitCase(.damaged, "mmvault check", after: settled, "the archive loses a byte"),
        ExitCase(.damaged, "mmvault verify", after: settled, "the archive loses a byte"),
        ExitCase(.damaged, "echo nothing > vault/localhost_alice/archive.sqlite; mmvault status", after: settled),
        ExitCase(.inUse, "flock vault/localhost_alice/lock mmvault pull", after: settled),
        ExitCase(.inUse, "flock vault/localhost_alice/lock mmvault key restore key.asc", after: settled),
        ExitCase(.notLoggedIn, "echo nonsense | mmvault login $URL --token-file -"),
        ExitCase(.notLoggedIn, "mmvault pull", after: settled, "Alice's session ends"),
        ExitCase(.notLoggedIn, "rm vault/*/session.json; mmvault pull", after: settled),
        ExitCase(.server, "mmvault login $URL --token-file token.txt", after: "the server fails"),
        ExitCase(.server, "mmvault pull", after: settled, "the server moves"),
        ExitCase(.key, "echo nothing | mmvault key restore -", after: settled),
        ExitCase(.key, "mmvault verify --key token.txt", after: settled),
        ExitCase(.key, "PATH=/nowhere $(which mmvault) key restore key.asc", after: settled),
        ExitCase(.noArchive, "mmvault status"),
        ExitCase(.noArchive, "mmvault check --account nobody", after: settled),
        ExitCase(.noArchive, "mmvault verify --channel nowhere", after: settled),
        ExitCase(.success, "mmvault channels", after: settled),
        ExitCase(.success, "mmvault read release", after: settled),
        ExitCase(.failure, "mmvault read release > /dev/full", after: settled),
        ExitCase(.damaged, "mmvault read release", after: settled, "the archive loses a byte"),
        ExitCase(.key, "mmvault read release --key token.txt", after: settled),
        ExitCase(.noArchive, "mmvault read nowhere", after: settled),
        ExitCase(.noArchive, "mmvault read release --around nosuchpost", after: settled),
        ExitCase(.usage, "mmvault read release --last 3 --thread x", after: settled),
        ExitCase(.noArchive, "mmvault pull --team nowhere", after: settled),
        ExitCase(.badExport, "mmvault import token.txt", after: settled),
        ExitCase(.noArchive, "mmvault import token.txt"),
        ExitCase(.noArchive, "mmvault login $URL --token-file token.txt && mmvault import token.txt"),
        ExitCase(.usage, "mmvault frobnicate"),
        ExitCase(.usage, "mmvault login http://chat.example.org --token-file token.txt"),
        ExitCase(.usage, "mmvault login $URL --token-file missing.txt"),
        ExitCase(.usage, "mmvault login $URL --token-file /"),
        ExitCase(.usage, "mmvault verify --key /dev/zero", after: settled),
        ExitCase(
            .interrupted, "interrupted mmvault pull", after: settled, "the server answers slowly"),
    ]
}

@Suite struct ExitCodeTests {
    @Test(arguments: ExitCase.all)
    func command_EndsWithItsNumber(_ exit: ExitCase) async throws {
        try await Stage.with { stage in
            for event in exit.events { try await Event.happen(event, on: stage) }
            let outcome = try await stage.run(exit.line)
            #expect(outcome.code == exit.code.rawValue, "\(outcome.everything)")
            let isError = ![.success, .findings].contains(exit.code)
            #expect(outcome.errors.contains("error: ") == isError, "\(outcome.errors)")
        }
    }

    @Test func everyNumber_IsProducedBySomething() {
        #expect(Set(ExitCase.all.map(\.code)) == Set(ExitCode.allCases))
    }

    @Test func serverThatIsNotThere_IsTold() async throws {
        try await Stage.with { stage in
            let outcome = try await stage.run("mmvault login http://127.0.0.1:1 --token-file token.txt")
            #expect(outcome.code == 7)
        }
    }

    @Test func outputThatNobodyReads_EndsTheCommandQuietly() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let outcome = try await stage.run("mmvault verify --json | head -n 1 | wc -l; echo ${PIPESTATUS[0]}")
            #expect(outcome.errors.isEmpty)
            #expect(outcome.lines.first == "1")
            let closed = try await stage.run("(sleep 1; mmvault verify --json) | true; echo ${PIPESTATUS[0]}")
            #expect(closed.errors.isEmpty)
            #expect(closed.lines.last == "141")
        }
    }
}
