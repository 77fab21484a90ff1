import Archive
import Foundation
import TestSupport
import Testing

/// A program with all of Reader in it cannot reach a network: nothing in it calls for one, and it works without any.
@Suite struct ProbeTests {
    /// Whatever opens, uses or looks up a way to another machine, and whatever loads code by name.
    static let network: Set<String> = [
        "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "send", "sendto", "sendmsg",
        "sendmmsg", "recv", "recvfrom", "recvmsg", "recvmmsg", "getsockname", "getpeername", "setsockopt", "getsockopt",
        "shutdown", "getaddrinfo", "getnameinfo", "gethostbyname", "gethostbyname2", "gethostbyname_r",
        "gethostbyname2_r", "gethostbyaddr", "res_query", "res_search", "rcmd", "rexec", "dlopen", "dlmopen",
        "SSL_connect", "BIO_new_connect", "BIO_new_socket", "BIO_new_ssl_connect", "curl_easy_init",
    ]

    /// Ours, by their objects. Those may not start processes or call the kernel past the C library either; that is
    /// left to swift-subprocess, which only `Gpg` uses.
    static let ours = ["Age", "Bytes", "E2EE", "Archive", "Reader", "reader_probe"]
    static let packages = ["GRDB", "Subprocess", "SystemPackage", "_SubprocessCShims"]
    static let forbiddenToUs = network.union([
        "syscall", "dlsym", "system", "popen", "fork", "vfork", "posix_spawn", "posix_spawnp", "execve", "execvp",
        "execv",
        "io_uring_setup",
    ])

    static let libraries: Set<String> = [
        "libsqlite3.so", "libarchive.so", "libcrypto.so", "libBlocksRuntime.so", "libdispatch.so", "libFoundation.so",
        "libFoundationEssentials.so", "libFoundationInternationalization.so", "libm.so", "libc.so", "libgcc_s.so",
        "libstdc++.so", "ld-linux-x86-64.so", "ld-linux-aarch64.so",
    ]

    @Test func noSymbolOfTheProbeReachesANetwork() async throws {
        let undefined = try await Tool.undefinedSymbols(of: [Tool.probe], ["-D"])
        // What it must call, to see that the list is one.
        #expect(undefined.isSuperset(of: ["sqlite3_step", "archive_read_data", "EVP_PKEY_verify", "open"]))
        #expect(undefined.intersection(Self.network) == [])
        #expect(undefined.filter { $0.contains("FoundationNetworking") || $0.contains("URLSession") } == [])
        let all = try await Tool.undefinedSymbols(of: [Tool.probe], [])
        #expect(all.intersection(Self.network) == [])
    }

    /// A program with Exporter in it does: the test above would see it.
    @Test func theWholeProgramDoesReachANetwork() async throws {
        let undefined = try await Tool.undefinedSymbols(of: ["\(Tool.products)/mmvault"], ["-D"])
        #expect(undefined.isSuperset(of: ["socket", "connect", "getaddrinfo"]))
    }

    @Test func noLibraryOfTheProbeIsMadeForNetworks() async throws {
        let output = try await Tool.run("readelf", ["-dW", Tool.probe])
        let names = output.matches(of: /\(NEEDED\).*\[(.*?)(?:\.[0-9.]+)?\]/).map { String($0.1) }
        #expect(names.contains("libsqlite3.so") && names.contains("libcrypto.so"))
        // Swift's own runtime is a dozen libraries; Foundation's network is one beside them.
        let others = names.filter { !$0.hasPrefix("libswift") && !Self.libraries.contains($0) }
        #expect(others == [])
    }

    @Test(arguments: ours + packages)
    func noObjectOfAModuleReachesANetwork(_ module: String) async throws {
        let folder = "\(Tool.products)/\(module).build"
        let objects = try #require(FileManager.default.enumerator(atPath: folder)).compactMap { $0 as? String }
            .filter { $0.hasSuffix(".o") }
        #expect(!objects.isEmpty)
        let forbidden = Self.ours.contains(module) ? Self.forbiddenToUs : Self.network
        let undefined = try await Tool.undefinedSymbols(of: objects.map { "\(folder)/\($0)" }, [])
        #expect(undefined.contains("swift_release") || undefined.contains("memcpy") || undefined.contains("read"))
        #expect(undefined.intersection(forbidden) == [])
    }

