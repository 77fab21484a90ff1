import Archive
import DemoServer
import Testing

@testable import Exporter

/// Each thing that can happen to a post, between one pull and the next: the archive has what was, and what is.
struct ChangeTests {
    /// Pulls three posts and a reply to the first, lets `change` happen, and pulls again.
    private func after(
        _ change: (Town, [String], _ reply: String) -> Void,
        _ body: (Town, [String], _ reply: String) throws -> Void
    ) async throws {
        try await Town.with { town in
            let posts = town.write(3)
            let reply = town.write(1, root: posts[0])[0]
            try await town.pullAll()
            town.world.advance(by: 100_000_000)
            change(town, posts, reply)
            try await town.pullAll()
            try await town.expectTruth()
            try body(town, posts, reply)
        }
    }

    private func revisions(_ town: Town, of id: String) throws -> [StoredVersion] {
        try town.stored().filter { $0.header.originalID == id }
    }

    @Test func anEditKeepsWhatWasSaidBefore() async throws {
        try await after(
            { town, posts, _ in town.world.edit(posts[1], message: "edited") },
            { town, posts, _ throws in
                let versions = try town.versions(posts[1])
                #expect(versions.map(\.state) == [.earlier, .live])
                #expect(String(decoding: versions[0].json, as: UTF8.self).contains(#""message":"post 1""#))
                #expect(String(decoding: versions[1].json, as: UTF8.self).contains(#""message":"edited""#))
                #expect(versions[0].header.editAt == 0 && versions[1].header.editAt > 0)
                #expect(try revisions(town, of: posts[1]).map(\.state) == [.revision])
            })
    }

    @Test func anEditOfPropsAloneIsSeenThoughEditAtStandsStill() async throws {
        try await after(
            { town, posts, _ in town.world.editProps(posts[1], #"{"e2ee":1}"#) },
            { town, posts, _ throws in
                let versions = try town.versions(posts[1])
                #expect(versions.map(\.state) == [.earlier, .live])
                #expect(versions[1].header.editAt == 0)
                #expect(String(decoding: versions[1].json, as: UTF8.self).contains(#""props":{"e2ee":1}"#))
                #expect(try revisions(town, of: posts[1]).count == 1)
            })
    }

    @Test func aPinIsSeenAndIsNoNewsAboutTheText() async throws {
        try await after(
            { town, posts, _ in town.world.pin(posts[1]) },
            { town, posts, _ throws in
                let versions = try town.versions(posts[1])
                #expect(versions.map(\.state) == [.live])
                #expect(String(decoding: versions[0].json, as: UTF8.self).contains(#""is_pinned":true"#))
                #expect(try revisions(town, of: posts[1]).count == 1)
            })
    }

    @Test func aReactionIsSeenAndLeavesNoRevision() async throws {
        try await after(
            { town, posts, _ in town.world.react(posts[1], by: town.bob) },
            { town, posts, _ throws in
                let versions = try town.versions(posts[1])
                #expect(versions.map(\.state) == [.live])
                #expect(String(decoding: versions[0].json, as: UTF8.self).contains(#""emoji_name":"smile""#))
                #expect(try revisions(town, of: posts[1]).isEmpty)
            })
    }

    @Test func aReplyMovesItsRoot() async throws {
        let written = Box("")
        try await after(
            { town, posts, _ in written.value = town.write(1, root: posts[1])[0] },
            {
                town, posts, _ throws in
                #expect(try town.states(written.value) == [.live])
                let root = try #require(try town.versions(posts[1]).last)
                #expect(root.state == .live && root.header.updateAt == town.world.post(posts[1])?.updateAt)
                #expect(try revisions(town, of: posts[1]).isEmpty)
            })
    }

    @Test func anEditedReplyMovesItsRootAndLeavesARevision() async throws {
        try await after(
            { town, _, reply in town.world.edit(reply, message: "edited") },
            { town, posts, reply throws in
                #expect(try town.states(reply) == [.earlier, .live])
                #expect(try revisions(town, of: reply).count == 1)
                #expect(try town.states(posts[0]) == [.live])
                #expect(try town.versions(posts[0]).last?.header.updateAt == town.world.post(posts[0])?.updateAt)
            })
    }

    @Test func aDeletedReplyLeavesItsRootAlone() async throws {
        try await after(
            { town, _, reply in town.world.delete(reply) },
            { town, posts, reply throws in
                #expect(try town.states(reply) == [.earlier, .deleted])
                #expect(try town.states(posts[0]) == [.live])
                // As the reply's writing left it.
                let root = try #require(try town.versions(posts[0]).last?.header)
                let written = try #require(try town.versions(reply).first?.header.createAt)
                #expect(root.updateAt == written && root.editAt == 0)
                #expect(try revisions(town, of: reply).isEmpty && revisions(town, of: posts[0]).isEmpty)
            })
    }

    @Test func aDeletedRootTakesItsRepliesAndNoTextIsLost() async throws {
        try await after(
            { town, posts, _ in town.world.delete(posts[0]) },
            { town, posts, reply throws in
                for id in [posts[0], reply] {
                    let versions = try town.versions(id)
                    #expect(versions.map(\.state) == [.earlier, .deleted])
                    #expect(String(decoding: versions[0].json, as: UTF8.self).contains(#""message":"post 0""#))
                    #expect(String(decoding: versions[1].json, as: UTF8.self).contains(#""deleteBy""#))
                    #expect(versions[1].header.updateAt > versions[0].header.updateAt)
                    #expect(versions[1].header.editAt == 0)
                    #expect(try revisions(town, of: id).isEmpty)
                }
            })
    }

    @Test func aPurgedPostStaysInTheArchive() async throws {
        try await after(
            { town, posts, _ in town.world.purge(posts[1]) },
            { town, posts, _ throws in
                #expect(town.world.post(posts[1]) == nil)
                #expect(try town.states(posts[1]) == [.live])
            })
    }

    @Test func threeEditsBetweenTwoPullsLeaveThreeRevisions() async throws {
        let edits: (Town, [String], String) -> Void = { town, posts, _ in
            for number in 1...3 { town.world.edit(posts[1], message: "edit \(number)") }
            town.world.delete(posts[1])
        }
        try await after(edits) { town, posts, _ throws in
            #expect(try town.states(posts[1]) == [.earlier, .deleted])
            #expect(try revisions(town, of: posts[1]).count == 3)
        }
    }

    /// `since` never shows an import. A full walk does, and it brings nothing else.
    @Test func anImportIsFoundByAFullWalkAlone() async throws {
        try await Town.with(tick: 100_000) { town in
            town.write(10)
            try await town.pullAll()
            town.world.advance(by: 100_000_000)
            let imported = town.world.importPost(
                in: town.channel, by: town.bob, message: "of old", createAt: Town.start + 250_000)
            try await town.pullAll()
            #expect(try town.versions(imported).isEmpty)
            var full = Pull.Selection()
            full.isFull = true
            let report = try await town.pull(full)
            #expect(report.outcomes.map(\.added) == [1])
            try await town.expectTruth()
        }
    }

    @Test func aDeletionAndARevisionFromBeforeTheFirstPullAreKept() async throws {
        try await Town.with { town in
            let posts = town.write(3)
            town.world.edit(posts[0], message: "edited")
            town.world.delete(posts[1])
            town.world.advance(by: 1_000_000_000)
            town.write(1)
            try await town.pullAll()
            try await town.expectTruth()
            #expect(try town.states(posts[1]) == [.deleted])
            #expect(try revisions(town, of: posts[0]).count == 1)
        }
    }
}
