import Archive
import ArgumentParser
import E2EE
import Reader

extension Key {
    struct Backup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a new backup of a private key, encrypted by gpg.",
            usage: "mmvault key backup <file> [<options>]",
            discussion: """
                The form is the one that the plugin itself makes and imports: the clear-text
                backup as an OpenPGP message. It goes to your own OpenPGP key, or to another
                one that gpg knows, or finds (gpg --locate-keys) where you name it: by its
                fingerprint or long key id, or by a whole e-mail address or user id that no
                other key has.

                EXAMPLES:
                  mmvault key backup my-key.asc
                  mmvault key backup - --recipient me@example.org > my-key.asc
                  mmvault key backup old.asc --id 3fe8241622fd09c2

                \(ExitCode.help(.key, .noArchive, .usage))
                """)

        @OptionGroup var vault: VaultOptions
        @OptionGroup var keys: KeyOptions

        @Argument(help: "The file to write, which must not exist (- for standard output).", completion: .file())
        var file: String

        @Option(
            help: ArgumentHelp(
                "Encrypt to this OpenPGP key: a fingerprint, an e-mail address or a user id; without it, to your own.",
                valueName: "key"))
        var recipient: String?

        @Option(help: ArgumentHelp("Which private key, by the beginning of its id.", valueName: "key-id"))
        var id: String?

        func run() async throws {
            let directory = try vault.directory()
            guard file == "-" || !PrivateFile.exists(file) else {
                throw Failure(
                    .usage, "\(SafeText.line(file)) exists already", hint: "name a file that does not exist yet")
            }
            let key = try await KeyChoice.choose(try await keys.load(directory), id: id, directory)
            let gpg = Gpg()
            let target = if let recipient { try await gpg.recipient(named: recipient) } else { try await gpg.ownKey() }
            Terminal.note("Encrypting to \(target.fingerprint), \(SafeText.line(target.userID))")
            let message = try await KeyStore(directory, gpg: gpg).backup(of: key, to: target)
            if file == "-" {
                Terminal.write(message)
            } else {
                try PrivateFile.replace(file, with: message)
                Terminal.print("Backup of key \(key.id.short)… in \(SafeText.line(file))")
            }
        }
    }
}
