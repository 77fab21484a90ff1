import DemoServer
import E2EE
import Foundation
import Testing

/// What must not leak: the token, the password and the private keys.
@Suite(.enabled(if: Stage.hasGpg, "needs gpg"))
struct SecretTests {
    /// The whole job, by token and by password, with every way of giving a key; with a careless umask.
    private static let job = [
        "mmvault login $URL --token-file token.txt", "mmvault login $URL --username alice --password-file password.txt",
        "mmvault pull", "mmvault key restore --mine key.gpg.asc", "mmvault key restore --mine - < old-key.asc",
        "mmvault key list",
        "mmvault status --months", "mmvault verify --details", "mmvault verify --key key.asc", "mmvault check",
        "mmvault pull --channel release", "mmvault key restore cut.asc", "mmvault key restore other-d.asc",
        "mmvault verify --key key-ops.asc", "echo nonsense | mmvault login $URL --token-file -",
    ]

    private func play(_ body: (Stage, _ printed: String) async throws -> Void) async throws {
        try await Stage.with(hasGpg: true) { stage in
            try KeyDamage.write(to: stage)
            var printed = ""
            for line in SecretTests.job {
                let outcome = try await stage.run("umask 000; \(line)")
                #expect([0, 2, 6, 8].contains(outcome.code), "\(line): \(outcome.errors)")
                printed += outcome.everything
            }
            try await body(stage, printed)
        }
    }

    @Test func secrets_AppearNowhere() async throws {
        try await play { stage, printed in
            let token = try #require(session(stage)["token"] as? String)
            let secrets = try keySecrets(stage) + [Story.password, stage.token]
            for secret in secrets + [token] { #expect(!printed.contains(secret)) }
            for path in stage.paths(below: "vault") where !isFolder(path, stage) {
                let bytes = try stage.read(path)
                for secret in secrets { #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(path)") }
                let mayHoldToken = path.hasSuffix("session.json")
                #expect((bytes.range(of: Data(token.utf8)) != nil) == mayHoldToken, "\(path)")
            }
        }
    }

    @Test func files_AreTheOwnersAlone() async throws {
        try await play { stage, _ in
            let paths = ["vault"] + stage.paths(below: "vault")
            #expect(paths.count >= 7)
            for path in paths {
                let permissions = try stage.permissions(path)
                #expect(permissions == (isFolder(path, stage) ? 0o700 : 0o600), "\(path)")
            }
        }
    }

    @Test func keys_AreKeptAsOpenPGPOnly() async throws {
        try await play { stage, _ in
            let keys = stage.paths(below: "vault/localhost_alice/keys")
            #expect(keys.count == 2)
            for path in keys {
                let text = String(decoding: try stage.read(path), as: UTF8.self)
                #expect(text.hasPrefix("-----BEGIN PGP MESSAGE-----\n"), "\(path)")
                #expect(!text.contains(KeyBackup.begin))
            }
            #expect(stage.paths(below: "vault").allSatisfy { !$0.contains(".new.") })
        }
    }

    @Test func token_GoesToItsServerAlone() async throws {
        try await Stage.with { other in
            try await Stage.with { stage in
                try await stage.settle()
                let elsewhere = other.server.url + "/api/v4/users/me"
                stage.misbehave { _ in .redirect(elsewhere) }
                #expect(try await stage.run("mmvault pull").code == 7)
                #expect(try await stage.run("mmvault login $URL --token-file token.txt").code == 7)
                #expect(other.server.requests.isEmpty)
            }
        }
    }

    private func session(_ stage: Stage) throws -> [String: Any] {
        let bytes = try stage.read("vault/localhost_alice/session.json")
        return try #require(JSONSerialization.jsonObject(with: bytes) as? [String: Any])
    }

    /// The private numbers of both keys, and each line of their clear-text backups.
    private func keySecrets(_ stage: Stage) throws -> [String] {
        try [stage.story.alice.key, stage.story.alice.oldKey].flatMap { key in
            let lines = KeyBackup.text(of: key).split(separator: "\n").dropFirst().dropLast().map(String.init)
            let json = String(decoding: try #require(Data(base64Encoded: lines.joined())), as: UTF8.self)
            let numbers = json.matches(of: /"d":"([^"]*)"/).map { String($0.output.1) }
            #expect(numbers.count == 2)
            return lines + numbers
        }
    }

    private func isFolder(_ path: String, _ stage: Stage) -> Bool {
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: "\(stage.folder)/\(path)", isDirectory: &isFolder)
        return isFolder.boolValue
    }
}
