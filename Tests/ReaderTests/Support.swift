import Bytes
import Foundation
import Glibc
import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// A folder of the test's own, gone with it.
final class Scratch {
    let path: String

    init() {
        var template = Array("\(NSTemporaryDirectory())/reader.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("no temporary folder: \(errno)") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    subscript(name: String) -> String { "\(path)/\(name)" }
}

/// SplitMix64: the same numbers every time.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// An id as the server makes them, that one can read.
func id(_ word: String) -> String {
    String((word.lowercased().filter { $0.isLetter || $0.isNumber } + String(repeating: "0", count: 26)).prefix(26))
}

/// Everything a post of a test may be; whatever is not said is harmless.
struct Draft {
    var name: String
    var user = "alice"
    var root = ""
    var original = ""
    var sequence: Int64 = 1
    var at: Int64 = 1_795_422_665_000
    var editAt: Int64 = 0
    var deleteAt: Int64 = 0
    var type = ""
    var state = PostState.live
    var authenticity: Authenticity?
    var content = Content.plain
    var suspicions: [Suspicion] = []
    var text = PostText.plain("")
    var files: [AttachedFile] = []
    var reason = ""
    var circumstances = Circumstances()
    var absence: NoticedAbsence?
    /// What stands in the clear beside the message.
    var clearText: String?

    init(_ name: String, _ change: (inout Draft) -> Void = { _ in }) {
        self.name = name
        change(&self)
    }

    init(_ name: String, plain: String, _ change: (inout Draft) -> Void = { _ in }) {
        self.init(name)
        text = .plain(plain)
        change(&self)
    }

    init(_ name: String, verified: String, _ change: (inout Draft) -> Void = { _ in }) {
        self.init(name)
        (authenticity, content, type) = (.verified, .decrypted, "custom_e2ee")
        text = .verified(VerifiedText(Array(verified.utf8)))
        change(&self)
    }

    init(_ name: String, unanswered: String, _ change: (inout Draft) -> Void = { _ in }) {
        self.init(name)
        (authenticity, content, type) = (.newKeyUnanswered, .decrypted, "custom_e2ee")
        text = .unanswered(UnansweredText(Array(unanswered.utf8)))
        reason = "signed by the key a1a1a1a1a1a1a1a1, and nobody has said yet that it is the author's"
        change(&self)
    }

    init(_ name: String, unverified: String, _ change: (inout Draft) -> Void = { _ in }) {
        self.init(name)
        (authenticity, content, type) = (.signatureInvalid, .decrypted, "custom_e2ee")
        text = .unverified(UnverifiedText(Array(unverified.utf8)))
        reason = "not signed by the author's known key"
        change(&self)
    }

    var post: ReadPost {
        let header = StoredVersion.Header(
            sequence: sequence, documentSequence: 2, id: id(name), channelID: id("channel"), userID: id(user),
            rootID: root.isEmpty ? "" : id(root), originalID: original.isEmpty ? "" : id(original), type: type,
            createAt: at, updateAt: max(at, editAt, deleteAt), editAt: editAt, deleteAt: deleteAt)
        return ReadPost(
            header: header, state: state,
            verdict: Verdict(authenticity: authenticity, content: content, suspicions: suspicions),
            signedBy: authenticity?.isVerified == true ? KeyID([UInt8](repeating: 0xA1, count: 32)) : nil,
            openedBy: content == .decrypted ? KeyID([UInt8](repeating: 0xB2, count: 32)) : nil, text: text,
            clearText: clearText.map { UnverifiedText(Array($0.utf8)) }, files: files,
            reason: reason, circumstances: circumstances,
            absence: absence, signer: authenticity?.isVerified == true ? SignerID(ofPoint: []) : nil)
    }
}

extension Channel {
    static func named(
        _ name: String, id word: String = "channel", kind: Kind? = .open, team: String = "team", display: String = ""
    ) -> Channel {
        Channel(
            id: ReaderTests.id(word), kind: kind, teamID: ReaderTests.id(team), name: name, displayName: display,
            deleteAt: 0,
            totalMessageCount: 0, lastPostAt: 0)
    }
}

func user(_ word: String, _ nickname: String = "", username: String? = nil) -> User {
    User(id: id(word), username: username ?? word, nickname: nickname, firstName: "", lastName: "")
}

/// What a renderer makes of `drafts`.
struct Rendering {
    var format: ExportFormat
    var channel = Channel.named("town", display: "Town")
    var users = [user("alice", "Alice"), user("bob", "Bob")]
    var team = Team(id: id("team"), name: "team", displayName: "Team")
    var server = "https://chat.example.org"
    var includesUnverified = false
    /// Whether the channel has encrypted posts.
    var isEncrypted = true
    /// What became of the files of posts.
    var states: (AttachedFile) -> ShownFile.State = { _ in .leftOut }
    var store = FileStore(AccountDirectory(path: "/nowhere", name: "nowhere"))

    func bytes(_ drafts: [Draft]) throws -> [UInt8] {
        let scratch = Scratch()
        let people = ExportPeople(
            account: Account(server: server, userID: id("alice"), username: "alice"), users: users, teams: [team])
        let file = try ExportDirectory(scratch["out"]).makeFile("file")
        var renderer: any PostRenderer =
            switch format {
            case .jsonl: JSONLinesRenderer(people, file)
            case .mbox: MboxRenderer(channel, people, file, store, isEncrypted: isEncrypted)
            case .markdown: MarkdownRenderer(channel, people, file, isEncrypted: isEncrypted)
            }
        for draft in drafts {
            let post = draft.post
            try renderer.write(
                post, ShownText(post, includesUnverified: includesUnverified),
                ShownText(clearEditOf: post, includesUnverified: includesUnverified),
                post.files.map { ShownFile(attached: $0, state: states($0)) })
        }
        try file.close()
        return try #require(try PrivateFile.read(scratch["out/file"]))
    }

    func text(_ drafts: [Draft]) throws -> String { String(decoding: try bytes(drafts), as: UTF8.self) }
}

/// Texts that have broken, or would break, one format or another.
let hostileTexts: [String] =
    [
        "", " ", "\n", "\n\n\n", "text\n", "text\n\n", "\ntext", "From x", "From ", ">From x",
        ">>From x\nFrom y\n>>>From ",
        "a\nFrom here\nFrom there", "From", "from x", " From x", "a\0b", "a\rb", "\r", "a\r\nb", "a\r\nFrom b\r\n",
        "\r```\r", "\u{2028}```\u{2029}```\u{85}", String(repeating: "x", count: 5000),
        "short\n\(String(repeating: "é", count: 4000))\nshort", String(decoding: [0x61, 0xFF, 0xC3], as: UTF8.self),
        "=?UTF-8?B?ZXZpbA==?=", "=?utf-8?q?evil?=\nSubject: x", "Subject: forged\n\nbody", "X-Mattermost-State: live",
        "# x", "## 2026-01-01", "\n## 2026-01-01\n\n**Alice** (@alice) · 10:00\n\n```text\nforged\n```\n",
        "> quote", "<img src=\"http://127.0.0.1/x.png\">", "[x]: http://127.0.0.1/", "![x](http://127.0.0.1/x.png)",
        "~~~\nx\n~~~", "    indented", "\tindented", "*(no text)*", "\u{1B}[2Jgone\u{9B}0m", "\u{202E}txt.exe",
        "e\u{301} 👩‍👩‍👧 \u{200B}\u{FEFF}", ".", "-- \nsignature", "`", "\\`\\`\\`",
    ] + (1...20).map { "before\n\(String(repeating: "`", count: $0))\nafter\(String(repeating: "`", count: $0))" }

/// Names with everything that could begin something.
let hostileNames: [String] = [
    "", " ", "Eve\nX-Evil: 1", "Eve\r\nX-Evil: 1\r\n\r\nbody", "Eve\r", "\"Eve\" <eve@evil>", "Eve\"", "Eve\\", "\\",
    "=?UTF-8?B?ZXZpbA==?=", "Évé", "日本語の名前", String(repeating: "x", count: 1200), String(repeating: "\"", count: 800),
    String(repeating: "\\", count: 390), String(repeating: "é", count: 700),
    "\u{1B}]0;x\u{7}", "\u{202E}ecila", "a\u{0}b", "**Bob**", "Bob** (@bob) · 10:00", "`x`", "<b>", "[x](http://evil/)",
    "# x", "x #", "\u{2028}From evil", "www.evil.example", "https://evil.example/", "&amp;",
    "\\<img src=http://evil/\\>",
    "\\*x\\*", "`\u{301}x`\u{301}", "*\u{301}x*\u{301}", "../../etc/passwd", "👩‍👩‍👧", ";,:()@",
]
