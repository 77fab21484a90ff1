import Archive
import ArgumentParser
import Exporter
import Reader

struct Login: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Log in to a server.",
        usage: "mmvault login <url> [<options>]",
        discussion: """
            Asks for what is needed at a terminal. Passwords and tokens are never
            arguments: they come from the prompt or from a file. The token is kept in the
            vault, in a file that only you can read; the password is not kept.

            --ca-file adds to the certificates that the system trusts, and later commands
            use it, too; SSL_CERT_FILE and SSL_CERT_DIR replace those of the system.
            https_proxy, http_proxy, ALL_PROXY and no_proxy name proxies, as for curl.
            See docs/networks.md.

            EXAMPLES:
              mmvault login https://chat.example.org
              mmvault login https://chat.example.org --token-file token.txt
              mmvault login https://chat.corp.example --ca-file corp-ca.pem
              pass mattermost | mmvault login chat.example.org --username me \\
                --password-file -

            \(ExitCode.help(.notLoggedIn, .server, .usage))
            """)

    @OptionGroup var vault: VaultOptions

    @Argument(help: "The server's address: https://chat.example.org")
    var url: String

    @OptionGroup var options: LoginOptions

    func run() async throws {
        let (directory, _) = try await options.logIn(url, try vault.open())
        Terminal.print("The archive is in \(SafeText.line(directory.path))")
        Terminal.print("Next: “mmvault pull” fetches your messages.")
    }
}
