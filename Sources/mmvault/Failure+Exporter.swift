import Exporter
import Reader

extension Failure {
    static func of(_ error: ExporterError) -> Failure {
        switch error {
        case .badAddress(let text, let why):
            Failure(
                .usage, "“\(SafeText.line(text))” is no server address: \(why)",
                hint: "it looks like https://chat.example.org")
        case .insecureAddress(let url):
            Failure(
                .usage, "\(SafeText.line(url)) would send your password and messages over the network unencrypted",
                hint: "use https://; --allow-http does it anyway")
        case .badAuthority(let path, let source, let why):
            Failure(
                .usage, "the certificates in \(SafeText.line(path)) (\(source)) cannot be used: \(SafeText.line(why))",
                hint: source == "--ca-file"
                    ? "the login remembered this file; name another with --ca-file FILE"
                    : "correct or unset \(source)")
        case .badProxy(let variable, let why):
            Failure(
                .usage, "the proxy in \(variable) cannot be used: \(why)",
                hint: "\(variable)=http://host:port names one, no_proxy what needs none; see docs/networks.md")
        case .notLoggedIn(let account):
            Failure(.notLoggedIn, "not logged in as \(SafeText.line(account))", hint: "“mmvault login URL” logs in")
        case .sessionExpired(let server):
            Failure(
                .notLoggedIn, "\(SafeText.line(server)) does not accept the token: the session has ended",
                hint: "“mmvault login \(SafeText.line(server))” starts a new one; what was archived is kept")
        case .loginRefused(let message):
            Failure(.notLoggedIn, "the login was refused: \(SafeText.line(message))", hint: "nothing was changed")
        case .mfaRequired:
            Failure(
                .notLoggedIn, "this account asks for an MFA code",
                hint: "log in at a terminal, add --mfa-code-file, or use a personal access token")
        case .otherUser(let expected, let found):
            Failure(
                .notLoggedIn,
                "the token belongs to \(SafeText.line(found)), and the archive to \(SafeText.line(expected))",
                hint: "“mmvault login URL” as \(SafeText.line(expected))")
        case .redirected(let from, let to):
            Failure(
                .server, "\(SafeText.line(from)) sends its visitors on to \(SafeText.line(to))",
                hint: "the token was not sent there; if that is the right server, log in with that address")
        case .refused(let status, _, let message, let request):
            Failure(
                .server,
                "the server refused the request (\(status)): \(SafeText.line(message)) [\(SafeText.line(request))]")
        case .noAnswer(let request, let why, let attempts, let obstacle):
            Failure(
                .server,
                "no usable answer after \(attempts) attempt\(attempts == 1 ? "" : "s"): \(SafeText.line(why))"
                    + " [\(SafeText.line(request))]", hint: hint(obstacle))
        case .badAnswer(let request, let why):
            Failure(
                .server, "mmvault cannot use the server's answer: \(SafeText.line(why)) [\(SafeText.line(request))]",
                hint: "what is archived is safe; running it again will not help, so please report it")
        case .foreignError(let request, let status):
            Failure(
                .server,
                "something between you and the server, perhaps a proxy, answers with an error (\(status)) "
                    + "[\(SafeText.line(request))]",
                hint: "what is archived is safe; run the command again later")
        case .tooLong(let request):
            Failure(
                .server, "the server's answer is larger than any that mmvault takes [\(SafeText.line(request))]",
                hint: "what is archived is safe; running it again will not help, so please report it")
        case .unsettledHistory(let channelID):
            Failure(
                .server, "the history of channel \(SafeText.line(channelID)) changes faster than it can be read",
                hint: "what was fetched is kept; run the command again later")
        case .noSuchChannel(let name):
            Failure(
                .noArchive, "the server lists no channel or team “\(SafeText.line(name))” for this account",
                hint: "“mmvault status” shows the names; nothing was fetched")
        case .noChannelToAskIn: Failure(.server, "it is asked for in a channel, and the server lists none for you")
        case .archive(let error): of(error)
        case .cancelled: .interrupted
        }
    }
    /// What helps where a connection cannot be made.
    private static func hint(_ obstacle: Obstacle?) -> String {
        switch obstacle {
        case .certificate:
            "if the server has a private CA, or a proxy shows certificates of its own: --ca-file FILE or SSL_CERT_FILE "
                + "names the CA's certificate; see docs/networks.md"
        case .tls:
            "mmvault accepts only TLS 1.2 and 1.3; if a proxy leads to the server, https_proxy names it; see "
                + "docs/networks.md"
        case .connection:
            "if the address is right, run the command again later; nothing is lost. If a proxy leads to the server, "
                + "https_proxy names it; see docs/networks.md"
        case .proxy:
            "https_proxy or ALL_PROXY names the proxy, and no_proxy what needs none; see docs/networks.md"
        case .proxyPassword:
            "https_proxy=http://USER:PASSWORD@host:port, with %XX for special characters; see docs/networks.md"
        case nil: "if the address is right, run the command again later; nothing is lost"
        }
    }
}
