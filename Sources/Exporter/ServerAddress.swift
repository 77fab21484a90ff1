/// Where a server is: scheme, host, port and, for a server in a subfolder, a path.
public struct ServerAddress: Equatable, Sendable {
    /// `https://chat.example.org`, without a final slash.
    public let url: String

    /// - Parameters:
    ///   - text: as a person types it; without a scheme, https is meant.
    ///   - allowsHTTP: whether a password or a token may go over the network in the clear. To loopback it always may.
    /// - Throws: `badAddress`, `insecureAddress`.
    public init(_ text: String, allowsHTTP: Bool = false) throws(ExporterError) {
        func bad(_ why: String) -> ExporterError { .badAddress(text, why: why) }
        let full = text.contains("://") ? text : "https://\(text)"
        guard let separator = full.firstRange(of: "://") else { throw bad("there is no host in it") }
        let scheme = full[..<separator.lowerBound].lowercased()
        guard scheme == "https" || scheme == "http" else { throw bad("only https:// and http:// can be spoken to") }
        var rest = full[separator.upperBound...]
        while rest.hasSuffix("/") { rest = rest.dropLast() }
        let authority = rest.prefix { $0 != "/" }
        guard !rest.contains(where: { "?#@\\".contains($0) || $0.isWhitespace || !$0.isASCII || $0 < "!" }) else {
            throw bad("it may hold neither a user name nor “?” nor “#” nor spaces")
        }
        let host: Substring
        let port: Substring?
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            host = authority[...end]
            let tail = authority[authority.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { throw bad("its host cannot be read") }
            port = tail.isEmpty ? nil : tail.dropFirst()
        } else {
            let parts = authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            host = parts.first ?? ""
            port = parts.count == 2 ? parts[1] : nil
        }
        guard !host.isEmpty else { throw bad("there is no host in it") }
        if let port {
            guard let number = Int(port), (1...65535).contains(number) else { throw bad("its port is no port") }
        }
        let isLoopback =
            host == "localhost" || host == "[::1]"
            || host.hasPrefix("127.") && host.allSatisfy { $0.isNumber || $0 == "." }
        guard scheme == "https" || isLoopback || allowsHTTP else { throw .insecureAddress("\(scheme)://\(rest)") }
        url = "\(scheme)://\(authority.lowercased())\(rest.dropFirst(authority.count))"
    }
}
