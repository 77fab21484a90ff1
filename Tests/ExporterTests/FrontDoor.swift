import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import TestSupport
import Testing

@testable import Exporter

/// What stands before a server in the world: it ends TLS, and sometimes turns away who wants a WebSocket. Everything else
/// goes through as it is.
final class FrontDoor: Sendable {
    private typealias Pipe = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    let port: Int
    private let task: Task<Void, any Error>

    /// - Parameters:
    ///   - port: where the server listens, on 127.0.0.1.
    ///   - refusal: asked when a WebSocket is wanted: the status to refuse it with, 0 for no answer at all, nil for letting
    ///     it through.
    init(
        to port: Int, tls: NIOSSLContext? = nil, refusal: @escaping @Sendable () -> Int? = { nil }
    ) async throws {
        let listening = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    return try Pipe(wrappingChannelSynchronously: channel)
                }
            }
        self.port = listening.channel.localAddress?.port ?? 0
        task = Task {
            try await listening.executeThenClose { visitors in
                try await withThrowingDiscardingTaskGroup { group in
                    for try await visitor in visitors {
                        // How a conversation ends is for its two ends to see.
                        group.addTask { try? await FrontDoor.let(visitor, in: port, refusal) }
                    }
                }
            }
        }
    }

    func close() async {
        task.cancel()
        _ = try? await task.value
    }

    private static func `let`(_ visitor: Pipe, in port: Int, _ refusal: @escaping @Sendable () -> Int?) async throws {
        let server = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture { try Pipe(wrappingChannelSynchronously: channel) }
            }
        try await visitor.executeThenClose { asked, answered in
            try await server.executeThenClose { heard, told in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for try await bytes in heard { try await answered.write(bytes) }
                    }
                    group.addTask {
                        var isFirst = true
                        for try await bytes in asked {
                            if isFirst, String(buffer: bytes).contains("/api/v4/websocket"), let status = refusal() {
                                if status == 0 { return try await Task.sleep(for: .seconds(3600)) }
                                let answer = "HTTP/1.1 \(status) No\r\nContent-Length: 2\r\n\r\nno"
                                return try await answered.write(ByteBuffer(string: answer))
                            }
                            isFirst = false
                            try await told.write(bytes)
                        }
                    }
                    try await group.next()
                    group.cancelAll()
                }
            }
        }
    }
}

/// A certificate of this test run's own, that signs itself.
final class TestCertificate: Sendable {
    /// Where its files are, as long as somebody holds this.
    let folder: String
    let key: NIOSSLPrivateKey
    let certificate: NIOSSLCertificate

    /// - Parameter names: as X.509 has them: `DNS:localhost,IP:127.0.0.1`.
    init(names: String) async throws {
        let path = try Town.temporaryDirectory()
        folder = path
        try await StockTool.shell(
            """
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=mmvault-test \
              -addext 'subjectAltName=\(names)' -keyout key.pem -out certificate.pem
            """, in: path)
        key = try NIOSSLPrivateKey(file: "\(path)/key.pem", format: .pem)
        certificate = try #require(try NIOSSLCertificate.fromPEMFile("\(path)/certificate.pem").first)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// The certificate, in PEM form.
    var file: String { "\(folder)/certificate.pem" }

    /// For a server that shows it.
    var server: NIOSSLContext {
        get throws { try server(speaking: nil) }
    }

    /// - Parameter version: the only one that the server speaks; nil for those that are usual.
    func server(speaking version: TLSVersion?) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(certificate)], privateKey: .privateKey(key))
        if let version {
            configuration.minimumTLSVersion = version
            configuration.maximumTLSVersion = version
        }
        return try NIOSSLContext(configuration: configuration)
    }

    /// For a client that trusts it beside the system's.
    var trusting: Network { Network(caFile: file) }
}
