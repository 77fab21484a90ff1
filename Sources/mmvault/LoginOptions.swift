import Archive
import ArgumentParser
import Exporter
import Reader

/// How somebody logs in. What is not said is asked for, at a terminal.
struct LoginOptions: ParsableArguments {
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

    @OptionGroup var connection: NetworkOptions

    /// Logs in, and says as whom.
    func logIn(_ url: String, _ vault: Vault) async throws -> (directory: AccountDirectory, session: Session) {
        let address = try ServerAddress(url, allowsHTTP: allowHttp)
        let (directory, session) = try await logIn(address, vault)
        Terminal.print("Logged in to \(SafeText.line(address.url)) as \(SafeText.name(session.username)).")
        return (directory, session)
    }

    private func logIn(
        _ address: ServerAddress, _ vault: Vault
    ) async throws -> (directory: AccountDirectory, session: Session) {
        let credentials = try credentials(for: address)
        do {
            return try await Exporter.Login.run(address, credentials, vault: vault, connection.network)
        } catch ExporterError.sessionExpired {
            throw Failure(
                .notLoggedIn, "\(SafeText.line(address.url)) does not accept this token",
                hint: "it has expired or was revoked, or it is of another server; nothing was changed")
        } catch ExporterError.mfaRequired {
            guard Terminal.inputIsTerminal, case .password(let username, let password, _) = credentials,
                let code = Prompt.answer("MFA code: ")
            else { throw ExporterError.mfaRequired }
            let complete = Credentials.password(username: username, password: password, mfaCode: code)
            return try await Exporter.Login.run(address, complete, vault: vault, connection.network)
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
