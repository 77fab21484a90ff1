import Bytes
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// What a server does to posts that the archive knows already: times, changes, and posts that vanish.
@Suite struct AuditTimesTests {
    private let later = Fixture.first + 3_600_000

    // MARK: Times

    @Test func aChangeBeforeTheCreationIsFound() async throws {
        let history = try await AuditedHistory()
        try await history.addRaw("edited", by: "bob", in: "second", at: later, editAt: later - 1)
        try await history.addRaw("deleted", by: "bob", in: "second", at: later, deleteAt: later - 1)
        try await history.addRaw("fine", by: "bob", in: "second", at: later, editAt: later, deleteAt: later)
        #expect(try await history.brief() == ["!times-that-run-backwards: deleted edited"])
    }

    @Test func aReplyBeforeItsRootIsFound() async throws {
        let history = try await AuditedHistory()
        try await history.addRaw("root", by: "bob", in: "second", at: later)
        try await history.addRaw("reply", by: "bob", in: "second", at: later + 1, root: "root")
        try await history.addRaw("orphan", by: "bob", in: "second", at: later, root: "unknown")
        #expect(try await history.brief() == [])
        try await history.addRaw("early", by: "bob", in: "second", at: later - 1, root: "root")
        #expect(try await history.brief() == ["!times-that-run-backwards: early"])
    }

    @Test func aLaterVersionWithAnEarlierTimeIsFound() async throws {
        let history = try await AuditedHistory()
        func version(_ message: String, _ updateAt: Int64, _ editAt: Int64) async throws {
            try await history.addRaw(
                "post", by: "bob", in: "second", at: later, message: message, updateAt: updateAt, editAt: editAt)
        }
        try await version("one", later, 0)
        try await version("two", later + 9, later + 9)
        #expect(try await history.brief() == [])
        try await version("three", later + 5, later + 5)
        #expect(try await history.brief() == ["!times-that-run-backwards: post"])
    }

    /// What the server does by itself: a reply that is dated back takes its root's `update_at` back with it.
    @Test func aReplyThatIsDatedBackMovesItsRoot() async throws {
        let history = try await AuditedHistory()
        func root(_ props: String, _ updateAt: Int64) async throws {
            try await history.addRaw("root", by: "bob", in: "second", at: later, props: props, updateAt: updateAt)
        }
        try await root("{}", later + 9)
        try await root(#"{"a":1}"#, later + 5)
        #expect(try await history.brief() == ["!times-that-run-backwards: root"])
        try await history.addRaw("reply", by: "bob", in: "second", at: later + 5, root: "root")
        #expect(try await history.brief() == [])
    }

    @Test func aPostThatAppearsInThePastIsFound() async throws {
        let history = try await AuditedHistory()
        let state = WalkState(cursor: later, backward: nil, hasAskedForPast: true)
        try await ArchiveWriter(history.fixture.directory).note(
            state, channelID: id("channel"), at: Timestamp(milliseconds: later))
        try await history.say("new", by: "bob", at: later + 1)
        try await history.addRaw("older", by: "bob", at: AuditedHistory.beginning - 1, type: "system_header_change")
        try await history.addRaw("tombstone", by: "bob", at: Fixture.first, type: "system_x", deleteAt: later)
        #expect(try await history.brief() == [])
        try await history.say("inserted", by: "bob", at: Fixture.first + 90_000)
        #expect(try await history.brief() == ["!times-that-run-backwards: inserted"])
    }

    // MARK: Vanished posts

    /// When all channels that have posts and that the server still lists were last walked through.
    @Test func whenVanishedPostsWereLastLookedForIsKnown() async throws {
        let history = try await AuditedHistory()
        func note(_ channel: String, isWhole: Bool, at: Int64) async throws {
            let state = WalkState(cursor: 1, backward: isWhole ? nil : .newest, hasAskedForPast: true)
            try await ArchiveWriter(history.fixture.directory).note(
                state, channelID: id(channel), at: Timestamp(milliseconds: at))
        }
        func last() throws -> Int64? { try history.fixture.archive.lastWholeWalk()?.milliseconds }
        #expect(try last() == nil)
        try await note("channel", isWhole: false, at: 1)
        #expect(try last() == nil)
        try await note("channel", isWhole: true, at: 2)
        try await note("channel", isWhole: true, at: 3)
        #expect(try last() == 2)
        try await history.addRaw("elsewhere", by: "bob", in: "second", at: later)
        try await note("second", isWhole: false, at: 4)
        #expect(try last() == nil)
        try await note("second", isWhole: true, at: 5)
        try await note("empty", isWhole: true, at: 1)
        #expect(try last() == 2)
        for (isWhole, at) in [(false, Int64(6)), (true, 7)] { try await note("channel", isWhole: isWhole, at: at) }
        #expect(try last() == 5)
        try await ArchiveWriter(history.fixture.directory).append(
            Absence.document(
                [Absence(id: id("second"), what: .channel, reason: .notListed)], at: Timestamp(milliseconds: 8)),
            objects: .absence)
        #expect(try last() == 7)
    }

    @Test func aPostThatVanishedIsFoundAndOneThatIsBackIsNot() async throws {
        let history = try await AuditedHistory()
        func note(_ reason: Absence.Reason) async throws {
            let absence = Absence(id: id("quiet1x"), what: .post, reason: reason)
            try await ArchiveWriter(history.fixture.directory).append(
                Absence.document([absence], at: Timestamp(milliseconds: later)), objects: .absence)
        }
        try await note(.gone)
        #expect(try await history.brief() == ["!vanished-posts: quiet1x"])
        try await note(.back)
        #expect(try await history.brief() == [])
    }
}
