/// A time-stamp authority (RFC 3161) of stock openssl: a root, and a certificate under it that signs time stamps.
public struct TimeStampAuthority: Sendable {
    private let folder: String
    /// The file with the root's certificate, in PEM.
    public var certificates: String { "\(folder)/ca.pem" }

    public static let isPossible = StockTool.isInstalled("openssl")

    /// - Parameters:
    ///   - folder: one that is not there yet.
    ///   - name: what its certificates call it.
    public init(_ folder: String, called name: String = "Example Authority") async throws {
        self.folder = folder
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -utf8"
        try await StockTool.shell(
            """
            mkdir '\(folder)'; cd '\(folder)'
            echo 1000 > serial
            cat > tsa.cnf <<'END'
            [ req ]
            distinguished_name = name
            [ name ]
            [ ca ]
            basicConstraints = critical, CA:TRUE
            [ signer ]
            keyUsage = critical, digitalSignature
            extendedKeyUsage = critical, timeStamping
            [ tsa ]
            serial = serial
            signer_digest = sha256
            default_policy = 1.2.3.4.1
            digests = sha256, sha512
            tsa_name = yes
            ess_cert_id_alg = sha256
            [ refusing ]
            serial = serial
            signer_digest = sha256
            default_policy = 1.2.3.4.1
            digests = sha512
            END
            exec 2>log
            openssl req -x509 \(key) -config tsa.cnf -extensions ca -days 30 -keyout ca.key -out ca.pem \
              -subj '/O=\(name)/CN=Root'
            openssl req \(key) -config tsa.cnf -keyout tsa.key -out tsa.csr -subj '/O=\(name)/CN=Time Stamps'
            openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
              -extfile tsa.cnf -extensions signer -out tsa.pem
            """)
    }

    /// The answer to a request, in DER.
    ///
    /// - Parameter refuses: whether it does not know SHA-256.
    public func answer(_ request: [UInt8], refuses: Bool = false) async throws -> [UInt8] {
        let name = "request.\(UInt64.random(in: 0...(.max)))"
        try await StockTool.run("tee", [name], input: request, in: folder)
        return try await StockTool.run(
            "openssl",
            [
                "ts", "-reply", "-config", "tsa.cnf", "-section", refuses ? "refusing" : "tsa", "-queryfile", name,
                "-signer", "tsa.pem", "-inkey", "tsa.key",
            ], in: folder)
    }

    /// A request as stock openssl writes it.
    public static func request(for digest: String, _ options: String = "-sha256 -cert -no_nonce") async throws
        -> [UInt8]
    {
        try await StockTool.run(
            "openssl", ["ts", "-query", "-digest", digest] + options.split(separator: " ").map(String.init))
    }
}
