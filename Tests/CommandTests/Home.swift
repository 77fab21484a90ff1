import Foundation
import Subprocess
import SystemPackage
import TestSupport

/// A folder where commands are run as a user types them: it is the user's home, with a vault and a gpg home of its own, and
/// the folder of `mmvault` on PATH.
protocol Home: Sendable {
    var folder: String { get }
    /// The server's address, which the commands find in the variable URL.
    var url: String { get }
}

/// How a line that was typed ended.
struct Outcome: Sendable {
    let output: String
    let errors: String
    /// As a shell counts: 128 and the signal's number where a signal ended it.
    let code: Int32

    var lines: [Substring] { output.split(separator: "\n") }
    var everything: String { output + errors }
}

struct StageError: Error, CustomStringConvertible {
    let what: String
    var description: String { what }
}

extension Home {
    /// A folder that is not there yet. Its name is always as long: where a message is broken depends on it.
    static func newFolder() -> String { "/tmp/mmvault-test.\(UUID().uuidString.prefix(8))" }

    /// Makes the folder, with `mmvault` in it.
    func furnish() throws {
        for name in ["bin", "gnupg"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(name)", withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        }
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder)/bin/mmvault", withDestinationPath: BuiltProgram.path)
    }

    /// Removes the folder, and ends what gpg has left running there.
    func remove() async {
        _ = try? await run("gpgconf --kill all")
        try? FileManager.default.removeItem(atPath: folder)
    }

    // MARK: Files

    func write(_ name: String, _ text: String) throws {
        try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }

    func read(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: "\(folder)/\(name)")) }

    /// Every file and folder below `name`, by path.
    func paths(below name: String) -> [String] {
        (FileManager.default.enumerator(atPath: "\(folder)/\(name)")?.compactMap { $0 as? String } ?? []).sorted()
            .map { "\(name)/\($0)" }
    }

    func permissions(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
        return (attributes[.posixPermissions] as? Int ?? 0) & 0o777
    }

    // MARK: Commands

    /// Runs a line as a shell would; standard input is empty unless the line says otherwise.
    func run(_ line: String) async throws -> Outcome {
        let result = try await Subprocess.run(
            .path("/bin/bash"), arguments: ["-c", "set -o pipefail; \(line)"], environment: environment,
            workingDirectory: FilePath(folder), input: .none, output: .string(limit: 32 << 20),
            error: .string(limit: 4 << 20))
        let code: Int32 =
            switch result.terminationStatus {
            case .exited(let code): code
            case .signaled(let signal): 128 + signal
            }
        return Outcome(output: result.standardOutput, errors: result.standardError, code: code)
    }

    private var environment: Environment {
        .custom([
            "PATH": "\(folder)/bin:/usr/local/bin:/usr/bin:/bin", "HOME": folder, "GNUPGHOME": "\(folder)/gnupg",
            "MMVAULT_DIR": "\(folder)/vault", "URL": url, "LANG": "C.UTF-8", "TERM": "xterm",
            "SHELL": "/bin/bash",
        ])
    }

    /// Makes an OpenPGP key without a passphrase.
    func makeGpgKey(for name: String) async throws {
        let outcome = try await run(
            """
            gpg --batch --quiet --pinentry-mode loopback --passphrase '' \
              --quick-gen-key '\(name)' future-default default never
            """)
        guard outcome.code == 0 else { throw StageError(what: outcome.errors) }
    }
}

/// The program that was built together with the tests.
private enum BuiltProgram {
    static let path: String = {
        let test = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: test).deletingLastPathComponent().appending(path: "mmvault").path
    }()
}
