import Bytes
import Foundation
import TestSupport
import Testing

@testable import Archive

/// A directory of a test's own, removed when the test is over.
final class Sandbox: Sendable {
    let path: String

    init() throws {
        let template = FileManager.default.temporaryDirectory.appendingPathComponent("mmvault-test.XXXXXX").path
        var name = Array(template.utf8CString)
        path = try #require(mkdtemp(&name).map { String(cString: $0) })
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// An account's directory with an empty archive in it.
    func account(_ name: String = "alice") throws -> AccountDirectory {
        try Vault(path: "\(path)/vault").makeAccount(
            Account(server: "https://chat.example.org", userID: id("u\(name)"), username: name))
    }

    /// What a shell command prints, run in the sandbox.
    @discardableResult
    func run(_ command: String) async throws -> String { try await StockTool.shell(command, in: path) }
}

/// An id of Mattermost's form that a person can tell apart: `name` and as many zeros as it takes.
func id(_ name: String) -> String { name + String(repeating: "0", count: 26 - name.count) }

/// One post's JSON as a server writes it: fields in a fixed order.
struct PostText {
    var id: String
    var createAt: Int64
    var updateAt: Int64
    var editAt: Int64 = 0
    var deleteAt: Int64 = 0
    var isPinned = false
    var user = alice
    var channel = town
    var root = ""
    var original = ""
    var message = ""
    var type = ""
    var props = "{}"
    var files = ""
    var volatile = #""reply_count":0,"last_reply_at":0,"participants":null,"metadata":{}"#

    init(_ name: String, at createAt: Int64, _ message: String = "", updateAt: Int64? = nil) {
        id = ArchiveTests.id(name)
        self.createAt = createAt
        self.updateAt = updateAt ?? createAt
        self.message = message
    }

    func with(_ change: (inout PostText) -> Void) -> PostText {
        var copy = self
        change(&copy)
        return copy
    }

    var json: String {
        """
        {"id":"\(id)","create_at":\(createAt),"update_at":\(updateAt),"edit_at":\(editAt),"delete_at":\(deleteAt),\
        "is_pinned":\(isPinned),"user_id":"\(user)","channel_id":"\(channel)","root_id":"\(root)",\
        "original_id":"\(original)","message":"\(message)","type":"\(type)","props":\(props),\(files)"hashtags":"",\
        "pending_post_id":"",\(volatile)}
        """
    }

    func edited(at time: Int64, _ message: String) -> PostText {
        with {
            $0.message = message
            $0.updateAt = time
            $0.editAt = time
        }
    }

