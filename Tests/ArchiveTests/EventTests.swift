import Testing

@testable import Archive

/// Posts in frames of the WebSocket, among those in the server's answers.
struct EventTests {
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

    private func kinds() async throws -> [String] {
        try await sandbox.run(
            "sqlite3 '\(directory.archivePath)' \"SELECT substr(record, instr(record, 'kind')) FROM document\""
        )
        .split(separator: "\n").filter { $0.hasPrefix("kind ") }.map { String($0.dropFirst(5)) }
    }

    private let first = PostText("first", at: start, "one")

    @Test func framesStandInTheArchiveByteForByte() async throws {
        let second = PostText("second", at: start + 1, #"“quoted” \"x\" \\ \u003c ☕ \n"#)
        let frames = [first.frame("posted"), second.frame("posted", sequence: 2)]
        #expect(try await writer.hear(frames[0], frames[1]) == 2)
        let body = try archive.read { try DocumentRow.fetch($0, sequence: 2) }?.body()
        #expect(body == Array("[".utf8) + frames[0] + Array(",\n".utf8) + frames[1] + Array("]".utf8))
        #expect(try archive.all().map(\.text) == [first.json, second.json])
        try await archive.expectClean()
    }

    @Test func thePostOfAFrameIsThePostOfAnAnswer() async throws {
        try await writer.hear(first.frame("posted"))
        #expect(try await writer.keep([first]) == 0)
        #expect(try await writer.hear(first.frame("posted")) == 0)
        #expect(try archive.all().map(\.brief) == ["first live"])
        try await archive.expectClean()
    }

    @Test func aDeletedPostsTextDoesNotUndelete() async throws {
        let edited = first.edited(at: start + 5, "two")
        try await writer.keep([first])
        try await writer.keep([first.deleted(at: start + 9)])
        #expect(try await writer.hear(edited.frame("post_deleted")) == 1)
        let stored = try archive.all()
        #expect(stored.map(\.state) == [.deleted, .earlier, .revision])
        #expect(stored[2].text == edited.json && stored[2].header.identityID == first.id)
        #expect(try archive.header(ofPost: first.id)?.deleteAt == start + 9)
        #expect(try await kinds() == ["account", "posts", "posts", "late-events"])
        // What it said is known: once more, and as it was before.
        #expect(try await writer.hear(edited.frame("post_deleted"), first.frame("posted")) == 0)
        #expect(try archive.all().map(\.state) == [.deleted, .earlier, .revision])
        try await archive.expectClean()
    }

    @Test func aTextBeforeTheTombstoneIsAnEarlierVersion() async throws {
        try await writer.hear(first.frame("posted"), first.frame("post_deleted"))
        try await writer.keep([first.deleted(at: start + 9)])
        #expect(try archive.all().map(\.state) == [.deleted, .earlier])
        #expect(try await kinds() == ["account", "events", "posts"])
        try await archive.expectClean()
    }

    @Test func aLateFrameDoesNotTakeBackAnEdit() async throws {
        let edited = first.edited(at: start + 5, "two")
        try await writer.keep([edited])
        try await writer.hear(first.frame("posted"))
        #expect(try archive.header(ofPost: first.id)?.updateAt == start + 5)
        #expect(try archive.all().map(\.state) == [.live, .revision])
        try await archive.expectClean()
    }

    @Test func anEditIsTheNewestVersionWhateverCameTogether() async throws {
        let edits = (1...3).map { number in
            first.with {
                $0.message = "edit \(number)"
                $0.updateAt = start + Int64(number)
            }
        }
        try await writer.hear(
            first.frame("posted"), edits[0].frame("post_edited"), edits[2].frame("post_edited"),
            edits[1].frame("post_edited"))
        let stored = try archive.all()
        #expect(stored.filter { $0.state == .live }.map(\.text) == [edits[2].json])
        #expect(stored.filter { $0.state == .earlier }.count == 2)
        #expect(stored.filter { $0.state == .revision }.map(\.text) == [edits[1].json])
        try await archive.expectClean()
    }

    /// A reply moves its root's `update_at`; the frame of before says the same, and is no old revision.
    @Test func aFrameThatSaysTheSameIsNoRevision() async throws {
        let moved = first.with { $0.updateAt = start + 9 }
        try await writer.keep([moved])
        #expect(try await writer.hear(first.frame("posted")) == 0)
        #expect(try archive.all().map(\.text) == [moved.json])
        #expect(try await kinds() == ["account", "posts"])
        try await archive.expectClean()
    }

    @Test(arguments: [
        "", "{", "null", "{}", #"{"event":"posted"}"#, #"{"event":"posted","data":{"post":{}}}"#,
        #"{"event":"posted","data":{"post":"{}"}}"#, #"{"event":"typing","data":{"post":"x"}}"#, "{},{}",
    ])
    func whatIsNoEventOfAPostIsRefusedAndKeepsNothing(_ text: String) async throws {
        await #expect(throws: ArchiveError.self) { try await writer.hear(first.frame("posted"), Array(text.utf8)) }
        #expect(try await kinds() == ["account"])
        try await archive.expectClean()
    }

    @Test(arguments: [
        "UPDATE version SET start = start + 1 WHERE post_id = '\(id("first"))'",
        "UPDATE version SET original_id = '' WHERE original_id <> ''",
        "UPDATE version SET post_id = original_id WHERE original_id <> ''",
        "DELETE FROM version",
    ])
    func checkHoldsTheIndexAgainstTheFrames(_ change: String) async throws {
        try await writer.hear(first.with { $0.updateAt = start + 5 }.frame("posted"))
        try await writer.hear(first.with { $0.message = "before" }.frame("post_edited"))
        #expect(try await kinds() == ["account", "events", "late-events"])
        try await archive.expectClean()
        try await sandbox.tamper(directory, change)
        #expect(try await !archive.check().isClean)
    }
}
