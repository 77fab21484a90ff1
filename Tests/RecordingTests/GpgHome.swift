import Foundation
import Subprocess

/// A gpg home of the tests' own with Alice's test key in it. There is one at a time, under one path: gpg is told of it by
/// this process's environment, which is set once.
enum GpgHome {
    static let isAvailable = ["/usr/bin", "/usr/local/bin", "/bin"].contains {
        FileManager.default.isExecutableFile(atPath: "\($0)/gpg")
    }

    private static let path: String = {
        let path = "/tmp/mmvault-gnupg.\(ProcessInfo.processInfo.processIdentifier)"
        setenv("GNUPGHOME", path, 1)
        return path
    }()

    static func with(_ body: () async throws -> Void) async throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await run("gpg", ["--batch", "--quiet", "--import"], input: Fixture.bytes("alice-gpg-secret.asc"))
        do {
            try await body()
        } catch {
            try await run("gpgconf", ["--kill", "all"])
            throw error
        }
        try await run("gpgconf", ["--kill", "all"])
    }

    private static func run(_ program: String, _ arguments: [String], input: [UInt8] = []) async throws {
        _ = try await Subprocess.run(
            .name(program), arguments: Arguments(arguments), input: .array(input), output: .discarded)
    }
}
