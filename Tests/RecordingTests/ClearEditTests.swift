import Archive
import Bytes
import E2EE
import Foundation
import Reader
import TestSupport
import Testing

/// A server on which people edited encrypted posts in the clear, as one pull found it: texts beside payloads, a plain post
/// that was encrypted later, an encrypted one that no longer is.
@Suite(.enabled(if: SharedData.file(ClearEdits.folder) != nil, "\(SharedData.absence(of: ClearEdits.folder))"))
struct ClearEditTests {
    @Test func everyPost_ReadsAsItWasWritten() async throws {
        try await ClearEdits.with { recording, expected in
            let read = try await recording.posts(with: ClearEdits.keys)
            #expect(expected.count == 240)
            #expect(Set(expected.keys).symmetricDifference(read.keys).sorted() == [])
            for (id, json) in expected {
                var reading = Reading(json)
                // Where nothing is encrypted, what stands in its place is shown, as nobody's.
                if reading.content == "missingPayload" { reading.text = json["clear_edit"]?.string }
                #expect(read[id].map(Reading.init) == reading, "\(id)")
            }
            #expect(try await recording.archive.check().damages.isEmpty)
        }
    }

    @Test func aTextBesideAPayload_IsToldApartFromIt() async throws {
        try await ClearEdits.with { recording, expected in
            var marked = 0
            for (id, post) in try await recording.posts(with: ClearEdits.keys) {
                let json = try #require(expected[id])
                // That of an old revision is empty in every list, and these were not asked for one by one.
                let isServed = json["clear_edit_from"] == nil && post.verdict.content == .decrypted
                let clear = isServed ? json["clear_edit"]?.string : nil
                #expect(post.clearText?.withheldString == clear, "\(id)")
                #expect(post.verdict.suspicions.contains(.editedInTheClear) == (clear != nil), "\(id)")
                if clear != nil {
                    marked += 1
                    #expect(!post.verdict.isClean, "\(id)")
                }
            }
            #expect(marked == 13)
        }
    }

    /// What lists leave out of an old revision its author is told: it stands once then, with the text.
    @Test func whatOnlyTheHistorySays_StandsOnce() async throws {
        try await ClearEdits.with(hasHistories: true) { recording, expected in
            let read = try await recording.posts(with: ClearEdits.keys)
            #expect(Set(expected.keys).symmetricDifference(read.keys).sorted() == [])
            var told = 0
            for (id, json) in expected {
                guard read[id]?.verdict.content == .decrypted else { continue }
                #expect(read[id]?.clearText?.withheldString == json["clear_edit"]?.string, "\(id)")
                if json["clear_edit_from"] != nil { told += 1 }
            }
            #expect(told == 2)
            #expect(try await recording.archive.check().damages.isEmpty)
        }
    }

    /// Of encrypted posts, too: nothing else tells the texts that were overwritten.
    @Test func theAuthorsEditedPosts_AreAskedAbout() async throws {
        func asked(_ archive: Archive) throws -> [String] {
            try archive.channels().flatMap { channel in
                try archive.postsWithUnknownHistory(
                    channelID: channel.id, userID: ClearEdits.account.userID, after: .first, limit: 100)
            }.map(\.postID)
        }
        try await ClearEdits.with { recording, expected in
            let wanted = try asked(recording.archive)
            for (id, json) in expected where json["clear_edit_from"] != nil {
                #expect(wanted.contains(try #require(json["original_id"]?.string)), "\(id)")
            }
            // Once.
            let writer = try ArchiveWriter(recording.directory)
            for id in wanted {
                let record = HistoryRecord(postID: id, status: 200)
                try await writer.append(
                    HistoryRecord.document([record], channelID: id, at: ClearEdits.at), objects: .history)
            }
            #expect(try asked(recording.archive) == [])
        }
    }

