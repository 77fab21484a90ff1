internal import AsyncHTTPClient
internal import Glibc
internal import NIOCore
internal import NIOExtras
internal import NIOPosix
internal import NIOSOCKS
internal import NIOSSL

/// What keeps a connection from being made, where a setting of the person's may be what helps.
public enum Obstacle: Sendable, Equatable {
    /// The certificate is none that is trusted here.
    case certificate
    /// No TLS, or none that is taken here.
    case tls
    /// Nobody answers at the server's address.
    case connection
    /// The proxy does not answer, or opens no way to the server.
    case proxy
    /// The proxy wants a user name and password, or others than it was given.
    case proxyPassword

    /// Whether asking again would only bring the same answer.
    var isFinal: Bool {
        switch self {
        case .certificate, .tls, .proxyPassword: true
        case .connection, .proxy: false
        }
    }
}

/// What an error below this program's own means, in words that hold no secret.
struct Trouble {
    let why: String
    var obstacle: Obstacle?

    private init(_ why: String, _ obstacle: Obstacle? = nil) {
        self.why = why
        self.obstacle = obstacle
    }

    /// - Parameter route: on which it came up.
    init(_ error: any Error, on route: Route) {
        if let last = (error as? NIOConnectionError)?.connectionErrors.last {
            // Each address of a name was tried.
            self.init(last.error, on: route)
        } else if let trouble = Trouble(ofTLS: error) {
            self = trouble
        } else if let proxy = route.proxy, let trouble = Trouble(error, of: proxy) {
            self = trouble
        } else if let words = Trouble.connectionProblem(error) {
            // Through a proxy, it is to the proxy alone that this program connects.
            self = route.proxy.map { Trouble("\(words) (proxy \($0))", .proxy) } ?? Trouble(words, .connection)
        } else if let error = error as? HTTPClientError {
            self.init(error.shortDescription)
        } else {
            self.init(ServerText.line("\(error)", orElse: "unknown error"))
        }
    }

    private init?(ofTLS error: any Error) {
        switch error {
        case is NIOSSLExtraError, NIOSSLError.handshakeFailed: break
        default: return nil
        }
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            self.init(
                "the server's certificate cannot be trusted: it is from an unknown CA, or has expired", .certificate)
        } else if error as? NIOSSLExtraError == .failedToValidateHostname {
            self.init("the server's certificate is for another address", .certificate)
        } else if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
            // A plain HTTP answer where a handshake should begin.
            self.init("what answers there does not speak TLS (https)", .tls)
        } else if text.contains("PROTOCOL_VERSION") || text.contains("UNSUPPORTED_PROTOCOL") {
            self.init("the server speaks only TLS older than version 1.2, which is not safe", .tls)
        } else if case NIOSSLError.handshakeFailed = error {
            self.init("the TLS handshake failed")
        } else {
            return nil
        }
    }

    private init?(_ error: any Error, of proxy: Proxy) {
        let isLoginWanted =
            error as? HTTPClientError == .proxyAuthenticationRequired
            || error as? NIOHTTP1ProxyConnectHandler.Error == .proxyAuthenticationRequired()
        if isLoginWanted {
            self.init(
                proxy.authorization == nil
                    ? "the proxy \(proxy) asks for a user name and password (407)"
                    : "the proxy \(proxy) does not accept the user name and password (407)", .proxyPassword)
        } else if error is SOCKSError.NoValidAuthenticationMethod
            || error is SOCKSError.InvalidAuthenticationSelection
        {
            self.init("the proxy \(proxy) asks for a login, which mmvault cannot do over SOCKS", .proxyPassword)
        } else if let words = Trouble.proxyProblem(error) {
            self.init("the proxy \(proxy) \(words)", .proxy)
        } else {
            return nil
        }
    }

    private static func proxyProblem(_ error: any Error) -> String? {
        let refuses = "refused to connect to the server"
        let isSilent = "does not answer"
        switch error {
        case is SOCKSError.ConnectionFailed: return refuses
        case is SOCKSError.InvalidProtocolVersion, is SOCKSError.InvalidReservedByte, is SOCKSError.InvalidAddressType,
            is SOCKSError.UnexpectedRead:
            return "does not speak SOCKS 5"
        case let error as NIOHTTP1ProxyConnectHandler.Error:
            return error == .httpProxyHandshakeTimeout() ? isSilent : refuses
        case let error as HTTPClientError:
            switch error {
            case .invalidProxyResponse: return refuses
            case .httpProxyHandshakeTimeout, .socksHandshakeTimeout: return isSilent
            default: return nil
            }
        case ChannelError.eof: return isSilent
        default: return nil
        }
    }

    private static func connectionProblem(_ error: any Error) -> String? {
        if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
        if let error = error as? NIOConnectionError { return "no address is known for \(error.host)" }
        if case ChannelError.connectTimeout = error { return "the server does not answer" }
        return error as? HTTPClientError == .connectTimeout ? "the server does not answer" : nil
    }
}
