import Foundation
import Testing

@testable import Archive

/// What goes in comes out: the bytes of each version are the server's.
@Suite struct ByteTests {
    let sandbox: Sandbox
    let directory: AccountDirectory

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
    }

    static let props = [
        #"{}"#, #"{"n":9007199254740993}"#, #"{"n":1.0,"m":-0,"e":1E+2}"#, #"{ "a" : [ 1 ,2 ] ,  "b":null }"#,
        #"{"a":1,"a":2,"a":{"a":3}}"#, #"{"text":"\u003cb\u003e \u2028 \ud83d\ude00 \/ \\"}"#,
        "{\"text\":\"\u{2028}\u{e9}e\u{301}\u{1F600}\"}", #"{"lone":"\ud800"}"#,
    ]

    @Test func aVersionIsTheServedBytes() async throws {
        let posts = Self.props.enumerated().map { number, props in
            PostText("p\(number + 1)", at: start + Int64(number), #"\u003c&\u003e"#).with { $0.props = props }
        }
        let writer = try ArchiveWriter(directory)
        #expect(try await writer.keep(posts) == posts.count)
        let archive = try Archive(directory)
        let stored = try archive.all()
        #expect(stored.map(\.text) == posts.map(\.json))
        for (version, post) in zip(stored, posts) { #expect(Array(version.json) == Array(post.json.utf8)) }
        let report = try await archive.check()
        #expect(report.isClean, "\(report.damages)")
    }

    @Test func theWholeAnswerIsKept() async throws {
        let body = Array((" \n" + String(decoding: page([PostText("p1", at: start)]), as: UTF8.self) + "\n").utf8)
        try await ArchiveWriter(directory).append(received(body), page: PostsPage(body), walk: nil)
        let row = try Archive(directory).read { try DocumentRow.fetch($0, sequence: 2) }
        #expect(try row?.body() == body)
    }

    @Test func aSecondSightOfAVersionAddsNothing() async throws {
        let writer = try ArchiveWriter(directory)
        let post = PostText("p1", at: start, "hi")
        #expect(try await writer.keep([post]) == 1)
        #expect(try await writer.keep([post]) == 0)
        #expect(try await writer.keep([post.with { $0.volatile = #""reply_count":4"# }]) == 0)
        #expect(try await writer.keep([post.with { $0.updateAt += 1 }]) == 1)
    }
}

/// A page, what the index says of it, and where the walk has come to: all, or nothing.
@Suite struct CommitTests {
    let sandbox: Sandbox
    let directory: AccountDirectory
    let first = WalkState(cursor: 5, backward: .init(anchor: id("p1"), page: 0, reached: start), hasAskedForPast: false)
    let second = WalkState(cursor: 5, backward: nil, hasAskedForPast: true)

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
    }

    private func state() throws -> (documents: Int64, walk: WalkState?, versions: Int) {
        let archive = try Archive(directory)
        return (try archive.head().documents, try archive.walkState(channelID: town), try archive.all().count)
    }

    @Test func aPageAndItsWalkCommitTogether() async throws {
        try await ArchiveWriter(directory).keep([PostText("p1", at: start)], walk: first)
        let now = try state()
        #expect(now.documents == 2 && now.walk == first && now.versions == 1)
        #expect(try Archive(directory).lastFetch(channelID: town) == Timestamp(milliseconds: start))
    }

    @Test func aPageThatBreaksInTheMiddleLeavesNothing() async throws {
        let writer = try ArchiveWriter(directory)
        try await writer.keep([PostText("p1", at: start)], walk: first)
        try await sandbox.run(
            """
            sqlite3 '\(directory.archivePath)' "CREATE TRIGGER broken BEFORE INSERT ON version
              WHEN NEW.post_id = '\(id("p3"))' BEGIN SELECT RAISE(ABORT, 'broken'); END"
            """)
        let posts = (2...4).map { PostText("p\($0)", at: start + $0) }
        await #expect(throws: ArchiveError.database(message: "broken", isFull: false)) {
            try await writer.keep(posts, walk: second)
        }
        try await sandbox.run("sqlite3 '\(directory.archivePath)' 'DROP TRIGGER broken'")
        var now = try state()
        #expect(now.documents == 2 && now.walk == first && now.versions == 1)

        // The writer goes on where it was.
        try await writer.keep(posts, walk: second)
        now = try state()
        #expect(now.documents == 3 && now.walk == second && now.versions == 4)
        #expect(try await Archive(directory).check().isClean)
    }

    /// The file may not grow further: what a full disk does, without filling one. In a process of its own, since the
    /// limit is the process's.
    @Test func aFullDiskLeavesNothing() async throws {
        await #expect(processExitsWith: .success) { [path = sandbox.path as String] in
            let directory = AccountDirectory(
                path: "\(path)/vault/chat.example.org_alice", name: "chat.example.org_alice")
            let writer = try ArchiveWriter(directory)
            try await writer.keep([PostText("p1", at: start)])
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 200_000, rlim_max: 200_000)
            setrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE
            let noise = (0..<400_000).map { _ in "abcdefghijklmnopqrstuvwxyz".randomElement() ?? "a" }
            let posts = [PostText("p2", at: start, String(noise)), PostText("p3", at: start)]
            var failure: ArchiveError?
            do {
                try await writer.keep(posts, walk: WalkState(cursor: 1, backward: nil, hasAskedForPast: true))
            } catch let error as ArchiveError { failure = error }
            guard case .database = failure else { fatalError("it was kept: \(String(describing: failure))") }
        }
        let now = try state()
        #expect(now.documents == 2 && now.walk == nil && now.versions == 1)
        #expect(try await Archive(directory).check().isClean)
        try await ArchiveWriter(directory).keep([PostText("p2", at: start)], walk: second)
        #expect(try state().versions == 2)
    }

    @Test func theWalkIsTheChannelsLast() async throws {
        let writer = try ArchiveWriter(directory)
        try await writer.keep([PostText("p1", at: start)], walk: first)
        try await writer.note(second, channelID: town, at: Timestamp(milliseconds: start + 60_000))
        try await writer.note(first, channelID: id("cother"), at: Timestamp(milliseconds: start + 90_000))
        let archive = try Archive(directory)
        #expect(try archive.walkState(channelID: town) == second)
        #expect(try archive.walkState(channelID: id("cother")) == first)
        #expect(try archive.walkState(channelID: id("cnone")) == nil)
        #expect(try archive.lastFetch(channelID: town) == Timestamp(milliseconds: start + 60_000))
        #expect(try await archive.check().isClean)
    }

    @Test(arguments: [
        WalkState(cursor: 0, backward: .newest, hasAskedForPast: false),
        WalkState(cursor: .max, backward: nil, hasAskedForPast: true),
        WalkState(cursor: 7, backward: .init(anchor: "a\"\n", page: 3, reached: 9), hasAskedForPast: true),
    ])
    func aWalkIsReadAsItWasWritten(_ state: WalkState) {
        #expect(WalkState(json: state.json) == state)
        #expect(!state.json.contains("\n"))
    }
}
