import DemoServer
import Testing

/// How a channel's live posts are given out, with the server's traps.
struct PagingTests {
    @Test func aPageIsNewestFirst() async throws {
        try await Site.with { site in
            let posts = site.write(5)
            let page = try await site.page("per_page=3&skipFetchThreads=true")
            #expect(page.order == Array(posts.reversed().prefix(3)))
            #expect(Set(page.posts.keys) == Set(page.order))
            #expect(page.previous == posts[1] && page.next.isEmpty)
        }
    }

    @Test func perPageIs60AndNeverMoreThan200() async throws {
        try await Site.with { site async throws in
            _ = site.write(210)
            #expect(try await site.count("") == 60)
            #expect(try await site.count("per_page=1000") == 200)
            #expect(try await site.count("per_page=200&page=1") == 10)
            #expect(try await site.count("per_page=200&page=2") == 0)
            #expect(try await site.count("per_page=nonsense&page=-1") == 60)
        }
    }

    @Test func beforeAndAfterWalkTheWholeChannel() async throws {
        try await Site.with { site in
            let posts = site.write(7)
            let older = try await site.page("per_page=3&before=\(posts[6])")
            #expect(older.order == [posts[5], posts[4], posts[3]])
            #expect(older.next == posts[6] && older.previous == posts[2])
            let newer = try await site.page("per_page=3&after=\(posts[0])")
            #expect(newer.order == [posts[3], posts[2], posts[1]])
            #expect(newer.next == posts[4] && newer.previous == posts[0])
            #expect(try await site.order("per_page=3&page=1&after=\(posts[0])") == [posts[6], posts[5], posts[4]])
            #expect(try await site.order("per_page=3&page=1&before=\(posts[6])") == [posts[2], posts[1], posts[0]])
        }
    }

    @Test func postsThatTieAtAPagesEdgeAreLost() async throws {
        try await Site.with(tick: 0) { site in
            let posts = site.write(5)
            let first = try await site.page("per_page=2")
            #expect(first.order.count == 2)
            let second = try await site.page("per_page=2&before=\(first.order[1])")
            #expect(second.order.isEmpty, "three posts are lost")
            #expect(try await site.count("per_page=2&after=\(posts[0])") == 0)
        }
    }

    @Test func theTieSafeWalkLosesNothing() async throws {
        try await Site.with(tick: 0) { site in
            let tied = site.write(5)
            var seen: [String] = []
            for page in 0..<3 { seen += try await site.order("per_page=2&page=\(page)") }
            #expect(seen.count == 5 && Set(seen) == Set(tied))
        }
    }

    @Test func anUnknownAnchorLooksLikeTheEndOfHistory() async throws {
        try await Site.with { site in
            let posts = site.write(3)
            let unknown = String(repeating: "z", count: 26)
            let beyond = try await site.get("/api/v4/channels/\(site.channel)/posts?before=\(unknown)")
            let end = try await site.get("/api/v4/channels/\(site.channel)/posts?before=\(posts[0])")
            #expect(beyond.status == 200 && end.status == 200)
            #expect(beyond.text == end.text.replacing(posts[0], with: unknown))
        }
    }

    @Test func aDeletedPostIsStillAnAnchorAndAPurgedOneIsNot() async throws {
        try await Site.with { site async throws in
            let posts = site.write(4)
            site.world.delete(posts[2])
            #expect(try await site.order("before=\(posts[2])") == [posts[1], posts[0]])
            site.world.purge(posts[2])
            #expect(try await site.count("before=\(posts[2])") == 0)
        }
    }

    @Test func pagesShowRepliesAndSystemPostsButNothingDead() async throws {
        try await Site.with { site async throws in
            let root = site.write(1)[0]
            let reply = site.write(1, root: root)[0]
            let joined = site.world.post(
                in: site.channel, by: site.bob, message: "bob joined the channel.", type: "system_join_channel",
                props: #"{"username":"bob"}"#)
            let gone = site.write(1)[0]
            site.world.delete(gone)
            site.world.edit(root, message: "edited")
            #expect(try await site.order("skipFetchThreads=true") == [joined, reply, root])
        }
    }

    @Test func aNumberedPageBringsTheThreadsOfItsReplies() async throws {
        try await Site.with { site in
            let root = site.write(1)[0]
            let replies = site.write(2, root: root)
            let page = try await site.page("per_page=1")
            #expect(page.order == [replies[1]])
            #expect(Set(page.posts.keys) == Set([root] + replies))
            #expect(page.posts[root]?["reply_count"] as? Int == 0, "reply_count may read 0")
            // A root on such a page does not bring its replies.
            let rootAlone = try await site.page("per_page=1&page=2")
            #expect(Set(rootAlone.posts.keys) == [root])
        }
    }

    @Test func aPageBesideAnAnchorBringsTheThreadsOfAllItsPosts() async throws {
        try await Site.with { site in
            let root = site.write(1)[0]
            let replies = site.write(2, root: root)
            let page = try await site.page("before=\(replies[0])")
            #expect(page.order == [root])
            #expect(Set(page.posts.keys) == Set([root] + replies))
            #expect(page.posts[root]?["reply_count"] as? Int == 2)
        }
    }

    @Test func skipFetchThreadsLeavesRepliesOutButNotRoots() async throws {
        try await Site.with { site in
            let root = site.write(1)[0]
            let replies = site.write(3, root: root)
            let numbered = try await site.page("per_page=1&skipFetchThreads=true")
            #expect(Set(numbered.posts.keys) == [replies[2], root])
            let beside = try await site.page("per_page=1&skipFetchThreads=true&before=\(replies[2])")
            #expect(Set(beside.posts.keys) == [replies[1], root])
        }
    }

    @Test func equalDataGivesEqualBytes() async throws {
        try await Site.with { site in
            _ = site.write(30)
            let target = "/api/v4/channels/\(site.channel)/posts"
            let text = try await site.get(target).text
            let again = try await site.get(target)
            #expect(again.text == text)
            let ids = try await site.page("").posts.keys.sorted()
            let places = ids.compactMap { text.firstRange(of: "\"\($0)\":{")?.lowerBound }
            #expect(places.count == ids.count && places == places.sorted())
        }
    }

    @Test func twentyThousandPostsAreWalkedInNoTime() async throws {
        try await Site.with { site in
            let posts = site.write(20_000)
            var seen = Set(posts.suffix(1))
            var anchor = posts[19_999]
            while true {
                let page = try await site.order("per_page=200&skipFetchThreads=true&before=\(anchor)")
                guard let oldest = page.last else { break }
                seen.formUnion(page)
                anchor = oldest
            }
            #expect(seen.count == 20_000)
        }
    }
}
