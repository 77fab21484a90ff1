import Bytes
import DemoServer
import Foundation
import Testing

/// Exports of a server, taken in from a zip.
@Suite struct ImportTests {
    /// What every live post says, in a form that does not depend on ids.
    private func sayings(_ stage: Stage, _ options: String = "") async throws -> [String] {
        _ = try await stage.run("rm -rf out")
        let outcome = try await stage.run("mmvault \(options) export jsonl out --include-unverified \(Stage.keys)")
        // Some of the texts that were asked for are not clean.
        guard outcome.code == 2 else { throw StageError(what: outcome.errors) }
        let lines = try stage.read("out/posts.jsonl").split(separator: 0x0A)
        return try lines.compactMap { line in
            let post = try JSONDocument(Array(line)).root
            guard post["state"]?.string == "live" else { return nil }
            let words = ["username", "content", "text", "type"].map { key in
                post.members.first { $0.key == key }?.value.string ?? "-"
            }
            let isReply = post["root_id"]?.string?.isEmpty == false
            return "\(post["create_at"]?.int ?? 0) \(words.joined(separator: " ")) \(isReply)"
        }.sorted()
    }

    @Test func bulkExport_ReadsAsThePulledArchiveDoes() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let pulled = try await sayings(stage)
            try await stage.zipBulk()
            let outcome = try await stage.run("mmvault import export.zip --as alice --vault alone")
            #expect(outcome.code == 0, "\(outcome.everything)")
            #expect(outcome.output.contains("1 other file not taken"))
            #expect(try await sayings(stage, "--vault alone") == pulled)
            #expect(pulled.count > 8)
            try await stage.expectClean("--vault alone")
            // Her own signature is known by her own key; nobody else's is.
            let read = try await stage.run("mmvault --vault alone read @bob \(Stage.keys)")
            #expect(read.output.contains("I know.") && read.output.contains("imported with export.zip"))
            #expect(read.output.contains("NOT VERIFIED (unknownSender"))
        }
    }

    /// There is no server behind it, and nothing says that there were one.
    @Test func anArchiveOfImportsAlone_IsCalledOne() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            try await stage.zipBulk()
            let nowhere = try await stage.run("mmvault --vault none import export.zip")
            #expect(nowhere.code == 9 && nowhere.errors.contains("--as USERNAME"), "\(nowhere.everything)")
            #expect(try await stage.run("mmvault import export.zip --as alice --vault alone").code == 0)
            #expect(
                try await stage.run("mmvault --vault alone status").lines.first == "Account   alice in imports alone")
            let read = try await stage.run("mmvault --vault alone read town-square")
            #expect(read.output.contains("as alice sees it in imports alone;"))
            let plain = try await stage.run("mmvault --vault alone verify --channel town-square")
            #expect(plain.output.hasSuffix("Nothing is encrypted, and so nobody signed anything.\n"))
            let pull = try await stage.run("mmvault --vault alone pull")
            #expect(pull.code == 6 && pull.errors.contains("holds imports alone"), "\(pull.everything)")
        }
    }

    @Test func filesOfAnExport_AreCarriedByEveryFormat() async throws {
        try await Stage.with { stage in
            let post =
                #"{"team":"t","channel":"town","user":"alice","type":"","message":"Here","create_at":1764000000000,"#
                + #""attachments":[{"path":"2025/../list <1>.txt"},{"path":"2025/b.txt"}],"replies":[]}"#
            try await stage.zip(
                "x.zip",
                [
                    ("import.jsonl", #"{"type":"post","post":\#(post)}"# + "\n"), ("data/2025/b.txt", "the content\n"),
                    ("data/emoji/x.png", "none"),
                ])
            let outcome = try await stage.run("mmvault --vault alone import x.zip --as alice")
            #expect(outcome.code == 0, "\(outcome.everything)")
            #expect(outcome.output.contains("1 file of posts, ") && outcome.output.contains("1 other file not taken"))
            try await stage.expectClean("--vault alone")
            let status = try await stage.run("mmvault --vault alone status").output
            #expect(status.contains("1 missing: the export does not have it"), "\(status)")
            for format in ["markdown", "jsonl", "mbox"] {
                let export = try await stage.run("mmvault --vault alone export --no-keys \(format) \(format)")
                #expect(export.code == 0, "\(export.everything)")
            }
            for format in ["markdown", "jsonl"] {
                let found = try await stage.run("cat \(format)/files/import-*-b.txt").output
                #expect(found == "the content\n")
            }
            let mail = try await stage.run("cat mbox/t/*.mbox").output
            #expect(mail.contains("Content-Disposition: attachment") && mail.contains("the export does not have it"))
        }
    }

    @Test(arguments: ["bulk", "hold"])
    func everythingThatWasPulled_IsJoined(form: String) async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let before = try await stage.run("mmvault verify --json \(Stage.keys)").output
            try await form == "bulk" ? stage.zipBulk("x.zip") : stage.zipHold("x.zip")
            let outcome = try await stage.run("mmvault import x.zip")
            #expect(outcome.code == 0 && outcome.output.contains("  0 added, "), "\(outcome.everything)")
            #expect(!outcome.output.contains("not known"))
            #expect(try await stage.run("mmvault verify --json \(Stage.keys)").output == before)
            try await stage.expectClean()
        }
    }

    @Test func whatThePullDidNotBring_ComesFromTheExportWithItsVerdict() async throws {
        try await Stage.with { stage in
            _ = try await stage.run("mmvault login $URL --token-file token.txt && mmvault pull --channel release")
            try await stage.zipBulk()
            let outcome = try await stage.run("mmvault import export.zip")
            #expect(outcome.code == 0, "\(outcome.everything)")
            let direct = try await stage.run("mmvault verify --json --channel @bob \(Stage.keys)").lines
            #expect(direct.count == 3)
            for line in direct { #expect(line.contains(#""source":"import export.zip""#), "\(line)") }
            #expect(direct.filter { $0.contains(#""verified","content":"decrypted""#) }.count == 2)
            let release = try await stage.run("mmvault verify --json --channel release \(Stage.keys)")
            #expect(!release.output.contains("import"))
            // The server is not asked about what it never had, and what it has finds its place.
            #expect(try await stage.run("mmvault pull").code == 0)
            let full = try await stage.run("mmvault pull --full")
            #expect(full.code == 0 && !full.errors.contains("archived post"), "\(full.everything)")
            try await stage.expectClean()
        }
    }

    @Test func beforeTheFirstPull_IsTooEarly() async throws {
        try await Stage.with { stage in
            _ = try await stage.run("mmvault login $URL --token-file token.txt")
            let before = try await stage.run("mmvault check").output
            try await stage.zipBulk("x.zip")
            try await stage.zipHold()
            for name in ["x.zip", "hold.zip"] {
                let early = try await stage.run("mmvault import \(name)")
                #expect(early.code == 9 && early.errors.contains("hint: “mmvault pull” first"), "\(early.everything)")
                #expect(early.errors.contains("--as") && early.output.isEmpty)
                #expect(try await stage.run("mmvault check").output == before)
            }
            _ = try await stage.run("mmvault pull")
            #expect(try await stage.run("mmvault import x.zip").output.contains("  0 added, "))
            let channels = try await stage.run("mmvault channels").output
            #expect(try await stage.run("mmvault import hold.zip && mmvault channels").output.hasSuffix(channels))
            // Where nobody can log in any more, there is nothing to wait for.
            _ = try await stage.run(
                "mkdir old && mmvault login $URL --token-file token.txt --vault old && rm old/*/session.json")
            let late = try await stage.run("mmvault import x.zip --vault old")
            #expect(late.code == 0 && !late.output.contains("  0 added"), "\(late.everything)")
            try await stage.expectClean("--vault old")
        }
    }

    /// A row of a table whose hashes nobody checked, in place of what the server had said and somebody had signed.
    @Test func forgedRow_ReplacesNothing() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let direct = stage.story.direct
            let post = try #require(stage.story.world.posts(in: direct).first { $0.type == "custom_e2ee" && $0.isLive })
            let before = try await stage.run("mmvault verify --json --channel @bob \(Stage.keys)").lines.map(
                String.init)
            let names = [stage.story.alice.id, stage.story.bob.id].sorted().joined(separator: "__")
            let row =
                ",,\(names),,D,bob,,,\(post.id),\(post.createAt),\(post.updateAt + 5),0,,,I never said it,,{},,[],false\n"
            for channel in [direct, stage.story.square] {
                try await stage.zipHold { files in
                    for name in files.keys where name.contains("/messages/") { files[name] = nil }
                    files["\(ExportedStory.folder)/\(channel)/messages/messages-1-x.csv"] = ExportedStory.columns + row
                }
                let outcome = try await stage.run("mmvault import hold.zip")
                #expect(outcome.code == (channel == direct ? 0 : 65), "\(outcome.everything)")
                if channel != direct { #expect(outcome.errors.contains("in another channel")) }
                let after = try await stage.run("mmvault verify --json --channel @bob \(Stage.keys)").lines.map(
                    String.init)
                #expect(after.filter { !$0.contains("import hold.zip") } == before)
                #expect(after.count == before.count + 1)
                try await stage.expectClean()
            }
        }
    }

    @Test func repliesOfOldServers_HaveNoPayload() async throws {
        try await Stage.with { stage in
            try await stage.zipBulk(keepsPropsOfReplies: false)
            #expect(try await stage.run("mmvault import export.zip --as alice").code == 0)
            let replies = try await stage.run("mmvault verify --json \(Stage.keys)").lines
            // The reply, and the post that was sent without one.
            #expect(replies.filter { $0.contains(#""content":"missingPayload""#) }.count == 2)
            try await stage.expectClean()
        }
    }

    @Test func theSameZip_AddsNothingTheSecondTime() async throws {
        try await Stage.with { stage in
            try await stage.zipBulk()
            #expect(try await stage.run("mmvault import export.zip --as alice").code == 0)
            let before = try await stage.run("mmvault check").output
            let again = try await stage.run("cp export.zip other.zip && mmvault import other.zip --as alice")
            #expect(
                again.code == 0 && again.output.contains("was imported on")
                    && again.output.contains("nothing was added"))
            #expect(try await stage.run("mmvault check").output == before)
            // Another zip of the same posts adds none of them.
            let text = ExportedStory(story: stage.story).lines.map { $0 + "\n" }.joined()
            try await stage.zip("third.zip", [("import.jsonl", text)])
            let third = try await stage.run("mmvault import third.zip --as alice")
            #expect(third.code == 0 && third.output.contains("  0 added, "), "\(third.everything)")
            try await stage.expectClean()
        }
    }

    @Test func aKill_LeavesWhatASecondRunCompletes() async throws {
        try await Stage.with { stage in
            var lines = ExportedStory(story: stage.story).lines
            for number in 0..<20_000 {
                lines.append(
                    #"{"type":"post","post":{"team":"harbour","channel":"town-square","user":"bob","type":"","#
                        + #""message":"post \#(number)","props":{},"create_at":\#(1_700_000_000_000 + number)}}"#)
            }
            try await stage.zip("export.zip", [("import.jsonl", lines.map { $0 + "\n" }.joined())])
            try await stage.settle()
            let before = try await stage.run("mmvault check").output
            var kills = 0
            for milliseconds in stride(from: 100, to: 4000, by: 300) {
                let outcome = try await stage.run(
                    "timeout --signal KILL \(Double(milliseconds) / 1000) mmvault import export.zip")
                guard outcome.code == 137 else { break }
                kills += 1
                #expect(try await stage.run("mmvault check").output == before)
            }
            #expect(kills > 0)
            let stopped = try await stage.run("timeout --signal INT --preserve-status 0.6 mmvault import export.zip")
            #expect(
                stopped.code == 130 && stopped.errors.contains("hint: it is added as a whole or not at all"),
                "\(stopped.everything)")
            #expect(try await stage.run("mmvault check").output.contains("head of the chain"))
            #expect(try await stage.run("mmvault import export.zip").code == 0)
            try await stage.expectClean()
            let posts = try await stage.run("mmvault verify --json --channel town-square").lines
            #expect(posts.count > 20_000)
        }
    }

    @Test func help_AndUsage() async throws {
        try await Stage.with { stage in
            #expect(try await stage.run("mmvault import none.zip --as alice").code == 64)
            #expect(try await stage.run("mmvault import x.zip --as alice --account alice").code == 64)
            #expect(try await stage.run("mmvault import x.zip --max-size 0").code == 64)
            try await stage.zipBulk()
            #expect(try await stage.run("mmvault import export.zip").code == 9)
        }
    }
}
