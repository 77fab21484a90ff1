import Archive
import ArgumentParser
import DemoServer
import E2EE
import Glibc
import Subprocess

struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See all of it on a server of its own, in a minute.",
        discussion: """
            Starts a small Mattermost with the encryption plugin inside this program, on
            loopback, with a conversation made on the spot; then runs the real commands
            against it, each shown before it runs. It touches neither your vault nor your
            gpg keyring.

            EXAMPLES:
              mmvault demo
              mmvault demo --dir /tmp/harbour

            \(ExitCode.help(.failure))
            """)

    @Option(
        help: ArgumentHelp("Put everything into this new folder; without it, into one below /tmp.", valueName: "dir"),
        completion: .directory)
    var dir: String?

    @Option(
        help: ArgumentHelp(
            "Instead of the story, serve a history of so many posts until interrupted, for measurements.",
            valueName: "posts"))
    var serve: Int?

    @Flag(help: "With --serve: posts that are not encrypted, for measuring what comes after decryption.")
    var plain = false

    @Option(
        help: ArgumentHelp(
            "Instead of the story, serve posts that make one kind of work long, for measurements.", valueName: "kind"))
    var hostile: HostileHistory?

    func run() async throws {
        if let hostile {
            let folder = try makeFolder()
            return try await serve(hostile.make(endingAt: Timestamp.now.milliseconds), folder)
        }
        if let serve { return try await serveHistory(posts: serve) }
        let folder = try makeFolder()
        let stage = DemoStage(folder: folder)
        let history = DemoHistory(seed: .random(in: 0...UInt64.max), now: Timestamp.now.milliseconds)
        let server = EmbeddedServer(world: history.world)
        let port = try await server.start()
        do {
            try await play(stage, history, "http://127.0.0.1:\(port)")
        } catch {
            await stage.close()
            await server.stop()
            throw error
        }
        await stage.close()
        await server.stop()
    }

    private func serveHistory(posts: Int) async throws {
        guard (1...10_000_000).contains(posts) else {
            throw Failure(.usage, "--serve takes a number of posts from 1 to 10000000")
        }
        let folder = try makeFolder()
        Terminal.note("making \(posts.of("post"))")
        try await serve(
            await MintedHistory.make(posts: posts, isEncrypted: !plain, endingAt: Timestamp.now.milliseconds), folder)
    }

    private func serve(_ history: (world: World, key: PrivateKey, token: String), _ folder: String) async throws {
        let server = EmbeddedServer(world: history.world)
        let port = try await server.start()
        try PrivateFile.replace("\(folder)/token.txt", with: Array("\(history.token)\n".utf8))
        try PrivateFile.replace("\(folder)/key.asc", with: Array(KeyBackup.text(of: history.key).utf8))
        Terminal.print("http://127.0.0.1:\(port) \(folder)/token.txt \(folder)/key.asc")
        fflush(nil)
        // Until a signal cancels this.
        try? await Task.sleep(for: .seconds(1 << 30))
        await server.stop()
    }

    private func makeFolder() throws -> String {
        if let dir {
            guard !PrivateFile.exists(dir) else {
                throw Failure(.usage, "\(dir) exists already", hint: "name a folder that does not exist yet")
            }
            try PrivateFile.makeDirectory(dir)
            return dir
        }
        var template = Array("/tmp/mmvault-demo.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(.failure, "cannot make a folder below /tmp: \(Terminal.describe(errno: errno))")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func play(_ stage: DemoStage, _ history: DemoHistory, _ url: String) async throws {
        stage.say(
            """
            Alice, Bob and Carol work at Harbour and write in encrypted channels. Alice has
            lost her laptop, and with it her private key. She has her password, her GPG key,
            and the mail with the backup that the server sent her when she made her key.
            """)
        try await stage.makeGpgKey(for: "Alice Moreau <alice@harbour.invalid>")
        try await stage.writeBackupMail(history.alice.key)
        try stage.write("token.txt", history.world.issueToken(for: history.alice.id) + "\n")
        try await stage.run(["login", url, "--token-file", "\(stage.folder)/token.txt"])

        stage.say("Everything the server shows her, as it is: encrypted. No key is needed for that.")
        try await stage.run(["pull"])
        try await stage.run(["status"])

        stage.say(
            """
            Now the key, out of the mail. Her own gpg opens it; it is never stored in the clear.
            --mine says that she made this key herself: nobody else can know.
            """)
        try await stage.run(["key", "restore", "--mine", "\(stage.folder)/backup-mail.eml"])
        stage.say(
            """
            Somebody with access to the server's database has changed one of Bob's messages.
            Signatures tell, and a text that Bob did not sign is not shown as his.
            """)
        try await stage.run(["verify", "--details"], mayEnd: .findings)

        stage.say(
            """
            A day later, Carol has a new laptop and a new key. In the web client, all her
            older messages now fail; here they still verify. But a server that wants to
            write in her name would show a new key as well: so hers has to be answered for.
            """)
        history.carolMakesANewKey()
        try await stage.run(["pull"])
        stage.say(
            """
            Carol cannot be reached to compare digits, so Alice takes the server's word.
            “mmvault trust confirm carol” would be the safe way.
            """)
        try await stage.run(["trust", "accept", "carol", "--yes"])
        try await stage.run(["verify"], mayEnd: .findings)

        stage.say(
            """
            What was Carol to sign? Searched in everything that Alice's key opens; the index
            for it is sealed to that key.
            """)
        try await stage.run(["search", "sign*", "from:carol"])
        try await stage.run(["search", "東京", "--context", "1"])

        stage.say("The conversation, to read, to hand over, and for a mail program:")
        try await stage.run(["export", "markdown", "\(stage.folder)/markdown"])
        try await stage.run(["export", "mbox", "\(stage.folder)/mbox"])
        try stage.show("\(stage.folder)/markdown", named: "release", lines: 44)
        try await stage.run(["check"])
        stage.say(
            """
            All of this lies in \(stage.folder):
              vault/      the archive: vault/…/archive.sqlite, and the key as gpg encrypted it
              markdown/   one file per channel, readable as it is
              mbox/       one mailbox per channel: mutt -f \(stage.folder)/mbox/…
            The texts in markdown/ and mbox/ are in the clear. When you have seen enough:
              rm -r \(stage.folder)
            """)
    }
}
