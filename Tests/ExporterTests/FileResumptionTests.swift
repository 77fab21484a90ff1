import Archive
import DemoServer
import TestSupport
import Testing

@testable import Exporter

/// A file that was cut is gone on with where it stood, if what is there and what comes belong together.
@Suite struct FileResumptionTests {
    @Test(arguments: [0, 1, 2000, 4999]) func afterACut_OnlyTheRestIsFetched(_ cut: Int) async throws {
        let cuts = Box(0)
        try await Town.with(
            interceptor: { request in
                guard request.isAboutFiles, cuts.value == 0 else { return nil }
                cuts.value += 1
                return .cutBodyAfter(cut)
            },
            { town in
                let whole = Town.content(5000)
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
                let whole = Town.content(50_000)
                town.post(("a", whole))
                let first = try await town.pull(patience: .hasty)
                #expect(first.files.missing == [.failed: 1] && first.failures.isEmpty)
                #expect(try town.archive().fileCounts().missing == [.failed: 1])
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
                let whole = Town.content(50_000)
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
        let (one, other) = (Town.content(9000), Town.content(9000, seed: 9))
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
                town.post(("a", Town.content(5000)))
                town.write(1)
                let report = try await town.pull()
                #expect(report.files.missing == [.failed: 1] && report.failures.isEmpty)
                #expect(count.value == 3)
                #expect(try await town.storedNames().isEmpty)
            })
    }
}
