import Archive
import Bytes
import DemoServer
import Testing

@testable import Exporter

/// Posts that tie on `create_at`, at the edges of pages where a server loses them. `since` does not help: it says here
/// that nothing ever changed.
struct TieTests {
    private static let small = WalkLimits(pageSize: 5)

    private static let blind: Town.Interceptor = { request in
        request.isSince ? .status(200, body: #"{"order":[],"posts":{}}"#) : nil
    }

    @Test(arguments: [1, 2, 199, 200, 201, 399, 400, 401, 1000])
    func noTiedPostIsLost(_ size: Int) async throws {
        try await Town.with(tick: 1, interceptor: TieTests.blind) { town in
            var time = Town.start + 1_000_000
            for count in [3, size, 150, size, 1] {
                time += 1
                town.write(count, at: time)
            }
            try await town.pullAll(limits: WalkLimits(), isTold: false)
            try await town.expectTruth()
        }
    }

    @Test(arguments: 1...21) func noTiedPostIsLostOnSmallPages(_ size: Int) async throws {
        for before in [0, 3, 4] {
            try await Town.with(seed: UInt64(size), tick: 1, interceptor: TieTests.blind) { town in
                town.write(7, at: Town.start + 1)
                town.write(size, at: Town.start + 2)
                town.write(before, at: Town.start + 3)
                try await town.pullAll(limits: TieTests.small, isTold: false)
                try await town.expectTruth()
            }
        }
    }

    /// All tie, and one of them vanishes between two pages: the rest moves up across the edge.
    @Test(arguments: [6, 10, 11, 23], [0, 1, 2, 3]) func aTiedPostThatVanishesHidesNoOther(
        _ size: Int, _ moment: Int
    ) async throws {
        let pages = Box(0)
        try await Town.with(
            tick: 1, interceptor: TieTests.blind,
            afterRequest: { world, request in
                guard request.query.contains("per_page=5") else { return }
                let page = pages.change { pages in
                    pages += 1
                    return pages - 1
                }
                // The one that the next page would begin behind.
                let live = world.posts(in: request.channelID).filter(\.isLive)
                if page == moment, live.count > page { world.purge(live[page].id) }
            },
            { town in
                town.write(size, at: Town.start + 5)
                town.write(2, at: Town.start + 6)
                try await town.pullAll(limits: TieTests.small, isTold: false)
                let differences = try town.differences()
                #expect(differences.isEmpty, "\(differences)")
            })
    }

    /// Pages that overlap in the same way each time: that two passes agree proves nothing there.
    @Test(arguments: [23, 60, 230]) func pagesThatOverlapHideNothing(_ size: Int) async throws {
        try await Town.with(seed: UInt64(size), tick: 1, interceptor: TieTests.blind) { town in
            town.world.tiesAreUnstable = true
            town.write(7, at: Town.start + 1)
            town.write(size, at: Town.start + 2)
            town.write(4, at: Town.start + 3)
            try await town.pullAll(limits: WalkLimits(pageSize: 20), isTold: false)
            try await town.expectTruth()
        }
    }

    /// Where no question shows them all, the pull says how many are missing; the next one asks for them again.
    @Test func whatNoPageShowsIsCountedAsMissing() async throws {
        let lists = Box<(@Sendable (ServerRequest) -> Fault?)?>(nil)
        try await Town.with(
            tick: 1, interceptor: { request in lists.value?(request) },
            { town in
                town.write(3, at: Town.start + 1)
                let tied = town.write(47, at: Town.start + 2)
                let world = town.world
                let hidden = Set(tied[10..<13])
                lists.value = { request in
                    guard request.isAboutPosts else { return nil }
                    return request.isSince ? TieTests.blind(request) : TieTests.page(world, request, hidden, tied[0])
                }
                let limits = WalkLimits(pageSize: 20)
                let time = Timestamp(milliseconds: Town.start + 2)
                let report = try await town.pull(limits: limits)
                #expect(report.partial.map(\.gaps) == [[.tied(at: time, missing: 3), .unknownChanges]])
                let archive = try town.archive()
                #expect(try archive.channels().first { $0.id == town.channel }?.gaps.count == 2)
                #expect(try archive.walkState(channelID: town.channel)?.isComplete == false)
                lists.value = nil
                try await town.pullAll(limits: limits)
                try await town.expectTruth()
            })
    }

    /// The posts that are known to be missing are not forgotten when the next younger one has gone from the server.
    @Test func whatIsMissingStaysMissingWhenItsAnchorIsGone() async throws {
        let lists = Box<(@Sendable (ServerRequest) -> Fault?)?>(nil)
        try await Town.with(
            tick: 1, interceptor: { request in lists.value?(request) },
            { town in
                town.write(3, at: Town.start + 1)
                let tied = town.write(47, at: Town.start + 2)
                let younger = town.write(2, at: Town.start + 3)
                let world = town.world
                let hidden = Set(tied[10..<13])
                lists.value = { request in
                    guard request.isAboutPosts else { return nil }
                    return request.isSince ? TieTests.blind(request) : TieTests.page(world, request, hidden, tied[0])
                }
                let limits = WalkLimits(pageSize: 20)
                try await town.pull(limits: limits)
                town.world.purge(younger[0])
                town.world.purge(younger[1])
                let gap = HistoryGap.tied(at: Timestamp(milliseconds: Town.start + 2), missing: 3)
                for _ in 0..<2 {
                    let report = try await town.pull(limits: limits)
                    #expect(report.partial.first?.gaps.contains(gap) == true, "\(report.outcomes)")
                }
            })
    }

    /// A page as a server lists it that gives one post in the place of others.
    private static func page(
        _ world: World, _ request: ServerRequest, _ hidden: Set<String>, _ other: String
    ) -> Fault {
        let query = Dictionary(
            request.query.split(separator: "&").map { $0.split(separator: "=").map(String.init) }
                .map { ($0[0], $0[1]) }, uniquingKeysWith: { first, _ in first })
        let live = world.posts(in: request.channelID).filter(\.isLive)
            .sorted { ($1.createAt, $0.id) < ($0.createAt, $1.id) }
        let anchor = live.first { $0.id == query["before"] ?? query["after"] }?.createAt ?? 0
        var rows = live
        if query["before"] != nil { rows = live.filter { $0.createAt < anchor } }
        if query["after"] != nil { rows = live.filter { $0.createAt > anchor }.reversed() }
        let size = Int(query["per_page"] ?? "") ?? 60
        let page = rows.dropFirst((Int(query["page"] ?? "") ?? 0) * size).prefix(size)
        let listed = page.map { (id: hidden.contains($0.id) ? other : $0.id, createAt: $0.createAt) }
        let posts = Dictionary(listed.map { ($0.id, $0.createAt) }, uniquingKeysWith: { first, _ in first })
        let texts = posts.map { id, createAt in
            #""\#(id)":{"id":"\#(id)","channel_id":"\#(request.channelID)","create_at":\#(createAt),"update_at":\#(createAt)}"#
        }
        let order = listed.map { "\"\($0.id)\"" }.joined(separator: ",")
        return .status(200, body: "{\"order\":[\(order)],\"posts\":{\(texts.joined(separator: ","))}}")
    }

    @Test func aLargerPageThanAskedForIsTakenWhole() async throws {
        // The server's clamp is 200; a walk that asks for more gets its pages all the same.
        try await Town.with(tick: 0, interceptor: TieTests.blind) { town in
            town.write(450)
            try await town.pullAll(limits: WalkLimits(pageSize: 1000, cut: 1000, overlap: 10), isTold: false)
            try await town.expectTruth()
        }
    }
}

/// `WalkState.Position.next(after:)`
struct PositionTests {
    /// A page that lists posts of these times, newest first; the post at place `n` has the id `n`.
    private func page(_ times: [Int64], unlisted: [Int64] = []) throws -> PostsPage {
        func post(_ index: Int, _ time: Int64) -> String {
            """
            "\(id(index))":{"id":"\(id(index))","channel_id":"\(id(89))","create_at":\(time),"update_at":\(time)}
            """
        }
        let posts = (times + unlisted).enumerated().map(post).joined(separator: ",")
        let order = times.indices.map { "\"\(id($0))\"" }.joined(separator: ",")
        return try PostsPage(Array("{\"order\":[\(order)],\"posts\":{\(posts)}}".utf8))
    }