    private static let expected = "documents 2\ndamages 0\nfound 2 of 2\nkeys 0\nthreads plain 2\ntime plain 2\n"

    @Test func theProbeReadsAnArchive() async throws {
        let vault = try await ProbeVault()
        #expect(try await Tool.run(Tool.probe, vault.arguments) == Self.expected)
    }

    @Test(.enabled("user namespaces are not permitted here") { await Tool.works("unshare", ["-rn", "true"]) })
    func theProbeReadsAnArchiveWhereThereIsNoNetwork() async throws {
        let vault = try await ProbeVault()
        // The namespace has a loopback, and even that is down.
        #expect(try await Tool.run("unshare", ["-rn", "cat", "/sys/class/net/lo/operstate", "/dev/null"]) != "up\n")
        #expect(try await Tool.run("unshare", ["-rn", Tool.probe] + vault.arguments) == Self.expected)
    }

    @Test(.enabled("strace is not here, or may not trace") { await Tool.works("strace", ["-o", "/dev/null", "true"]) })
    func theProbeMakesNoCallAboutNetworks() async throws {
        let vault = try await ProbeVault()
        let log = "\(vault.path)/calls"
        let output = try await Tool.run(
            "strace", ["-f", "-e", "trace=network", "-o", log, Tool.probe] + vault.arguments)
        #expect(output == Self.expected)
        let calls = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        #expect(calls.filter { !$0.contains("+++ exited with 0 +++") && !$0.contains("--- SIG") } == [])
        #expect(!calls.isEmpty)
    }
}

/// A vault with two posts in it, removed when the test is over.
private final class ProbeVault: Sendable {
    let path: String
    let account: String

    var arguments: [String] { [path, account] }

    init() async throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("mmvault-test.\(UUID().uuidString)").path
        let user = "u" + String(repeating: "1", count: 25)
        let directory = try Vault(path: path).makeAccount(
            Account(server: "https://chat.example.org", userID: user, username: "alice"))
        account = directory.name
        let channel = "c" + String(repeating: "1", count: 25)
        let posts = (1...2).map { number in
            let id = "p\(number)" + String(repeating: "0", count: 24)
            return #""\#(id)":{"id":"\#(id)","create_at":\#(number),"channel_id":"\#(channel)","message":"hi"}"#
        }
        let body = Array(#"{"order":[],"posts":{\#(posts.joined(separator: ","))}}"#.utf8)
        let document = ReceivedDocument(
            kind: .posts, request: "-", channelID: channel, receivedAt: .now, body: body)
        try await ArchiveWriter(directory).append(document, page: PostsPage(body), walk: nil)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// What the build made, and what stock tools say of it.
enum Tool {
    static let products: String = {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count)
        let executable = String(decoding: path.prefix(max(count, 0)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return URL(fileURLWithPath: executable).deletingLastPathComponent().path
    }()

    static var probe: String { "\(products)/reader-probe" }

    /// Whether a tool is here and may do this.
    static func works(_ tool: String, _ arguments: [String]) async -> Bool {
        (try? await StockTool.run(tool, arguments)) != nil
    }

    static func run(_ tool: String, _ arguments: [String]) async throws -> String {
        String(decoding: try await StockTool.run(tool, arguments), as: UTF8.self)
    }

    /// What objects or programs call and do not have, without the versions of symbols.
    static func undefinedSymbols(of paths: [String], _ options: [String]) async throws -> Set<String> {
        let output = try await run("nm", options + ["--undefined-only"] + paths)
        return Set(
            output.split(separator: "\n").compactMap { line in
                line.split(separator: " ").last?.split(separator: "@").first.map(String.init)
            })
    }
}