    /// An honest server's history: nothing but what was edited in the clear is suspicious.
    @Test func nothingElse_IsSuspicious() async throws {
        try await ClearEdits.with { recording, _ in
            let posts = try await recording.posts(with: ClearEdits.keys)
            let others = posts.filter { !$0.value.verdict.suspicions.allSatisfy { $0 == .editedInTheClear } }
            #expect(others.map { "\($0.key): \($0.value.verdict.authorship)" }.sorted() == [])
        }
    }

    /// Its type never was that of encrypted posts; what it holds decides.
    @Test func aPlainPostThatWasEncryptedLater_IsEncrypted() async throws {
        try await ClearEdits.with { recording, _ in
            let posts = try await recording.posts(with: ClearEdits.keys).values
            let encrypted = posts.filter { $0.header.type.isEmpty && $0.verdict.content == .decrypted }
            #expect(encrypted.count { $0.header.id.hasPrefix("xnayzkmz") } == 1)
            #expect(encrypted.allSatisfy { $0.verdict.authenticity != nil && $0.clearText == nil })
        }
    }
}

/// The recording, which is not in the fixtures.
private enum ClearEdits {
    static let folder = "recordings112"
    static let account = Account(
        server: "http://localhost:8065", userID: "ei7doj99eiyj5mo71x3qod3uoo", username: "ilse.brandt")
    static let at = Timestamp(milliseconds: 1_796_005_000_000)
    /// Of the lines, those of the first pull, and those of what the owner asked about the histories of posts.
    private static let pull = 2...108
    private static let histories = 286...324

    static var keys: [PrivateKey] {
        get throws { try (1...2).flatMap { try KeyBackup.privateKeys(in: data("keys/ilse.\($0).asc")) } }
    }

    /// Runs `body` with an archive that holds the pull's answers, and with what each post should read as.
    ///
    /// - Parameter hasHistories: whether the archive also holds what the server says that the owner's posts said before.
    static func with(
        hasHistories: Bool = false, _ body: (Recording, [String: JSONValue]) async throws -> Void
    ) async throws {
        let members = try JSONDocument(data("expected.json")).root.members
        let expected = Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value) })
        let lines = [pull] + (hasHistories ? [histories] : [])
        let fill: (AccountDirectory) async throws -> Void = { try await ClearEdits.fill($0, lines) }
        try await Recording.with(account, fill) { try await body($0, expected) }
    }

    private static func data(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: #require(SharedData.file("\(folder)/\(name)"))))
    }

    private static func fill(_ directory: AccountDirectory, _ chosen: [ClosedRange<Int>]) async throws {
        let writer = try ArchiveWriter(directory)
        let lines = try data("ilse.jsonl").split(separator: UInt8(ascii: "\n"))
        for line in chosen.flatMap({ lines[$0.lowerBound - 1..<$0.upperBound] }) {
            let answer = try JSONDocument(Array(line)).root
            guard let path = answer["request"]?["path"]?.string, let method = answer["request"]?["method"]?.string,
                answer["status"]?.int == 200, let text = answer["body"]?.string
            else { continue }
            func document(_ kind: DocumentKind, channel: String? = nil) -> ReceivedDocument {
                ReceivedDocument(
                    kind: kind, request: "\(method) \(path)", channelID: channel, receivedAt: at, body: Array(text.utf8)
                )
            }
            let parts = path.prefix { $0 != "?" }.split(separator: "/").map(String.init)
            switch parts.last {
            case "teams": try await writer.append(document(.teams), objects: .team)
            case "channels": try await writer.append(document(.channels), objects: .channel)
            case "ids": try await writer.append(document(.users), objects: .user)
            case "get":
                let keys = document(.keys)
                try await writer.append(keys, keys: try Recording.sightings(keys.body, at: at))
            case "posts":
                let posts = document(.posts, channel: parts[3])
                try await writer.append(posts, page: try PostsPage(posts.body), walk: nil)
            case "edit_history":
                let history = document(.history)
                try await writer.append(history, page: try PostsPage(history: history.body), walk: nil)
            default: continue
            }
        }
    }
}
