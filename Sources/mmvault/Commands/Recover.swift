import Archive
import ArgumentParser
import Exporter
import Reader

struct Recover: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "After losing a device: log in, get your key and your messages back.",
        usage: "mmvault recover <url> [<options>]",
        discussion: """
            Logs in, asks the server for the backup of your private key, lets your gpg open
            it, compares it with the key that the server shows for you, pulls everything,
            verifies it, and says what was recovered, what was not, and why. What is done
            is done: run it again, and it goes on.

            Proxies and private CAs: docs/networks.md.

            EXAMPLES:
              mmvault recover https://chat.example.org
              mmvault recover https://chat.example.org --backup backup-mail.eml --mine

            \(ExitCode.help(.incomplete, .inUse, .notLoggedIn, .server, .key, .interrupted))
            """)

    @OptionGroup var vault: VaultOptions

    @Argument(help: "The server's address: https://chat.example.org")
    var url: String

    @OptionGroup var login: LoginOptions

    @Option(
        help: ArgumentHelp(
            "The backup of your key is in this file, whatever the server has (- for standard input).",
            valueName: "file"),
        completion: .file())
    var backup: String?

    @Flag(help: "Say that you made the restored key: do not ask.")
    var mine = false

    func run() async throws {
        // Before a login and a pull that may take hours.
        if let backup { try InputFile.requireReadable(backup) }
        let directory = try await account()
        let key = try await restoreKey(directory)
        Terminal.print()
        var incomplete: Failure?
        do {
            try await Pull.perform(directory, Exporter.Pull.Selection(), login.connection.network)
        } catch let failure as Failure where failure.code == .incomplete {
            incomplete = failure
        }
        try await KeyRestoration(directory).ask(key.restored, isMine: mine, source: key.source)
        Terminal.print()
        let open = try await OpenArchive(vault.naming(directory), keys: KeyOptions.restored)
        let (own, isPresentKeyHere) = try compareKeys(open)
        try await tell(open, isPresentKeyHere: isPresentKeyHere)
        if let incomplete { throw incomplete }
        guard key.isThere, open.keys.isEmpty || !own.isEmpty else {
            throw Failure(.key, "your private key is not restored", hint: key.hint)
        }
    }

    private func account() async throws -> AccountDirectory {
        let vault = try vault.open()
        let address = try ServerAddress(url, allowsHTTP: login.allowHttp)
        if login.tokenFile == nil, login.passwordFile == nil,
            let (directory, session) = try await Exporter.Login.existing(
                address, username: login.username, vault: vault, login.connection.network)
        {
            Terminal.print(
                "Still logged in to \(SafeText.line(address.url)) as \(SafeText.name(session.username)).")
            return directory
        }
        return try await login.logIn(url, vault).directory
    }

    // MARK: What came of it

    private func tell(_ open: OpenArchive, isPresentKeyHere: Bool) async throws {
        var verdicts: [Verdict: Int] = [:]
        for channel in open.channels {
            let label = open.people.label(channel)
            var done = 0
            try await open.reader.read(PostQuery(channelID: channel.id)) { post in
                verdicts[post.verdict, default: 0] += 1
                done += 1
                if done.isMultiple(of: 500) { Terminal.showProgress("verifying \(label): \(done.grouped)") }
            }
        }
        Terminal.clearProgress()
        func count(_ isMeant: (Verdict) -> Bool) -> Int {
            verdicts.filter { isMeant($0.key) }.values.reduce(0, +)
        }
        let unverified = count { $0.content == .decrypted && $0.authenticity?.isVerified != true }
        let suspicious = count { $0.content == .decrypted && $0.authenticity?.isVerified == true && !$0.isClean }
        func words(_ count: Int) -> String { count.of("post or old revision", "posts and old revisions") }
        let plain = count { $0.content == .plain }
        Terminal.print("Recovered:")
        Terminal.print("  \(words(count { $0.isClean && $0.content == .decrypted })), opened and verified")
        if suspicious > 0 { Terminal.print("  \(words(suspicious)), opened and verified, but to look at") }
        if unverified > 0 { Terminal.print("  \(words(unverified)), opened and NOT verified") }
        Terminal.print("  \(words(plain)) that \(plain == 1 ? "was" : "were") never encrypted")
        let closed = count { $0.content == .notForUs }
        let broken = count { ![.decrypted, .plain, .notForUs].contains($0.content) }
        if closed + broken > 0 { Terminal.print("Not recovered:") }
        if closed > 0 {
            let keys = "keys that are not here: \(isPresentKeyHere ? "your earlier ones" : "yours"), or others'"
            Terminal.print("  \(words(closed)) encrypted for \(keys)".wrapped(indent: 4))
            Terminal.print("    “mmvault status” says which keys would open how many")
        }
        if broken > 0 {
            Terminal.print("  \(words(broken)) that nobody can open: damaged, or of an unknown form".wrapped(indent: 4))
        }
        Terminal.print("Next:")
        Terminal.print("  mmvault channels              what can be read")
        Terminal.print("  mmvault read CHANNEL          a conversation, here in the terminal")
        Terminal.print("  mmvault search WORD           in everything")
        Terminal.print("  mmvault export markdown DIR   to keep and to hand over")
        Terminal.print("  mmvault audit                 what no signature covers: who was left out, say")
        if suspicious + unverified + broken > 0 {
            Terminal.print("  mmvault verify --details      what is wrong with which post")
        }
        if closed > 0 {
            Terminal.print(
                "  mmvault key restore FILE      \(isPresentKeyHere ? "an earlier key" : "your key"), from its backup")
        }
    }
}

extension KeyOptions {
    /// The restored keys, and no others.
    fileprivate static var restored: KeyOptions {
        var options = KeyOptions.none
        options.noKeys = false
        return options
    }
}

extension VaultOptions {
    /// The same vault, and the account in it that a command has found.
    fileprivate func naming(_ directory: AccountDirectory) -> VaultOptions {
        var options = self
        options.account = directory.name
        return options
    }
}
