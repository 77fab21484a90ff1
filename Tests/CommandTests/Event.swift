import Bytes
import DemoServer
import E2EE
import Foundation

/// What happens in a transcript besides commands.
enum Event {
    static func happen(_ name: String, on stage: Stage) async throws {
        guard let body = all[name] else { throw StageError(what: "nobody knows how “\(name)” happens") }
        try await body(stage)
    }

    private static let all: [String: @Sendable (Stage) async throws -> Void] = [
        "Alice has logged in and pulled": { try await $0.settle() },
        "Carol makes a new key": { $0.story.carolMakesANewKey() },
        "Bob has logged in and pulled": { stage in
            let outcome = try await stage.run(
                """
                mmvault --vault bobs login $URL --username bob --password-file password.txt &&
                mmvault --vault bobs pull
                """)
            guard outcome.code == 0 else { throw StageError(what: outcome.everything) }
        },
        "the server shows Bob's key as Carol's": { $0.story.register($0.story.bob.key, $0.story.carol) },
        "the server shows no key of Bob's any more": { stage in
            let (alice, carol) = (stage.story.alice, stage.story.carol)
            func points(_ key: PrivateKey) -> String {
                let (encr, sign) = (key.publicKey.encryptionPoint, key.publicKey.signingPoint)
                return #"{"sign":"\#(Base64.standard.encode(sign))","encr":"\#(Base64.standard.encode(encr))"}"#
            }
            let shown = [alice.id: points(alice.key), carol.id: points(carol.key)]
            let keys = stage.story.world.userIDs.map { "\"\($0)\":\(shown[$0] ?? "null")" }.joined(separator: ",")
            stage.answer("/plugins/com.quarkslab.e2ee/api/v1/pubkey/get", with: #"{"pubKeys":{\#(keys)}}"#)
        },
        "the server swaps the names of Bob and Carol": { stage in
            let names = [("alice", stage.story.alice), ("carol", stage.story.bob), ("bob", stage.story.carol)]
            let users = names.map { #"{"id":"\#($1.id)","username":"\#($0)","nickname":"","first_name":""}"# }
            stage.answer("/api/v4/users/ids", with: "[\(users.joined(separator: ","))]")
        },
        "Alice's session ends": { $0.story.world.revoke($0.token) },
        "the server answers slowly": { stage in
            let mark = "\(stage.folder)/asked"
            stage.misbehave { request in
                guard request.path.hasSuffix("/posts") else { return nil }
                _ = FileManager.default.createFile(atPath: mark, contents: nil)
                return .stall(.seconds(20))
            }
        },
        "the server answers well again": { $0.misbehave(nil) },
        "the server refuses one channel": { stage in
            let refusal = #"{"id":"api.context.permissions.app_error","message":"You may not.","status_code":403}"#
            let path = "/api/v4/channels/\(stage.story.release)/posts"
            stage.misbehave {
                $0.path == path ? .status(403, body: refusal, headers: [("Content-Type", "application/json")]) : nil
            }
        },
        "a proxy refuses one channel": { stage in
            let path = "/api/v4/channels/\(stage.story.release)/posts"
            stage.misbehave { $0.path == path ? .status(403, body: "Forbidden\n") : nil }
        },
        "the server fails": { stage in stage.misbehave { _ in .status(502, body: "<html>bad gateway</html>") } },
        "the server moves": { stage in stage.misbehave { _ in .redirect("https://elsewhere.example.org/") } },
        "the server has no encryption plugin": { stage in
            stage.misbehave { $0.path.hasPrefix("/plugins/") ? .status(404, body: "404 page not found\n") : nil }
        },
        "Bob logs in, too": { stage in
            try stage.write("bobs-token.txt", stage.story.world.issueToken(for: stage.story.bob.id))
            _ = try await stage.run(
                "mmvault login $URL --token-file bobs-token.txt && mmvault --account localhost_bob pull")
        },
        "Alice's key backups are damaged": { try KeyDamage.write(to: $0) },
        "the archive loses a byte": { stage in
            let outcome = try await stage.run(
                """
                cd vault/localhost_alice
                guard=$(sqlite3 archive.sqlite "SELECT sql FROM sqlite_master WHERE name = 'document_is_never_changed'")
                sqlite3 archive.sqlite "DROP TRIGGER document_is_never_changed;
                UPDATE document SET body = substr(body, 1, length(body) - 1) WHERE seq =
                (SELECT min(document) FROM version WHERE channel_id = '\(stage.story.release)'); $guard"
                """)
            guard outcome.code == 0 else { throw StageError(what: outcome.errors) }
        },
    ]
}

extension Stage {
    /// Makes the server answer so to questions for a path.
    fileprivate func answer(_ path: String, with json: String) {
        misbehave {
            $0.path == path ? .status(200, body: json, headers: [("Content-Type", "application/json")]) : nil
        }
    }
}

/// Backups of Alice's key with one thing wrong each.
enum KeyDamage {
    static func write(to stage: Stage) throws {
        let text = KeyBackup.text(of: stage.story.alice.key)
        let lines = text.split(separator: "\n").map(String.init)
        let json = String(decoding: Data(base64Encoded: lines[1..<lines.count - 1].joined()) ?? Data(), as: UTF8.self)
        func armored(_ json: String) -> String {
            [KeyBackup.begin, Data(json.utf8).base64EncodedString(), KeyBackup.end].joined(separator: "\n") + "\n"
        }
        try stage.write("cut.asc", lines.dropLast().joined(separator: "\n"))
        try stage.write("not-base64.asc", text.replacing(lines[2], with: "*" + lines[2].dropFirst()))
        try stage.write("key-ops.asc", armored(json.replacing("deriveBits", with: "deriveKey")))
        let scalars = json.matches(of: /"d":"([^"]*)"/).map { String($0.output.1) }
        try stage.write("other-d.asc", armored(json.replacing(scalars[0], with: scalars[1])))
        try stage.write("no-json.asc", armored(String(json.dropLast())))
        try stage.write("letter.txt", "Dear Alice,\nhere is no key at all.\n")
        try stage.write(
            "for-somebody-else.asc", String(contentsOfFile: Fixtures.path("recording/alice.1.gpg.asc"), encoding: .utf8)
        )
    }
}
