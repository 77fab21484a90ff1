import E2EE
import Foundation
import Testing

/// A keeper of a history and a writer, with two private channels: one in the clear, one encrypted. They have a direct
/// channel, too, and a group channel where there is a third account.
struct LiveStory: Home {
    let folder = newFolder()
    let url: String
    let server: LiveServer
    let keeper: LiveClient
    let writer: LiveClient
    /// Is in the group channel only.
    let third: LiveClient?
    /// Writes posts with times of its choice.
    let admin: LiveClient?
    let clear: String
    let secret: String
    /// What the two channels' names begin with.
    let name: String

    init(_ server: LiveServer) async throws {
        self.server = server
        url = server.url
        keeper = try await LiveClient(url: server.url, token: server.token)
        writer = try await LiveClient(url: server.url, token: server.otherToken)
        third = if let token = server.thirdToken { try await LiveClient(url: server.url, token: token) } else { nil }
        admin = if let token = server.adminToken { try await LiveClient(url: server.url, token: token) } else { nil }
        for client in [keeper, writer, third].compactMap(\.self) where !server.mayReplaceKeys {
            guard try await !client.hasKey() else {
                throw StageError(
                    what: "an account has a key of the plugin's, which this test would replace; where it may go, set "
                        + "MMVAULT_LIVE_REPLACE_KEYS=1")
            }
        }
        name = "mmvault-live-\(Int(Date().timeIntervalSince1970 * 1000))"
        clear = try await keeper.makeChannel(
            "\(name)-clear", in: server.team, with: [writer, admin].compactMap(\.self))
        secret = try await keeper.makeChannel("\(name)-secret", in: server.team, with: [writer])
    }

    func end() async {
        for channel in [clear, secret] { try? await keeper.archive(channel) }
        await remove()
    }

    // MARK: The acts

    /// Both make their keys, the keeper's with a backup, and talk.
    func begin() async throws {
        try furnish()
        try write("token.txt", server.token + "\n")
        try await makeGpgKey(for: "keeper")
        let sealed = try await seal(keeper.key)
        try await keeper.pushKey(backup: sealed)
        try await writer.pushKey(backup: nil)
        try await third?.pushKey(backup: nil)
        try await keeper.encrypt(secret)
        _ = try await writer.post("clear at first", in: clear)
        let file = try await writer.upload("what is in the file\n", named: "note.txt", to: clear)
        _ = try await writer.post("with a file", in: clear, file: file)
        _ = try await writer.postEncrypted("secret at first", in: secret, with: keeper)
        _ = try await keeper.postEncrypted("secret of the keeper's", in: secret, with: writer)
        try await beginInPrivate()
        try await tie()
    }

    func recover() async throws {
        let outcome = try await run("mmvault recover $URL --token-file token.txt")
        #expect(outcome.code == 0, "\(outcome.everything)")
        #expect(outcome.output.contains("Restored: \(keeper.key.id)"), "\(outcome.everything)")
        for text in ["clear at first", "with a file", "secret at first", "secret of the keeper's"] {
            #expect(try await texts().contains(text), "\(text) is missing")
        }
        try await lookAtPrivate()
        try await lookAtTies()
        let file = try await run("grep -lr 'what is in the file' vault/*/files | grep -c .")
        #expect(file.output == "1\n", "\(file.everything)")
    }

    func pull() async throws {
        let (open, sealed) = try await (
            writer.post("clear before", in: clear), writer.postEncrypted("secret before", in: secret, with: keeper)
        )
        try await pullAll()
        try await writer.edit(open, "clear after")
        try await writer.editEncrypted(sealed, "secret after", with: keeper)
        let deleted = try await writer.postEncrypted("secret that goes", in: secret, with: keeper)
        try await writer.delete(deleted)
        try await pullAll()
        for text in ["clear before", "clear after", "secret before", "secret after"] {
            #expect(try await texts().contains(text), "\(text) is missing")
        }
        #expect(try await verdicts(of: deleted).contains { $0.contains(#""state":"deleted""#) })
    }

