import Archive
import ArgumentParser
import Bytes
import E2EE
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

            EXAMPLES:
              mmvault recover https://chat.example.org
              mmvault recover https://chat.example.org --backup backup-mail.eml

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

    func run() async throws {
        // Before a login and a pull that may take hours.
        if let backup { try InputFile.requireReadable(backup) }
        let directory = try await account()
        let hasKey = try await restoreKey(directory)
        Terminal.print()
        var incomplete: Failure?
        do {
            try await Pull.perform(directory, Exporter.Pull.Selection())
        } catch let failure as Failure where failure.code == .incomplete {
            incomplete = failure
        }
        Terminal.print()
        let open = try await OpenArchive(vault.naming(directory), keys: KeyOptions.restored)
        let own = try compareKeys(open)
        try await tell(open)
        if let incomplete { throw incomplete }
        guard hasKey, open.keys.isEmpty || !own.isEmpty else {
            throw Failure(.key, "your private key is not restored", hint: Recover.whereBackupsAre)
        }
    }

    private static let whereBackupsAre = """
        “mmvault key restore FILE” takes the mail “Mattermost E2EE private key backup” saved as .eml, the GPG backup, or \
        the clear-text backup
        """

    private func account() async throws -> AccountDirectory {
        let vault = try vault.open()
        let address = try ServerAddress(url, allowsHTTP: login.allowHttp)
        if login.tokenFile == nil, login.passwordFile == nil,
            let (directory, session) = try await Exporter.Login.existing(
                address, username: login.username, vault: vault)
        {
            Terminal.print(
                "Still logged in to \(SafeText.line(address.url)) as \(SafeText.name(session.username)).")
            return directory
        }
        return try await login.logIn(url, vault).directory
    }

    // MARK: The key

    /// - Returns: whether a private key is there now. Without one the messages are worth having all the same.
    private func restoreKey(_ directory: AccountDirectory) async throws -> Bool {
        do {
            if let backup {
                var bytes = try InputFile.read(backup)
                defer { wipe(&bytes) }
                try await KeyRestoration(directory).run(bytes, source: InputFile.name(backup), encryption: nil)
                return true
            }
            let kept = KeyStore(directory).ids
            if !kept.isEmpty {
                Terminal.print("Kept already: key \(kept.map { "\($0.short)…" }.joined(separator: ", "))")
                return true
            }
            if let stored = try await BackupRequest.run(directory) {
                Terminal.print("The server holds a backup of your private key; your gpg is to open it.")
                try await KeyRestoration(directory).run(
                    Array(stored.utf8), source: "the server's backup", encryption: nil)
                return true
            }
            Terminal.print("The server holds no backup of your private key.")
            guard Terminal.inputIsTerminal,
                let path = Prompt.answer("File with a backup, or its mail (empty to go on without): ")?.trimmed,
                !path.isEmpty
            else { return false }
            var bytes = try InputFile.read(path)
            defer { wipe(&bytes) }
            try await KeyRestoration(directory).run(bytes, source: InputFile.name(path), encryption: nil)
            return true
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            let failure = Failure(error)
            // Somebody else is at the archive, or it is damaged: nothing that follows could be done either.
            guard [.key, .server, .usage].contains(failure.code) else { throw failure }
            Terminal.warn("your private key is not restored: \(failure.message)")
            return !KeyStore(directory).ids.isEmpty
        }
    }

    /// - Returns: the keys at hand that are not known as somebody else's. On an empty archive, whose a key is shows only when
    ///   the server has shown keys.
    private func compareKeys(_ open: OpenArchive) throws -> [PrivateKey] {
        let people = People(account: open.account, users: open.users, teams: [])
        let own = open.keys.filter { key in
            guard let other = open.trusted.otherOwner(of: key.publicKey, than: open.account.userID) else { return true }
            Terminal.warn(
                """
                key \(key.id.short)…, which was restored as yours, is \(people.username(other.userID))'s \
                (“mmvault trust” says how that is known)
                It opens posts; what it signed in your name does not verify.
                """)
            return false
        }
        try compare(own, open)
        return own
    }

    private func compare(_ keys: [PrivateKey], _ open: OpenArchive) throws {
        guard !keys.isEmpty else { return }
        let known = try open.archive.knownKeys()[open.account.userID] ?? []
        guard let registered = known.first(where: \.isCurrent)?.sighting.keyID else {
            return Terminal.warn(
                "the server shows no key for you: what others write from now on is not encrypted for you")
        }
        if keys.contains(where: { $0.id.description == registered }) {
            return Terminal.print("The key that the server shows for you is here: \(registered.prefix(16))…")
        }
        Terminal.warn(
            """
            the server shows another key for you than the one restored
            server  \(registered.prefix(16))…
            here    \(keys.map { "\($0.id.short)…" }.joined(separator: ", "))
            If you have made a new key since this backup, restore its backup too. If you have not, somebody else has: \
            what is written for that key, they can read.
            """)
    }

    // MARK: What came of it

    private func tell(_ open: OpenArchive) async throws {
        var verdicts: [Verdict: Int] = [:]
        for channel in open.channels {
            let label = SafeText.name(open.names.label(channel))
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
        func words(_ count: Int) -> String { count.of("post or old revision", "posts and old revisions") }
        let plain = count { $0.content == .plain }
        Terminal.print("Recovered:")
        Terminal.print("  \(words(count { $0.isClean && $0.content == .decrypted })), opened and verified")
        if unverified > 0 { Terminal.print("  \(words(unverified)), opened and NOT verified") }
        Terminal.print("  \(words(plain)) that \(plain == 1 ? "was" : "were") never encrypted")
        let closed = count { $0.content == .notForUs }
        let broken = count { ![.decrypted, .plain, .notForUs].contains($0.content) }
        if closed + broken > 0 { Terminal.print("Not recovered:") }
        if closed > 0 {
            Terminal.print(
                "  \(words(closed)) encrypted for keys that are not here: your earlier ones, or others'"
                    .wrapped(indent: 4))
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
        if unverified + broken > 0 { Terminal.print("  mmvault verify --details      what is wrong with which post") }
        if closed > 0 { Terminal.print("  mmvault key restore FILE      an earlier key, from its backup") }
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
