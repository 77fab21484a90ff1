import Bytes
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// Posts that come again as something else, and what a server and its clients do change.
@Suite struct ChangedInPlaceTests {
    private let later = Fixture.first + 3_600_000

    /// One post, and how it comes again.
    private func history(
        _ first: String = "{}", _ change: (AuditedHistory) async throws -> Void
    ) async throws -> AuditedHistory {
        let history = try await AuditedHistory()
        try await history.addRaw("root", by: "bob", in: "second", at: later)
        try await history.addRaw("post", by: "bob", in: "second", at: later, message: "one", props: first)
        try await change(history)
        return history
    }

    enum Field: CaseIterable { case channel, author, time, thread, kind }

    @Test(arguments: Field.allCases)
    func whatNothingChangesIsFound(field: Field) async throws {
        let history = try await history { history in
            try await history.addRaw(
                "post", by: field == .author ? "carol" : "bob", in: field == .channel ? "third" : "second",
                at: field == .time ? later + 60_000 : later, type: field == .kind ? "me" : "", message: "one",
                updateAt: later + 90_000, root: field == .thread ? "root" : "")
        }
        #expect(
            try await history.brief() == ["!changed-in-place: post\(field == .channel ? " post" : "")"])
        let finding = try #require(try await history.audit().first)
        #expect(finding.posts == 1)
        let difference =
            switch field {
            case .channel: "in another channel"
            case .author: "@bob's became @carol's"
            case .time: "became \(Timestamp(milliseconds: later + 60_000).minute)"
            case .thread: "a thread of its own became a reply to \(id("root"))"
            case .kind: "an ordinary one became “me”"
            }
        #expect(finding.seen.contains(difference))
        if field == .channel { #expect(finding.places.map(\.channelID) == [id("second"), id("third")]) }
    }

    /// The same through an event.
    @Test func anEventThatMovesAPostIsFound() async throws {
        let history = try await history { history in
            let post = """
                {"id":"\(id("post"))","channel_id":"\(id("second"))","user_id":"\(id("carol"))",\
                "create_at":\(later),"update_at":\(later + 1),"message":"one"}
                """
            var frame = JSONWriter()
            frame.object { json in
                json.string("event", "post_edited")
                json.object("data") { $0.string("post", post) }
                json.int("seq", 1)
            }
            try await ArchiveWriter(history.fixture.directory).append(
                frames: [frame.bytes], receivedAt: Timestamp(milliseconds: later))
        }
        #expect(try await history.brief() == ["!changed-in-place: post"])
    }

    private func revision(_ word: String, by author: String) -> (id: String, json: String) {
        Fixture.post(word, by: author, in: "second", original: "post", at: later, deleteAt: later + 5)
    }

    @Test func anOldRevisionByAnotherAuthorIsFound() async throws {
        let history = try await history { history in
            try await history.fixture.addPage(
                [revision("revision", by: "bob")],
                channel: "second")
        }
        #expect(try await history.brief() == [])
        try await history.fixture.addPage(
            [revision("forged", by: "carol")], channel: "second")
        #expect(try await history.brief() == ["!changed-in-place: post"])
    }

    @Test func aDeletedPostThatIsThereAgainIsFound() async throws {
        let history = try await history { history in
            try await history.addRaw(
                "post", by: "bob", in: "second", at: later, updateAt: later + 5, deleteAt: later + 5)
        }
        #expect(try await history.brief() == [])
        try await history.addRaw("post", by: "bob", in: "second", at: later, message: "one", updateAt: later + 9)
        #expect(try await history.brief() == ["!changed-in-place: post"])
    }

    @Test func aTextThatChangedWithoutAnEditIsFound() async throws {
        func version(_ message: String, _ updateAt: Int64, editAt: Int64 = 0) async throws -> AuditedHistory {
            try await history {
                try await $0.addRaw(
                    "post", by: "bob", in: "second", at: later, message: message, updateAt: updateAt, editAt: editAt)
            }
        }
        #expect(try await version("two", later + 5, editAt: later + 5).brief() == [])
        #expect(try await version("two", later + 5).brief() == ["!changed-in-place: post"])
        #expect(
            try await version("https://chat.example.org/api/v4/image?url=x", later + 5).brief()
                == ["changed-in-place: post"])
    }

    @Test func aPayloadThatChangedOrVanishedWithoutAnEditIsFound() async throws {
        for isThere in [true, false] {
            let history = try await AuditedHistory()
            let message = EncryptedMessage.seal([1], from: history.bob, to: history.everybody)
            func again(_ props: String, editAt: Int64) async throws {
                try await history.addRaw(
                    "quiet1x", by: "bob", at: Fixture.first + 60_000, type: EncryptedPost.type, props: props,
                    updateAt: later, editAt: editAt)
            }
            try await again(isThere ? #"{"e2ee":\#(Fixture.json(message))}"# : "{}", editAt: 0)
            #expect(try await history.brief() == ["!changed-in-place: quiet1x"])
            #expect(try await history.audit()[0].seen.contains(isThere ? "became another" : "has gone"))
        }
    }

    /// Pins, reactions, what programs note beside a post, edits, deletions: none of it is news of this sort.
    @Test func whatServersDoIsNotFound() async throws {
        let history = try await history { history in
            func version(
                _ message: String, props: String = "{}", _ updateAt: Int64, editAt: Int64 = 0, deleteAt: Int64 = 0
            ) async throws {
                try await history.addRaw(
                    "post", by: "bob", in: "second", at: later, message: message, props: props, updateAt: updateAt,
                    editAt: editAt, deleteAt: deleteAt)
            }
            try await version("one", later + 1)
            try await version("one", props: #"{"votes":1}"#, later + 2)
            try await version("two", props: #"{"votes":1}"#, later + 3, editAt: later + 3)
            try await version("", props: #"{"deleteBy":"x"}"#, later + 4, editAt: later + 3, deleteAt: later + 4)
        }
        #expect(try await history.brief() == [])
    }
}
