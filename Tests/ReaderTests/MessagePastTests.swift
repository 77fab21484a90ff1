import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// What the archive knows of a message besides the post that holds it now: docs/trust-rules.md, “Suspicions”.
@Suite struct MessagePastTests {
    let fixture: Fixture

    init() async throws {
        fixture = try Fixture()
        try await fixture.addPeople()
        try await fixture.addKeys("bob", [fixture.bob.publicKey])
    }

    private func post(_ name: String, in channel: String = "channel") async throws -> ReadPost {
        let posts = try await fixture.read(PostQuery(channelID: id(channel)))
        return try #require(posts.last { $0.header.id == id(name) && !$0.state.isOld })
    }

    /// That only the audit told, and everything else called the post clean.
    @Test(arguments: [
        Move(channel: "second"), Move(root: "other"), Move(author: "carol"), Move(at: Fixture.first - 86_400_000),
    ])
    func aPostInAnotherPlaceIsMoved(_ move: Move) async throws {
        let payload = Fixture.payload("I agree", from: fixture.bob, to: [fixture.own.publicKey])
        try await fixture.addPage([Fixture.post("post", type: "custom_e2ee", payload: payload)])
        #expect(try await post("post").verdict.isClean)
        try await fixture.addPage(
            [
                Fixture.post(
                    "post", by: move.author, in: move.channel, root: move.root, at: move.at, type: "custom_e2ee",
                    payload: payload)
            ], channel: move.channel)
        let suspicions = try await post("post", in: move.channel).verdict.suspicions
        #expect(suspicions == [.moved])
    }

    struct Move: Sendable {
        var channel = "channel"
        var root = ""
        var author = "bob"
        var at = Fixture.first
    }

    /// What a server calls a revision of another post, and shows as it is now.
    @Test func aLivePostThatNamesAnOriginalIsAPostLikeAnyOther() async throws {
        let payload = Fixture.payload("Yes, do it", from: fixture.bob, to: [fixture.own.publicKey])
        try await fixture.addPage([Fixture.post("post", type: "custom_e2ee", payload: payload)])
        try await fixture.addKeys("carol", [fixture.stranger.publicKey])
        try await fixture.addKeys("carol", [fixture.stranger.publicKey])
        try await fixture.addPage(
            [Fixture.post("copy", in: "second", original: "post", type: "custom_e2ee", payload: payload)],
            channel: "second")
        let copy = try await post("copy", in: "second")
        #expect(copy.state == .live && copy.verdict.suspicions == [.repeated])
    }

    /// Older servers give a revision the time of the edit that ended it: when it was written is between its two times.
    @Test func aRevisionThatBearsItsEndWasWrittenSometimeBefore() async throws {
        let end = Fixture.first + 5000
        func revision(_ name: String, editAt: Int64) async throws -> ClosedRange<Int64> {
            let payload = Fixture.payload(name, from: fixture.bob, to: [fixture.own.publicKey])
            try await fixture.addPage([
                Fixture.post(
                    name, original: "post", editAt: editAt, deleteAt: end, type: "custom_e2ee", payload: payload)
            ])
            let plan = try fixture.archive.plan(PostQuery(channelID: id("channel")))
            let version = try #require(try plan.load(0..<plan.count).first { $0.header.id == id(name) })
            return try #require(version.past).written
        }
        #expect(try await revision("older", editAt: end) == Fixture.first...end)
        #expect(try await revision("newer", editAt: Fixture.first + 10) == Fixture.first + 10...Fixture.first + 10)
    }

    /// A walk passes what is older than its end, and only where it came there. While the server refuses a channel, other
    /// channels' walks pass it.
    @Test func onlyWalksThatCameToTheirEndPass() async throws {
        let walk = WalkState(cursor: 1, backward: nil, hasAskedForPast: true)
        var end = walk
        end.isComplete = true
        func note(_ walk: WalkState, _ channel: String, at: Int64) async throws {
            try await ArchiveWriter(fixture.directory).note(
                walk, channelID: id(channel), at: Timestamp(milliseconds: at))
        }
        func notice(_ reason: Absence.Reason, at: Int64) async throws {
            try await fixture.append(
                Absence.document(
                    [Absence(id: id("second"), what: .channel, reason: reason)], at: Timestamp(milliseconds: at)),
                objects: .absence)
        }
        /// The last pass before a message that comes now.
        func lastPass(_ name: String) async throws -> Int64? {
            let payload = Fixture.payload(name, from: fixture.bob, to: [fixture.own.publicKey])
            try await fixture.addPage(
                [Fixture.post(name, in: "second", type: "custom_e2ee", payload: payload)], channel: "second")
            let plan = try fixture.archive.plan(PostQuery(channelID: id("second")))
            let version = try #require(try plan.load(0..<plan.count).first { $0.header.id == id(name) })
            return try #require(version.past).lastPass(before: .max)?.milliseconds
        }
        try await note(end, "channel", at: 1000)
        #expect(try await lastPass("first") == nil)
        try await notice(.noAccess, at: 1500)
        try await note(end, "channel", at: 2000)
        try await notice(.back, at: 2500)
        try await note(end, "channel", at: 3000)
        #expect(try await lastPass("second") == 2000)
        try await note(walk, "second", at: 4000)
        #expect(try await lastPass("third") == 2000)
        try await note(end, "second", at: 5000)
        #expect(try await lastPass("fourth") == 5000)
    }
}
