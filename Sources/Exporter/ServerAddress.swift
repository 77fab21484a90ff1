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
        guard !rest.contains(where: { "?#@\\".contains($0) || $0.isWhitespace }) else {
            throw bad("it may hold neither a user name nor “?” nor “#” nor spaces")
        }
        // What else there is would have to be escaped, and nobody has a server there.
        guard rest.utf8.allSatisfy({ ServerAddress.isLetterOrDigit($0) || "-._~%!$&'()*+,;=:/[]".utf8.contains($0) })
        else { throw bad("it holds characters that no address has; write a name outside ASCII as xn--…") }
        let authority = rest.prefix { $0 != "/" }.lowercased()
        let (host, port) = try ServerAddress.split(authority, bad)
        if let port {
            // `Int` would take a sign.
            guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(port),
                (1...65535).contains(number)
            else { throw bad("its port is no port") }
        }
        guard !rest.dropFirst(authority.count).contains(where: { "[]".contains($0) }) else {
            throw bad("its path cannot be read")
        }
        guard scheme == "https" || ServerAddress.isLoopback(host) || allowsHTTP else {
            throw .insecureAddress("\(scheme)://\(rest)")
        }
        url = "\(scheme)://\(authority)\(rest.dropFirst(authority.count))"
    }

    private static func split(
        _ authority: String, _ bad: (String) -> ExporterError
    ) throws(ExporterError) -> (host: Substring, port: Substring?) {
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { throw bad("its host cannot be read") }
            let inside = authority[..<end].dropFirst()
            let tail = authority[authority.index(after: end)...]
            guard inside.contains(":"), inside.allSatisfy({ $0.isHexDigit || ":.".contains($0) }),
                tail.isEmpty || tail.hasPrefix(":")
            else { throw bad("its host cannot be read") }
            return (authority[...end], tail.isEmpty ? nil : tail.dropFirst())
        }
        let parts = authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let host = parts.first, !host.isEmpty else { throw bad("there is no host in it") }
        guard host.utf8.allSatisfy({ isLetterOrDigit($0) || "-._".utf8.contains($0) }) else {
            throw bad("its host cannot be read")
        }
        return (host, parts.count == 2 ? parts[1] : nil)
    }

    /// Whether what is sent to `host` cannot leave this machine. A name that merely looks like it could be anybody's.
    static func isLoopback(_ host: Substring) -> Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}
