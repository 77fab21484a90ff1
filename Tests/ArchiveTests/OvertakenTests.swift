import Testing

@testable import Archive

/// Answers that were asked for before an event came and that come after it: nobody knows which of the two is the older.
struct OvertakenTests {
    let sandbox: Sandbox
    let directory: AccountDirectory
    let writer: ArchiveWriter
    let archive: Archive

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
        writer = try ArchiveWriter(directory)
        archive = try Archive(directory)
    }

    private let before = PostText("post", at: start, "one")
    private let other = PostText("other", at: start + 1, "of which no event tells")

    private func overtaken(_ posts: [PostText], askedAt end: Int64) async throws -> Bool {
        let body = page(posts)
        return try await writer.keepOvertaken(received(body), page: PostsPage(body), askedAt: end)
    }

    @discardableResult
    private func keep(_ posts: [PostText], walk: WalkState? = nil, askedAt end: Int64) async throws -> Int {
        let body = page(posts)
        return try await writer.append(received(body), page: PostsPage(body), walk: walk, askedAt: end)
    }

    private func newest(_ post: PostText) throws -> String? {
        try archive.all().last { $0.header.id == post.id && $0.header.originalID.isEmpty && $0.state == .live }?.text
    }

    private let state = WalkState(cursor: 7, backward: nil, hasAskedForPast: true)

    @Test func whatMayBeOlderThanAnEventBecomesAnOldRevision() async throws {
        let end = await writer.end
        let after = before.edited(at: start + 5, "two")
        try await writer.hear(after.frame("post_edited"))
        #expect(try await overtaken([before, other], askedAt: end))
        #expect(try newest(before) == after.json)
        #expect(try newest(other) == other.json)
        let stored = try archive.all()
        #expect(stored.filter { $0.state == .revision }.map(\.text) == [before.json])
        // The document holds the answer byte for byte.
        let body = try #require(try archive.read { try DocumentRow.fetch($0, sequence: 3) }).body()
        #expect(body.firstRange(of: page([before, other])) != nil)
        try await archive.expectClean()
        // Asked for again, it is older than no event.
        let later = await writer.end
        #expect(try await !overtaken([after, other], askedAt: later))
        #expect(try await keep([after, other], walk: state, askedAt: later) == 0)
        #expect(try archive.walkState(channelID: town) == state)
        try await archive.expectClean()
    }

    /// An edit moves the time of a root back that a reply had dated into the future, so that no time would decide it.
    @Test func timesDoNotDecideWhereItCanBeAskedAgain() async throws {
        let ahead = before.with { $0.updateAt = start + 1_000_000 }
        let end = await writer.end
        let after = before.edited(at: start + 5, "two")
        try await writer.hear(after.frame("post_edited"))
        #expect(try await overtaken([ahead], askedAt: end))
        #expect(try newest(before) == after.json)
        // What the later answer says is so, whatever it says.
        #expect(try await keep([ahead], askedAt: await writer.end) == 1)
        #expect(try newest(before) == ahead.json)
        try await archive.expectClean()
    }

    @Test func timesDecideWhereEventsDoNotCeaseToCross() async throws {
        let end = await writer.end
        let after = before.edited(at: start + 5, "two")
        let third = other.edited(at: start + 9, "three")
        try await writer.hear(after.frame("post_edited"))
        try await writer.hear(other.frame("posted"))
        #expect(try await keep([before, third], walk: state, askedAt: end) == 2)
        #expect(try newest(before) == after.json)
        #expect(try newest(other) == third.json)
        #expect(try archive.walkState(channelID: town) == state)
        try await archive.expectClean()
    }

    @Test func whatIsKnownHarmsNothingAndIsNotAskedAgain() async throws {
        try await writer.keep([before])
        let end = await writer.end
        let after = before.edited(at: start + 5, "two")
        try await writer.hear(after.frame("post_edited"))
        for posts in [[before, other], [after, other]] { #expect(try await !overtaken(posts, askedAt: end)) }
        #expect(try await keep([before, other], askedAt: end) == 1)
        #expect(try newest(before) == after.json)
        try await archive.expectClean()
    }

    /// What says nothing that is not archived is left out of the index, with its files.
    @Test func whatSaysNothingNewIsNoRevision() async throws {
        try await writer.keep([before])
        let end = await writer.end
        let after = before.edited(at: start + 5, "two")
        try await writer.hear(after.frame("post_edited"))
        let moved = before.with { $0.updateAt = start + 3 }
        #expect(try await overtaken([moved, other], askedAt: end))
        #expect(try archive.all().allSatisfy { $0.state != .revision })
        #expect(try newest(before) == after.json && newest(other) == other.json)
        try await archive.expectClean()
    }

    @Test func aTombstoneIsOlderThanNoEvent() async throws {
        try await writer.keep([before])
        let end = await writer.end
        try await writer.hear(before.with { $0.updateAt = start + 3 }.frame("post_deleted"))
        let tombstone = before.deleted(at: start + 9)
        #expect(try await !overtaken([tombstone], askedAt: end))
        try await keep([tombstone], askedAt: end)
        #expect(try archive.header(ofPost: before.id)?.deleteAt == start + 9)
        try await archive.expectClean()
    }

    @Test(arguments: [
        "UPDATE version SET original_id = '', post_id = original_id WHERE original_id <> ''",
        "UPDATE version SET start = start + 1 WHERE original_id <> ''",
        "DELETE FROM version WHERE original_id <> ''",
    ])
    func checkHoldsTheIndexAgainstIt(_ change: String) async throws {
        let end = await writer.end
        try await writer.hear(before.edited(at: start + 5, "two").frame("post_edited"))
        #expect(try await overtaken([before, other], askedAt: end))
        try await archive.expectClean()
        try await sandbox.tamper(directory, change)
        #expect(try await !archive.check().isClean)
    }
}
