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

            EXAMPLES:
              mmvault login https://chat.example.org
              mmvault login https://chat.example.org --token-file token.txt
              pass mattermost | mmvault login chat.example.org --username me \\
                --password-file -

            \(ExitCode.help(.notLoggedIn, .server, .usage))
            """)

    @OptionGroup var vault: VaultOptions

    @Argument(help: "The server's address: https://chat.example.org")
    var url: String

    @Option(
        help: ArgumentHelp("Log in with the token in this file (- for standard input).", valueName: "file"),
        completion: .file())
    var tokenFile: String?

    @Option(help: ArgumentHelp("Log in with a password, as this user (name or mail address).", valueName: "name"))
    var username: String?

    @Option(
        help: ArgumentHelp("The password is in this file (- for standard input).", valueName: "file"),
        completion: .file())
    var passwordFile: String?

    @Option(
        help: ArgumentHelp("The MFA code is in this file (- for standard input).", valueName: "file"),
        completion: .file())
    var mfaCodeFile: String?

    @Flag(help: "Speak http:// to another machine, unencrypted.")
    var allowHttp = false

    func run() async throws {
        let address = try ServerAddress(url, allowsHTTP: allowHttp)
        let (directory, session) = try await logIn(address)
        Terminal.print("Logged in to \(SafeText.line(address.url)) as \(SafeText.line(session.username)).")
        Terminal.print("The archive is in \(SafeText.line(directory.path))")
        Terminal.print("Next: “mmvault pull” fetches your messages.")
    }

    private func logIn(_ address: ServerAddress) async throws -> (directory: AccountDirectory, session: Session) {
        let vault = try vault.open()
        let credentials = try credentials(for: address)
        do {
            return try await Exporter.Login.run(address, credentials, vault: vault)
        } catch ExporterError.sessionExpired {
            throw Failure(
                .notLoggedIn, "\(SafeText.line(address.url)) does not accept this token",
                hint: "it has expired or was revoked, or it is of another server; nothing was changed")
        } catch ExporterError.mfaRequired {
            guard Terminal.inputIsTerminal, case .password(let username, let password, _) = credentials,
                let code = Prompt.answer("MFA code: ")
            else { throw ExporterError.mfaRequired }
            let complete = Credentials.password(username: username, password: password, mfaCode: code)
            return try await Exporter.Login.run(address, complete, vault: vault)
        }
    }

    private func credentials(for address: ServerAddress) throws -> Credentials {
        if let tokenFile {
            guard username == nil, passwordFile == nil, mfaCodeFile == nil else {
                throw Failure(.usage, "--token-file and a user name do not go together", hint: "choose one")
            }
            return .token(try InputFile.readLine(tokenFile).trimmed)
        }
        guard passwordFile != "-" || mfaCodeFile != "-" else {
            throw Failure(.usage, "only one of two files can be standard input")
        }
        let code = try mfaCodeFile.map(InputFile.readLine)
        if let passwordFile {
            guard let username else {
                throw Failure(.usage, "--password-file needs --username", hint: "add --username NAME")
            }
            return .password(username: username, password: try InputFile.readLine(passwordFile), mfaCode: code)
        }
        guard Terminal.inputIsTerminal else {
            throw Failure(
                .usage, "there is no terminal to ask for a password at",
                hint: "add --token-file FILE, or --username NAME with --password-file FILE")
        }
        Terminal.note("Logging in to \(SafeText.line(address.url))")
        guard let name = username ?? Prompt.answer("User name or mail address (empty to use a token): ") else {
            throw Failure.interrupted
        }
        if name.isEmpty {
            guard let token = Prompt.secret("Token: ") else { throw Failure.interrupted }
            return .token(token.trimmed)
        }
        guard let password = Prompt.secret("Password: ") else { throw Failure.interrupted }
        return .password(username: name, password: password, mfaCode: code)
    }
}
