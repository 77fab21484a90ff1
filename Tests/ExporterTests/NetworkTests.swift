import Archive
import Foundation
import TestSupport
import Testing

@testable import Exporter

/// What the environment says about proxies and certificates, and what it means.
struct NetworkTests {
    static func network(_ variables: [String: String], caFile: String? = nil) -> Network {
        Network(caFile: caFile) { variables[$0] }
    }

    private func proxy(_ variables: [String: String], to url: String) throws(ExporterError) -> String? {
        try NetworkTests.network(variables).route(to: ServerAddress(url, allowsHTTP: true)).proxy?.description
    }

    private static let https = "https://chat.example"
    private static let http = "http://chat.example"

    @Test(
        arguments: [
            ([:], https, nil),
            (["https_proxy": "http://p:3128"], https, "p:3128"),
            (["https_proxy": "p:3128"], https, "p:3128"),
            (["https_proxy": "p"], https, "p:1080"),
            (["https_proxy": "http://p/"], https, "p:1080"),
            (["https_proxy": "http://[2001:db8::1]:3128"], https, "[2001:db8::1]:3128"),
            (["https_proxy": "socks5h://p"], https, "p:1080"),
            (["https_proxy": "socks5://p:9050"], https, "p:9050"),
            (["https_proxy": "http://user:p%40ss@p:3128"], https, "p:3128"),
            (["HTTPS_PROXY": "p:1"], https, "p:1"),
            (["HTTPS_PROXY": "p:1", "https_proxy": "p:2"], https, "p:2"),
            (["HTTPS_PROXY": "p:1", "https_proxy": ""], https, "p:1"),
            (["https_proxy": ""], https, nil),
            (["https_proxy": "p:1"], http, nil),
            (["http_proxy": "p:1"], http, "p:1"),
            (["http_proxy": "p:1"], https, nil),
            // Whoever calls a CGI program chooses it.
            (["HTTP_PROXY": "p:1"], http, nil),
            (["ALL_PROXY": "p:1"], http, "p:1"),
            (["ALL_PROXY": "p:1"], https, "p:1"),
            (["ALL_PROXY": "p:1", "all_proxy": "p:2"], https, "p:2"),
            (["ALL_PROXY": "p:1", "https_proxy": "p:2"], https, "p:2"),
            (["https_proxy": "p:1", "no_proxy": "chat.example"], https, nil),
            (["https_proxy": "p:1", "NO_PROXY": "chat.example"], https, nil),
            (["https_proxy": "p:1", "NO_PROXY": "chat.example", "no_proxy": "other.example"], https, "p:1"),
            (["https_proxy": "p:1"], "https://localhost:8065", nil), (["https_proxy": "p:1"], "https://127.0.0.1", nil),
            (["ALL_PROXY": "p:1"], "http://[::1]:8065", nil),
            (["https_proxy": "p:1"], "https://localhost.example", "p:1"),
        ] as [([String: String], String, String?)])
    func theProxy_IsTheOneThatCurlWouldTake(_ variables: [String: String], _ url: String, _ name: String?) throws {
        #expect(try proxy(variables, to: url) == name)
    }

    @Test(arguments: [
        ("*", "chat.example", true), ("chat.example", "chat.example", true), ("CHAT.example", "chat.Example", true),
        ("example", "chat.example", true), (".example", "chat.example", true), ("hat.example", "chat.example", false),
        ("www.chat.example", "chat.example", false), ("a.example, chat.example", "chat.example", true),
        ("a.example chat.example", "chat.example", true), ("chat.example.", "chat.example", true),
        ("chat.example:443", "chat.example", true), ("chat.example:8065", "chat.example", false),
        ("", "chat.example", false), (".", "chat.example", false), (",,", "chat.example", false),
        ("*.example", "chat.example", false),
        ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7:443", "192.0.2.7", true), ("0.2.7", "192.0.2.7", false),
        ("192.0.2.0/24", "192.0.2.7", true), ("192.0.2.0/29", "192.0.2.8", false), ("192.0.2.0/0", "10.1.1.1", true),
        ("192.0.2.0/33", "192.0.2.7", false), ("192.0.2.0/x", "192.0.2.7", false),
        ("2001:db8::1", "2001:db8:0::1", true), ("[2001:db8::1]", "2001:db8::1", true),
        ("[2001:db8::1]:443", "2001:db8::1", true), ("[2001:db8::1]:8065", "2001:db8::1", false),
        ("2001:db8::/32", "2001:db8:7::1", true), ("2001:db8::/32", "2001:db9::1", false),
        ("192.0.2.0/24", "chat.example", false),
    ])
    func exceptions_AreReadAsCurlReadsThem(_ list: String, _ host: String, _ isException: Bool) {
        #expect(ProxyExceptions(list).contains(host, port: 443) == isException)
    }

    @Test(arguments: [
        "https://user:s3cret@p:3128", "ftp://user:s3cret@p", "socks4://user:s3cret@p", "socks5://user:s3cret@p:1080",
        "http://user:s3cret@", "http://user:s3cret@p:s3cret", "http://user:s3cret@p:99999", "http://user:s3cret@p p",
        "user:s3cret@", "://user:s3cret@p",
    ])
    func aProxyThatCannotBeUsed_IsAnErrorThatKeepsItsPassword(_ text: String) throws {
        let error = #expect(throws: ExporterError.self) { try proxy(["https_proxy": text], to: NetworkTests.https) }
        guard case .badProxy("https_proxy", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!String(reflecting: error).contains("s3cret"))
    }

