import Archive
import DemoServer
import Testing

@testable import Exporter

/// What changed since the last pull, where the server leaves things out without a word.
struct CatchUpTests {
    /// Posts of old, pulled; then `changes` reactions at distinct times, in no useful order of posts.
    private func changed(_ changes: Int, tick: Int64 = 1000, _ body: (Town) async throws -> Void) async throws {
        try await Town.with(tick: tick) { town in
            let posts = town.write(changes)
            try await town.pullAll()
            town.world.advance(by: 100_000_000)
            for index in posts.indices {
                town.world.react(posts[(index * 7919) % posts.count], by: town.bob, emoji: "e\(index)")
            }
            try await body(town)
        }
    }

    @Test(arguments: [1, 999, 1000, 1001, 1503]) func noChangeIsLost(_ changes: Int) async throws {
        try await changed(changes) { town in
            let before = town.postRequests().count
            try await town.pullAll()
            try await town.expectTruth()
            let requests = town.postRequests().dropFirst(before)
            let isCut = changes >= 1000
            #expect(requests.contains { $0.contains("page=") } == isCut, "the whole channel only where it must be")
            #expect(requests.count < 30)
        }
    }

    @Test func newPostsBeyondTheCutAreFound() async throws {
        try await Town.with { town in
            town.write(20)
            try await town.pullAll()
            town.write(1503)
            try await town.pullAll()
            try await town.expectTruth()
        }
    }

    @Test func moreThanAThousandChangesAtOneMomentAreFound() async throws {
        try await Town.with { town in
            let posts = town.write(1200)
            try await town.pullAll()
            town.world.advance(by: 100_000_000)
            town.world.tick = 0
            for post in posts { town.world.react(post, by: town.bob) }
            town.world.tick = 1000
            town.world.edit(posts[5], message: "later")
            try await town.pullAll()
            try await town.expectTruth()
            let before = town.postRequests().count
            try await town.pullAll()
            #expect(town.postRequests().count - before < 30, "and it ends")
        }
    }

    @Test func aThreadThatDiesIsSeenWhole() async throws {
        try await Town.with { town in
            let root = town.write(1)[0]
            town.write(600, root: root)
            try await town.pullAll()
            town.world.advance(by: 100_000_000)
            town.world.delete(root)
            try await town.pullAll()
            try await town.expectTruth()
            #expect(try town.stored().count { $0.state == .deleted } == 601)
        }
    }

    @Test func changesThatComeDuringTheSearchAreFound() async throws {
        let count = Box(0)
        try await Town.with(
            tick: 1000,
            afterRequest: { world, request in
                guard request.isSince || request.isAboutPosts, count.value > 0, world.now > Town.start else { return }
                let left = count.change { left in
                    left -= 1
                    return left
                }
                let live = world.posts(in: request.channelID).filter(\.isLive)
                world.edit(live[(left * 37) % live.count].id, message: "edited meanwhile, \(left)")
                world.post(in: request.channelID, by: live[0].userID, message: "new meanwhile")
            },
            { town in
                let posts = town.write(1100)
                try await town.pullAll()
                town.world.advance(by: 100_000_000)
                for post in posts { town.world.react(post, by: town.bob) }
                count.value = 25
                try await town.pullAll()
                #expect(count.value < 20)
                count.value = 0
                try await town.pullAll()
                try await town.expectTruth()
            })
    }

    @Test func theCursorMovesOnlyWithThePromiseToWalkAgain() async throws {
        let isDown = Box(false)
        try await Town.with(
            interceptor: { request in
                isDown.value && request.query.contains("page=") && request.isAboutPosts ? .status(500) : nil
            },
            { town in
                let posts = town.write(1100)
                try await town.pullAll()
                let first = try #require(try town.archive().walkState(channelID: town.channel))
                #expect(first.backward == nil)
                town.world.advance(by: 100_000_000)
                for post in posts { town.world.react(post, by: town.bob) }
                isDown.value = true
                let report = try await town.pull()
                #expect(report.failures.count == 1)
                let second = try #require(try town.archive().walkState(channelID: town.channel))
                #expect(second.cursor > first.cursor && second.backward == .newest)
                #expect(try !town.differences().isEmpty)
                isDown.value = false
                try await town.pullAll()
                try await town.expectTruth()
                #expect(try town.archive().walkState(channelID: town.channel)?.backward == nil)
            })
    }

    /// The roots of replies come along in `posts` and not in `order`: an answer with 999 in the one may be cut.
    @Test func rootsThatComeAlongAreKeptAndCounted() async throws {
        try await Town.with(tick: 1) { town in
            let root = town.write(1)[0]
            let old = town.world.now
            town.world.advance(by: 1_000_000)
            town.write(998)
            _ = town.world.importPost(
                in: town.channel, by: town.bob, message: "dated back", root: root, createAt: old + 5)
            // The root's own change lies in the past now, and a reply's is new: the root comes along.
            let reply = try #require(town.world.posts(in: town.channel).first { $0.rootID == root })
            town.world.react(reply.id, by: town.alice)
            try await town.pullAll(limits: WalkLimits(overlap: 500_000))
            town.world.advance(by: 1_000_000)
            town.world.react(reply.id, by: town.bob)
            for post in town.world.posts(in: town.channel) where post.rootID.isEmpty && post.id != root {
                town.world.react(post.id, by: town.bob)
            }
            let before = town.postRequests().count
            try await town.pullAll(limits: WalkLimits(overlap: 1000))
            try await town.expectTruth()
            let requests = town.postRequests().dropFirst(before)
            #expect(requests.contains { $0.contains("page=") }, "999 in order and 1000 in posts count as cut")
        }
    }

    /// A post that claims to be of the year 9999 must not hide what changes before then.
    @Test func aPostFromTheFutureDoesNotMoveTheCursorPastTheClock() async throws {
        try await Town.with { town in
            town.write(3)
            town.write(1, at: 253_402_300_799_000)
            try await town.pullAll()
            town.world.advance(by: 100_000_000)
            town.write(3)
            try await town.pullAll()
            try await town.expectTruth()
        }
    }

    @Test func aFirstPullOfMoreThanTheCutFindsEverythingAlive() async throws {
        try await Town.with { town in
            let posts = town.write(1300)
            for post in posts.prefix(100) { town.world.edit(post, message: "edited") }
            try await town.pullAll()
            let missing = try town.differences(where: { $0.isLive && !$0.isOldRevision })
            #expect(missing.isEmpty)
        }
    }
}
