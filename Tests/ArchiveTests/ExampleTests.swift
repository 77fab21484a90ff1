import Bytes
import Foundation
import Testing

@testable import Archive

/// The archive that docs/archive-format.md takes apart with stock tools. It is kept as a file, so that an archive written
/// today is read for as long as these tests are run.
@Suite struct ExampleTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    static let file = "\(root)/Fixtures/example-archive/archive.sqlite"

    /// One that was kept up to date by events.
    static let events = "\(root)/Fixtures/example-archive/events.sqlite"

    /// One with decisions about keys.
    static let trust = "\(root)/Fixtures/example-archive/trust.sqlite"

    /// One with encrypted messages, users without a key, and answers about keys.
    static let messages = "\(root)/Fixtures/example-archive/messages.sqlite"

    let sandbox: Sandbox
    let directory: AccountDirectory

    /// On a copy: reading may put a journal beside the file.
    init() async throws {
        sandbox = try Sandbox()
        directory = AccountDirectory(path: sandbox.path, name: "example")
        try await sandbox.run("test ! -e '\(Self.file)' || cp -r '\(Self.root)/Fixtures/example-archive/.' .")
        try await sandbox.run("test ! -e '\(Self.events)' || cp '\(Self.events)' events.sqlite")
        try await sandbox.run("test ! -e '\(Self.trust)' || cp '\(Self.trust)' trust.sqlite")
        try await sandbox.run("test ! -e '\(Self.messages)' || cp '\(Self.messages)' messages.sqlite")
    }

    @Test func anArchiveOfVersionOneIsStillRead() async throws {
        let archive = try Archive(directory)
        let report = try await archive.check()
        #expect(report.isClean && report.documents == 7 && report.versions == 3, "\(report.damages)")
        #expect(try archive.account() == Self.account)
        let stored = try archive.all()
        #expect(stored.map(\.brief) == ["first deleted", "first earlier", "second live"])
        #expect(stored.map(\.header.createAt) == [start, start, start + 60_000])
        #expect(stored[1].text.contains(#""message":"Shall we meet at nine? \u003c3""#))
        #expect(try archive.knownKeys()[alice]?.count == 1)
        #expect(try archive.walkState(channelID: town) == Self.done)
        #expect(try archive.users().map(\.displayName) == ["Alice"])
        #expect(try archive.namedFiles().map(\.record?.content?.size) == [7])
    }

    @Test func anArchiveWithEventsIsStillRead() async throws {
        try await sandbox.run("mkdir events; cp events.sqlite events/archive.sqlite")
        let archive = try Archive(AccountDirectory(path: "\(sandbox.path)/events", name: "events"))
        let report = try await archive.check()
        #expect(report.isClean && report.documents == 4 && report.versions == 4, "\(report.damages)")
        #expect(try archive.all().map(\.state) == [.deleted, .earlier, .revision, .live])
    }

    @Test func anArchiveWithDecisionsIsStillRead() async throws {
        try await sandbox.run("mkdir trust; cp trust.sqlite trust/archive.sqlite")
        let archive = try Archive(AccountDirectory(path: "\(sandbox.path)/trust", name: "trust"))
        let report = try await archive.check()
        #expect(report.isClean && report.documents == 4, "\(report.damages)")
        #expect(try archive.trustDecisions().map(\.verb) == [.adopted, .withdrawn])
        #expect(try archive.trustHistory().map(\.verb) == [.rejected, .adopted, .withdrawn])
    }

    @Test func anArchiveWithMessagesIsStillRead() async throws {
        try await sandbox.run("mkdir messages; cp messages.sqlite messages/archive.sqlite")
        let archive = try Archive(AccountDirectory(path: "\(sandbox.path)/messages", name: "messages"))
        let report = try await archive.check()
        #expect(report.isClean && report.documents == 8 && report.versions == 3, "\(report.damages)")
        #expect(try archive.all().map { $0.past?.isRepeated } == [false, false, true])
        #expect(try archive.trustDecisions().map(\.verb) == [.own, .confirmedEarlier])
        #expect(try archive.trustHistory().map(\.verb) == [.own, .accepted, .confirmedEarlier])
        let keys = try archive.keyRecord()
        #expect(keys.pulls == [2, 5] && keys.shown[bob]?.map { $0.key == nil } == [true, false])
        #expect(keys.shown[alice]?.map { $0.key == nil } == [false])
    }

    @Test func thisProgramWritesTheSameRecords() async throws {
        let mine = AccountDirectory(path: "\(sandbox.path)/mine", name: "mine")
        try await Self.make(mine)
        // All but what depends on the compressor, and the hashes that follow from it.
        let sql = """
            SELECT substr(record, instr(record, 'kind'), instr(record, 'gzip') - instr(record, 'kind')) FROM document;
            SELECT * FROM version; SELECT * FROM attachment; SELECT * FROM object; SELECT * FROM key_sighting; SELECT * FROM walk
            """
        let expected = try await sandbox.run("sqlite3 '\(directory.archivePath)' \"\(sql)\"")
        #expect(try await sandbox.run("sqlite3 '\(mine.archivePath)' \"\(sql)\"") == expected)
    }

    /// Every command of the document, run on the example, prints what the document says.
    @Test func theDocumentsCommandsPrintWhatItSays() async throws {
        let text = try String(contentsOfFile: "\(Self.root)/docs/archive-format.md", encoding: .utf8)
        let commands = Transcript.commands(in: text)
        #expect(commands.count >= 10)
        for command in commands {
            #expect(try await sandbox.run(command.input) == command.output, "\(command.input)")
        }
    }

    /// Writes the example anew, where somebody asks for it: the document's outputs have to follow.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["MMVAULT_WRITE_EXAMPLE"] != nil, "only on demand"))
    func writeTheExample() async throws {
        let mine = AccountDirectory(path: "\(sandbox.path)/mine", name: "mine")
        try await Self.make(mine)
        try await sandbox.run("mkdir -p '\(Self.root)/Fixtures/example-archive'")
        try await sandbox.run("rm -f '\(Self.file)'; sqlite3 mine/archive.sqlite \".backup '\(Self.file)'\"")
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["MMVAULT_WRITE_EXAMPLE"] != nil, "only on demand"))
    func writeTheExampleOfEvents() async throws {
        let mine = AccountDirectory(path: "\(sandbox.path)/events", name: "events")
        try await Self.makeEvents(mine)
        try await sandbox.run("rm -f '\(Self.events)'; sqlite3 events/archive.sqlite \".backup '\(Self.events)'\"")
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["MMVAULT_WRITE_EXAMPLE"] != nil, "only on demand"))
    func writeTheExampleOfTrust() async throws {
        let mine = AccountDirectory(path: "\(sandbox.path)/decided", name: "decided")
        try await Self.makeTrust(mine)
        try await sandbox.run("rm -f '\(Self.trust)'; sqlite3 decided/archive.sqlite \".backup '\(Self.trust)'\"")
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["MMVAULT_WRITE_EXAMPLE"] != nil, "only on demand"))
    func writeTheExampleOfMessages() async throws {
        let mine = AccountDirectory(path: "\(sandbox.path)/sealed", name: "sealed")
        try await Self.makeMessages(mine)
        try await sandbox.run("rm -f '\(Self.messages)'; sqlite3 sealed/archive.sqlite \".backup '\(Self.messages)'\"")
    }

    // MARK: The example

    private static let account = Account(server: "https://chat.example.org", userID: alice, username: "alice")
    private static let done = WalkState(cursor: start - 240_000, backward: nil, hasAskedForPast: true)

    private static func makeTrust(_ directory: AccountDirectory) async throws {
        try PrivateFile.makeDirectory(directory.path)
        try Archive.create(in: directory, for: account, at: Timestamp(milliseconds: start))
        let writer = try ArchiveWriter(directory)
        func decision(_ verb: TrustDecision.Verb, _ sign: UInt8, _ encr: UInt8?, at time: Int64) -> TrustDecision {
            TrustDecision(
                userID: bob, verb: verb, signingPoint: point(sign), encryptionPoint: encr.map { point($0) },
                at: Timestamp(milliseconds: time))
        }
        let key = #"{"sign":"\#(Base64.standard.encode(point(2)))","encr":"\#(Base64.standard.encode(point(1)))"}"#
        let keys = received(
            Array(#"{"pubKeys":{"\#(bob)":\#(key)}}"#.utf8), .keys, channel: nil, at: start + 1000)
        try await writer.append(keys, keys: sightings(in: keys))
        try await writer.append(
            TrustDecision.document(
                [decision(.rejected, 2, 1, at: start + 2000), decision(.adopted, 4, nil, at: start + 2000)],
                at: Timestamp(milliseconds: start + 2000)), objects: .trust)
        try await writer.append(
            TrustDecision.document(
                [decision(.withdrawn, 2, 1, at: start + 3000)], at: Timestamp(milliseconds: start + 3000)),
            objects: .trust)
    }

    private static func makeMessages(_ directory: AccountDirectory) async throws {
        try PrivateFile.makeDirectory(directory.path)
        try Archive.create(in: directory, for: account, at: Timestamp(milliseconds: start))
        let writer = try ArchiveWriter(directory)
        func key(_ user: String, _ encr: UInt8, _ sign: UInt8) -> String {
            #""\#(user)":{"sign":"\#(Base64.standard.encode(point(sign)))","encr":"\#(Base64.standard.encode(point(encr)))"}"#
        }
        func show(_ members: String..., at time: Int64) async throws {
            let keys = received(
                Array("{\"pubKeys\":{\(members.joined(separator: ","))}}".utf8), .keys, channel: nil, at: time)
            try await writer.append(keys, keys: sightings(in: keys))
        }
        func post(_ name: String, at time: Int64, by user: String, _ number: UInt8) -> PostText {
            PostText(name, at: time, "Encrypted message").with {
                ($0.user, $0.type, $0.props) = (user, "custom_e2ee", message(number))
            }
        }
        func decide(_ decisions: (TrustDecision.Verb, String, sign: UInt8, encr: UInt8)..., at time: Int64) async throws
        {
            let at = Timestamp(milliseconds: time)
            let decisions = decisions.map { verb, user, sign, encr in
                TrustDecision(
                    userID: user, verb: verb, signingPoint: point(sign), encryptionPoint: point(encr), at: at)
            }
            try await writer.append(TrustDecision.document(decisions, at: at), objects: .trust)
        }
        try await show(key(alice, 1, 2), "\"\(bob)\":null", at: start + 1000)
        let posts = [post("first", at: start, by: alice, 1), post("second", at: start + 500, by: alice, 2)]
        try await writer.keep(posts, at: start + 2000)
        // The first one's message, shown again in another post.
        try await writer.keep([post("third", at: start + 2500, by: alice, 1)], at: start + 3000)
        try await show(key(alice, 1, 2), key(bob, 5, 6), at: start + 4000)
        try await decide((.own, alice, 2, 1), (.accepted, bob, 6, 5), at: start + 5000)
        try await decide((.confirmedEarlier, bob, 6, 5), at: start + 6000)
        let digest = try #require(try PostsPage(page(posts)).posts[0].ciphertext)
        let at = Timestamp(milliseconds: start + 7000)
        try await writer.append(
            OriginalPost.document([OriginalPost(postID: id("first"), ciphertext: Hex.encode(digest), at: at)], at: at),
            objects: .original)
    }

    private static func makeEvents(_ directory: AccountDirectory) async throws {
        try PrivateFile.makeDirectory(directory.path)
        try Archive.create(in: directory, for: account, at: Timestamp(milliseconds: start))
        let writer = try ArchiveWriter(directory)
        let first = PostText("first", at: start, "Shall we meet at nine?")
        let edited = first.with {
            $0.message = "Shall we meet at ten?"
            $0.updateAt = start + 60_000
            $0.editAt = start + 60_000
        }
        let second = PostText("second", at: start + 1000, "“Nine”, you said?").with { $0.user = bob }
        func frame(_ name: String, _ post: PostText, _ sequence: Int) -> [UInt8] {
            let text = post.json.replacing("\"", with: "\\\"")
            return Array(
                #"{"event":"\#(name)","data":{"post":"\#(text)"},"broadcast":{"channel_id":"\#(town)"},"seq":\#(sequence)}"#
                    .utf8)
        }
        try await writer.append(
            frames: [frame("posted", first, 1), frame("posted", second, 2)],
            receivedAt: Timestamp(milliseconds: start + 1100))
        try await writer.keep([edited.deleted(at: start + 61_000), second], at: start + 61_500)
        try await writer.append(
            frames: [frame("post_edited", edited, 3), frame("post_deleted", edited, 4)],
            receivedAt: Timestamp(milliseconds: start + 61_700))
    }

    private static func make(_ directory: AccountDirectory) async throws {
        try PrivateFile.makeDirectory(directory.path)
        try Archive.create(in: directory, for: account, at: Timestamp(milliseconds: start))
        let writer = try ArchiveWriter(directory)
        let first = PostText("first", at: start, "Shall we meet at nine? \\u003c3")
        let list = FileRecord(
            fileID: id("flist"), postID: id("second"), channelID: town,
            outcome: .held(FileContent(sha256: SHA256Digest(of: Array("Kaffee\n".utf8)), size: 7)))
        let second = PostText("second", at: start + 60_000, "Gerne. Ich bringe Kaffee mit: ☕").with {
            $0.root = first.id
            $0.user = bob
            $0.files = #""file_ids":["\#(list.fileID)"],"#
            $0.volatile = #""metadata":{"files":[{"id":"\#(list.fileID)","name":"Liste.txt","size":7}]}"#
        }
        let walk = WalkState(cursor: start - 240_000, backward: .newest, hasAskedForPast: false)
        try await writer.keep(
            #"[{"id":"\#(alice)","username":"alice","nickname":"Alice"}]"#, .users, at: start + 61_000)
        try await writer.keep([first, second], walk: walk, at: start + 62_000)
        try await writer.keep([first.deleted(at: start + 120_000), second], walk: walk, at: start + 122_000)
        let key = #"{"sign":"\#(Base64.standard.encode(point(2)))","encr":"\#(Base64.standard.encode(point(1)))"}"#
        let keys = ReceivedDocument(
            kind: .keys, request: "POST /plugins/com.quarkslab.e2ee/api/v1/pubkey/get", channelID: nil,
            receivedAt: Timestamp(milliseconds: start + 123_000),
            body: Array(#"{"pubKeys":{"\#(alice)":\#(key)}}"#.utf8))
        try await writer.append(keys, keys: sightings(in: keys))
        try await writer.note(done, channelID: town, at: Timestamp(milliseconds: start + 124_000))
        try await writer.append(
            FileRecord.document([list], channelID: town, at: Timestamp(milliseconds: start + 125_000)), objects: .file)
    }
}

/// Commands and what they print, as a person sees them: `$ ` begins a command, `> ` goes on with it.
enum Transcript {
    static func commands(in markdown: String) -> [(input: String, output: String)] {
        var result: [(input: String, output: String)] = []
        var isInside = false
        for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isInside = line == "```console"
            } else if !isInside {
                continue
            } else if line.hasPrefix("$ ") {
                result.append((String(line.dropFirst(2)) + "\n", ""))
            } else if line.hasPrefix("> ") {
                result[result.count - 1].input += line.dropFirst(2) + "\n"
            } else {
                result[result.count - 1].output += line + "\n"
            }
        }
        return result
    }
}
