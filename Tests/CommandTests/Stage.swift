import DemoServer
import E2EE
import Foundation
import Synchronization
import TestSupport
import Testing

/// Where commands are tried as a user types them: a folder that is the user's home, with a gpg key of its own, and a
/// server with a small history. Everything goes away at the end.
final class Stage: Home {
    let folder: String
    let story: Story
    let server: EmbeddedServer
    /// Alice's token, which `token.txt` holds.
    let token: String
    var url: String { server.url }
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
            if hasGpg { try await stage.makeBackups() }
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
        folder = Stage.newFolder()
        token = story.world.issueToken(for: story.alice.id)
        try furnish()
        try write("bin/interrupted", Stage.interrupted)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o700], ofItemAtPath: "\(folder)/bin/interrupted")
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

    private func close() async {
        await remove()
        await server.stop()
    }

    /// Makes the server answer wrongly from now on; nil makes it well again.
    func misbehave(_ fault: (@Sendable (ServerRequest) -> Fault?)?) {
        behaviour.fault.withLock { $0 = fault }
    }

    // MARK: Commands

    /// Logs in and pulls: what most tests begin with.
    func settle() async throws {
        let outcome = try await run("mmvault login $URL --token-file token.txt && mmvault pull")
        guard outcome.code == 0 else { throw StageError(what: outcome.everything) }
    }

    /// Whether `check` finds nothing.
    ///
    /// - Parameter options: which archive.
    func expectClean(_ options: String = "", sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let check = try await run("mmvault \(options) check")
        #expect(check.code == 0, "\(check.everything)", sourceLocation: sourceLocation)
    }

    /// Alice's two private keys, encrypted to an OpenPGP key of hers.
    private func makeBackups() async throws {
        try await makeGpgKey(for: "alice")
        let outcome = try await run(
            """
            for key in key old-key; do
              gpg --batch --quiet --trust-model always --armor --recipient alice --output $key.gpg.asc --encrypt $key.asc
            done
            """)
        guard outcome.code == 0 else { throw StageError(what: outcome.errors) }
    }

    /// The options that name Alice's key and the one she had before it.
    static let keys = "--key key.asc --key old-key.asc --mine"

    static let hasGpg = StockTool.isInstalled("gpg")
}
