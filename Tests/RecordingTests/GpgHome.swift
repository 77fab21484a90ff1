import Foundation
import TestSupport

/// A gpg home of the tests' own with Alice's test key in it. There is one at a time, under one path: gpg is told of it by
/// this process's environment, which is set once.
enum GpgHome {
    private static let path: String = {
        let path = "/tmp/mmvault-gnupg.\(ProcessInfo.processInfo.processIdentifier)"
        setenv("GNUPGHOME", path, 1)
        return path
    }()

    /// The public keys stay.
    static func forgetSecretKeys() async throws {
        try await StockTool.run("gpgconf", ["--kill", "all"])
        try FileManager.default.removeItem(atPath: "\(path)/private-keys-v1.d")
    }

    static func with(_ body: () async throws -> Void) async throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await StockTool.run(
            "gpg", ["--batch", "--quiet", "--import"], input: Fixture.bytes("alice-gpg-secret.asc"))
        do {
            try await body()
        } catch {
            _ = try? await StockTool.run("gpgconf", ["--kill", "all"])
            throw error
        }
        _ = try? await StockTool.run("gpgconf", ["--kill", "all"])
    }
}
