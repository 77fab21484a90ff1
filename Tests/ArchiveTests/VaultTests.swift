import Foundation
import Testing

@testable import Archive

/// Which account is meant, and where it lies.
@Suite struct VaultTests {
    let sandbox: Sandbox
    let vault: Vault

    init() throws {
        sandbox = try Sandbox()
        vault = Vault(path: "\(sandbox.path)/deep/down/vault")
    }

    private func make(
        _ server: String = "https://chat.example.org", _ user: String = alice, _ username: String = "alice"
    ) throws -> AccountDirectory {
        try vault.makeAccount(Account(server: server, userID: user, username: username))
    }

    @Test func theOnlyAccountIsTheOneMeant() throws {
        let path = vault.path
        #expect(throws: ArchiveError.noVault(path: path)) { try vault.account(named: nil) }
        try PrivateFile.makeDirectory(path)
        #expect(throws: ArchiveError.noAccount(vault: path)) { try vault.account(named: nil) }
        #expect(throws: ArchiveError.unknownAccount(name: "x", known: [])) { try vault.account(named: "x") }
        let first = try make()
        #expect(try vault.account(named: nil).path == first.path)
        let second = try make("https://chat.example.org", bob, "bob")
        #expect(throws: ArchiveError.severalAccounts(names: [first.name, second.name])) {
            try vault.account(named: nil)
        }
        #expect(try vault.account(named: second.name).path == second.path)
        #expect(throws: ArchiveError.unknownAccount(name: "../vault", known: [first.name, second.name])) {
            try vault.account(named: "../vault")
        }
    }

    @Test func anAccountIsItsUserOnAServer() throws {
        let first = try make("https://chat.example.org", alice, "alice")
        // A new name, and another scheme: still the same person on the same server.
        for again in [
            try make(), try make("https://chat.example.org", alice, "alice.new"), try make("http://chat.example.org"),
        ] { #expect(again.path == first.path) }
        let other = try make("https://other.example.org")
        let subpath = try make("https://chat.example.org/team")
        let port = try make("https://chat.example.org:8443")
        #expect(Set([first, other, subpath, port].map(\.path)).count == 4)
        #expect(try Archive(first).account().username == "alice")
    }

    @Test func aServerOnLoopbackIsTheSameOnAnyPort() throws {
        let first = try make("http://127.0.0.1:8065")
        #expect(first.name == "localhost_alice")
        for server in ["http://127.0.0.1:1", "http://localhost:9", "http://[::1]:80", "https://localhost"] {
            #expect(try make(server).path == first.path)
        }
        #expect(try make("http://127.0.0.1.example.org").path != first.path)
        #expect(try make("http://localhost.example.org:80").path != first.path)
    }

    /// Another account whose directory would be called the same gets another one.
    @Test func twoAccountsNeverShareADirectory() throws {
        let first = try make("https://chat.example.org", alice, "alice")
        let namesake = try make("https://chat.example.org", bob, "alice")
        #expect(namesake.name == "\(first.name)_\(bob)")
        // The labels are the same here, and even the user ids; the servers are not.
        let servers = ["https://a.example/b", "https://a.example_b", "https://a.example:b"]
        let others = try servers.map { try make($0) }
        #expect(Set(others.map(\.path)).count == 3)
        for (server, directory) in zip(servers, others) {
            #expect(try Archive(directory).account().server == server)
            #expect(try make(server).path == directory.path)
        }
    }

    static let hostile = [
        "../../evil", "..", ".", "/etc", "a/b", "-rf", "a\0b", "a\nb", "\u{202e}txt", "", "é", "con\u{1b}[2J",
        String(repeating: "x", count: 5000), "archive.sqlite", "~", "$(touch x)",
    ]

    /// By number: a log must not show these names either.
    @Test(arguments: hostile.indices)
    func noNameLeadsOutOfTheVault(_ place: Int) throws {
        let name = Self.hostile[place]
        let accounts = [
            Account(server: "https://\(name)", userID: alice, username: "alice"),
            Account(server: name, userID: alice, username: "alice"),
            Account(server: "https://chat.example.org/\(name)", userID: alice, username: "alice"),
            Account(server: "https://one.example.org", userID: alice, username: name),
            Account(server: "https://two.example.org", userID: name, username: name),
        ]
        for account in accounts {
            let directory = try vault.makeAccount(account)
            let parent = directory.path.dropLast(directory.name.count + 1)
            #expect(parent == vault.path)
            #expect(directory.name.utf8.count <= 200 && !directory.name.hasPrefix("."))
            #expect(
                directory.name.utf8.allSatisfy {
                    (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                        || [0x2D, 0x2E, 0x5F].contains($0)
                }, "\(directory.name)")
            #expect(try Archive(directory).account().isSame(as: account))
        }
        #expect(PrivateFile.names(in: sandbox.path) == ["deep"])
        #expect(PrivateFile.names(in: "\(sandbox.path)/deep") == ["down"])
        #expect(PrivateFile.names(in: "\(sandbox.path)/deep/down") == ["vault"])
    }

    @Test func whatAKillLeftHalfMadeIsMadeAgain() async throws {
        let path = "\(vault.path)/chat.example.org_alice"
        let leftovers = [
            "mkdir -p keys", "touch lock", "mkdir -p keys; touch archive.sqlite",
            "touch archive.sqlite.new archive.sqlite.new-wal", "echo rubbish >archive.sqlite.new",
            "touch archive.sqlite archive.sqlite-wal; echo rubbish >archive.sqlite-shm",
        ]
        for leftover in leftovers {
            try PrivateFile.makeDirectory(path)
            try await sandbox.run("cd '\(path)'; \(leftover)")
            #expect(vault.accountNames.isEmpty)
            #expect(throws: ArchiveError.noAccount(vault: vault.path)) { try vault.account(named: nil) }
            let directory = try make()
            #expect(directory.path == path, "\(leftover)")
            let report = try await Archive(directory).check()
            #expect(report.isClean && report.documents == 1)
            #expect(!PrivateFile.names(in: path).contains { $0.contains(".new") })
            try await sandbox.run("rm -r '\(path)'")
        }
    }

    /// A directory with something else in it, or with a journal that may be all that is left of an archive, is left alone.
    @Test func whatIsNotOursIsLeftAlone() async throws {
        let path = "\(vault.path)/chat.example.org_alice"
        for content in ["echo mine >notes.txt", "touch archive.sqlite; echo frames >archive.sqlite-wal"] {
            try PrivateFile.makeDirectory(path)
            try await sandbox.run("cd '\(path)'; \(content)")
            let before = PrivateFile.names(in: path)
            let directory = try make()
            #expect(directory.name == "chat.example.org_alice_\(alice)")
            #expect(PrivateFile.names(in: path) == before)
            try await sandbox.run("rm -r '\(vault.path)'")
        }
    }

    /// The damage of one account does not keep anybody from another; and nobody starts anew beside their own.
    @Test func aDamagedArchiveIsNotReplaced() async throws {
        let first = try make()
        try await sandbox.run("echo rubbish >'\(first.archivePath)'")
        #expect(throws: ArchiveError.notAnArchive(path: first.archivePath)) { try make() }
        let other = try make("https://other.example.org", bob, "bob")
        #expect(other.name == "other.example.org_bob")
    }
}

