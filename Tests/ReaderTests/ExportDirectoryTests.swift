import Bytes
import Foundation
import Glibc
import Testing

@testable import Archive
@testable import Reader

@Suite("The export's folder", .serialized)
struct ExportDirectoryTests {
    private let scratch = Scratch()

    private func put(_ text: String, _ name: String) throws {
        try text.write(toFile: scratch[name], atomically: false, encoding: .utf8)
    }

    private func names(_ path: String) -> [String] { PrivateFile.names(in: path).sorted() }

    @Test("a folder that holds something is left as it is")
    func full() throws {
        try FileManager.default.createDirectory(atPath: scratch["out"], withIntermediateDirectories: true)
        try put("mine", "out/.mine")
        #expect(throws: ReaderError.outputExists(path: scratch["out"])) { try ExportDirectory(scratch["out"]) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch["out"]) == [".mine"])
    }

    @Test("a file is no folder, and neither is a link to one or to nothing")
    func file() throws {
        try put("mine", "out")
        #expect(throws: ReaderError.outputExists(path: scratch["out"])) { try ExportDirectory(scratch["out"]) }
        try FileManager.default.createSymbolicLink(atPath: scratch["link"], withDestinationPath: scratch["out"])
        #expect(throws: ReaderError.outputExists(path: scratch["link"])) { try ExportDirectory(scratch["link"]) }
        try FileManager.default.createSymbolicLink(atPath: scratch["dangling"], withDestinationPath: scratch["nowhere"])
        #expect(throws: ReaderError.outputExists(path: scratch["dangling"])) {
            try ExportDirectory(scratch["dangling"])
        }
        #expect(try PrivateFile.read(scratch["out"]) == Array("mine".utf8))
        #expect(!PrivateFile.exists(scratch["nowhere"]))
    }

    @Test("the owner's own link to an empty folder leads there")
    func link() throws {
        try FileManager.default.createDirectory(atPath: scratch["target"], withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: scratch["out"], withDestinationPath: scratch["target"])
        let directory = try ExportDirectory(scratch["out"])
        try directory.makeFile("x").close()
        #expect(names(scratch["target"]) == ["INCOMPLETE", "x"])
        try directory.complete()
        #expect(names(scratch["target"]) == ["x"])
    }

    @Test("nothing is written through a planted link or over a planted file")
    func planted() throws {
        let directory = try ExportDirectory(scratch["out"])
        try FileManager.default.createDirectory(atPath: scratch["elsewhere"], withIntermediateDirectories: true)
        try put("mine", "precious")
        let links = ["team": scratch["elsewhere"], "file": scratch["precious"], "new": scratch["elsewhere/new"]]
        for (name, target) in links {
            try FileManager.default.createSymbolicLink(atPath: scratch["out/\(name)"], withDestinationPath: target)
        }
        try put("planted", "out/there")
        for name in ["team/x", "file", "new", "there"] {
            #expect(throws: ReaderError.self, "\(name)") { try directory.makeFile(name) }
        }
        #expect(names(scratch["elsewhere"]) == [])
        #expect(try PrivateFile.read(scratch["precious"]) == Array("mine".utf8))
    }

    @Test("only the owner may read, whatever the umask")
    func modes() throws {
        let before = umask(0)
        defer { umask(before) }
        let directory = try ExportDirectory(scratch["deep/out"])
        try directory.makeFile("team/x").close()
        func mode(_ name: String) throws -> Int {
            try #require(FileManager.default.attributesOfItem(atPath: scratch[name])[.posixPermissions] as? Int)
        }
        for name in ["deep", "deep/out", "deep/out/team"] { #expect(try mode(name) == 0o700, "\(name)") }
        for name in ["deep/out/team/x", "deep/out/INCOMPLETE"] { #expect(try mode(name) == 0o600, "\(name)") }
    }

    @Test("two ways to encode an accent are two folders")
    func accents() throws {
        let directory = try ExportDirectory(scratch["out"])
        for name in ["\u{E9}/x", "e\u{301}/x"] { try directory.makeFile(name).close() }
        #expect(names(scratch["out"]).count == 3)
    }

    @Test("a file's entry tells its size and its hash")
    func entry() throws {
        let file = try ExportDirectory(scratch["out"]).makeFile("x")
        for _ in 0..<70_000 { file.write("ab") }
        let entry = try file.close()
        #expect(entry.size == 140_000)
        #expect(try PrivateFile.read(scratch["out/x"])?.count == 140_000)
        #expect(entry.sha256 == SHA256Digest(of: try #require(try PrivateFile.read(scratch["out/x"]))).description)
    }

    @Test("a full disk is told when the file is closed, and stays told")
    func fullDisk() throws {
        let descriptor = open("/dev/full", O_WRONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        let file = ExportFile(descriptor: descriptor, name: "x", directory: "out")
        for _ in 0..<100_000 { file.write("ab") }
        #expect(throws: ReaderError.output(path: "out/x", operation: "write", errno: ENOSPC)) { try file.close() }
    }
}
