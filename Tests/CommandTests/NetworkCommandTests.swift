import DemoServer
import Foundation
import TestSupport
import Testing

/// Proxies and certificates, as a user names them and is told of them.
@Suite struct NetworkCommandTests {
    private static let authorization = "Basic " + Data("carol:s3cr%t".utf8).base64EncodedString()

    /// Without the ends of lines, which are where the terminal's width puts them.
    private func errors(_ outcome: Outcome) -> String {
        outcome.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private func proxy(_ stage: Stage) async throws -> TestProxy {
        let port = try #require(stage.url.split(separator: ":").last.flatMap { Int($0) })
        return try await TestProxy(to: port, .connect(authorization: Self.authorization))
    }

    @Test func aProxysPassword_StandsNowhere() async throws {
        try await Stage.with { stage in
            let proxy = try await proxy(stage)
            let place = "127.0.0.1:\(proxy.port)"
            var printed = ""
            func run(_ line: String, _ code: Int32, _ words: String...) async throws {
                let outcome = try await stage.run(line)
                #expect(outcome.code == code, "\(line): \(outcome.everything)")
                for words in words { #expect(errors(outcome).contains(words), "\(outcome.errors)") }
                printed += outcome.everything
            }
            let right = "http_proxy=http://carol:s3cr%25t@\(place)"
            let login = "mmvault login http://chat.example --allow-http --token-file token.txt"
            try await run("\(right) \(login)", 0)
            try await run("\(right) mmvault pull", 0)
            try await run(
                """
                \(right) mmvault pull --follow >log & for i in {1..200}; do grep -q connected log && break; sleep 0.1; done
                grep -q connected log && tr '\\0' '\\n' </proc/$!/cmdline; kill $!; wait $!; cat log
                """, 0)
            #expect(Set(proxy.targets) == ["chat.example:80"])
            let count = proxy.targets.count
            let docs = "docs/networks.md"
            // Told at once: it is not sent a second time.
            try await run(
                "http_proxy=http://carol:wr0ng@\(place) mmvault pull", 7,
                "the proxy \(place) does not accept the user name and password (407)", "hint: ", docs)
            #expect(proxy.targets.count == count + 1)
            try await run("http_proxy=\(place) mmvault pull", 7, "asks for a user name and password (407)", docs)
            try await run(
                "all_proxy=https://carol:s3cr%25t@\(place) mmvault pull", 64,
                "error: the proxy in all_proxy cannot be used: ", docs)
            try await run("ALL_PROXY=socks5://carol:s3cr%25t@\(place) mmvault pull", 64, "ALL_PROXY", "SOCKS")
            try await run("ALL_PROXY=http://carol:s3cr%25t@127.0.0.1:1 \(login)", 7, "(proxy 127.0.0.1:1)", docs)
            try await run("http_proxy=\(place) no_proxy=.example \(login)", 7, "no address is known for chat.example")
            let secrets = ["s3cr", "wr0ng", String(Self.authorization.dropFirst("Basic ".count))]
            for secret in secrets {
                #expect(!printed.contains(secret))
                for path in stage.paths(below: "vault") {
                    let bytes = (try? stage.read(path)) ?? Data()
                    #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(path)")
                }
            }
            await proxy.close()
        }
    }

    @Test func aFileOfCertificatesThatIsNone_IsAnErrorBeforeAnythingIsSent() async throws {
        try await Stage.with { stage in
            for line in [
                "mmvault login $URL --token-file token.txt --ca-file nowhere.pem",
                "mmvault recover $URL --token-file token.txt --ca-file nowhere.pem",
                "SSL_CERT_FILE=nowhere.pem mmvault login $URL --token-file token.txt",
                "mmvault login $URL --token-file token.txt --ca-file token.txt",
            ] {
                let outcome = try await stage.run(line)
                #expect(outcome.code == 64 && outcome.errors.contains(".txt") || outcome.errors.contains("nowhere.pem"))
                #expect(outcome.errors.contains(line.contains("SSL") ? "SSL_CERT_FILE" : "--ca-file"))
            }
            #expect(stage.server.requests.isEmpty)
        }
    }

    /// What a person is told who does not know yet that there is a private CA, or a proxy.
    @Test func hints_NameWhatHelps() async throws {
        try await Stage.with { stage in
            let serve = """
                openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
                  -addext subjectAltName=DNS:localhost -keyout key.pem -out ca.pem 2>/dev/null
                serve() {
                  rm -f served
                  openssl s_server -accept 0 -cert ca.pem -key key.pem -www "$@" >served 2>&1 & server=$!
                  for i in {1..100}; do grep -q ACCEPT served && break; sleep 0.1; done
                  place=localhost:$(sed -n 's/^ACCEPT.*://p' served)
                }
                """
            let unknown = try await stage.run(
                "\(serve); serve; mmvault login https://$place --token-file token.txt; code=$?; kill $server; exit $code"
            )
            #expect(
                unknown.code == 7 && errors(unknown).contains("certificate cannot be trusted"), "\(unknown.everything)")
            for words in ["after 1 attempt", "--ca-file", "SSL_CERT_FILE", "docs/networks.md"] {
                #expect(errors(unknown).contains(words), "\(unknown.errors)")
            }
            let old = try await stage.run(
                """
                \(serve); serve -tls1_1 -cipher ALL:@SECLEVEL=0
                mmvault login https://$place --token-file token.txt --ca-file ca.pem; code=$?; kill $server; exit $code
                """)
            #expect(old.code == 7 && errors(old).contains("older than version 1.2"), "\(old.everything)")
            #expect(errors(old).contains("docs/networks.md") && errors(old).contains("after 1 attempt"))
            let absent = try await stage.run("mmvault login http://localhost:1 --token-file token.txt")
            #expect(absent.code == 7 && errors(absent).contains("https_proxy"), "\(absent.errors)")
        }
    }
}
