import Bytes
import E2EE
import Foundation
import Testing

@testable import Archive
@testable import Reader

/// Answers of a server that says anything at all: fields of any type, twice, empty, huge, with controls and lone surrogates,
/// nested deep. What the archive takes of them must leave it clean, readable and exportable: nobody but a disk damages it.
///
/// 1,000 answers in every run; `MMVAULT_ANSWERS=100000 swift test --filter RandomAnswerTests` for more, and
/// `MMVAULT_ANSWER=SEED` for certain ones.
@Suite struct RandomAnswerTests {
    private static let variables = ProcessInfo.processInfo.environment
    private static let seed =
        variables["MMVAULT_ANSWER"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1 << 32)
    private static let count = variables["MMVAULT_ANSWERS"].flatMap { Int($0) } ?? 1000
    /// Answers in one archive.
    private static let share = 250

    @Test func whateverAServerAnswers_LeavesTheArchiveClean() async throws {
        print("Random answers: MMVAULT_ANSWER=\(Self.seed) MMVAULT_ANSWERS=\(Self.count) makes these again")
        for start in stride(from: 0, to: Self.count, by: Self.share) {
            let seed = Self.seed &+ UInt64(start)
            let fixture = try Fixture()
            var answers = HostileAnswers(seed: seed, fixture)
            try await fixture.addPeople()
            let taken = try await answers.append(min(Self.share, Self.count - start), to: fixture.directory)
            #expect(taken > Self.share / 4, "seed \(seed): \(taken) answers were taken")
            try await Self.expectClean(fixture, &answers, seed)
        }
    }

    private static func expectClean(
        _ fixture: Fixture, _ answers: inout HostileAnswers, _ seed: UInt64
    ) async throws {
        let archive = try fixture.archive
        let report = try await archive.check()
        #expect(report.isClean, "seed \(seed): \(report.damages.prefix(3))")
        let channels = try archive.channels()
        let trusted = try TrustedKeys(archive, atHand: [fixture.own.publicKey], ownForOnce: [fixture.own.publicKey])
        _ = try await Audit(archive, trusted: trusted).run()
        let reader = try fixture.reader()
        for format in [ExportFormat.markdown, .mbox, .jsonl] {
            _ = try await Reader.Export(archive: archive, reader: reader).run(
                ExportRequest(format: format, channels: channels, includesUnverified: true),
                to: fixture.scratch["\(format.rawValue)"])
        }
        guard !channels.isEmpty else { return }
        for number in 0..<4 {
            let request = answers.request(channels, isPlain: number == 0)
            let path = fixture.scratch["evidence\(number)"]
            let evidence = Evidence(archive: archive, keys: [fixture.own], trusted: trusted, program: "mmvault test")
            do {
                _ = try await evidence.run(request, to: path)
            } catch ReaderError.nothingChosen {
                continue
            } catch ReaderError.nothingToRedact {
                continue
            }
            let package = try await EvidenceCheck(program: "mmvault test").run(path)
            guard !package.isClean else { continue }
            let kept = "\(NSTemporaryDirectory())/mmvault-answers-\(seed)"
            try? FileManager.default.copyItem(atPath: fixture.scratch.path, toPath: kept)
            Issue.record("seed \(seed), evidence\(number), kept in \(kept): \(package.damages.prefix(3)) of \(request)")
        }
    }
}

/// Answers that are right in nearly all and wrong in a few places, or in all.
private struct HostileAnswers {
    private var random: Seeded
    private let messages: [String]
    private var time = Fixture.first
    private let users = ["alice", "bob", "carol", "dave"].map { id($0) }
    private let channels = ["channel", "second"].map { id($0) }
    private let posts = (0..<12).map { id("post\($0)x") }

    init(seed: UInt64, _ fixture: Fixture) {
        random = Seeded(seed)
        messages = (0..<6).map { number in
            let text = ["", "a", "hello", "\u{0}\u{1B}[2J", "ünï\u{202E}", "long text of some words"][number]
            let message = EncryptedMessage.seal(
                Array(text.utf8), from: number.isMultiple(of: 2) ? fixture.bob : fixture.own,
                to: [fixture.own.publicKey, fixture.bob.publicKey])
            return Fixture.json(message)
        }
    }

    // MARK: What the program takes of them

    /// - Returns: how many were kept.
    mutating func append(_ count: Int, to directory: AccountDirectory) async throws -> Int {
        var taken = 0
        let writer = try ArchiveWriter(directory)
        for _ in 0..<count {
            time += Int64(below(100_000))
            do {
                try await append(to: writer)
                taken += 1
            } catch ArchiveError.notAPage {
                // It was no such answer: nothing is kept of it.
            }
        }
        return taken
    }

