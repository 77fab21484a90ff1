import Foundation
import Testing

@testable import Archive

/// Where posts stand in the order of time, and stretches of it.
@Suite struct PlaceTests {
    let sandbox: Sandbox
    let directory: AccountDirectory
    let writer: ArchiveWriter

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
        writer = try ArchiveWriter(directory)
    }

    private var archive: Archive { get throws { try Archive(directory) } }

    /// Nine posts, of which 4 to 6 are of one millisecond; 2 was edited, 8 is gone, and another channel has one, too.
    private func fill() async throws {
        let times: [Int64] = [1, 2, 3, 4, 4, 4, 7, 8, 9]
        var posts = times.enumerated().map { PostText("p\($0.offset + 1)", at: start + $0.element) }
        posts.append(PostText("other", at: start + 5).with { $0.channel = id("c2") })
        try await writer.keep(posts.filter { $0.channel == town })
        let elsewhere = page([posts[9]])
        try await writer.append(received(elsewhere, channel: id("c2")), page: PostsPage(elsewhere), walk: nil)
        let edited = posts[1].with {
            $0.message = "ho"
            $0.editAt = start + 50
            $0.updateAt = start + 50
        }
        try await writer.keep([
            edited, posts[1].revision("r2", replacedAt: start + 50), posts[7].deleted(at: start + 60),
        ])
    }

    private func window(_ before: Int, _ id: String, _ after: Int) throws -> [String] {
        let archive = try archive
        let place = try #require(try archive.header(ofPost: id)).place
        let first = try archive.place(before, before: place, channelID: town)
        let last = try archive.place(after, after: place, channelID: town)
        return try archive.all(PostQuery(channelID: town, places: first...last)).map(\.brief)
    }

    private func last(_ count: Int) throws -> [String] {
        let archive = try archive
        let first = try archive.place(count, before: .last, channelID: town)
        return try archive.all(PostQuery(channelID: town, places: first...(.last))).map(\.brief)
    }

    @Test func aStretchHoldsJustSoManyPosts() async throws {
        try await fill()
        #expect(try window(1, id("p5"), 1) == ["p4 live", "p5 live", "p6 live"])
        #expect(try window(0, id("p5"), 0) == ["p5 live"])
        #expect(
            try window(3, id("p5"), 2) == [
                "p2 live", "p2 earlier", "r2 revision", "p3 live", "p4 live", "p5 live", "p6 live", "p7 live",
            ])
    }

    @Test func aStretchEndsWithTheChannel() async throws {
        try await fill()
        #expect(try window(20, id("p1"), 1) == ["p1 live", "p2 live", "p2 earlier", "r2 revision"])
        #expect(try window(1, id("p9"), 20) == ["p8 deleted", "p8 earlier", "p9 live"])
        #expect(try window(20, id("p5"), 20).count == 12)
    }

    @Test func anOldRevisionStandsWhereItsPostDoes() async throws {
        try await fill()
        #expect(try window(0, id("r2"), 0) == ["p2 live", "p2 earlier", "r2 revision"])
    }

    @Test func theNewestPostsAreCountedWithoutTheirPast() async throws {
        try await fill()
        #expect(try last(2) == ["p8 deleted", "p8 earlier", "p9 live"])
        #expect(try last(5) == ["p5 live", "p6 live", "p7 live", "p8 deleted", "p8 earlier", "p9 live"])
        #expect(try last(9).count == 12)
        #expect(try last(1000).count == 12)
    }

    @Test func anUnknownPostHasNoHeader() async throws {
        try await fill()
        #expect(try archive.header(ofPost: id("none")) == nil)
        #expect(try archive.header(ofPost: id("p8"))?.deleteAt == start + 60)
    }

    @Test func aThreadIsItsFirstPostItsRepliesAndTheirPast() async throws {
        let first = PostText("p1", at: start)
        let reply = PostText("re1", at: start + 10).with { $0.root = id("p1") }
        // Some server's clock went wrong.
        let backdated = PostText("re2", at: start - 10).with { $0.root = id("p1") }
        let edited = reply.with {
            $0.message = "ho"
            $0.editAt = start + 20
            $0.updateAt = start + 20
        }
        let revision = reply.revision("r1", replacedAt: start + 20)
        let lost = PostText("lone", at: start + 7).with { $0.root = id("gone") }
        try await writer.keep([first, backdated, edited, revision, lost, PostText("p2", at: start + 5)])
        for post in ["p1", "re1", "re2", "r1"] {
            let thread = try #require(try archive.header(ofPost: id(post))).threadID
            let query = PostQuery(channelID: town, threadID: thread, order: .threads)
            #expect(try archive.all(query).map(\.brief) == ["p1 live", "re2 live", "re1 live", "r1 revision"])
        }
        let query = PostQuery(channelID: town, threadID: id("gone"), order: .threads)
        #expect(try archive.all(query).map(\.brief) == ["lone live"])
    }

    @Test func contentsCountEveryPostOnce() async throws {
        try await fill()
        let contents = try archive.contents()
        var expected = ChannelContents()
        (expected.live, expected.deleted) = (8, 1)
        (expected.firstCreateAt, expected.lastCreateAt) = (start + 1, start + 9)
        #expect(contents[town] == expected)
        #expect(contents[id("c2")]?.live == 1)
        #expect(contents.count == 2)
    }
}
