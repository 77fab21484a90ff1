import Archive
import ArgumentParser
import Bytes
import E2EE
import Reader

struct Key: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Restore, list and back up your private keys.",
        subcommands: [Restore.self, Mine.self, List.self, Backup.self, Identity.self])

    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Restore a private key from its backup.",
            usage: "mmvault key restore <file> [<options>]",
            discussion: """
                Takes what people have: the clear-text backup (also with chat text around it),
                the GPG backup, or the mail that the server sent, saved as .eml. The key is
                kept only as an OpenPGP-encrypted file that your gpg opens on use. What was
                in clear text is encrypted to your only OpenPGP key, or to the one that you
                name: by its fingerprint or long key id, or by a whole e-mail address or user
                id that no other key has. Restore your old keys, too: they open old posts.

                To have a key does not make it yours: you are asked whether you made it. Say
                --mine where nothing can be asked. Only then does what it signed in your name
                verify, whatever key the server shows for you.

                EXAMPLES:
                  mmvault key restore backup.eml
                  mmvault key restore key.asc --recipient me@example.org
                  wl-paste | mmvault key restore --mine -

                \(ExitCode.help(.key, .inUse, .noArchive, .usage))
                """)

        @OptionGroup var vault: VaultOptions

        @Argument(help: "The backup (- for standard input).", completion: .file())
        var file: String

        @Option(
            help: ArgumentHelp(
                "Encrypt a clear-text backup to this OpenPGP key; without it, to your own.", valueName: "key"))
        var recipient: String?

        @Flag(help: "Encrypt a clear-text backup with a passphrase, which gpg asks for.")
        var symmetric = false

        @Flag(help: "Say that you made the key: do not ask.")
        var mine = false

        func run() async throws {
            let directory = try vault.directory()
            guard recipient == nil || !symmetric else {
                throw Failure(.usage, "--recipient and --symmetric do not go together", hint: "choose one")
            }
            var encryption: Gpg.Encryption? = symmetric ? .symmetric : nil
            if let recipient { encryption = .recipient(try await Gpg().recipient(named: recipient)) }
            var bytes = try InputFile.read(file)
            defer { wipe(&bytes) }
            let restoration = try await KeyRestoration(directory)
            let source = InputFile.name(file)
            let keys = try await restoration.run(bytes, source: source, encryption: encryption)
            try await restoration.ask(keys, isMine: mine, source: source)
        }
    }

    struct Mine: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say that you made a key yourself.",
            usage: "mmvault key mine <key> [<options>]",
            discussion: """
                For a key that you restored without saying so, and for one whose private half
                is lost: one that the server showed for you, say. What it signed in your name
                verifies from then on. “mmvault trust withdraw” takes it back.

                EXAMPLES:
                  mmvault key mine 9c660cd8

                \(ExitCode.help(.failure, .inUse, .noArchive, .usage))
                """)

        @OptionGroup var vault: VaultOptions

        @Argument(help: "A key's id, or its first digits, at least eight.")
        var key: String

        @Flag(help: "Do not ask. Needs the whole id.")
        var yes = false

        func run() async throws {
            let desk = try await TrustDesk(vault)
            let entry = try desk.entry(of: desk.account.userID, key)
            guard entry.standing != .own else {
                return Terminal.print("Noted already: you made \(entry.title)")
            }
            if !yes {
                Terminal.note(entry.title)
                for line in entry.keyID.map({ Fingerprint(of: $0).lines }) ?? [] { Terminal.note("    \(line)") }
            }
            desk.warnOfOthers(entry)
            try TrustDesk.agree("Did you make this key yourself?", isAgreed: yes, id: key)
            var answers = [TrustDesk.Answer(.own, entry)]
            if !yes { answers += try await desk.askAboutOthers(of: desk.account.userID, besides: answers) }
            try await desk.record(answers)
            Terminal.print("Noted: you made \(entry.title)")
            try desk.tellEffects(of: answers)
        }
    }

    struct Identity: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the age identity that opens your search index.",
            usage: "mmvault key identity [<options>]",
            discussion: """
                The search index is sealed in the standard age format to an X25519 key that is
                derived from your private keys (docs/search-index.md). This prints that key,
                for the stock age program. It is as secret as what it opens: pipe it, and do
                not keep it.

                EXAMPLES:
                  mmvault key identity | age -d -i - …/search/…/manifest.age

                \(ExitCode.help(.key, .noArchive))
                """)

        @OptionGroup var vault: VaultOptions
        @OptionGroup var keys: KeyOptions

        func run() async throws {
            let keyring = Keyring(try await keys.load(try vault.directory()))
            guard var identity = Reader.Search.identity(of: keyring) else {
                throw Failure(
                    .key, "no private key is at hand", hint: "“mmvault key restore FILE” restores one, --key reads one")
            }
            defer { wipe(&identity) }
            Terminal.write(identity)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List your keys, and how many archived posts each opens.",
            usage: "mmvault key list [<options>]",
            discussion: """
                Needs no private key: who a post is encrypted for can be seen from outside.

                \(ExitCode.help(.noArchive))
                """)

        @OptionGroup var vault: VaultOptions

        func run() async throws {
            let directory = try vault.directory()
            let archive = try await Archive.opened(directory)
            let account = try archive.account()
            let restored = KeyStore(directory).ids
            let own = try archive.knownKeys()[account.userID] ?? []
            let survey = Survey(archive, atHand: restored)
            var opens: [KeyID: Int] = [:]
            var encrypted = 0
            for channel in try archive.channels() {
                let result = try await survey.run(channel)
                opens.merge(result.openableBy, uniquingKeysWith: +)
                encrypted += result.encrypted
            }
            let ids = Set(restored + own.compactMap { KeyID(hex: $0.sighting.keyID) }).sorted()
            guard !ids.isEmpty else {
                Terminal.print("No key of yours is known. “mmvault key restore FILE” restores one.")
                return
            }
            for id in ids {
                let known = own.first { $0.sighting.keyID == id.description }
                var facts = [restored.contains(id) ? "restored" : "NOT restored"]
                if known?.isCurrent == true { facts.append("registered on the server") }
                if let known { facts.append("known since \(known.firstSeen.date)") }
                Terminal.print("\(id)")
                Terminal.print("  \(facts.joined(separator: ", "))")
                Terminal.print("  opens \((opens[id] ?? 0).grouped) of \(encrypted.of("encrypted post"))")
            }
        }
    }
}
