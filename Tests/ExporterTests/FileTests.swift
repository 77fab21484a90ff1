import Archive
import Bytes
import DemoServer
import TestSupport
import Testing

@testable import Exporter

/// Files come with their posts, whole or not at all, and one that does not come stops nothing.
@Suite struct FileTests {
    private static func content(_ size: Int, seed: UInt8 = 1) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) ^ seed }
    }

    @Test func filesAreHeldByTheirContent_EachOnce() async throws {
        try await Town.with { town in
            let report = FileTests.content(5000)
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

    @Test(arguments: [0, 1, 2000, 4999]) func afterACut_OnlyTheRestIsFetched(_ cut: Int) async throws {
        let cuts = Box(0)
        try await Town.with(
            interceptor: { request in
                guard request.isAboutFiles, cuts.value == 0 else { return nil }
                cuts.value += 1
                return .cutBodyAfter(cut)
            },
            { town in
                let whole = FileTests.content(5000)
                town.post(("a", whole))
                let pull = try await town.pull()
                #expect(pull.files.fetched == 1)
                #expect(try town.heldContents() == [whole])
                #expect(town.fileRequests.last?.range == (cut == 0 ? nil : "bytes=\(cut)-"))
            })
    }

    @Test func aCutAcrossRuns_GoesOn() async throws {
        let fails = Box(true)
        try await Town.with(
            interceptor: { request in request.isAboutFiles && fails.value ? .cutBodyAfter(3000) : nil },
            { town in
                let whole = FileTests.content(50_000)
                town.post(("a", whole))
                let first = try await town.pull(patience: .hasty)
                #expect(first.files.missing == [.failed: 1] && first.failures.isEmpty)
                #expect(try town.archive().fileCounts()?.missing == [.failed: 1])
                fails.value = false
                #expect(try await town.pull().files.fetched == 1)
                #expect(town.fileRequests.last?.range?.hasPrefix("bytes=") == true)
                #expect(try town.heldContents() == [whole])
                #expect(try await town.storedNames().count == 1)
                #expect(try await town.archive().check().isClean)
            })
    }

    /// A beginning that was damaged, lengthened or is of another file is not gone on with.
    @Test(arguments: ["printf x | dd of=$PART conv=notrunc 2>/dev/null", "truncate -s 10 $PART", "rm $PART.json"])
    func aDamagedBeginning_IsFetchedAgain(_ damage: String) async throws {
        let fails = Box(true)
        try await Town.with(
            interceptor: { request in request.isAboutFiles && fails.value ? .cutBodyAfter(3000) : nil },
            { town in
                let whole = FileTests.content(50_000)
                town.post(("a", whole))
                _ = try await town.pull(patience: .hasty)
                let part = try #require(try await town.storedNames().first { $0.hasSuffix(".part") })
                try await StockTool.shell("PART='\(town.directory().filesPath)/\(part)'; \(damage)")
                fails.value = false
                #expect(try await town.pull().files.fetched == 1)
                #expect(try town.heldContents() == [whole])
                #expect(town.fileRequests.last?.range == nil)
            })
    }

    @Test func theEndOfAnotherFile_IsNotJoinedToTheBeginning() async throws {
        let count = Box(0)
        let (one, other) = (FileTests.content(9000), FileTests.content(9000, seed: 9))
        try await Town.with(
            interceptor: { request in
                guard request.isAboutFiles else { return nil }
                count.value += 1
                let headers = [
                    ("Content-Range", "bytes 4000-8999/9000"), ("Last-Modified", "Mon, 23 Nov 2020 08:31:05 GMT"),
                ]
                return switch count.value {
                case 1: .cutBodyAfter(4000)
                case 2: .status(206, body: String(repeating: "x", count: 5000), headers: headers)
                default: nil
                }
            },
            { town in
                town.post(("a", one))
                let pull = try await town.pull()
                #expect(pull.files.fetched == 1)
                #expect(try town.heldContents() == [one])
                #expect(one != other && count.value == 3)
            })
    }

    @Test(arguments: [-100, 100]) func aWrongLength_IsNotBelieved(_ difference: Int) async throws {
        let count = Box(0)
        try await Town.with(
            interceptor: { request in
                guard request.isAboutFiles else { return nil }
                count.value += 1
                return .wrongLength(difference)
            },
            { town in
                town.post(("a", FileTests.content(5000)))
                town.write(1)
                let report = try await town.pull()
                #expect(report.files.missing == [.failed: 1] && report.failures.isEmpty)
                #expect(count.value == 3)
                #expect(try await town.storedNames().isEmpty)
            })
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
                let counts = try #require(try town.archive().fileCounts())
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
                #expect(try town.archive().fileCounts()?.missing.isEmpty == true)
            })
    }

    @Test func aLargeFile_ComesOnceItIsAllowed() async throws {
        try await Town.with { town in
            town.post(("small", FileTests.content(100)), ("large", FileTests.content(5000)))
            var selection = Pull.Selection()
            selection.maximumFileSize = 1000
            let report = try await town.pull(selection)
            #expect(report.files.fetched == 1 && report.files.missing == [.tooLarge: 1])
            #expect(try town.archive().fileCounts()?.missing == [.tooLarge: 1])
            #expect(town.fileRequests.count == 1)
            selection.maximumFileSize = 5000
            #expect(try await town.pull(selection).files.fetched == 1)
            #expect(try town.archive().fileCounts() == town.archive().fileCounts())
            #expect(try town.archive().fileCounts()?.held == 2)
        }
    }

    @Test func withoutFiles_NoneIsAskedFor() async throws {
        try await Town.with { town in
            town.post(("a", [1]))
            var selection = Pull.Selection()
            selection.wantsFiles = false
            _ = try await town.pull(selection)
            #expect(town.fileRequests.isEmpty)
            #expect(try town.archive().fileCounts()?.unasked == 1)
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
                let contents = (0..<40).map { FileTests.content(100 + 997 * $0, seed: UInt8($0)) }
                for (number, content) in contents.enumerated() { town.post(("file \(number)", content)) }
                let report = try await town.pull()
                #expect(report.failures.isEmpty && report.files.fetched == 40, "\(report.files)")
                #expect(Set(try town.heldContents()) == Set(contents))
                #expect(try await town.archive().check().isClean)
            })
    }
}

extension Patience {
    /// Gives up at the second failure.
    fileprivate static let hasty = Patience(attempts: 2, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0)
}

extension ServerRequest {
    fileprivate var isAboutFiles: Bool { path.hasPrefix("/api/v4/files/") }
}

extension Town {
    @discardableResult
    fileprivate func post(_ files: (name: String, content: [UInt8])...) -> String {
        world.post(
            in: channel, by: bob, message: "files", files: files.map { Attachment(name: $0.name, content: $0.content) })
    }

    fileprivate var fileRequests: [ServerRequest] { server.requests.filter(\.isAboutFiles) }

    /// The contents of the files that the archive holds, in the order of the posts.
    fileprivate func heldContents() throws -> [[UInt8]] {
        let store = FileStore(try directory())
        return try archive().namedFiles().compactMap { $0.record?.content }.map { content in
            var bytes: [UInt8] = []
            try store.read(content.sha256) { chunk throws(ArchiveError) in bytes += chunk }
            return bytes
        }
    }

    /// Every file below the store, by its path.
    fileprivate func storedNames() async throws -> [String] {
        let files = try directory().filesPath
        return try await StockTool.shell("[ ! -d '\(files)' ] || find '\(files)' -type f -printf '%P\\n' | sort")
            .split(separator: "\n").map(String.init)
    }
}
