internal import AsyncHTTPClient
internal import Bytes

/// A proxy that the environment names. It is printed without the password that it may ask for.
struct Proxy: Sendable, CustomStringConvertible, CustomReflectable {
    enum Kind: Sendable {
        /// HTTP's CONNECT (RFC 9110, section 9.3.6), whatever is spoken through it.
        case connect
        /// SOCKS 5 (RFC 1928); the proxy looks names up.
        case socks
    }

    let kind: Kind
    /// A name or a number, without brackets.
    let host: String
    let port: Int
    /// The header `Proxy-Authorization`; nil where no user is named.
    let authorization: String?

    /// As for curl, also of an http:// proxy.
    private static let defaultPort = 1080

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    var customMirror: Mirror { Mirror(self, children: [:]) }

    /// - Parameters:
    ///   - text: `http://user:password@host:port`, of which only the host must be there.
    ///   - name: of the variable that holds it.
    /// - Throws: `badProxy`, which says nothing of the text.
    init(_ text: String, from name: String) throws(ExporterError) {
        func bad(_ why: String) -> ExporterError { .badProxy(variable: name, why: why) }
        let separator = text.firstRange(of: "://")
        let scheme = separator.map { text[..<$0.lowerBound].lowercased() } ?? "http"
        switch scheme {
        case "http": kind = .connect
        case "socks5", "socks5h": kind = .socks
        case "https": throw bad("mmvault cannot speak TLS to a proxy (https://)")
        default: throw bad("only http://, socks5:// and socks5h:// proxies can be used")
        }
        let whole = text[(separator?.upperBound ?? text.startIndex)...]
        let rest = whole.prefix { !"/?#".contains($0) }
        // Else half of the password would be taken for the host.
        guard !whole.dropFirst(rest.count).contains("@") else {
            throw bad("write / ? # in the user name or password as %2F %3F %23")
        }
        let at = rest.lastIndex(of: "@")
        let user = at.map { rest[..<$0] }
        let place = at.map { rest[rest.index(after: $0)...] } ?? rest
        guard kind == .connect || user == nil else { throw bad("mmvault cannot log in to a SOCKS proxy") }
        authorization = user.map { user in
            let parts = user.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let name = Proxy.decoded(parts[0])
            return "Basic " + Base64.standard.encode(name + [0x3A] + (parts.count == 2 ? Proxy.decoded(parts[1]) : []))
        }
        // The same rules as for the address of a server, which has no path here.
        guard !place.isEmpty, let address = try? ServerAddress("http://\(place)", allowsHTTP: true) else {
            throw bad("its value has no host, or no port that can be read")
        }
        let endpoint = address.endpoint
        host = endpoint.host
        port = endpoint.namesPort ? endpoint.port : Proxy.defaultPort
    }

    /// The bytes that `%XX` stands for; a `%` that is followed by anything else stands for itself.
    private static func decoded(_ text: Substring) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            if byte == 0x25, digits.utf8.count == 2, digits.allSatisfy({ $0.isASCII && $0.isHexDigit }),
                let value = UInt8(digits, radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }

    /// The same for the HTTP client.
    var configuration: HTTPClient.Configuration.Proxy {
        switch kind {
        case .socks: .socksServer(host: host, port: port)
        case .connect:
            .server(
                host: host, port: port,
                authorization: authorization.map { .basic(credentials: String($0.dropFirst("Basic ".count))) })
        }
    }
}
