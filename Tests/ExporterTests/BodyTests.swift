import Bytes
import DemoServer
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import TestSupport
import Testing

@testable import Exporter

/// Answers of any size: what is taken, what is not, and how much memory all of them have.
@Suite(.serialized) struct BodyTests {
    /// A server that answers every request of a connection with the same head, and then with the same bytes.
    private final class Fountain: Sendable {
        let port: Int
        /// Bytes of bodies that were handed to the system.
        let sent = Box(0)
        private let task: Task<Void, any Error>

        /// - Parameter times: how often `bytes` come; nil for as long as somebody listens.
        init(head: String, bytes: [UInt8], times: Int?) async throws {
            let listening = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .bind(host: "127.0.0.1", port: 0) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
            port = listening.channel.localAddress?.port ?? 0
            let sent = sent
            task = Task {
                try await listening.executeThenClose { visitors in
                    try await withThrowingDiscardingTaskGroup { group in
                        for try await visitor in visitors {
                            group.addTask {
                                try? await visitor.executeThenClose { asked, answer in
                                    for try await _ in asked {
                                        try await answer.write(ByteBuffer(string: "HTTP/1.1 \(head)\r\n\r\n"))
                                        for number in 1... {
                                            try await answer.write(ByteBuffer(bytes: bytes))
                                            sent.change { $0 += bytes.count }
                                            if number == times { break }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }

        func close() async {
            task.cancel()
            _ = try? await task.value
        }
    }

    /// - Returns: how many bytes of a body came, where any did.
    private func ask(_ fountain: Fountain, attempts: Int = 3) async throws(ExporterError) -> Int {
        let patience = Patience(attempts: attempts, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0)
        return try await MattermostClient.using(
            ServerAddress("http://127.0.0.1:\(fountain.port)"), token: "x", patience: patience
        ) { client throws(ExporterError) in
            try await client.send(Request(.GET, "/")) { answer throws(ExporterError) in answer.body.count }
        }
    }

    private static let megabyte = [UInt8](repeating: 0x20, count: 1_000_000)

    private func compressed(_ bytes: [UInt8]) async throws -> [UInt8] {
        try await StockTool.run("gzip", ["-c"], input: bytes)
    }

    @Test func endlessBodies_AreGivenUpOnceAndForAll() async throws {
        let chunk = Array("f4240\r\n".utf8) + Self.megabyte + Array("\r\n".utf8)
        let fountain = try await Fountain(head: "200 OK\r\nTransfer-Encoding: chunked", bytes: chunk, times: nil)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let error = await #expect(throws: ExporterError.self) { try await ask(fountain) }
                    guard case .tooLong = error else {
                        Issue.record("\(String(describing: error))")
                        return
                    }
                }
            }
        }
        await fountain.close()
    }

    @Test func anAnnouncedLengthThatIsTooLarge_IsNotAwaited() async throws {
        let fountain = try await Fountain(
            head: "200 OK\r\nContent-Length: 500000001", bytes: Self.megabyte, times: 1)
        let error = await #expect(throws: ExporterError.self) { try await ask(fountain) }
        guard case .tooLong = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        await fountain.close()
    }

    /// 60 posts of 800 kB each.
    @Test func aPageOf48Megabytes_IsTaken() async throws {
        let plain = try await Fountain(
            head: "200 OK\r\nContent-Length: 48000000", bytes: Self.megabyte, times: 48)
        #expect(try await ask(plain) == 48_000_000)
        await plain.close()
        let bytes = try await compressed([UInt8](repeating: 0x20, count: 48_000_000))
        let small = try await Fountain(
            head: "200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(bytes.count)", bytes: bytes, times: 1)
        #expect(try await ask(small) == 48_000_000)
        await small.close()
    }

    @Test func whatIsCompressed_CountsAsWhatItStandsFor() async throws {
        let bytes = try await compressed([UInt8](repeating: 0x20, count: 60_000_000))
        let bomb = try await Fountain(
            head: "200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(bytes.count)", bytes: bytes, times: 1)
        let error = await #expect(throws: ExporterError.self) { try await ask(bomb) }
        guard case .tooLong = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        await bomb.close()
    }

    @Test(arguments: ["cut", "damaged", "none", "other"])
    func aBodyThatCannotBeInflated_IsAskedForAgain(_ kind: String) async throws {
        var bytes = try await compressed((0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 / 7 ^ $0 / 31) })
        switch kind {
        case "cut": bytes.removeLast(20)
        case "damaged": bytes[bytes.count / 2] ^= 0x55
        case "none": bytes = Array("{}".utf8)
        default: break
        }
        let encoding = kind == "other" ? "br" : "gzip"
        let fountain = try await Fountain(
            head: "200 OK\r\nContent-Encoding: \(encoding)\r\nContent-Length: \(bytes.count)", bytes: bytes, times: 1)
        let error = await #expect(throws: ExporterError.self) { try await ask(fountain) }
        guard case .noAnswer(_, _, attempts: 3, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        await fountain.close()
    }

    // MARK: Refusals

    @Test func anEndlessRefusal_IsReadNoFurtherThanItsLine() async throws {
        let line = Array("no way\u{1B}[2J\nsecond line\n".utf8)
        let rest = line + [UInt8](repeating: 0x78, count: 99_978)
        let fountain = try await Fountain(head: "403 Forbidden", bytes: rest, times: nil)
        let error = await #expect(throws: ExporterError.self) { try await ask(fountain) }
        #expect(error == .refused(status: 403, id: "", message: "no way\u{1B}[2J", request: "GET /"))
        // What the system's own buffers take, and not much more.
        #expect(fountain.sent.value < 100_000_000)
        await fountain.close()
    }

    @Test func everyTextOfAServer_IsALineOfBoundedLength() async throws {
        let long = String(repeating: "e\u{301}", count: 5000)
        let answers: [(Int, String, [(String, String)])] = [
            (400, #"{"id":"\#(long)","message":"\#(long)\nmore"}"#, []), (404, long, []),
            (302, "", [("Location", "https://elsewhere.example/" + String(repeating: "x", count: 5000))]),
        ]
        for (status, body, headers) in answers {
            try await Town.with(
                interceptor: { _ in .status(status, body: body, headers: headers) },
                { town in
                    let error = await #expect(throws: ExporterError.self) { try await town.pull() }
                    let texts: [String] =
                        switch error {
                        case .refused(_, let id, let message, _): [id, message]
                        case .redirected(_, let to): [to]
                        case .foreignError(let request, _): [request]
                        default: []
                        }
                    #expect(!texts.isEmpty)
                    for text in texts {
                        #expect(text.unicodeScalars.count <= 200 && !text.contains(where: \.isNewline))
                    }
                })
        }
    }

    @Test(arguments: [
        ("", ""), ("one", "one"), ("one\ntwo", "one"), ("\r\n \n  one\r\ntwo", "one"), ("one\u{2028}two", "one"),
        (String(repeating: "x", count: 200), String(repeating: "x", count: 200)),
        (String(repeating: "x", count: 201), String(repeating: "x", count: 199) + "…"),
    ])
    func aText_IsCutToItsFirstLine(_ text: String, _ line: String) { #expect(ServerText.line(text) == line) }
}

/// The memory that bodies share.
struct BodyBudgetTests {
    /// All of them want the most there is, and all get it, one after the other.
    @Test func everybodyGetsTheMost_AndTogetherNotMoreThanThereIs() async throws {
        let budget = BodyBudget(common: 100, longest: 300)
        let total = Box((now: 0, most: 0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let share = budget.share()
                    for _ in 0..<30 {
                        try await share.take(10)
                        total.change { $0.now += 10 }
                        total.change { $0.most = max($0.most, $0.now) }
                        await Task.yield()
                    }
                    total.change { $0.now -= 300 }
                    withExtendedLifetime(share) {}
                }
            }
            try await group.waitForAll()
        }
        #expect(total.value.now == 0 && total.value.most <= 400, "\(total.value)")
    }

    @Test func whoWantsMoreThanAnybodyMay_IsRefusedAndLeavesRoom() async throws {
        let budget = BodyBudget(common: 100, longest: 300)
        for _ in 0..<3 {
            let share = budget.share()
            try await share.take(300)
            await #expect(throws: BodyBudget.TooLong.self) { try await share.take(1) }
        }
    }

    @Test func whoWaits_CanBeCancelled() async throws {
        let budget = BodyBudget(common: 100, longest: 300)
        let first = budget.share()
        try await first.take(200)
        let small = budget.share()
        try await small.take(100)
        let task = Task { try await budget.share().take(1) }
        try await Task.sleep(for: .milliseconds(50))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        // And whoever waits goes on when there is room.
        let next = Task { try await budget.share().take(250) }
        try await Task.sleep(for: .milliseconds(50))
        withExtendedLifetime((first, small)) {}
        _ = consume first
        try await next.value
    }
}
