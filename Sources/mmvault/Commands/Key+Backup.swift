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
                one that gpg knows, or finds (gpg --locate-keys) where you name it.

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
                "Encrypt to this OpenPGP key: an address, a name or a fingerprint; without it, to your own.",
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
            let key = try KeyChoice.choose(try await keys.load(directory), id: id, directory)
            let gpg = Gpg()
            let target = try await recipient(gpg)
            let message = try await KeyStore(directory, gpg: gpg).backup(of: key, to: target.fingerprint)
            if file == "-" {
                Terminal.write(message)
            } else {
                try PrivateFile.replace(file, with: message)
                Terminal.print("Backup of key \(key.id.short)… in \(SafeText.line(file))")
            }
            Terminal.note("Encrypted to \(target.fingerprint), \(SafeText.line(target.userID))")
        }

        private func recipient(_ gpg: Gpg) async throws -> Gpg.Key {
            guard let recipient else {
                guard let own = try await gpg.ownKeys().first else { throw ReaderError.noGpgKey }
                return own
            }
            var found = try await gpg.publicKeys(for: recipient, mayLocate: false)
            if found.isEmpty {
                Terminal.note("gpg has no key for “\(SafeText.line(recipient))”, and looks for one elsewhere")
                found = try await gpg.publicKeys(for: recipient, mayLocate: true)
            }
            guard let first = found.first else {
                throw Failure(
                    .key, "gpg finds no key for “\(SafeText.line(recipient))” that can be encrypted to",
                    hint: "“gpg --locate-keys” or “gpg --import” brings one; nothing was written")
            }
            guard found.count == 1 else {
                let names = found.map { "\($0.fingerprint) (\(SafeText.line($0.userID)))" }.joined(separator: ", ")
                throw Failure(
                    .key, "gpg has several keys for “\(SafeText.line(recipient))”",
                    hint: "name one by its fingerprint: \(names)")
            }
            return first
        }
    }
}