    private func id(_ index: Int) -> String { String(repeating: "a", count: 24) + "\(10 + index)" }

    @Test func theAnchorIsTheOldestPostThatIsYoungerThanThePagesOldest() throws {
        let next = WalkState.Position.newest.next(after: try page([9, 8, 8, 5, 5]))
        #expect(next == WalkState.Position(anchor: id(1), page: 0, reached: 5) || next.anchor == id(2))
        #expect(next.page == 0 && next.reached == 5)
    }

    @Test func wherePostsTieTheNextNumberIsAsked() throws {
        let position = WalkState.Position(anchor: "x", page: 0, reached: 9)
        let second = position.next(after: try page([5, 5, 5]))
        #expect(second == WalkState.Position(anchor: "x", page: 1, reached: 5))
        #expect(second.next(after: try page([5, 5])) == WalkState.Position(anchor: "x", page: 2, reached: 5))
        #expect(second.next(after: try page([5, 3])) == WalkState.Position(anchor: id(0), page: 0, reached: 3))
    }

    @Test func aSinglePostTiesWithItself() throws {
        #expect(
            WalkState.Position.newest.next(after: try page([4])) == WalkState.Position(anchor: nil, page: 1, reached: 4)
        )
    }

    @Test func whatIsNotListedDoesNotCount() throws {
        let next = WalkState.Position.newest.next(after: try page([9, 8], unlisted: [1, 20]))
        #expect(next == WalkState.Position(anchor: id(0), page: 0, reached: 8))
    }

    @Test func reachedNeverRises() throws {
        let position = WalkState.Position(anchor: "x", page: 0, reached: 2)
        #expect(position.next(after: try page([9, 8])).reached == 2)
    }

    @Test func aPageOfWhichNothingHasAPlaceIsPassedOver() throws {
        let position = WalkState.Position(anchor: "x", page: 3, reached: 2)
        #expect(position.next(after: try page([])) == WalkState.Position(anchor: "x", page: 4, reached: 2))
    }

    @Test func theOrderInWhichAPageListsDoesNotMatter() throws {
        for times in [[9, 7, 5], [5, 7, 9], [7, 5, 9]] as [[Int64]] {
            let next = WalkState.Position.newest.next(after: try page(times))
            #expect(next.anchor == id(times.firstIndex(of: 7) ?? -1) && next.reached == 5)
        }
    }
}

extension ServerRequest {
    /// The channel in the path of a request about one.
    var channelID: String {
        let parts = path.split(separator: "/")
        return parts.count > 3 && parts[2] == "channels" ? String(parts[3]) : ""
    }

    var isAboutPosts: Bool { !channelID.isEmpty && path.hasSuffix("/posts") }
    var isSince: Bool { isAboutPosts && query.hasPrefix("since=") }
}
