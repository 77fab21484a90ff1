internal import Glibc
internal import NIOSSL

/// How servers are reached from here: whose certificates count, and by way of which proxy. A command makes one from its
/// options and the environment, and everything that connects goes by it.
///
/// The environment may hold the password of a proxy: it goes into a request to that proxy, and into no text.
public struct Network: Sendable {
    /// A file of certificates (PEM) that count beside the system's; a full path. nil where none was named.
    let caFile: String?
    private let variables: [String: String]

    /// The variables that are read, as curl and OpenSSL name them.
    private static let names = [
        "SSL_CERT_FILE", "SSL_CERT_DIR", "https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY",
        "no_proxy", "NO_PROXY",
    ]

    /// - Parameters:
    ///   - caFile: a file of certificates that count beside the system's.
    ///   - environment: gives the value of a variable.
    public init(caFile: String? = nil, environment: (_ name: String) -> String? = { _ in nil }) {
        self.caFile = caFile.map(Network.fullPath)
        var variables: [String: String] = [:]
        // An empty variable is as good as none, as for curl.
        for name in Network.names { variables[name] = environment(name).flatMap { $0.isEmpty ? nil : $0 } }
        self.variables = variables
    }

    /// The way to a server.
    ///
    /// - Parameter remembered: the file of certificates that was named at login; one that is named now takes its place.
    /// - Throws: `badAuthority`, `badProxy`.
    func route(to address: ServerAddress, remembered: String? = nil) throws(ExporterError) -> Route {
        let endpoint = address.endpoint
        return Route(address: address, tls: try tls(caFile ?? remembered), proxy: try proxy(to: endpoint))
    }

    // MARK: Whom to trust

    private func tls(_ caFile: String?) throws(ExporterError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        let file = variables["SSL_CERT_FILE"]
        let folders = variables["SSL_CERT_DIR"].map { $0.split(separator: ":").map(String.init) } ?? []
        if file != nil || !folders.isEmpty {
            // In the place of the system's, as for OpenSSL.
            var certificates: [NIOSSLCertificate] = []
            if let file { certificates += try Network.certificates(file, "SSL_CERT_FILE") }
            for folder in folders { certificates += try Network.certificates(inFolder: folder) }
            tls.trustRoots = .certificates(certificates)
        }
        if let caFile {
            tls.additionalTrustRoots.append(.certificates(try Network.certificates(caFile, "--ca-file")))
        }
        return tls
    }

    private static func certificates(_ path: String, _ source: String) throws(ExporterError) -> [NIOSSLCertificate] {
        func bad(_ why: String) -> ExporterError { .badAuthority(path, from: source, why: why) }
        guard !isFolder(path) else { throw bad("it is a folder") }
        guard access(path, R_OK) == 0 else { throw bad(String(cString: strerror(errno))) }
        // What is no PEM at all gives an error of its own, and what has other things in it gives none.
        let found = (try? NIOSSLCertificate.fromPEMFile(path)) ?? []
        guard !found.isEmpty else { throw bad("it holds no certificate in PEM form, or a damaged one") }
        return found
    }

    /// Of every file in a folder, whatever its name: OpenSSL takes only names that `openssl rehash` has made.
    private static func certificates(inFolder path: String) throws(ExporterError) -> [NIOSSLCertificate] {
        func bad(_ why: String) -> ExporterError { .badAuthority(path, from: "SSL_CERT_DIR", why: why) }
        guard let folder = opendir(path) else { throw bad(String(cString: strerror(errno))) }
        defer { closedir(folder) }
        var found: [NIOSSLCertificate] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            let file = "\(path)/\(name)"
            guard kind(file) == S_IFREG else { continue }
            found += (try? NIOSSLCertificate.fromPEMFile(file)) ?? []
        }
        guard !found.isEmpty else { throw bad("it holds no certificates in PEM form") }
        return found
    }

    private static func isFolder(_ path: String) -> Bool { kind(path) == S_IFDIR }

    private static func kind(_ path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
    }

    private static func fullPath(_ path: String) -> String {
        guard !path.hasPrefix("/"), let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        return "\(String(cString: folder))/\(path)"
    }

    // MARK: By way of what

    private func proxy(to endpoint: ServerAddress.Endpoint) throws(ExporterError) -> Proxy? {
        // What goes to this machine itself stays on it: an address that may be spoken to in the clear for that reason
        // must not be handed to another machine.
        guard !endpoint.isLoopback else { return nil }
        // HTTP_PROXY is left out: a web server sets it from a header of a request that it hands to a program.
        let candidates =
            (endpoint.isSecure ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy"]) + ["all_proxy", "ALL_PROXY"]
        guard let name = candidates.first(where: { variables[$0] != nil }), let text = variables[name] else {
            return nil
        }
        if let list = variables["no_proxy"] ?? variables["NO_PROXY"],
            ProxyExceptions(list).contains(endpoint.host, port: endpoint.port)
        {
            return nil
        }
        return try Proxy(text, from: name)
    }
}

/// The way to one server, for its API and its WebSocket alike.
struct Route: Sendable {
    let address: ServerAddress
    let tls: TLSConfiguration
    let proxy: Proxy?
}
