import DemoServer
import Foundation
import Testing

/// The files of posts, as the commands handle them.
@Suite(.serialized) struct FileCommandTests {
    /// Alice's history, and `count` files of `size` bytes in the town square.
    static func story(files count: Int, size: Int) -> Story {
        let story = Story()
        for number in 0..<count {
            var content = [UInt8](repeating: UInt8(number % 251), count: size)
            content.replaceSubrange(0..<8, with: withUnsafeBytes(of: UInt64(number)) { Array($0) })
            story.world.post(
                in: story.square, by: story.bob.id, message: "file \(number)",
                files: [Attachment(name: "file \(number).bin", mimeType: "image/png", content: content)])
        }
        return story
    }

    @Test(arguments: [1, 2] as [UInt64]) func killedPull_EndsWithAllFiles(seed: UInt64) async throws {
        try await Stage.with(story: FileCommandTests.story(files: 60, size: 300_000)) { stage in
            _ = try await stage.run("mmvault login $URL --token-file token.txt")
            stage.misbehave { request in
                request.path.hasPrefix("/api/v4/files/") && request.sequence % 3 == 0
                    ? .cutBodyAfter(100_000) : .stall(.milliseconds(10))
            }
            var generator = SystemlessGenerator(state: seed)
            var kills = 0
            for _ in 0..<10 {
                let seconds = 0.1 + Double(generator.next() % 500) / 1000
                if try await stage.run("timeout --signal KILL \(seconds) mmvault pull").code == 137 { kills += 1 }
                #expect(try await stage.run("mmvault check").code == 0)
            }
            #expect(kills >= 5)
            stage.misbehave(nil)
            #expect(try await stage.run("mmvault pull").code == 0)
            let check = try await stage.run("mmvault check")
            #expect(check.code == 0 && check.output.contains("60 files, "), "\(check.everything)")
            #expect(try await stage.run("mmvault status").output.contains("Files     60 held, "))
            #expect(stage.paths(below: "vault").allSatisfy { !$0.hasSuffix(".part") && !$0.hasSuffix(".part.json") })
        }
    }

    /// 200 MB go through in pieces: the program is measured with and without them.
    @Test func aLargeFile_IsNeverInMemory() async throws {
        try await Stage.with(story: FileCommandTests.story(files: 1, size: 200 << 20)) { stage in
            func peak(_ command: String) async throws -> Int {
                let measure = """
                    import resource, subprocess, sys
                    code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
                    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if code == 0 else -code)
                    """
                let outcome = try await stage.run("python3 -c '\(measure)' \(command)")
                return try #require(Int(outcome.output.trimmingCharacters(in: .whitespacesAndNewlines))) >> 10
            }
            _ = try await stage.run("mmvault login $URL --token-file token.txt")
            let without = try await peak("mmvault pull --no-files")
            let with = try await peak("mmvault pull")
            #expect(without > 0 && with > 0 && with < without + 60, "\(without) MiB, \(with) MiB")
            for command in ["check", "export --no-keys markdown md", "export --no-keys mbox mail"] {
                let peak = try await peak("mmvault \(command)")
                #expect(peak > 0 && peak < without + 60, "\(command): \(peak) MiB")
            }
            let sizes = try await stage.run(
                "find md/files -type f -size +199M | wc -l; cd md && sha256sum --quiet -c SHA256SUMS")
            #expect(sizes.output == "1\n" && sizes.code == 0)
        }
    }

    @Test func filesAreToldOf() async throws {
        try await Stage.with(story: FileCommandTests.story(files: 3, size: 2048)) { stage in
            _ = try await stage.run("mmvault login $URL --token-file token.txt")
            let small = try await stage.run("mmvault pull --max-file-size 2K")
            #expect(small.code == 0 && small.output.contains("3 files fetched, 6.0 KiB\n"), "\(small.everything)")
            let gone = stage.story.world.post(
                in: stage.story.square, by: stage.story.bob.id, message: "large",
                files: [Attachment(name: "../../large", content: [UInt8](repeating: 1, count: 4096))])
            let refused = try await stage.run("mmvault pull --max-file-size 2K")
            let note = "1 file left on the server: larger than --max-file-size allows\n"
            #expect(refused.code == 0 && refused.output.contains(note))
            #expect(try await stage.run("mmvault status").output.contains("1 missing: larger than was wanted\n"))
            // A proxy's word about a file is not the server's.
            stage.misbehave { $0.path.hasPrefix("/api/v4/files/") ? .status(404) : nil }
            let hidden = try await stage.run("mmvault pull")
            #expect(hidden.code == 3 && !hidden.output.contains("has it no longer"), "\(hidden.everything)")
            stage.misbehave {
                $0.path.hasPrefix("/api/v4/files/") ? .status(404, body: #"{"id":"app.file_info.get.app_error"}"#) : nil
            }
            let missing = try await stage.run("mmvault pull")
            #expect(missing.code == 0 && missing.output.contains("1 file not fetched: the server has it no longer\n"))
            let words = "     + file ../../large, 4 KiB: not here, the server has it no longer\n"
            #expect(try await stage.run("mmvault read town-square").output.contains(words))
            stage.misbehave(nil)
            #expect(try await stage.run("mmvault pull").output.contains("1 file fetched, 4.0 KiB\n"))
            let here = try await stage.run("mmvault read town-square")
            #expect(here.output.contains("     + file ../../large, 4 KiB\n") && !here.output.contains("not here"))
            #expect(!gone.isEmpty)
            let export = try await stage.run("mmvault export --no-keys markdown out && find out/files -type f | wc -l")
            #expect(export.output.contains("  4 files\n") && export.output.hasSuffix("\n4\n"), "\(export.everything)")
            #expect(
                try await stage.run("mmvault export --no-keys jsonl bare --no-files; ls bare").output.contains(
                    "posts.jsonl"))
            #expect(!stage.paths(below: "bare").contains("bare/files"))
            #expect(try await stage.run("mmvault pull --max-file-size 2X").code == 64)
        }
    }
}
