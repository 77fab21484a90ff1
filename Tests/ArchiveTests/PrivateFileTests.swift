import Foundation
import Testing

@testable import Archive

/// Nobody but the owner reads what is archived.
@Suite struct PrivateFileTests {
    let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    /// In a process of its own: the umask is the process's.
    @Test(arguments: [0o000, 0o077, 0o022] as [mode_t])
    func filesAre0600AndDirectories0700WhateverTheUmask(_ mask: mode_t) async throws {
        await #expect(processExitsWith: .success) { [path = sandbox.path as String, mask = mask as mode_t] in
            umask(mask)
            let vault = Vault(path: "\(path)/a/b/vault")
            let directory = try vault.makeAccount(
                Account(server: "https://chat.example.org", userID: alice, username: "alice"))
            let writer = try ArchiveWriter(directory)
            try await writer.keep([PostText("p1", at: start)])
            try PrivateFile.replace(directory.sessionPath, with: [1])
            try PrivateFile.replace("\(directory.keysPath)/key.asc", with: [2])
            let archive = try Archive(directory)
            guard try archive.all().count == 1 else { fatalError("not kept") }
            // All of them while everything is open.
            var seen = 0
            func look(_ place: String) {
                var status = stat()
                guard lstat(place, &status) == 0 else { fatalError("\(place) is missing") }
                let isDirectory = status.st_mode & S_IFMT == S_IFDIR
                guard status.st_mode & 0o777 == (isDirectory ? 0o700 : 0o600) else {
                    fatalError("\(place) has mode \(String(status.st_mode & 0o777, radix: 8))")
                }
                seen += 1
                for name in isDirectory ? PrivateFile.names(in: place) : [] { look("\(place)/\(name)") }
            }
            look("\(path)/a")
            for name in ["archive.sqlite", "archive.sqlite-wal", "archive.sqlite-shm", "lock", "session.json"] {
                guard PrivateFile.exists("\(directory.path)/\(name)") else { fatalError("\(name) is missing") }
            }
            guard seen == 12 else { fatalError("\(seen) files and directories") }
            withExtendedLifetime((writer, archive)) {}
        }
    }

    @Test func replacingTightensWhatWasOpen() async throws {
        let path = "\(sandbox.path)/file"
        try await sandbox.run("echo old >file; chmod 666 file; ln -s /etc/passwd file.new.\(getpid())")
        #expect(throws: ArchiveError.self) { try PrivateFile.replace(path, with: [1]) }
        try await sandbox.run("rm file.new.*")
        try PrivateFile.replace(path, with: [1, 2, 3])
        #expect(try PrivateFile.read(path) == [1, 2, 3])
        #expect(try await sandbox.run("stat -c %a file; ls") == "600\nfile\n")
    }

    @Test func aFailureLeavesWhatWasThere() throws {
        try PrivateFile.makeDirectory("\(sandbox.path)/taken/inside")
        #expect(throws: ArchiveError.self) { try PrivateFile.replace("\(sandbox.path)/taken", with: [1]) }
        #expect(PrivateFile.names(in: sandbox.path) == ["taken"])
    }

    @Test func namesAreSortedAndMissingIsNil() throws {
        for name in ["b", "a", "ü", ".hidden"] { try PrivateFile.replace("\(sandbox.path)/\(name)", with: []) }
        #expect(PrivateFile.names(in: sandbox.path) == [".hidden", "a", "b", "ü"])
        #expect(PrivateFile.names(in: "\(sandbox.path)/none").isEmpty)
        #expect(try PrivateFile.read("\(sandbox.path)/none") == nil)
        #expect(throws: ArchiveError.file(path: sandbox.path, operation: "read", errno: EISDIR)) {
            try PrivateFile.read(sandbox.path)
        }
    }

    @Test func aDirectoryWhereAFileIsIsAnError() async throws {
        try await sandbox.run("echo >file")
        for path in ["file", "file/deeper", "file/deeper/still"] {
            #expect(throws: ArchiveError.self) { try PrivateFile.makeDirectory("\(sandbox.path)/\(path)") }
        }
        for path in ["x", "x/y/z", "x/y/", "x//w"] { try PrivateFile.makeDirectory("\(sandbox.path)/\(path)") }
    }
}
