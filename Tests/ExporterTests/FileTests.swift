import Archive
import Bytes
import DemoServer
import TestSupport
import Testing

@testable import Exporter

/// Files come with their posts, whole or not at all, and one that does not come stops nothing.
@Suite struct FileTests {
    @Test func filesAreHeldByTheirContent_EachOnce() async throws {
        try await Town.with { town in
            let report = Town.content(5000)
            town.post(("a.txt", report), ("../../b.txt", report), ("empty", []))
            let pull = try await town.pull()
            #expect(pull.files.fetched == 3 && pull.files.missing.isEmpty)
            #expect(try town.heldContents() == [report, report, []])
            #expect(try await town.storedNames().count == 2)
            #expect(try await town.archive().check().isClean)
            // Nothing is asked for twice.
            let asked = town.fileRequests.count
            #expect(try await town.pull().files.fetched == 0)
            #expect(town.fileRequests.count == asked)
        }
    }

    @Test func aFileWhosePostWasDeleted_IsNotedAndAskedForAgain() async throws {
        let deletes = Box<String?>(nil)
        try await Town.with(
            afterRequest: { world, request in
                if request.path.hasSuffix("/posts"), let id = deletes.value {
                    deletes.value = nil
                    world.delete(id)
                }
            },
            { town in
                deletes.value = town.post(("a", [1]))
                town.post(("b", [2]))
                let report = try await town.pull()
                #expect(report.failures.isEmpty && report.files.fetched == 1 && report.files.missing == [.gone: 1])
                let counts = try town.archive().fileCounts()
                #expect(counts.held == 1 && counts.missing == [.gone: 1])
                let (asked, documents) = (town.fileRequests.count, try town.archive().head().documents)
                #expect(try await town.pull().files.missing == [.gone: 1])
                // Once, and the same answer is no news.
                #expect(town.fileRequests.count == asked + 1)
                let kinds = try await StockTool.shell(
                    "sqlite3 '\(town.directory().archivePath)' \"SELECT record FROM document WHERE seq > \(documents)\""
                )
                #expect(!kinds.contains("kind files"))
            })
    }

    @Test func aRefusedFile_IsNotedAndComesLater() async throws {
        let refuses = Box(true)
        try await Town.with(
            interceptor: { request in
                request.isAboutFiles && refuses.value ? .status(403, body: #"{"id":"x","message":"no"}"#) : nil
            },
            { town in
                town.post(("a", [1, 2, 3]))
                let report = try await town.pull()
                #expect(report.failures.isEmpty && report.files.missing == [.refused: 1])
                refuses.value = false
                #expect(try await town.pull().files.fetched == 1)
                #expect(try town.archive().fileCounts().missing.isEmpty == true)
            })
    }

    @Test func aLargeFile_ComesOnceItIsAllowed() async throws {
        try await Town.with { town in
            town.post(("small", Town.content(100)), ("large", Town.content(5000)))
            var selection = Pull.Selection()
            selection.maximumFileSize = 1000
            let report = try await town.pull(selection)
            #expect(report.files.fetched == 1 && report.files.missing == [.tooLarge: 1])
            #expect(try town.archive().fileCounts().missing == [.tooLarge: 1])
            #expect(town.fileRequests.count == 1)
            selection.maximumFileSize = 5000
            #expect(try await town.pull(selection).files.fetched == 1)
            #expect(try town.archive().fileCounts() == town.archive().fileCounts())
            #expect(try town.archive().fileCounts().held == 2)
        }
    }

    @Test func withoutFiles_NoneIsAskedFor() async throws {
        try await Town.with { town in
            town.post(("a", [1]))
            var selection = Pull.Selection()
            selection.wantsFiles = false
            _ = try await town.pull(selection)
            #expect(town.fileRequests.isEmpty)
            #expect(try town.archive().fileCounts().unasked == 1)
            #expect(try await town.pull().files.fetched == 1)
        }
    }

    /// The names are in the posts alone; on the disk there are only hashes.
    @Test func noNameOfAFileReachesTheDisk() async throws {
        try await Town.with { town in
            town.post(("../../evil name.txt", [1]), ("/etc/passwd", [2]), ("a\0b\n.part", [3]))
            #expect(try await town.pull().files.fetched == 3)
            #expect(
                try await town.storedNames().allSatisfy {
                    $0.utf8.count == 67 && $0.dropFirst(3).hasPrefix($0.prefix(2))
                })
            let modes = try await StockTool.shell("find '\(town.directory().filesPath)' -printf '%y %m\\n' | sort -u")
            #expect(modes == "d 700\nf 600\n")
        }
    }

    @Test func theCheckNamesWhatIsDamagedMissingOrForeign() async throws {
        try await Town.with { town in
            let names = (0..<3).map { SHA256Digest(of: [UInt8($0)]).description }
            town.post(("a", [0]), ("b", [1]), ("c", [2]))
            try await town.pullAll()
            let files = try town.directory().filesPath
            try await StockTool.shell(
                """
                cd '\(files)'; printf x > \(names[0].prefix(2))/\(names[0]); rm \(names[1].prefix(2))/\(names[1])
                echo > notes.txt
                """)
            let report = try await town.archive().check()
            #expect(!report.isClean && report.damages.isEmpty && report.files == 3)
            let findings = Dictionary(uniqueKeysWithValues: report.fileFindings.map { ($0.path, $0.what) })
            #expect(
                findings == [
                    "files/\(names[0].prefix(2))/\(names[0])": .damaged,
                    "files/\(names[1].prefix(2))/\(names[1])": .missing, "files/notes.txt": .foreign,
                ])
            // What is missing comes again; what has its size shows only when all of it is read.
            #expect(try await town.pull().files.fetched == 1)
            #expect(try await town.pull().files.fetched == 0)
            var full = Pull.Selection()
            full.isFull = true
            #expect(try await town.pull(full).files.fetched == 1)
            try await StockTool.shell("rm '\(files)/notes.txt'")
            #expect(try await town.archive().check().isClean)
        }
    }

    @Test func throughAnUnreliableServer_AllFilesCome() async throws {
        try await Town.with(
            interceptor: Faults.random(seed: 21),
            { town in
                let contents = (0..<40).map { Town.content(100 + 997 * $0, seed: UInt8($0)) }
                for (number, content) in contents.enumerated() { town.post(("file \(number)", content)) }
                let report = try await town.pull()
                #expect(report.failures.isEmpty && report.files.fetched == 40, "\(report.files)")
                #expect(Set(try town.heldContents()) == Set(contents))
                #expect(try await town.archive().check().isClean)
            })
    }
}
