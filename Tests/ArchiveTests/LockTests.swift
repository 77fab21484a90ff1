import Foundation
import Subprocess
import Testing

@testable import Archive

/// One writer at a time, any number of readers, and nothing left behind by a process that dies.
@Suite struct LockTests {
    let sandbox: Sandbox
    let directory: AccountDirectory

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
    }

    @Test func aSecondWriterIsToldWhoWrites() throws {
        let writer = try ArchiveWriter(directory)
        #expect(throws: ArchiveError.inUse(process: getpid(), path: directory.lockPath)) {
            try ArchiveWriter(directory)
        }
        withExtendedLifetime(writer) {}
    }

    @Test func theLockIsGivenBackWithTheWriter() throws {
        for _ in 1...3 { _ = try ArchiveWriter(directory) }
        #expect(try PrivateFile.read(directory.lockPath) == [])
    }

    @Test func anotherProcessIsToldWhoWrites() async throws {
        let writer = try ArchiveWriter(directory)
        await #expect(processExitsWith: .success) {
            [path = directory.path as String, holder = getpid() as Int32] in
            do {
                _ = try ArchiveWriter(AccountDirectory(path: path, name: "a"))
                fatalError("two writers")
            } catch let error as ArchiveError {
                guard error == .inUse(process: holder, path: "\(path)/lock") else { fatalError("\(error)") }
            }
        }
        withExtendedLifetime(writer) {}
    }

    @Test func whoeverHoldsTheLockIsNamed() async throws {
        let holding = ["sh", "-c", "echo $$ >'\(directory.lockPath)'; echo; exec sleep 60"]
        _ = try await Subprocess.run(
            .name("flock"), arguments: Arguments([directory.lockPath] + holding), input: .none, output: .sequence,
            error: .discarded
        ) { execution in
            // It prints a line once its number stands in the file.
            _ = try await execution.standardOutput.first { _ in true }
            let holder = try #require(
                Int32(try String(contentsOfFile: directory.lockPath, encoding: .utf8).dropLast()))
            #expect(throws: ArchiveError.inUse(process: holder, path: directory.lockPath)) {
                try ArchiveWriter(directory)
            }
            kill(holder, SIGKILL)
        }
        // What the dead process wrote does not matter.
        _ = try ArchiveWriter(directory)
    }

    @Test func aLockFileThatHoldsNoNumberNamesNobody() throws {
        let descriptor = open(directory.lockPath, O_RDWR)
        #expect(flock(descriptor, LOCK_EX) == 0)
        try PrivateFile.write(Array("ⅷ?\n".utf8), to: descriptor, path: "")
        #expect(throws: ArchiveError.inUse(process: nil, path: directory.lockPath)) { try ArchiveWriter(directory) }
        close(descriptor)
    }

    @Test func aLockThatIsALinkIsNotFollowed() async throws {
        let lock = directory.lockPath
        try await sandbox.run("rm -f '\(lock)'; echo mine >other; ln -s \"$PWD/other\" '\(lock)'")
        #expect(throws: ArchiveError.self) { try ArchiveWriter(directory) }
        #expect(try await sandbox.run("cat other") == "mine\n")
    }

    @Test func readersReadWhileAWriterWrites() async throws {
        let writer = try ArchiveWriter(directory)
        let before = try Archive(directory)
        try await writer.keep([PostText("p1", at: start)])
        let after = try Archive(directory)
        for archive in [before, after] {
            #expect(try archive.all().count == 1)
            #expect(try await archive.check().isClean)
        }
        await #expect(processExitsWith: .success) { [path = directory.path as String] in
            let archive = try Archive(AccountDirectory(path: path, name: "a"))
            guard try archive.all().count == 1, try await archive.check().isClean else { fatalError("not clean") }
        }
        try await writer.keep([PostText("p2", at: start + 1)])
        #expect(try before.all().count == 2)
    }

    /// A pull that goes on adds documents behind a check; those it does not look at, and calls nothing damaged.
    @Test func aCheckAndAPullMayGoOnTogether() async throws {
        let writer = try ArchiveWriter(directory)
        let archive = try Archive(directory)
        for number in 0..<40 {
            try await writer.keep([PostText("p\(number)x", at: start + Int64(number))])
        }
        async let pull: Void = {
            for number in 40..<120 {
                try await writer.keep([PostText("p\(number)x", at: start + Int64(number))])
            }
        }()
        for _ in 1...8 {
            let report = try await archive.check()
            #expect(report.isClean, "\(report.damages)")
        }
        try await pull
        #expect(try await archive.check().documents == 121)
    }
}

/// kill -9 at any moment.
@Suite(.serialized) struct KillTests {
    @Test(arguments: 0..<12)
    func whatWasCommittedSurvivesAKill(_ round: Int) async throws {
        let sandbox = try Sandbox()
        let directory = try sandbox.account()
        let microseconds = UInt32(500 + round * round * 900)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = directory.path as String, delay = microseconds as UInt32] in
            let writer = try ArchiveWriter(AccountDirectory(path: path, name: "a"))
            let log = open("\(path)/log", O_WRONLY | O_CREAT | O_APPEND, 0o600)
            Thread.detachNewThread {
                usleep(delay)
                kill(getpid(), SIGKILL)
            }
            for number in 1... {
                let posts = (0..<30).map { PostText("p\(number)x\($0)x", at: start + Int64(number * 100 + $0), "text") }
                try await writer.keep(
                    posts, walk: WalkState(cursor: Int64(number), backward: nil, hasAskedForPast: true))
                // Only what was promised is noted.
                try PrivateFile.write(Array("\(number)\n".utf8), to: log, path: "")
            }
        }
        let promised =
            (try? String(contentsOfFile: "\(directory.path)/log", encoding: .utf8))?
            .split(separator: "\n").count ?? 0
        // Readers first, before any writer has set the journal right.
        let archive = try Archive(directory)
        let report = try await archive.check()
        #expect(report.isClean, "\(report.damages)")
        let pages = report.documents - 1
        #expect(pages == promised || pages == promised + 1)
        #expect(report.versions == pages * 30)
        #expect(try archive.walkState(channelID: town)?.cursor ?? 0 == Int64(pages))
        // The lock went with the process.
        try await ArchiveWriter(directory).keep([PostText("last", at: start)])
        #expect(try await archive.check().isClean)
    }

    @Test(arguments: 0..<12)
    func anArchiveIsMadeWholeOrNotAtAll(_ round: Int) async throws {
        let sandbox = try Sandbox()
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = sandbox.path as String, delay = UInt32(round * 700) as UInt32] in
            Thread.detachNewThread {
                usleep(delay)
                kill(getpid(), SIGKILL)
            }
            for number in 1... {
                _ = try Vault(path: "\(path)/\(number)").makeAccount(
                    Account(server: "https://chat.example.org", userID: alice, username: "alice"))
            }
        }
        for name in PrivateFile.names(in: sandbox.path) {
            let directory = try Vault(path: "\(sandbox.path)/\(name)").makeAccount(
                Account(server: "https://chat.example.org", userID: alice, username: "alice"))
            #expect(directory.name == "chat.example.org_alice")
            try await ArchiveWriter(directory).keep([PostText("p1", at: start)])
            #expect(try await Archive(directory).check().isClean)
        }
    }
}
