import Archive
import ArgumentParser
import Bytes
import E2EE
import Reader

struct Key: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Restore, list and back up your private keys.",
        subcommands: [Restore.self, List.self, Backup.self, Identity.self])

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

                EXAMPLES:
                  mmvault key restore backup.eml
                  mmvault key restore key.asc --recipient me@example.org
                  wl-paste | mmvault key restore -

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

        func run() async throws {
            let directory = try vault.directory()
            guard recipient == nil || !symmetric else {
                throw Failure(.usage, "--recipient and --symmetric do not go together", hint: "choose one")
            }
            var encryption: Gpg.Encryption? = symmetric ? .symmetric : nil
            if let recipient { encryption = .recipient(try await Gpg().recipient(named: recipient)) }
            var bytes = try InputFile.read(file)
            defer { wipe(&bytes) }
            try await KeyRestoration(directory).run(bytes, source: InputFile.name(file), encryption: encryption)
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
            let archive = try Archive(directory)
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