    /// A frame of the WebSocket that tells of the post.
    func frame(_ event: String, sequence: Int = 1) -> [UInt8] {
        let text = json.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return Array(#"{"event":"\#(event)","data":{"post":"\#(text)"},"seq":\#(sequence)}"#.utf8)
    }

    /// What is left of a post once it was deleted.
    func deleted(at time: Int64) -> PostText {
        with {
            $0.deleteAt = time
            $0.updateAt = time
            $0.message = ""
            $0.props = #"{"deleteBy":"\#(user)"}"#
        }
    }

    /// The old revision that a server keeps of a post.
    func revision(_ name: String, replacedAt time: Int64) -> PostText {
        with {
            $0.original = $0.id
            $0.id = ArchiveTests.id(name)
            $0.deleteAt = time
            $0.updateAt = time
            $0.message = ""
        }
    }
}

let alice = id("ualice")
let bob = id("ubob")
let town = id("ctown")
/// A moment to count from.
let start: Int64 = 1_795_422_500_000

func page(_ posts: [PostText]) -> [UInt8] {
    let order = posts.sorted { $0.createAt > $1.createAt }.map { "\"\($0.id)\"" }.joined(separator: ",")
    let members = posts.map { "\"\($0.id)\":\($0.json)" }.joined(separator: ",")
    return Array(#"{"order":[\#(order)],"posts":{\#(members)},"next_post_id":"","prev_post_id":""}"#.utf8)
}

func received(
    _ body: [UInt8], _ kind: DocumentKind = .posts, channel: String? = town, at time: Int64 = start
) -> ReceivedDocument {
    let request = channel.map { "GET /api/v4/channels/\($0)/posts?per_page=200" } ?? "GET /api/v4/users/me/teams"
    return ReceivedDocument(
        kind: kind, request: request, channelID: channel, receivedAt: Timestamp(milliseconds: time), body: body)
}

extension ArchiveWriter {
    @discardableResult
    func keep(_ posts: [PostText], walk: WalkState? = nil, at time: Int64 = start) throws -> Int {
        let body = page(posts)
        return try append(received(body, at: time), page: PostsPage(body), walk: walk)
    }

    /// Archives frames that came together.
    @discardableResult
    func hear(_ frames: [UInt8]...) throws -> Int {
        try append(frames: frames, receivedAt: Timestamp(milliseconds: start))
    }

    func keep(_ json: String, _ kind: DocumentKind, at time: Int64 = start) throws {
        let objectKind = try #require(ObjectKind(listedIn: kind))
        try append(received(Array(json.utf8), kind, channel: nil, at: time), objects: objectKind)
    }
}

extension Archive {
    /// Whether the index is what the documents say, and nothing is damaged.
    func expectClean(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let damages = try await check().damages
        #expect(damages.isEmpty, "\(damages)", sourceLocation: sourceLocation)
    }

    /// Everything that a query selects, in order.
    func all(_ query: PostQuery = PostQuery(channelID: town), batch: Int = 1000) throws -> [StoredVersion] {
        let plan = try plan(query)
        return try stride(from: 0, to: plan.count, by: batch).flatMap {
            try plan.load($0..<min($0 + batch, plan.count))
        }
    }
}

extension StoredVersion {
    var text: String { String(decoding: json, as: UTF8.self) }
    /// The id without its zeros, and the state.
    var brief: String { "\(header.id.prefix { $0 != "0" }) \(state.rawValue)" }
}

extension Sandbox {
    /// A copy of an account's directory, made by the stock tool that makes one whole.
    func copy(_ directory: AccountDirectory) async throws -> AccountDirectory {
        try await copy(directory, by: #".backup '$copy'"#)
    }

    private func copy(_ directory: AccountDirectory, by command: String) async throws -> AccountDirectory {
        let name = "copy-\(UUID().uuidString)"
        try await run(
            """
            mkdir '\(name)'; copy='\(name)/archive.sqlite'
            sqlite3 '\(directory.archivePath)' "\(command)"
            """)
        return AccountDirectory(path: "\(path)/\(name)", name: name)
    }

    /// Changes an archive behind the program's back: what the guards forbid.
    func tamper(_ directory: AccountDirectory, _ sql: String) async throws {
        let tables = ["document", "version", "attachment", "object", "key_sighting", "walk", "ciphertext", "keyless"]
        let guards = tables.flatMap { ["\($0)_is_never_changed", "\($0)_is_never_deleted"] }
        try sql.write(toFile: "\(path)/change.sql", atomically: true, encoding: .utf8)
        try await run(
            """
            sqlite3 '\(directory.archivePath)' "SELECT sql || ';' FROM sqlite_master WHERE type = 'trigger'" >guards.sql
            { echo 'PRAGMA foreign_keys = OFF; BEGIN;'; printf 'DROP TRIGGER %s;\\n' \(guards.joined(separator: " "))
              cat change.sql; echo ';'; cat guards.sql; echo 'COMMIT;'; } | sqlite3 -bail '\(directory.archivePath)'
            """)
    }
}

/// The props of a post that holds an encrypted message: one of its own for each number.
func message(_ number: UInt8) -> String {
    func text(_ bytes: [UInt8]) -> String { Base64.standard.encode(bytes) }
    return #"{"e2ee":{"version":1,"iv":"\#(text([UInt8](repeating: number, count: 16)))","#
        + #""pubECDHE":"\#(text(point(9)))","encryptedData":"\#(text([number]))"}}"#
}

/// The keys that a statement about keys names.
func sightings(in document: ReceivedDocument) throws -> [KeySighting] {
    let source: KeySighting.Source = document.kind == .ownKey ? .own : .server
    return KeySighting.all(in: try JSONDocument(document.body).root, source: source, at: document.receivedAt)
}
