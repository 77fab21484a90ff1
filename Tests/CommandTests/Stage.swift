import DemoServer
import E2EE
import Foundation
import Subprocess
import Synchronization
import SystemPackage
import TestSupport

/// Where commands are tried as a user types them: a folder that is the user's home, with a gpg key of its own, and a
/// server with a small history. Everything goes away at the end.
final class Stage: Sendable {
    let folder: String
    let story: Story
    let server: EmbeddedServer
    /// Alice's token, which `token.txt` holds.
    let token: String
    private let behaviour: Behaviour

    /// What the server does wrong; nil where it answers as it should.
    final class Behaviour: Sendable {
        let fault = Mutex<(@Sendable (ServerRequest) -> Fault?)?>(nil)
    }

    /// - Parameters:
    ///   - story: what has happened on the server; a small encrypted history where nothing is said.
    ///   - hasGpg: whether the user has an OpenPGP key, which takes a moment to make.
    static func with(
        story: Story = Story(), hasGpg: Bool = false, _ body: (Stage) async throws -> Void
    ) async throws {
        let behaviour = Behaviour()
        let server = EmbeddedServer(
            world: story.world, interceptor: { request in behaviour.fault.withLock { $0 }?(request) })
        try await server.start()
        let stage = try Stage(story, server, behaviour)
        do {
            if hasGpg { try await stage.makeGpgKey() }
            try await body(stage)
        } catch {
            await stage.close()
            throw error
        }
        await stage.close()
    }

    private init(_ story: Story, _ server: EmbeddedServer, _ behaviour: Behaviour) throws {
        self.story = story
        self.server = server
        self.behaviour = behaviour
        // Always as long: where a message is broken depends on it.
        folder = "/tmp/mmvault-test.\(UUID().uuidString.prefix(8))"
        token = story.world.issueToken(for: story.alice.id)
        let files = FileManager.default
        for name in ["bin", "gnupg"] {
            try files.createDirectory(
                atPath: "\(folder)/\(name)", withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        }
        try files.createSymbolicLink(atPath: "\(folder)/bin/mmvault", withDestinationPath: Stage.binary)
        try Stage.interrupted.write(toFile: "\(folder)/bin/interrupted", atomically: true, encoding: .utf8)
        try files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: "\(folder)/bin/interrupted")
        try write("token.txt", token + "\n")
        try write("password.txt", Story.password + "\n")
        try write("old-key.asc", KeyBackup.text(of: story.alice.oldKey))
        try write("key.asc", KeyBackup.text(of: story.alice.key))
        try write("bobs-key.asc", KeyBackup.text(of: story.bob.key))
    }

    /// `interrupted COMMAND…` sends SIGINT once the server has been asked for posts, which `Event` notes in a file.
    private static let interrupted = """
        #!/bin/bash
        rm -f ~/asked
        "$@" &
        for _ in {1..300}; do [ -e ~/asked ] && break; sleep 0.1; done
        sleep 0.3
        kill -INT $!
        wait $!
        """

    /// The program that was built together with this test.
    static let binary: String = {
        let test = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: test).deletingLastPathComponent().appending(path: "mmvault").path
    }()

    private func close() async {
        _ = try? await run("gpgconf --kill all")
        await server.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Makes the server answer wrongly from now on; nil makes it well again.
    func misbehave(_ fault: (@Sendable (ServerRequest) -> Fault?)?) {
        behaviour.fault.withLock { $0 = fault }
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

    struct Outcome: Sendable {
        let output: String
        let errors: String
        let code: Int32

        var lines: [Substring] { output.split(separator: "\n") }
        var everything: String { output + errors }
    }

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
            "MMVAULT_DIR": "\(folder)/vault", "URL": server.url, "LANG": "C.UTF-8", "TERM": "xterm",
            "SHELL": "/bin/bash",
        ])
    }

    /// Logs in and pulls: what most tests begin with.
    func settle() async throws {
        let outcome = try await run("mmvault login $URL --token-file token.txt && mmvault pull")
        guard outcome.code == 0 else { throw StageError(what: outcome.everything) }
    }

    /// A key without a passphrase, and Alice's two private keys encrypted to it.
    private func makeGpgKey() async throws {
        let outcome = try await run(
            """
            gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-gen-key alice future-default default never
            for key in key old-key; do
              gpg --batch --quiet --trust-model always --armor --recipient alice --output $key.gpg.asc --encrypt $key.asc
            done
            """)
        guard outcome.code == 0 else { throw StageError(what: outcome.errors) }
    }

    static let hasGpg = StockTool.isInstalled("gpg")
}

struct StageError: Error, CustomStringConvertible {
    let what: String
    var description: String { what }
}
