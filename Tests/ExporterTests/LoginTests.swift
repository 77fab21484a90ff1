import Archive
import DemoServer
import Foundation
import Testing

@testable import Exporter

/// Ways in, and what is kept of them.
struct LoginTests {
    private static let password = "p4ss wörd \"\\ 🙂"

    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test func aPasswordOpensASession() async throws {
        try await Town.with { town in
            town.world.addUser(username: "dave", password: LoginTests.password)
            let (directory, session) = try await Login.run(
                town.address, .password(username: "dave", password: LoginTests.password, mfaCode: nil),
                vault: town.vault)
            #expect(session.username == "dave" && session.address.url == town.server.url)
            let kept = try Session(in: directory)
            #expect(kept.token == session.token && kept.userID == session.userID && kept.address == session.address)
            let report = try await Pull(directory, patience: .eager).run()
            #expect(report.outcomes.isEmpty)
        }
    }

    @Test func aWrongPasswordOpensNothing() async throws {
        try await Town.with { town async throws in
            await #expect(
                throws: ExporterError.loginRefused(message: "Enter a valid email or username and/or password.")
            ) {
                try await Login.run(
                    town.address, .password(username: "alice", password: "looking glass", mfaCode: nil),
                    vault: town.vault)
            }
            #expect(town.server.requests.count == 1, "and is not tried again")
            #expect(town.vault.accountNames.isEmpty)
        }
    }

    @Test func aSecondFactorIsAskedForAndChecked() async throws {
        try await Town.with { town async throws in
            town.world.addUser(username: "mia", password: "secret", mfaCode: "123456")
            func login(_ code: String?) async throws -> Session {
                try await Login.run(
                    town.address, .password(username: "mia", password: "secret", mfaCode: code), vault: town.vault
                ).session
            }
            await #expect(throws: ExporterError.mfaRequired) { try await login(nil) }
            for wrong in ["654321", "1", ""] {
                await #expect(throws: ExporterError.loginRefused(message: "Invalid MFA token.")) {
                    try await login(wrong)
                }
            }
            #expect(town.vault.accountNames.isEmpty)
            #expect(try await login("123456").username == "mia")
        }
    }

    @Test func aTokenIsCheckedAndKept() async throws {
        try await Town.with { town in
            let (directory, session) = try await Login.run(town.address, .token(town.token), vault: town.vault)
            #expect(session.userID == town.alice && session.username == "alice")
            #expect(try Session(in: directory).token == town.token)
            #expect(directory.name == "localhost_alice")
        }
    }

    @Test func aTokenThatTheServerDoesNotTakeIsNotKept() async throws {
        try await Town.with { town async throws in
            await #expect(throws: ExporterError.sessionExpired(server: town.server.url)) {
                try await Login.run(
                    town.address, .token(String(repeating: "x", count: 26)), vault: town.vault)
            }
            #expect(town.vault.accountNames.isEmpty)
        }
    }

    @Test(arguments: ["", " ", "a b", "abc\n", "\tabc", "abc\r\nX-Evil: 1", "tökèn", "a\u{0}b"])
    func whatIsNoTokenIsNotSent(_ token: String) async throws {
        try await Town.with { town async throws in
            await #expect(throws: ExporterError.self) {
                try await Login.run(town.address, .token(token), vault: town.vault)
            }
            #expect(town.server.requests.isEmpty && town.vault.accountNames.isEmpty)
        }
    }

    @Test func onlyTheOwnerMayReadWhatIsKept() async throws {
        try await Town.with { town in
            let (directory, _) = try await Login.run(town.address, .token(town.token), vault: town.vault)
            town.write(3)
            _ = try await Pull(directory, patience: .eager).run()
            #expect(try mode(town.vault.path) == 0o700)
            #expect(try mode(directory.path) == 0o700 && mode(directory.keysPath) == 0o700)
            for name in try FileManager.default.contentsOfDirectory(atPath: directory.path) where name != "keys" {
                #expect(try mode("\(directory.path)/\(name)") == 0o600, "\(name)")
            }
        }
    }

    @Test func aSecondLoginReplacesTheTokenAndKeepsTheArchive() async throws {
        try await Town.with { town in
            town.write(3)
            let first = try await Login.run(town.address, .token(town.token), vault: town.vault)
            _ = try await Pull(first.directory, patience: .eager).run()
            let token = town.world.issueToken(for: town.alice)
            let second = try await Login.run(town.address, .token(token), vault: town.vault)
            #expect(second.directory.path == first.directory.path)
            #expect(try Session(in: second.directory).token == token)
            #expect(try Archive(second.directory).versionCounts()[town.channel] == 3)
        }
    }

    /// Neither the token nor the password stands anywhere but in the session's own file.
    @Test func secretsAreNowhereElse() async throws {
        try await Town.with { town in
            let login = try await Login.run(
                town.address, .password(username: "alice", password: "wonderland", mfaCode: nil), vault: town.vault)
            let token = login.session.token
            town.write(30)
            for _ in 0..<2 { _ = try await Pull(login.directory, patience: .eager).run() }
            var files = 0
            let all = try #require(FileManager.default.enumerator(atPath: town.vault.path))
            for case let name as String in all {
                guard let bytes = FileManager.default.contents(atPath: "\(town.vault.path)/\(name)") else { continue }
                files += 1
                let isSession = name.hasSuffix("/session.json")
                #expect((bytes.range(of: Data(token.utf8)) != nil) == isSession, "\(name)")
                #expect(bytes.range(of: Data("wonderland".utf8)) == nil, "\(name)")
            }
            #expect(files > 2)
            // The archive's bodies are compressed: what a reader gets out of it has to be looked at too.
            for version in try town.stored() {
                #expect(!String(decoding: version.json, as: UTF8.self).contains(token))
            }
        }
    }

    @Test(arguments: ["", "{", "[]", #"{"server":"https://x","user_id":"a","username":"b"}"#])
    func aSessionFileThatIsNoneIsNoSession(_ text: String) async throws {
        try await Town.with { town async throws in
            let directory = try town.directory()
            try Data(text.utf8).write(to: URL(fileURLWithPath: directory.sessionPath))
            #expect(throws: ExporterError.notLoggedIn(account: directory.name)) { try Session(in: directory) }
        }
    }

    @Test func aServerThatSaysYesWithoutATokenOpensNothing() async throws {
        let me = Box("")
        try await Town.with(
            interceptor: { request in
                request.path.hasSuffix("/login") ? .status(200, body: me.value) : nil
            },
            { town async throws in
                me.value = "{\"id\":\"\(town.alice)\",\"username\":\"alice\"}"
                await #expect(throws: ExporterError.self) {
                    try await Login.run(
                        town.address, .password(username: "alice", password: "wonderland", mfaCode: nil),
                        vault: town.vault)
                }
                #expect(town.vault.accountNames.isEmpty)
            })
    }
}