    /// A post is caught that is gone before anybody can ask for it.
    func follow() async throws {
        async let following = run("mmvault pull --follow >log 2>&1 & echo $! >pid; wait $!")
        try await wait("the following is connected") { try await run("grep -c '^.*connected' log").code == 0 }
        try await wait("all channels are read") { try await run("grep -c 'The archive is in' log").code == 0 }
        for round in 1...5 {
            let post = try await writer.post("clear, and gone at once: \(round)", in: clear)
            let posted = try await time("post \(round) is archived") { try await isArchived(post) }
            try await writer.edit(post, "edited, and gone at once: \(round)")
            let edited = try await time("its edit is archived") { try await isArchived(post, "edit_at > 0") }
            try await writer.delete(post)
            let deleted = try await time("its deletion is archived") { try await isArchived(post, "delete_at > 0") }
            print("archived \(posted) after it was posted, \(edited) after its edit, \(deleted) after its deletion")
        }
        let sealed = try await writer.postEncrypted("secret while following", in: secret, with: keeper)
        try await wait("the message is archived") { try await isArchived(sealed) }
        _ = try await run("kill -TERM $(cat pid)")
        let outcome = try await following
        let log = try await run("cat log").output
        #expect(outcome.code == 0, "\(log)")
        #expect(try await texts().contains("secret while following"))
        let all = try await texts()
        for round in 1...5 {
            for text in ["clear, and gone at once: \(round)", "edited, and gone at once: \(round)"] {
                #expect(all.contains(text), "\(text) is missing")
            }
        }
    }

    func lookBack() async throws {
        let full = try await run("mmvault pull --full")
        #expect(full.code == 0, "\(full.everything)")
        let check = try await run("mmvault check")
        #expect(check.code == 0 && check.output.contains("Everything is as it was received"), "\(check.everything)")
        // Everything encrypted was written by these two, and for both.
        let encrypted = try await run("mmvault verify --json --channel \(name)-secret | grep -v '\"plain\"'")
        #expect(encrypted.lines.count >= 6, "\(encrypted.everything)")
        for line in encrypted.lines {
            #expect(line.contains(#""authenticity":"verified","content":"decrypted""#), "\(line)")
        }
    }

    // MARK: Looking

    /// A private key as the plugin's client makes the backup that it sends.
    private func seal(_ key: PrivateKey) async throws -> String {
        try write("key.asc", KeyBackup.text(of: key))
        let outcome = try await run(
            "gpg --batch --quiet --trust-model always --armor --recipient keeper --encrypt <key.asc && rm key.asc")
        guard outcome.code == 0 else { throw StageError(what: outcome.errors) }
        return outcome.output
    }

    func pullAll() async throws {
        let outcome = try await run("mmvault pull")
        #expect(outcome.code == 0, "\(outcome.everything)")
    }

    /// Every text of the two channels, of all versions.
    func texts() async throws -> Set<String> {
        let outcome = try await run(
            """
            rm -rf texts; mmvault export jsonl texts --channel \(name)-clear --channel \(name)-secret >/dev/null
            cat texts/*.jsonl | jq -r '.. | .text? // empty'
            """)
        return Set(outcome.lines.map(String.init))
    }

    func verdicts(of post: String) async throws -> [Substring] {
        try await run("mmvault verify --json | grep \(post)").lines
    }

    /// - Parameter condition: on the versions of the post, in SQL.
    func isArchived(_ post: String, _ condition: String = "true") async throws -> Bool {
        let query = "SELECT count(*) FROM version WHERE post_id = '\(post)' AND \(condition)"
        return try await run("sqlite3 -readonly vault/*/archive.sqlite \"\(query)\"").output != "0\n"
    }

    private func time(_ what: String, until isSo: () async throws -> Bool) async throws -> Duration {
        let start = ContinuousClock.now
        try await wait(what, until: isSo)
        return start.duration(to: .now)
    }

    private func wait(_ what: String, until isSo: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while try await !isSo() {
            guard ContinuousClock.now < end else { throw StageError(what: "not within a minute: \(what)") }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
