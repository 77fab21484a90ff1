import DemoServer
import Testing

/// What each thing that happens to a post does to its times and what it leaves behind: the measured table.
struct MutationTests {
    /// The rows that changed after `moment`, as a client sees them.
    private func changes(_ site: Site, after moment: Int64) async throws -> Site.Page {
        try await site.page("since=\(moment)")
    }

    private func time(_ page: Site.Page, _ id: String, _ field: String) -> Int64? {
        page.posts[id]?[field] as? Int64
    }

    @Test func anEditedMessageMovesBothTimesAndLeavesARevision() async throws {
        try await Site.with { site in
            let id = site.world.post(
                in: site.channel, by: site.alice, message: "before", type: "custom_e2ee", props: #"{"e2ee":{"v":1}}"#)
            let before = site.world.now
            site.world.edit(id, message: "after", props: #"{"e2ee":{"v":2}}"#)
            let page = try await changes(site, after: before)
            #expect(page.order.count == 2 && page.order.contains(id))
            #expect(time(page, id, "update_at") == before + 1)
            #expect(time(page, id, "edit_at") == before + 1)
            #expect(page.posts[id]?["message"] as? String == "after")
            let revision = try #require(page.order.first { $0 != id })
            #expect(page.posts[revision]?["original_id"] as? String == id)
            #expect(page.posts[revision]?["message"] as? String == "")
            #expect(time(page, revision, "create_at") == site.world.post(id)?.createAt)
            #expect(time(page, revision, "update_at") == before + 1)
            #expect(time(page, revision, "delete_at") == before + 1)
            #expect(time(page, revision, "edit_at") == 0)
            #expect(site.world.post(revision)?.props == #"{"e2ee":{"v":1}}"#)
        }
    }

    @Test func editedPropsAloneMoveUpdateAtAndLeaveARevision() async throws {
        try await Site.with { site in
            let id = site.write(1)[0]
            site.world.edit(id, message: "edited")
            let edited = site.world.now
            site.world.editProps(id, #"{"a":1}"#)
            let page = try await changes(site, after: edited)
            #expect(time(page, id, "update_at") == edited + 1)
            #expect(time(page, id, "edit_at") == edited)
            let revision = try #require(page.order.first { $0 != id })
            #expect(time(page, revision, "edit_at") == edited, "a revision keeps the edit_at that it had")
        }
    }

    @Test func anEditThatKeepsTheMessageIsAnEditOfProps() {
        let world = World(seed: 1)
        let user = world.addUser(username: "u")
        let channel = world.addDirectChannel(user, user)
        let id = world.post(in: channel, by: user, message: "Encrypted message", type: "custom_e2ee")
        world.edit(id, message: "Encrypted message", props: #"{"e2ee":{}}"#)
        #expect(world.post(id)?.editAt == 0)
        #expect(world.posts(in: channel).count == 2)
    }

    @Test func aPinMovesUpdateAtAndLeavesARevision() async throws {
        try await Site.with { site in
            let id = site.write(1)[0]
            let before = site.world.now
            site.world.pin(id)
            let page = try await changes(site, after: before)
            #expect(page.posts[id]?["is_pinned"] as? Bool == true)
            #expect(time(page, id, "edit_at") == 0)
            let revision = try #require(page.order.first { $0 != id })
            #expect(page.posts[revision]?["is_pinned"] as? Bool == false)
            let stats = try await site.get("/api/v4/channels/\(site.channel)/stats")
            #expect(stats.object["pinnedpost_count"] as? Int == 1)
        }
    }

    @Test func aReactionMovesUpdateAtAndLeavesNothing() async throws {
        try await Site.with { site in
            let id = site.write(1)[0]
            let before = site.world.now
            site.world.react(id, by: site.bob)
            let page = try await changes(site, after: before)
            #expect(page.order == [id])
            #expect(time(page, id, "edit_at") == 0)
            #expect(page.posts[id]?["has_reactions"] as? Bool == true)
        }
    }

    @Test func aReplyMovesItsRoot() async throws {
        try await Site.with { site in
            let root = site.write(1)[0]
            let before = site.world.now
            let reply = site.write(1, root: root)[0]
            let page = try await changes(site, after: before)
            #expect(page.order == [reply, root])
            #expect(time(page, root, "update_at") == before + 1)
            #expect(time(page, root, "edit_at") == 0)
        }
    }

    @Test func anEditedReplyMovesItsRootAndLeavesARevision() async throws {
        try await Site.with { site in
            let root = site.write(1)[0]
            let reply = site.write(1, root: root)[0]
            let before = site.world.now
            site.world.edit(reply, message: "edited")
            let page = try await changes(site, after: before)
            #expect(page.order.count == 3 && page.order.contains(root))
            #expect(time(page, root, "update_at") == before + 1)
        }
    }

    @Test func aDeletedReplyLeavesItsRootAlone() async throws {
        try await Site.with { site in
            let root = site.write(1)[0]
            let reply = site.write(1, root: root)[0]
            let before = site.world.now
            site.world.delete(reply)
            let page = try await changes(site, after: before)
            #expect(page.order == [reply])
            #expect(Set(page.posts.keys) == [reply, root], "the root comes along without having changed")
            #expect(time(page, root, "update_at") == before)
        }
    }

    @Test func aDeletedRootTakesItsRepliesWithIt() async throws {
        try await Site.with { site in
            let root = site.write(1)[0]
            let replies = site.write(2, root: root)
            let before = site.world.now
            site.world.delete(root, by: site.bob)
            let page = try await changes(site, after: before)
            #expect(Set(page.order) == Set([root] + replies))
            for id in page.order {
                #expect(time(page, id, "delete_at") == before + 1)
                #expect(time(page, id, "update_at") == before + 1)
                #expect((page.posts[id]?["props"] as? [String: Any])?["deleteBy"] as? String == site.bob)
            }
        }
    }

    @Test func aTombstoneLosesTextAndMetadataButNotProps() async throws {
        try await Site.with { site in
            let id = site.world.post(
                in: site.channel, by: site.alice, message: "text", type: "custom_e2ee",
                props: #"{"a":1.0,"e2ee":{"big":9007199254740993,"uni":"é\u003c"},"z":"}"}"#,
                files: [Attachment(name: "../../evil name.txt", content: [1])])
            site.world.react(id, by: site.bob)
            site.world.delete(id)
            let text = try await site.get("/api/v4/channels/\(site.channel)/posts?since=1").text
            #expect(text.contains(#""message":"","type":"custom_e2ee","props":{"a":1.0,"deleteBy":"\#(site.alice)","#))
            #expect(text.contains(#","e2ee":{"big":9007199254740993,"uni":"é\u003c"},"z":"}"},"hashtags":"""#))
            #expect(text.contains(#""metadata":{}"#))
        }
    }

    @Test func aPurgedPostLeavesNoTrace() async throws {
        try await Site.with { site in
            let root = site.write(1)[0]
            let reply = site.write(1, root: root)[0]
            site.world.edit(root, message: "edited")
            site.world.purge(root)
            #expect(site.world.post(root) == nil && site.world.post(reply) == nil)
            #expect(site.world.posts(in: site.channel).isEmpty)
            #expect(try await site.page("since=1").posts.isEmpty)
            let reply404 = try await site.get("/api/v4/posts/\(root)")
            #expect(reply404.status == 404)
        }
    }

    @Test func postsMayTieWhereTheClockStandsStill() {
        let world = World(seed: 3, tick: 0)
        let user = world.addUser(username: "u")
        let channel = world.addDirectChannel(user, user)
        let ids = (0..<3).map { world.post(in: channel, by: user, message: "\($0)") }
        #expect(Set(ids.compactMap { world.post($0)?.createAt }).count == 1)
        world.advance(by: 5)
        world.edit(ids[0], message: "later")
        #expect(world.post(ids[0])?.updateAt == world.now)
    }

    @Test func theSameSeedGivesTheSameWorld() {
        func mint() -> [Post] {
            let world = World(seed: 42)
            let user = world.addUser(username: "u")
            let channel = world.addGroupChannel([user])
            for number in 0..<20 { world.post(in: channel, by: user, message: "\(number)") }
            return world.posts(in: channel)
        }
        #expect(mint() == mint())
        #expect(mint().allSatisfy { $0.id.wholeMatch(of: /[ybndrfg8ejkmcpqxot1uwisza345h769]{26}/) != nil })
    }
}
