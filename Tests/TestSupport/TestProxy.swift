import NIOCore
import NIOPosix
import Synchronization

/// A proxy that leads to one port of this machine, whatever host it is asked for: as in a world where the name service
/// knows `chat.example`.
public final class TestProxy: Sendable {
    private typealias Pipe = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// What it does with who comes.
    public enum Manner: Sendable {
        /// CONNECT; the header `Proxy-Authorization` must be this, where it is not nil.
        case connect(authorization: String?)
        /// SOCKS 5, without a login.
        case socks
        /// Answers every CONNECT with this status.
        case refuse(Int)
        /// Is a web server, to which a proxy's languages are bad requests.
        case misunderstand
    }

    public let port: Int
    private let log: Log
    private let task: Task<Void, any Error>

    private final class Log: Sendable {
        let targets = Mutex<[String]>([])
    }

    /// The hosts and ports that it was asked for, also where it refused them.
    public var targets: [String] { log.targets.withLock { $0 } }

    public init(to port: Int, _ manner: Manner) async throws {
        let listening = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture { try Pipe(wrappingChannelSynchronously: channel) }
            }
        self.port = listening.channel.localAddress?.port ?? 0
        let log = Log()
        self.log = log
        task = Task {
            try await listening.executeThenClose { visitors in
                try await withThrowingDiscardingTaskGroup { group in
                    for try await visitor in visitors {
                        group.addTask { try? await TestProxy.serve(visitor, port, manner, log) }
                    }
                }
            }
        }
    }

    public func close() async {
        task.cancel()
        _ = try? await task.value
    }

    private static func serve(_ visitor: Pipe, _ port: Int, _ manner: Manner, _ log: Log) async throws {
        try await visitor.executeThenClose { asked, answer in
            var incoming = asked.makeAsyncIterator()
            var buffer = ByteBuffer()
            func read(until isEnough: (ByteBuffer) -> Bool) async throws {
                while !isEnough(buffer), let next = try await incoming.next() { buffer.writeImmutableBuffer(next) }
            }
            if case .misunderstand = manner {
                try await read { $0.readableBytes > 0 }
                return try await answer.write(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n"))
            }
            if case .socks = manner {
                try await read { $0.readableBytes >= 3 }
                buffer.moveReaderIndex(forwardBy: 3)
                try await answer.write(ByteBuffer(bytes: [5, 0]))
                try await read { $0.readableBytes >= 7 }
                // Names alone: version, command, 0, 3, length, name, port.
                let bytes = Array(buffer.readableBytesView)
                guard bytes[3] == 3 else { return }
                let length = Int(bytes[4])
                let name = String(decoding: bytes[5..<5 + length], as: UTF8.self)
                log.targets.withLock {
                    $0.append("\(name):\(Int(bytes[5 + length]) << 8 | Int(bytes[6 + length]))")
                }
                buffer.clear()
                try await answer.write(ByteBuffer(bytes: [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
            } else {
                try await read { String(buffer: $0).contains("\r\n\r\n") }
                let lines = String(buffer: buffer).split(separator: "\r\n")
                buffer.clear()
                guard let first = lines.first, first.hasPrefix("CONNECT ") else { return }
                log.targets.withLock { $0.append(String(first.split(separator: " ")[1])) }
                var status: Int?
                if case .refuse(let refusal) = manner { status = refusal }
                if case .connect(let authorization?) = manner,
                    !lines.contains(where: { $0.lowercased() == "proxy-authorization: \(authorization)".lowercased() })
                {
                    status = 407
                }
                if let status {
                    let text = "HTTP/1.1 \(status) No\r\nContent-Length: 2\r\n\r\nno"
                    return try await answer.write(ByteBuffer(string: text))
                }
                try await answer.write(ByteBuffer(string: "HTTP/1.1 200 Connection established\r\n\r\n"))
            }
            let server = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(host: "127.0.0.1", port: port) { channel in
                    channel.eventLoop.makeCompletedFuture { try Pipe(wrappingChannelSynchronously: channel) }
                }
            try await server.executeThenClose { heard, told in
                async let back: Void = {
                    for try await bytes in heard { try await answer.write(bytes) }
                    answer.finish()
                }()
                while let bytes = try await incoming.next() { try await told.write(bytes) }
                told.finish()
                try await back
            }
        }
    }
}
