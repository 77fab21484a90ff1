import DemoServer
import Testing

/// `since`: the only view of the dead, and one that says nothing when it leaves things out.
struct SinceTests {
    @Test func sinceIsStrict() async throws {
        try await Site.with { site async throws in
            let posts = site.write(3)
            let moment = site.world.post(posts[1])?.updateAt ?? 0
            #expect(try await site.order("since=\(moment)") == [posts[2]])
            #expect(try await site.order("since=\(moment - 1)") == [posts[2], posts[1]])
            #expect(try await site.order("since=\(site.world.now)") == [])
        }
    }

    @Test func sinceIgnoresTheOtherParameters() async throws {
        try await Site.with { site async throws in
            let posts = site.write(5)
            let page = try await site.page("since=1&per_page=1&page=3&before=\(posts[2])")
            #expect(page.order == Array(posts.reversed()))
            #expect(page.next.isEmpty && page.previous.isEmpty)
        }
    }

    @Test func sinceIsCutAtAThousandInNoUsefulOrder() async throws {
        try await Site.with { site in
            let posts = site.write(1503)
            let page = try await site.page("since=1")
            #expect(page.order.count == 1000 && page.posts.count == 1000)
            #expect(Set(page.order) != Set(posts.prefix(1000)) && Set(page.order) != Set(posts.suffix(1000)))
            #expect(page.order == posts.reversed().filter(Set(page.order).contains), "newest first all the same")
            let again = try await site.page("since=1")
            #expect(again.order == page.order)
        }
    }

    @Test func aLoopOnTheNewestUpdateLosesPosts() async throws {
        try await Site.with { site in
            let posts = site.write(1503)
            var seen: Set<String> = []
            var cursor: Int64 = 1
            while true {
                let page = try await site.page("since=\(cursor)")
                guard !page.order.isEmpty else { break }
                seen.formUnion(page.order)
                cursor = page.posts.values.compactMap { $0["update_at"] as? Int64 }.max() ?? cursor
            }
            #expect(seen.count < posts.count)
        }
    }

    @Test func exactlyAThousandMatchesAreNotCut() async throws {
        try await Site.with { site in
            let posts = site.write(1000)
            let order = try await site.order("since=1")
            #expect(order == Array(posts.reversed()))
        }
    }

    @Test func sinceNeverShowsAnImport() async throws {
        try await Site.with { site async throws in
            let before = site.world.now
            let imported = site.world.importPost(
                in: site.channel, by: site.bob, message: "old", createAt: 1_650_000_000_050)
            #expect(site.world.post(imported)?.updateAt == 1_650_000_000_050)
            #expect(site.world.now == before)
            #expect(try await site.order("since=\(before - 60_000)") == [])
            #expect(try await site.order("per_page=1") == [imported])
        }
    }

    @Test func aBackDatedReplyMovesItsRootBackwards() async throws {
        try await Site.with { site in
            let root = site.write(1)[0]
            let reply = site.world.importPost(
                in: site.channel, by: site.bob, message: "old", root: root, createAt: 1_650_000_000_050)
            #expect(site.world.post(root)?.updateAt == 1_650_000_000_050)
            let before = site.world.now
            site.world.react(reply, by: site.alice)
            let page = try await site.page("since=\(before)")
            #expect(page.order == [reply])
            #expect(Set(page.posts.keys) == [reply, root], "more in posts than in order")
        }
    }

    @Test func aDeletedRootDatesTheDeadOfItsThreadAnew() async throws {
        try await Site.with { site in
            let root = site.write(1)[0]
            let replies = site.write(2, root: root)
            site.world.edit(replies[0], message: "edited")
            site.world.delete(replies[1])
            let before = site.world.now
            site.world.delete(root)
            let page = try await site.page("since=\(before)")
            #expect(page.order.count == 4, "root, two replies and the revision of one")
            #expect(page.posts.values.allSatisfy { $0["delete_at"] as? Int64 == before + 1 })
        }
    }

    @Test func everyRowIsServedAsTheWorldKeepsIt() async throws {
        try await Site.with { site in
            let posts = site.write(6)
            site.world.edit(posts[0], message: "<edited> & \u{2028}\"\\\n\u{1}é🙂")
            site.world.pin(posts[1])
            site.world.react(posts[2], by: site.bob)
            site.world.delete(posts[3])
            let text = try await site.get("/api/v4/channels/\(site.channel)/posts?since=1").text
            let rows = site.world.posts(in: site.channel)
            #expect(rows.count == 8)
            #expect(rows.count(where: \.isLive) == 5)
            #expect(rows.count(where: \.isTombstone) == 1 && rows.count(where: \.isOldRevision) == 2)
            for row in rows { #expect(text.contains("\"\(row.id)\":\(row.json)")) }
            #expect(text.contains(#""message":"\u003cedited\u003e \u0026 \u2028\"\\\n\u0001é🙂""#))
        }
    }
}
