import Archive
import DemoServer
import Testing

@testable import Exporter

/// A history that changes between one page and the next.
struct MovingHistoryTests {
    /// Pulls 40 posts in pages of five. `change` happens just before the answer to the `n`th request for a page; the
    /// second pull sees no more changes.
    private func walk(
        _ change: @escaping @Sendable (World, _ channel: String, _ n: Int) -> Void, _ body: (Town) async throws -> Void
    ) async throws {
        let count = Box(0)
        try await Town.with(
            afterRequest: { world, request in
                guard request.isAboutPosts, !request.isSince else { return }
                let number = count.change { count in
                    count += 1
                    return count
                }
                if number <= 30 { change(world, request.channelID, number) }
            }
        ) { town in
            town.write(40)
            try await town.pullAll(limits: .small)
            count.value = 1000
            try await body(town)
            try await town.pullAll(limits: .small)
            try await town.expectTruth()
        }
    }

    private static func live(_ world: World, _ channel: String) -> [Post] {
        world.posts(in: channel).filter(\.isLive)
    }

    @Test func postsThatArriveAreFound() async throws {
        try await walk({ world, channel, _ in
            let live = MovingHistoryTests.live(world, channel)
            world.post(in: channel, by: live[0].userID, message: "new")
            world.post(in: channel, by: live[0].userID, message: "reply", root: live[live.count / 2].id)
        }) { town async throws in
            #expect(town.world.posts(in: town.channel).count > 50)
            #expect(try town.differences().isEmpty, "by the first pull alone")
        }
    }

    @Test func postsThatAreEditedAreFoundAsTheyAre() async throws {
        try await walk({ world, channel, number in
            let live = MovingHistoryTests.live(world, channel)
            world.edit(live[(number * 13) % live.count].id, message: "edited \(number)")
        }) { town async throws in
            #expect(try town.differences().isEmpty)
        }
    }

    @Test func postsThatAreDeletedHideNoOthers() async throws {
        try await walk({ world, channel, number in
            let live = MovingHistoryTests.live(world, channel)
            if live.count > 3 { world.delete(live[(number * 5) % live.count].id) }
        }) { town async throws in
            #expect(try town.differences().isEmpty)
        }
    }

    @Test func postsThatArePurgedHideNoOthers() async throws {
        try await walk({ world, channel, number in
            let live = MovingHistoryTests.live(world, channel)
            if live.count > 3 { world.purge(live[(number * 5) % live.count].id) }
        }) { town async throws in
            #expect(try town.differences().isEmpty)
        }
    }

    /// Pulls 40 posts in pages of five; before each page that is asked for with an anchor, up to `count` times, `change`
    /// happens to that anchor.
    private func walk(
        onAnchor count: Int, _ change: @escaping @Sendable (World, _ anchor: String) -> Void,
        _ body: (Town) async throws -> Void
    ) async throws {
        let left = Box(count)
        let world = Box<World?>(nil)
        try await Town.with(interceptor: { request in
            guard let world = world.value, left.value > 0, let anchor = request.anchor, world.post(anchor) != nil
            else { return nil }
            left.change { $0 -= 1 }
            change(world, anchor)
            return nil
        }) { town in
            world.value = town.world
            town.write(40)
            try await body(town)
        }
    }

    @Test(arguments: [1, 2, 20]) func aPurgedAnchorIsReplaced(_ count: Int) async throws {
        try await walk(onAnchor: count, { world, anchor in world.purge(anchor) }) { town in
            try await town.pullAll(limits: .small)
            try await town.expectTruth()
            #expect(town.server.requests.contains { $0.path.hasPrefix("/api/v4/posts/") })
        }
    }

    @Test(arguments: [2, 5, 19, 25]) func anAnchorThatGoesWithItsNeighboursIsReplaced(_ neighbours: Int) async throws {
        try await walk(
            onAnchor: 1,
            { world, anchor in
                guard let post = world.post(anchor) else { return }
                let younger = MovingHistoryTests.live(world, post.channelID).filter { $0.createAt > post.createAt }
                for neighbour in younger.suffix(neighbours) { world.purge(neighbour.id) }
                world.purge(anchor)
            }
        ) { town in
            try await town.pullAll(limits: .small)
            try await town.expectTruth()
        }
    }

    @Test func aDeletedAnchorStillLeadsOn() async throws {
        try await walk(
            onAnchor: 20,
            { world, anchor in
                if world.post(anchor)?.isLive == true { world.delete(anchor) }
            }
        ) { town in
            try await town.pullAll(limits: .small)
            try await town.expectTruth()
        }
    }

    @Test func aChannelWhoseEveryAnchorVanishesEndsAllTheSame() async throws {
        try await walk(onAnchor: .max, { world, anchor in world.purge(anchor) }) { town in
            let report = try await town.pull(limits: .small)
            #expect(report.outcomes.count == 1)
            #expect(try town.differences(where: \.isLive).isEmpty)
        }
    }
}

extension ServerRequest {
    /// The post before which posts are asked for.
    var anchor: String? {
        guard query.hasPrefix("before=") else { return nil }
        return query.dropFirst("before=".count).split(separator: "&").first.map(String.init)
    }
}
