import Bytes
import DemoServer
import Foundation
import Testing

/// Legal holds, taken in from a zip: with ids of the server's, and with hashes.
@Suite struct LegalHoldTests {
    @Test func idsOfTheServer_AreKept() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let pulled = try await stage.run("mmvault verify --json --no-keys").lines
            try await stage.zipHold()
            let outcome = try await stage.run(
                "mmvault import hold.zip --as alice --vault alone --hold-secret-file secret.txt")
            #expect(outcome.code == 0 && outcome.output.contains("the hashes of 4 files are as they should be"))
            let alone = try await stage.run("mmvault --vault alone verify --json --no-keys").lines
            func ids(_ lines: [Substring]) -> [String] {
                lines.compactMap { try? JSONDocument(Array($0.utf8)).root }.map {
                    "\($0["id"]?.string ?? "") \($0["state"]?.string ?? "") \($0["user_id"]?.string ?? "")"
                }.sorted()
            }
            let known = Set([stage.story.alice.id, stage.story.bob.id, stage.story.carol.id])
            let own = ids(pulled).filter { line in known.contains { line.hasSuffix($0) } }
            #expect(Set(ids(alone)).isSuperset(of: own))
            #expect(alone.count == pulled.count)
            try await stage.expectClean("--vault alone")
        }
    }

    @Test func whatWasSaidAfterAndBefore_IsAdded() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let square = stage.story.square
            let posts = stage.story.world.posts(in: square).filter { $0.type.isEmpty }
            let (first, second) = (try #require(posts.first), try #require(posts.last))
            #expect(first.id != second.id)
            func row(_ post: Post, _ message: String, at updateAt: Int64, deleted deleteAt: Int64 = 0) -> String {
                "harbour,Harbour,town-square,Town Square,O,carol,,,\(post.id),\(post.createAt),\(updateAt),\(deleteAt),,,"
                    + "\(ExportedStory.field(message)),,{},,[],false\n"
            }
            let rows =
                "\u{FEFF}" + ExportedStory.columns
                + row(first, "Deleted,\r\n\"later\"", at: first.updateAt + 9, deleted: first.updateAt + 9)
                + row(second, "Said long before.", at: second.updateAt - 1)
            try await stage.zipHold { files in
                for name in files.keys where name.contains("/messages/") { files[name] = nil }
                files["\(ExportedStory.folder)/\(square)/messages/messages-1-\(first.id).csv"] = rows
            }
            let outcome = try await stage.run("mmvault import hold.zip")
            #expect(outcome.code == 0 && outcome.output.contains("  2 added, 0 were known"), "\(outcome.everything)")
            #expect(outcome.output.contains("hashes were not checked"))
            let lines = try await stage.run("mmvault verify --json --channel town-square").lines.map(String.init)
            func states(_ id: String) -> [String] {
                lines.filter { $0.contains(id) }.compactMap { try? JSONDocument(Array($0.utf8)).root["state"]?.string }
            }
            // The server's word stays; what the hold says stands beside it.
            #expect(states(first.id) == ["live"] && states(second.id) == ["live"])
            let own = lines.filter { $0.contains(#""id":"import-"#) }
            #expect(own.count == 2)
            for line in own {
                #expect(
                    line.contains(#""state":"revision""#) && line.contains(#""source":"import hold.zip""#), "\(line)")
            }
            let read = try await stage.run("mmvault read town-square").output
            #expect(read.contains("Deleted,\n") && read.contains("\"later\"") && read.contains("Said long before."))
            #expect(read.split(separator: "said (imported with hold.zip)").count == 3, "\(read)")
            try await stage.expectClean()
        }
    }

    @Test func aWrongHash_NamesTheFileAndChangesNothing() async throws {
        try await Stage.with { stage in
            try await stage.zipHold()
            try stage.write("wrong.txt", "another secret\n")
            let wrong = try await stage.run("mmvault import hold.zip --as alice --hold-secret-file wrong.txt")
            let words = wrong.errors.replacing("\n       ", with: " ")
            #expect(wrong.code == 65 && words.contains(" in the zip: it does not have the hash"), "\(wrong.errors)")
            #expect(words.contains("legal_hold/case_"))
            #expect(stage.paths(below: "vault").isEmpty)
            // A file that was changed after the hold was made.
            try await stage.python(
                """
                import zipfile
                old = zipfile.ZipFile('hold.zip')
                new = zipfile.ZipFile('changed.zip', 'w', zipfile.ZIP_DEFLATED)
                for n in old.namelist():
                    data = old.read(n)
                    if '\(stage.story.square)' in n: data = data.replace(b'coffee', b'tea')
                    new.writestr(n, data)
                new.close()
                """)
            let changed = try await stage.run("mmvault import changed.zip --as alice --hold-secret-file secret.txt")
            #expect(changed.code == 65 && changed.errors.contains(stage.story.square), "\(changed.errors)")
            #expect(stage.paths(below: "vault").isEmpty)
            #expect(try await stage.run("mmvault import changed.zip --as alice").code == 0)
        }
    }
}