    private mutating func append(to writer: ArchiveWriter) async throws {
        let (at, channel) = (Timestamp(milliseconds: time), pick(channels))
        func document(_ kind: DocumentKind, _ body: String, in channel: String? = nil) -> ReceivedDocument {
            ReceivedDocument(
                kind: kind, request: "GET /x", channelID: channel, receivedAt: at, body: Array(body.utf8))
        }
        switch below(15) {
        case 0...3:
            let (members, order) = ((0..<below(5)).map { _ in post() }, (0..<below(3)).map { _ in quoted(pick(posts)) })
            let named = members.map { "\(quoted(pick(posts))):\($0)" }.joined(separator: ",")
            let listed = chance(4) ? members.compactMap(Self.identifier).map(quoted) : order
            let body =
                chance(2)
                ? "[\(members.joined(separator: ","))]"
                : "{\"order\":[\(listed.joined(separator: ","))],\"posts\":{\(named)}}"
            let answer = document(.posts, body, in: channel)
            try await writer.append(answer, page: PostsPage(answer.body, channelID: channel), walk: nil)
        case 4:
            let answer = document(
                .history, "[\((0..<below(4)).map { _ in post(isRevision: true) }.joined(separator: ","))]", in: channel)
            try await writer.append(answer, page: PostsPage(history: answer.body), walk: nil)
        case 5...6:
            let frames = (0..<1 + below(3)).map { _ in
                let event = ["posted", "post_edited", "post_deleted"][below(3)]
                return Array(#"{"event":"\#(event)","data":{"post":\#(quoted(post()))},"broadcast":{},"seq":1}"#.utf8)
            }
            try await writer.append(frames: frames, receivedAt: at)
        case 7:
            let answer = document(
                .keys,
                #"{"pubKeys":{\#((0..<below(4)).map { _ in "\(quoted(pick(users))):\(key())" }.joined(separator: ","))}}"#
            )
            try await writer.append(
                answer, keys: KeySighting.all(in: JSONDocument(answer.body).root, source: .server, at: at))
        case 8...9:
            try await writer.append(document(.users, list { $0.user() }), objects: .user)
        case 10...11:
            let reasons: [Absence.Reason] = [.gone, .gone, .back]
            let absences = (0..<1 + below(2)).map { _ in Absence(id: pick(posts), what: .post, reason: pick(reasons)) }
            try await writer.append(Absence.document(absences, at: at), objects: .absence)
        case 12:
            let records = (0..<1 + below(3)).map { _ in
                // By the archive itself, with the first post that named it.
                let number = below(9)
                return FileRecord(
                    fileID: id("file\(number)x"), postID: posts[number], channelID: channel,
                    outcome: .missing(.init(pick([.gone, .refused, .failed]))))
            }
            try await writer.append(FileRecord.document(records, channelID: channel, at: at), objects: .file)
        case 13:
            try await writer.append(document(.channels, list { $0.channelObject() }), objects: .channel)
        default:
            let kinds: [(DocumentKind, ObjectKind)] = [(.teams, .team), (.members, .member), (.emoji, .emoji)]
            let (kind, object) = pick(kinds)
            try await writer.append(document(kind, list { $0.anyObject() }), objects: object)
        }
    }

    private static func identifier(_ post: String) -> String? {
        (try? JSONDocument(Array(post.utf8)).root)?["id"]?.string
    }

    private mutating func list(_ element: (inout HostileAnswers) -> String) -> String {
        var elements: [String] = []
        for _ in 0..<below(5) { elements.append(element(&self)) }
        // The same again, byte for byte or not.
        if chance(3), let first = elements.first { elements.append(first) }
        return "[\(elements.joined(separator: ","))]"
    }

    /// A choice of a package, in all that one can narrow or leave out.
    mutating func request(_ all: [Channel], isPlain: Bool) -> ExportRequest {
        guard !isPlain else { return ExportRequest(format: .jsonl, channels: all) }
        let channels = all.filter { _ in chance(2) }
        var asked: [(name: String, value: String)] = []
        var userIDs: [String]?
        if chance(3) {
            userIDs = [pick(users)]
            asked.append(("user", userIDs?.first ?? ""))
        }
        var createAt = Int64.min..<Int64.max
        if chance(3) {
            let day = Timestamp(milliseconds: (Fixture.first / 86_400_000 + Int64(below(2))) * 86_400_000)
            let isSince = chance(2)
            createAt = isSince ? day.milliseconds..<Int64.max : Int64.min..<day.milliseconds + 86_400_000
            asked.append((isSince ? "since" : "until", day.date))
        }
        let isUnverified = chance(2)
        if isUnverified { asked.append(("include-unverified", "yes")) }
        let redaction = Redaction(
            postIDs: chance(2) ? [pick(posts)] : [], userIDs: chance(4) ? [pick(users)] : [])
        return ExportRequest(
            format: .jsonl, channels: channels.isEmpty ? all : channels, userIDs: userIDs, createAt: createAt,
            includesUnverified: isUnverified, redaction: redaction, asked: asked)
    }

    // MARK: What they hold

    private mutating func post(isRevision: Bool = false) -> String {
        let isEncrypted = chance(2)
        let props = isEncrypted ? #"{"e2ee":\#(pick(messages))}"# : "{}"
        var members: [(String, String)] = [
            ("id", quoted(pick(posts))), ("create_at", String(time - Int64(below(1000)))), ("update_at", String(time)),
            ("edit_at", chance(3) ? String(time) : "0"), ("delete_at", isRevision || chance(8) ? String(time) : "0"),
            ("user_id", quoted(pick(users))), ("channel_id", quoted(pick(channels))),
            ("root_id", chance(4) ? quoted(pick(posts)) : #""""#),
            ("original_id", isRevision ? quoted(pick(posts)) : #""""#),
            ("type", isEncrypted ? #""custom_e2ee""# : #""""#), ("message", quoted(text())), ("props", props),
            ("file_ids", chance(5) ? "[\(quoted(id("file\(below(9))x")))]" : "[]"),
            ("metadata", chance(6) ? preview() : "{}"),
        ]
        return object(&members)
    }

    /// As the server puts one post into another that has a link to it.
    private mutating func preview() -> String {
        let post = quoted(pick(posts))
        let shown = "{\"id\":\(post),\"user_id\":\(quoted(pick(users))),\"message\":\(quoted(text()))}"
        return "{\"embeds\":[{\"type\":\"permalink\",\"data\":{\"post_id\":\(post),\"post\":\(shown)}}]}"
    }

    private mutating func user() -> String {
        var members: [(String, String)] = [
            ("id", quoted(pick(users))),
            ("username", quoted(pick(["alice", "bob", "carol", "é", "e\u{301}", text()]))),
            ("nickname", quoted(text())), ("first_name", #""""#), ("last_name", #""""#), ("delete_at", "0"),
        ]
        return object(&members)
    }

    private mutating func channelObject() -> String {
        var members: [(String, String)] = [
            ("id", quoted(pick(channels))), ("type", quoted(pick(["O", "P", "D", "G", "X", text()]))),
            ("name", quoted(chance(3) ? "\(users[0])__\(users[1])" : text())), ("display_name", quoted(text())),
            ("team_id", quoted(id("team"))), ("create_at", "1"), ("delete_at", "0"),
        ]
        return object(&members)
    }

    private mutating func anyObject() -> String {
        var members: [(String, String)] = [
            ("id", quoted(pick(posts))), ("channel_id", quoted(pick(channels))), ("user_id", quoted(pick(users))),
            ("name", quoted(text())), ("display_name", quoted(text())), ("creator_id", quoted(pick(users))),
        ]
        return object(&members)
    }

    private mutating func key() -> String {
        let points = (0..<2).map { _ in PrivateKey.generate().publicKey }
        var json = JSONWriter()
        points[0].write(to: &json)
        return chance(4) ? value() : json.text
    }

    /// With a few members that are another thing, missing, or there twice.
    private mutating func object(_ members: inout [(String, String)]) -> String {
        while chance(2) {
            let place = below(members.count)
            switch below(5) {
            case 0: members.remove(at: place)
            case 1: members.append((members[place].0, value()))
            case 2: members.append(members[place])
            default: members[place].1 = value()
            }
            if members.isEmpty { break }
        }
        return "{\(members.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ","))}"
    }

    /// Anything that JSON can say.
    private mutating func value() -> String {
        switch below(14) {
        case 0: "null"
        case 1: "true"
        case 2: ["0", "-1", "1.5", "1e400", "-0"][below(5)]
        case 3: ["9223372036854775807", "-9223372036854775808", "99999999999999999999999999"][below(3)]
        case 4: #""\u0000""#
        case 5: #""before\u0000behind""#
        case 6: #""\ud800 \udc00""#
        case 7: #""\u001b[2J\u0007\u202e""#
        case 8: "[\(value()),\(value())]"
        case 9: "{\(quoted(text())):\(value())}"
        case 10: Self.nested(1 + below(300))
        case 11: "\"\(String(repeating: "x", count: below(5000)))\""
        case 12: quoted(pick(users + posts + channels))
        default: quoted(text())
        }
    }

    private static func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }

    private mutating func text() -> String {
        pick([
            "", "a", "hello", "\u{7}", "\u{202E}evil", "中文字", "a\nb\r\nFrom c", "\u{0}", "👩‍👩‍👧", "x__y", "<b>&\"'",
            "../../x",
        ])
    }

    private func quoted(_ text: String) -> String {
        var json = JSONWriter()
        json.string(nil, text)
        return json.text
    }

    private mutating func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }
    private mutating func chance(_ one: Int) -> Bool { below(one) == 0 }
    private mutating func pick<T>(_ values: [T]) -> T { values[below(values.count)] }
}
