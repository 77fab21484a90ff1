import Archive
import DemoServer
import Testing

@testable import Bytes
@testable import Exporter

/// A server that lies. It may waste time; it must not keep the walk going for ever, lose what was archived, or fill the
/// memory.
struct HostileServerTests {
    private static let json = [("Content-Type", "application/json")]
    private static let patience = Patience(attempts: 3, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0)

    private static let limits = WalkLimits(pageSize: 5, cut: 50, overlap: 3000)

    /// An answer that lists posts of a channel at the given times.
    private static func page(_ channel: String, _ posts: [(id: Int, time: Int64)], order: [Int]? = nil) -> Fault {
        let texts = posts.map { post in
            "\"\(id(post.id))\":{\"id\":\"\(id(post.id))\",\"channel_id\":\"\(channel)\",\"create_at\":\(post.time)"
                + ",\"update_at\":\(post.time),\"message\":\"\"}"
        }
        let listed = (order ?? posts.map(\.id)).map { "\"\(id($0))\"" }
        let body = "{\"order\":[\(listed.joined(separator: ","))],\"posts\":{\(texts.joined(separator: ","))}}"
        return .status(200, body: body, headers: json)
    }

    private static func id(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "a", count: 26 - digits.count) + digits
    }

    /// Pulls one page of true posts; then the server lies, and the pull must end. What was archived must still be there.
    private func endure(
        _ lie: @escaping @Sendable (ServerRequest, _ count: Int) -> Fault?, _ body: (PullReport) throws -> Void
    ) async throws {
        let isLying = Box(false)
        let count = Box(0)
        try await Town.with(
            interceptor: { request in
                guard isLying.value else { return nil }
                let number = count.change { count in
                    count += 1
                    return count
                }
                // A walk that goes on for ever is stopped here, and fails its test below.
                return number > 5000
                    ? .status(401, body: #"{"id":"api.context.session_expired.app_error"}"#) : lie(request, number)
            },
            { town in
                town.write(3)
                try await town.pullAll(limits: HostileServerTests.limits)
                town.world.advance(by: 100_000_000)
                isLying.value = true
                var full = Pull.Selection()
                full.isFull = true
                try body(
                    try await town.pull(full, patience: HostileServerTests.patience, limits: HostileServerTests.limits))
                #expect(count.value < 1000)
                isLying.value = false
                try await town.pull(full, limits: HostileServerTests.limits)
                let differences = try town.differences()
                #expect(differences.isEmpty)
                let damages = try await town.archive().check().damages
                #expect(damages.isEmpty)
            })
    }

    private func expectFailure(_ report: PullReport) {
        #expect(report.failures.count == 1, "\(report.outcomes.map(\.result))")
    }

    @Test func theSamePageForEver() async throws {
        try await endure(
            { request, _ in
                guard request.isAboutPosts, !request.isSince else { return nil }
                return HostileServerTests.page(request.channelID, (1...5).map { ($0, Town.start + Int64($0)) })
            }, expectFailure)
    }

    @Test(arguments: [1, 5, 50]) func theSameTiedPageForEver(_ size: Int) async throws {
        try await endure(
            { request, _ in
                guard request.isAboutPosts, !request.isSince else { return nil }
                return HostileServerTests.page(request.channelID, (1...size).map { ($0, Town.start) })
            }, expectFailure)
    }

    @Test(arguments: [2, 3, 7]) func tiedPagesInACircle(_ length: Int) async throws {
        try await endure(
            { request, number in
                guard request.isAboutPosts, !request.isSince else { return nil }
                let first = number % length * 5
                return HostileServerTests.page(request.channelID, (first..<first + 5).map { ($0, Town.start) })
            }, expectFailure)
    }

    @Test func anchorsThatLeadInACircle() async throws {
        try await endure(
            { request, number in
                guard request.isAboutPosts, !request.isSince else { return nil }
                let first = Int64(number % 3) * 10
                return HostileServerTests.page(
                    request.channelID, (0..<5).map { (Int(first) + $0, Town.start + first + Int64($0)) })
            }, expectFailure)
    }

    @Test func anchorsThatVanishForEver() async throws {
        try await endure(
            { request, _ in
                if request.path.hasPrefix("/api/v4/posts/") {
                    return request.path.hasSuffix("5") ? nil : .status(404, body: "{}")
                }
                guard request.isAboutPosts, !request.isSince else { return nil }
                if request.anchor != nil { return HostileServerTests.page(request.channelID, []) }
                return HostileServerTests.page(request.channelID, (1...5).map { ($0, Town.start + Int64($0)) })
            }, expectFailure)
    }

    @Test func changesThatNeverEnd() async throws {
        try await endure(
            { request, number in
                guard request.isSince else { return nil }
                let base = number * 50
                return HostileServerTests.page(
                    request.channelID, (0..<50).map { (base + $0, Town.start + Int64(base + $0)) })
            },
            { report in #expect(report.partial.map(\.gaps) == [[.unknownChanges]], "\(report.outcomes)") })
    }

    @Test func aCutAnswerThatIsAlwaysTheSame() async throws {
        try await endure(
            { request, _ in
                guard request.isSince else { return nil }
                return HostileServerTests.page(request.channelID, (0..<50).map { ($0, Town.start + Int64($0)) })
            },
            { report in #expect(report.partial.map(\.gaps) == [[.unknownChanges]], "\(report.outcomes)") })
    }

    @Test func membersThatNeverEnd() async throws {
        try await endure(
            { request, _ in
                guard request.path.hasSuffix("/members") else { return nil }
                let members = (0..<200).map {
                    "{\"channel_id\":\"\(request.channelID)\",\"user_id\":\"\(HostileServerTests.id($0))\"}"
                }
                return .status(200, body: "[\(members.joined(separator: ","))]", headers: HostileServerTests.json)
            }, { #expect($0.failures.isEmpty) })
    }

    @Test func postsOfAnotherChannelAreNotTaken() async throws {
        try await endure(
            { request, _ in
                request.isAboutPosts ? HostileServerTests.page(HostileServerTests.id(7), [(1, Town.start)]) : nil
            }, expectFailure)
    }

    @Test func anOrderThatNamesAPostTwiceIsHarmless() async throws {
        try await endure(
            { request, _ in
                guard request.isAboutPosts, !request.isSince else { return nil }
                if request.anchor != nil || request.query.contains("page=1") {
                    return HostileServerTests.page(request.channelID, [])
                }
                return HostileServerTests.page(request.channelID, [(2, 2), (1, 1)], order: [2, 2, 1, 1, 1, 2])
            }, { _ in })
    }

    @Test(arguments: [
        "-1", "253402300800000", "9223372036854775807", "9223372036854775808", "1e3", "1.5", "\"1\"", "{}",
    ])
    func timesThatAreNoneAreRefused(_ time: String) async throws {
        try await endure(
            { request, _ in
                guard request.isAboutPosts else { return nil }
                let id = HostileServerTests.id(1)
                let post =
                    "{\"id\":\"\(id)\",\"channel_id\":\"\(request.channelID)\",\"create_at\":\(time),\"update_at\":1}"
                return .status(200, body: "{\"order\":[\"\(id)\"],\"posts\":{\"\(id)\":\(post)}}")
            }, expectFailure)
    }

    @Test(arguments: [
        "", "x", "../../../../../etc/passwd12", "AAAAAAAAAAAAAAAAAAAAAAAAAA", "aaaaaaaaaaaa&since=1&page=9",
    ])
    func idsThatAreNoneAreRefused(_ id: String) async throws {
        try await endure(
            { request, _ in
                guard request.isAboutPosts else { return nil }
                let post = "{\"id\":\"\(id)\",\"channel_id\":\"\(request.channelID)\",\"create_at\":1,\"update_at\":1}"
                return .status(200, body: "{\"order\":[\"\(id)\"],\"posts\":{\"\(id)\":\(post)}}")
            }, expectFailure)
    }

    @Test func listsWithOddIDsAreRefused() async throws {
        let lists = ["[{\"id\":\"../x\"}]", "[{}]", "[7]", "{}", "\"x\"", "[null]"]
        for list in lists {
            try await Town.with(
                interceptor: { request in
                    request.path.hasSuffix("/teams") ? .status(200, body: list) : nil
                },
                { town async throws in
                    await #expect(throws: ExporterError.self) {
                        try await town.pull(patience: HostileServerTests.patience)
                    }
                })
        }
    }

    @Test func aTextOfMoreValuesThanAnyAnswerHasIsNotRead() throws {
        for (text, isRead) in [("[0,0]", true), ("[0,0,0]", false), ("{\"a\":0}", true), ("[[[[]]]]", false)] {
            var parser = JSONParser(byteCount: text.utf8.count, maximumNodes: 3)
            let reason = Array(text.utf8).withUnsafeBufferPointer { buffer -> JSONError.Reason? in
                do throws(JSONError) { try parser.parse(buffer) } catch { return error.reason }
                return nil
            }
            #expect(reason == (isRead ? nil : .tooLarge), "\(text)")
        }
    }

    /// Each byte comes well within the time that a silence may take.
    @Test func anAnswerThatTricklesIsGivenUp() async throws {
        let hurried = Patience(
            attempts: 1, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0, longestAnswer: 1)
        try await Town.with(
            interceptor: { _ in .trickle(.milliseconds(20)) },
            { town async throws in
                await #expect(throws: ExporterError.self) { try await town.pull(patience: hurried) }
                #expect(town.server.requests.count == 1)
            })
    }
}
