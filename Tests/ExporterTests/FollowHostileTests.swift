import Archive
import DemoServer
import Foundation
import Testing

@testable import Exporter

/// What a server may do to a following, out of malice or because it is of another time.
struct FollowHostileTests {
    private func event(_ name: String, _ data: String, _ sequence: Int) -> [UInt8] {
        Array(#"{"event":"\#(name)","data":\#(data),"broadcast":{"channel_id":""},"seq":\#(sequence)}"#.utf8)
    }

    private func hello(_ id: String, _ sequence: Int = 0) -> [UInt8] {
        event("hello", #"{"connection_id":"\#(id)"}"#, sequence)
    }

    private let one = String(repeating: "1", count: 26)

    /// As a server of a later version has them.
    @Test(arguments: ["sidebar_category_updated", "thread_read_changed", "posted2", "", "hello2", "post_unread"])
    func anEventOfAnUnknownKindIsCountedAndAsksNothing(_ name: String) {
        let desk = FollowDesk(isSelective: false)
        #expect(desk.take(hello(one), at: .now) == .accepted(isResumed: false, after: nil))
        desk.beginPull()
        for (sequence, data) in [#"{"post":"x"}"#, "{}", "null", "[]", "1"].enumerated() {
            #expect(desk.take(event(name, data, sequence + 1), at: .now) == .none, "\(data)")
        }
        #expect(!desk.askForMissed() && desk.takeAgenda() == FollowDesk.Agenda())
        #expect(desk.path.hasSuffix("sequence_number=6"))
    }

    @Test(arguments: [[2], [1, 1], [1, 0], [1, 3], [1, 2, 2], [Int.max]])
    func aNumberOutOfOrderIsAGap(_ numbers: [Int]) {
        let desk = FollowDesk(isSelective: false)
        _ = desk.take(hello(one), at: .now)
        desk.beginPull()
        for number in numbers.dropLast() { #expect(desk.take(event("typing", "{}", number), at: .now) == .none) }
        #expect(desk.take(event("typing", "{}", numbers.last ?? 0), at: .now) == .gap)
        #expect(desk.askForMissed())
        #expect(!desk.askForMissed(), "once")
    }

    @Test(arguments: ["1&sequence_number=0&connection_id=", "", "../../users", String(repeating: "A", count: 26)])
    func aConnectionIDThatIsNoneIsNotAskedFor(_ id: String) {
        let desk = FollowDesk(isSelective: false)
        _ = desk.take(hello(id), at: .now)
        #expect(desk.path == "/api/v4/websocket")
    }

    private func post(_ json: String) -> [UInt8] {
        let text = json.replacing("\"", with: "\\\"")
        return event("posted", "{\"post\":\"\(text)\"}", 1)
    }

    @Test(arguments: [
        "", "null", "[]", "1", "{}", #"{"id":"x"}"#, #"{"id":"1","channel_id":"1"}"#,
        #"{"id":"11111111111111111111111111","channel_id":"../../x","create_at":1,"update_at":1}"#,
    ])
    func aPostThatIsNoneIsAskedForAndNotArchived(_ json: String) {
        let desk = FollowDesk(isSelective: false)
        _ = desk.take(hello(one), at: .now)
        desk.beginPull()
        desk.observe(.stage(.lists))
        #expect(desk.take(post(json), at: .now) == .gap)
        #expect(desk.takeFrames().isEmpty && desk.askForMissed())
    }

    /// The list may be older than the channel; where only some are followed, it is none of them.
    @Test(arguments: [false, true]) func aPostOfAChannelThatIsNotListedIsArchivedUnlessChannelsWereChosen(
        _ isChosen: Bool
    ) {
        let desk = FollowDesk(isSelective: isChosen)
        _ = desk.take(hello(one), at: .now)
        desk.beginPull()
        desk.observe(.channels([]))
        let json = #"{"id":"\#(one)","channel_id":"\#(one)","user_id":"\#(one)","create_at":1,"update_at":1}"#
        #expect(desk.take(post(json), at: .now) == .none)
        #expect(desk.takeFrames().count == (isChosen ? 0 : 1))
        #expect(desk.takeAgenda().lists == !isChosen)
    }

    /// Too large for a message, and it would be again in a replay.
    @Test func anEventThatCannotComeIsAskedFor() async throws {
        try await Town.with { town in
            let post = town.write(1)[0]
            var pace = FollowPace.eager
            pace.longestMessage = 10_000
            try await Following.with(town, pace: pace) { following in
                town.world.edit(post, message: String(repeating: "x", count: pace.longestMessage))
                try await eventually("it is there") {
                    try town.versions(post).last?.json.count ?? 0 > pace.longestMessage
                }
                let next = town.write(1)[0]
                try await eventually("the next one is there") { try town.states(next) == [.live] }
                #expect(following.newCount == 2)
            }
            try await town.expectTruth()
        }
    }

    @Test func aServerWhoseEveryEventIsGarbledIsAskedForEverythingNowAndThen() async throws {
        try await Town.with { town in
            var pace = FollowPace.eager
            pace.firstDelay = 4
            pace.longestDelay = 4
            try await Following.with(town, pace: pace) { _ in
                let lists = { town.server.requests.count { $0.path == "/api/v4/users/me/teams" } }
                let before = lists()
                let start = ContinuousClock.now
                town.world.misbehaveLive { _ in .garbled }
                var posts: [String] = []
                for _ in 0..<60 {
                    posts += town.write(1)
                    try await Task.sleep(for: .milliseconds(20))
                }
                try await eventually("all are there") { try posts.allSatisfy { try town.states($0) == [.live] } }
                let seconds = Double((ContinuousClock.now - start).components.seconds) + 1
                // A delay is half of the longest, at least.
                #expect(lists() - before <= 1 + Int(seconds / 2))
            }
        }
    }

    @Test func thousandsOfEventsAtOnceAreArchivedInOrder() async throws {
        try await Town.with(tick: 1) { town in
            try await Following.with(town) { following in
                let before = town.postRequests().count
                let posts = town.write(1500)
                try await eventually("the last is there") { try town.states(posts[1499]) == [.live] }
                let stored = try town.stored().sorted { $0.header.sequence < $1.header.sequence }
                #expect(stored.map(\.header.id) == posts)
                #expect(town.postRequests().count == before && following.gapCount == 0)
            }
        }
    }

    @Test(arguments: [
        ("http://127.0.0.1:1", "Connection refused"),
        ("https://nobody.invalid", "no address is known for nobody.invalid"),
    ])
    func aServerThatIsNotThereIsCalledSoInPlainWords(_ url: String, _ why: String) async throws {
        try await Town.with { town in
            let directory = try town.directory()
            try Session(address: ServerAddress(url), userID: town.alice, username: "alice", token: town.token)
                .save(in: directory)
            try await Following.with(town, isAtOnce: true) { following in
                try await eventually("it is said") {
                    following.events.value.contains { if case .waiting(why, _) = $0 { true } else { false } }
                }
            }
        }
    }

    /// The connection stays open, and is told nothing more.
    @Test func aTokenThatIsRevokedMeanwhileEndsItWhenItIsAskedNext() async throws {
        try await Town.with { town in
            let post = town.write(1)[0]
            try await Following.with(town, endingWith: .sessionExpired(server: town.url)) { following in
                town.world.revoke(town.token)
                town.world.delete(post)
                #expect(await following.ended() == .sessionExpired(server: town.url))
            }
            #expect(try town.versions(post).count == 1)
        }
    }
}