/// What is opened as an archive.
@Suite struct OpenTests {
    let sandbox: Sandbox
    let directory: AccountDirectory

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
    }

    private func change(_ sql: String) async throws {
        try await sandbox.run("sqlite3 '\(directory.archivePath)' '\(sql)'")
    }

    @Test func aNewerFormatIsNotGuessed() async throws {
        try await change("PRAGMA user_version = 6")
        let expected = ArchiveError.newerFormat(path: directory.archivePath, version: 6)
        #expect(throws: expected) { try Archive(directory) }
        #expect(throws: expected) { try ArchiveWriter(directory) }
    }

    @Test(arguments: ["user_version = 0", "user_version = -1", "application_id = 7", "application_id = 0"])
    func whatHasAnotherMarkIsNoArchive(_ pragma: String) async throws {
        try await change("PRAGMA \(pragma)")
        let expected = ArchiveError.notAnArchive(path: directory.archivePath)
        #expect(throws: expected) { try Archive(directory) }
        #expect(throws: expected) { try ArchiveWriter(directory) }
    }

    /// Another program's database stays as it was, byte for byte.
    @Test func aStrangersDatabaseIsNotTouched() async throws {
        try await sandbox.run("cd '\(directory.path)'; rm archive.sqlite*; sqlite3 archive.sqlite 'CREATE TABLE t (x)'")
        let before = try PrivateFile.read(directory.archivePath)
        #expect(throws: ArchiveError.notAnArchive(path: directory.archivePath)) { try ArchiveWriter(directory) }
        #expect(try PrivateFile.read(directory.archivePath) == before)
        #expect(!PrivateFile.names(in: directory.path).contains("archive.sqlite-wal"))
    }

    @Test(arguments: ["rm archive.sqlite", "echo rubbish >archive.sqlite", ": >archive.sqlite"])
    func whatIsNoDatabaseIsNoArchive(_ command: String) async throws {
        try await sandbox.run("cd '\(directory.path)'; \(command)")
        let expected = ArchiveError.notAnArchive(path: directory.archivePath)
        #expect(throws: expected) { try Archive(directory) }
        #expect(throws: expected) { try ArchiveWriter(directory) }
    }
}
