public import Archive
internal import Bytes
internal import NIOHTTP1

/// What a person can prove to be themselves with.
public enum Credentials: Sendable {
    /// A personal access token, or the token of a session that is open elsewhere.
    case token(String)
    /// `mfaCode`: the six digits of an authenticator, where the account asks for them.
    case password(username: String, password: String, mfaCode: String?)
}

/// Makes a session with a server, or finds one that still holds.
public enum Login {
    /// Checks the credentials and keeps the session in the account's directory, which is made where it is missing. A file
    /// of certificates is kept with it by its path; where none is named, the one of an earlier session with the server is.
    ///
    /// - Throws: `loginRefused`, `mfaRequired`, `sessionExpired` for a token that the server does not take, and
    ///   whatever keeps the server from answering.
    public static func run(
        _ address: ServerAddress, _ credentials: Credentials, vault: Vault, _ network: Network
    ) async throws(ExporterError) -> (directory: AccountDirectory, session: Session) {
        let earlier = try sessions(address, vault).lazy.compactMap(\.session.caFile).first
        let caFile = network.caFile ?? earlier
        let route = try network.route(to: address, remembered: caFile)
        var session =
            switch credentials {
            case .token(let token): try await session(route, token: token)
            case .password(let username, let password, let code):
                try await session(route, username: username, password: password, mfaCode: code)
            }
        session.caFile = caFile
        let account = Account(server: address.url, userID: session.userID, username: session.username)
        let directory: AccountDirectory
        do { directory = try vault.makeAccount(account) } catch { throw .archive(error) }
        try session.save(in: directory)
        return (directory, session)
    }

    /// The account of a vault whose session with the server still holds; nil where somebody has to log in.
    ///
    /// - Parameter username: whose; nil for the only one there is.
    public static func existing(
        _ address: ServerAddress, username: String?, vault: Vault, _ network: Network
    ) async throws(ExporterError) -> (directory: AccountDirectory, session: Session)? {
        let found = try sessions(address, vault).filter { username == nil || $0.session.username == username }
        guard found.count == 1 else { return nil }
        var (directory, session) = found[0]
        do throws(ExporterError) {
            _ = try await self.session(try session.route(network), token: session.token)
        } catch .sessionExpired {
            return nil
        }
        if let caFile = network.caFile, caFile != session.caFile {
            session.caFile = caFile
            try session.save(in: directory)
        }
        return (directory, session)
    }

    /// What the vault has of sessions with a server, whether they still hold or not.
    private static func sessions(
        _ address: ServerAddress, _ vault: Vault
    ) throws(ExporterError) -> [(directory: AccountDirectory, session: Session)] {
        var found: [(directory: AccountDirectory, session: Session)] = []
        for name in vault.accountNames {
            do throws(ArchiveError) {
                let directory = try vault.account(named: name)
                guard let session = try? Session(in: directory), session.address == address else { continue }
                found.append((directory, session))
            } catch { throw .archive(error) }
        }
        return found
    }

    private static func session(_ route: Route, token: String) async throws(ExporterError) -> Session {
        guard Session.isToken(token) else {
            throw .loginRefused(message: "a token is one word of letters and digits, and this is not")
        }
        let user = try await MattermostClient.using(route, token: token, patience: .short) {
            client throws(ExporterError) in
            try await client.me()
        }
        return Session(address: route.address, userID: user.id, username: user.username, token: token)
    }

    private static func session(
        _ route: Route, username: String, password: String, mfaCode: String?
    ) async throws(ExporterError) -> Session {
        var body = JSONWriter()
        body.object {
            $0.string("login_id", username)
            $0.string("password", password)
            if let mfaCode { $0.string("token", mfaCode) }
        }
        let request = Request(.POST, "/api/v4/users/login", body: body.bytes)
        return try await MattermostClient.using(route, token: nil, patience: .short) {
            client throws(ExporterError) in
            do throws(ExporterError) {
                return try await client.send(request) { answer throws(ExporterError) in
                    let user = try RemoteUser(answer)
                    guard let token = answer.headers.first(name: "Token"), Session.isToken(token) else {
                        throw .loginRefused(message: "the server said yes, but sent no token")
                    }
                    return Session(address: route.address, userID: user.id, username: user.username, token: token)
                }
            } catch .refused(let status, let id, let message, _) where status == 401 || status == 400 {
                throw id.hasPrefix("mfa.") && mfaCode == nil ? .mfaRequired : .loginRefused(message: message)
            }
        }
    }
}

/// The part of a user that tells who it is.
struct RemoteUser: Sendable {
    let id: String
    let username: String
    /// What the server says of its own version, if it does.
    let serverVersion: String?

    init(_ answer: Answer) throws(ExporterError) {
        let root = try answer.json().root
        guard let id = root["id"]?.string, PostHeader.isIdentifier(id), let username = root["username"]?.string else {
            throw answer.garbled("it is no user")
        }
        self.id = id
        self.username = username
        serverVersion = answer.headers.first(name: "X-Version-Id")
    }
}