    @Test func aPassword_IsDecodedAndStandsInNoDescription() throws {
        let network = NetworkTests.network(["https_proxy": "http://us%20er:p%40s%3As%zz@p:1"])
        let proxy = try #require(try network.route(to: ServerAddress(NetworkTests.https)).proxy)
        #expect(proxy.authorization == "Basic " + Data("us er:p@s:s%zz".utf8).base64EncodedString())
        var dumped = ""
        dump(proxy, to: &dumped)
        for text in ["\(proxy)", String(reflecting: proxy), dumped] {
            #expect(!text.contains("p@s") && !text.contains("p%40s") && !text.contains("Basic"), "\(text)")
        }
    }

    // MARK: Certificates

    @Test func everyWayToNameAnAuthority_IsTaken() async throws {
        let certificate = try await TestCertificate(names: "DNS:localhost")
        try await StockTool.shell(
            "mkdir folder; cp certificate.pem key.pem folder", in: certificate.folder)
        let other = try await TestCertificate(names: "DNS:other.example")
        // Several in one file, and other text between them.
        try await StockTool.shell(
            "{ echo words; cat \(other.file); echo more words; cat certificate.pem; } >both.pem", in: certificate.folder
        )
        let folder = certificate.folder
        try await Town.with { town in
            let door = try await FrontDoor(to: try town.port, tls: try certificate.server)
            let address = try ServerAddress("https://localhost:\(door.port)")
            func ask(_ variables: [String: String], _ caFile: String? = nil) async throws {
                let route = try NetworkTests.network(variables, caFile: caFile).route(to: address)
                let what = Comment(rawValue: "\(variables), \(caFile ?? "")")
                let me = try await MattermostClient.using(route, token: town.token, patience: .eager) {
                    client throws(ExporterError) in try await client.me()
                }
                #expect(me.username == "alice", what)
            }
            try await ask([:], certificate.file)
            try await ask([:], "\(folder)/both.pem")
            try await ask(["SSL_CERT_FILE": certificate.file])
            try await ask(["SSL_CERT_DIR": "\(folder)/folder"])
            try await ask(["SSL_CERT_DIR": "\(other.folder):\(folder)/folder"])
            try await ask(["SSL_CERT_FILE": other.file, "SSL_CERT_DIR": "\(folder)/folder"])
            // The option adds to what there is.
            try await ask(["SSL_CERT_FILE": other.file], certificate.file)
            await #expect(throws: ExporterError.self) { try await ask(["SSL_CERT_FILE": other.file]) }
            await #expect(throws: ExporterError.self) { try await ask([:]) }
            await door.close()
        }
    }

    @Test func aFileThatHoldsNoCertificate_IsNamed() async throws {
        let certificate = try await TestCertificate(names: "DNS:localhost")
        let folder = certificate.folder
        try Data("words\n".utf8).write(to: URL(filePath: "\(folder)/words.pem"))
        try Data().write(to: URL(filePath: "\(folder)/empty.pem"))
        let text = try String(contentsOfFile: certificate.file, encoding: .utf8)
        try Data((text + text.replacing("MII", with: "xII")).utf8).write(to: URL(filePath: "\(folder)/damaged.pem"))
        let address = try ServerAddress("https://localhost")
        for path in ["nowhere.pem", "words.pem", "empty.pem", "damaged.pem", "key.pem", ""].map({ "\(folder)/\($0)" }) {
            for (source, network) in [
                ("--ca-file", Network(caFile: path)),
                ("SSL_CERT_FILE", NetworkTests.network(["SSL_CERT_FILE": path])),
            ] {
                let error = #expect(throws: ExporterError.self) { try network.route(to: address) }
                guard case .badAuthority(path, from: source, _) = error else {
                    Issue.record("\(path): \(String(describing: error))")
                    continue
                }
            }
        }
        for path in ["\(folder)/nowhere", "/dev", certificate.file] {
            #expect(throws: ExporterError.self) {
                try NetworkTests.network(["SSL_CERT_DIR": path]).route(to: address)
            }
        }
    }

    @Test func theFileNamedAtLogin_IsRemembered() async throws {
        let certificate = try await TestCertificate(names: "DNS:localhost")
        try await Town.with { town in
            let door = try await FrontDoor(to: try town.port, tls: try certificate.server)
            let address = try ServerAddress("https://localhost:\(door.port)")
            func logIn(_ network: Network) async throws -> Session {
                try await Login.run(address, .token(town.token), vault: town.vault, network).session
            }
            await #expect(throws: ExporterError.self) { try await logIn(Network()) }
            #expect(try await logIn(Network(caFile: certificate.file)).caFile == certificate.file)
            let directory = try #require(try town.vault.accountNames.first.map { try town.vault.account(named: $0) })
            let report = try await Pull(directory, patience: .eager).run()
            #expect(report.outcomes.count > 0)
            let existing = try await Login.existing(address, username: nil, vault: town.vault, Network())
            #expect(existing?.session.caFile == certificate.file)
            // A new login need not name it again, and what is named again takes its place.
            #expect(try await logIn(Network()).caFile == certificate.file)
            let moved = certificate.folder + "/moved.pem"
            try FileManager.default.moveItem(atPath: certificate.file, toPath: moved)
            #expect(
                throws: ExporterError.badAuthority(
                    certificate.file, from: "--ca-file", why: "No such file or directory")
            ) { try Pull(directory) }
            _ = try Pull(directory, network: Network(caFile: moved))
            let again = try await Login.existing(
                address, username: nil, vault: town.vault, Network(caFile: moved))
            #expect(again?.session.caFile == moved)
            #expect(try Session(in: directory).caFile == moved)
            await door.close()
        }
    }
}
