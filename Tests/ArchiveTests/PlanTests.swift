import Foundation
import Testing

@testable import Archive

/// What each stored version is to its post.
@Suite struct PlanTests {
    let sandbox: Sandbox
    let directory: AccountDirectory
    let writer: ArchiveWriter
    let first = PostText("p1", at: start, "hi")

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
        writer = try ArchiveWriter(directory)
    }

    private func briefs(_ query: PostQuery = PostQuery(channelID: town)) throws -> [String] {
        try Archive(directory).all(query).map(\.brief)
    }

    @Test func aPostThatNothingSupersededIsLive() async throws {
        try await writer.keep([first])
        #expect(try briefs() == ["p1 live"])
    }

    @Test func anEditMakesTheOldTextEarlier() async throws {
        let edited = first.with {
            $0.message = "ho"
            $0.editAt = start + 9
            $0.updateAt = start + 9
        }
        try await writer.keep([first])
        try await writer.keep([edited])
        #expect(try briefs() == ["p1 live", "p1 earlier"])
        #expect(try Archive(directory).all().map(\.text) == [edited.json, first.json])
    }

    /// A reply, a pin or a reaction moves `update_at`, and says nothing new about the post.
    @Test func whatOnlyMovesUpdateAtIsOneVersion() async throws {
        for step in 0..<4 {
            try await writer.keep([
                first.with {
                    $0.updateAt += Int64(step)
                    $0.isPinned = step == 2
                }
            ])
        }
        let stored = try Archive(directory).all()
        #expect(stored.map(\.brief) == ["p1 live"])
        #expect(stored[0].header.updateAt == start + 3)
        #expect(try Archive(directory).versionCounts()[town] == 4)
    }

    @Test func propsThatChangeAndChangeBackAreThreeVersions() async throws {
        for (step, props) in [#"{"a":1}"#, #"{"a":2}"#, #"{"a":1}"#].enumerated() {
            try await writer.keep([
                first.with {
                    $0.props = props
                    $0.updateAt += Int64(step)
                }
            ])
        }
        let stored = try Archive(directory).all()
        #expect(stored.map(\.brief) == ["p1 live", "p1 earlier", "p1 earlier"])
        #expect(stored.map(\.header.updateAt) == [start + 2, start, start + 1])
    }

    @Test func aTombstoneAddsAndNeverReplaces() async throws {
        try await writer.keep([first])
        try await writer.keep([first.deleted(at: start + 50)])
        let stored = try Archive(directory).all()
        #expect(stored.map(\.brief) == ["p1 deleted", "p1 earlier"])
        #expect(stored[1].text == first.json)
    }

    @Test func aTombstoneMayBeAllThereIs() async throws {
        try await writer.keep([first.deleted(at: start + 50)])
        #expect(try briefs() == ["p1 deleted"])
    }

    /// A tombstone came first, from `since`; a page that was cut before shows what stood there.
    @Test func whatArrivesLastIsTheNewest() async throws {
        try await writer.keep([first.deleted(at: start + 50)])
        try await writer.keep([first])
        #expect(try briefs() == ["p1 live", "p1 earlier"])
    }

    @Test func anOldRevisionIsARevisionUnderItsOwnId() async throws {
        let edited = first.with {
            $0.message = "ho"
            $0.editAt = start + 9
            $0.updateAt = start + 9
        }
        try await writer.keep([edited, first.revision("r1", replacedAt: start + 9)])
        #expect(try briefs() == ["p1 live", "r1 revision"])
        // A revision stays one when it is seen again in another guise.
        try await writer.keep([first.revision("r1", replacedAt: start + 10)])
        #expect(try briefs() == ["p1 live", "r1 revision", "r1 revision"])
    }

    @Test func timeOrderKeepsAPostAndItsPastTogether() async throws {
        let second = PostText("p2", at: start + 5)
        let tied = PostText("p0", at: start)
        try await writer.keep([second, first, tied])
        try await writer.keep([first.deleted(at: start + 50)])
        let order = try Archive(directory).all().map { ($0.header.id, $0.state) }
        #expect(order.map(\.0) == [id("p0"), id("p1"), id("p1"), id("p2")])
        #expect(order.map(\.1) == [.live, .deleted, .earlier, .live])
    }

    @Test func threadOrderKeepsThreadsTogether() async throws {
        let reply = PostText("re1", at: start + 10).with { $0.root = id("p1") }
        let late = PostText("re2", at: start + 30).with { $0.root = id("p1") }
        let second = PostText("p2", at: start + 5)
        let orphan = PostText("lone", at: start + 7).with { $0.root = id("gone") }
        try await writer.keep([late, reply, second, first, orphan])
        try await writer.keep([
            reply.with {
                $0.message = "edited"
                $0.updateAt += 1
                $0.editAt = $0.updateAt
            }, reply.revision("rv", replacedAt: start + 11), first.revision("old", replacedAt: start + 3),
        ])
        let threads = PostQuery(channelID: town, order: .threads)
        #expect(
            try briefs(threads) == [
                "p1 live", "old revision", "re1 live", "rv revision", "re1 earlier", "re2 live", "p2 live",
                "lone live",
            ])
        #expect(
            try briefs() == [
                "p1 live", "old revision", "p2 live", "lone live", "re1 live", "re1 earlier", "rv revision", "re2 live",
            ])
    }

    @Test func usersAndTimesNarrow() async throws {
        let posts = (1...9).map { number in
            PostText("p\(number)", at: start + Int64(number)).with { $0.user = number % 3 == 0 ? bob : alice }
        }
        try await writer.keep(posts)
        try await writer.keep([PostText("x1", at: start).with { $0.channel = id("cother") }])
        #expect(try briefs(PostQuery(channelID: town, userIDs: [bob])) == ["p3 live", "p6 live", "p9 live"])
        #expect(try briefs(PostQuery(channelID: town, userIDs: [bob, alice])).count == 9)
        #expect(try briefs(PostQuery(channelID: town, userIDs: [])) == [])
        #expect(try briefs(PostQuery(channelID: town, createAt: start + 2..<start + 4)) == ["p2 live", "p3 live"])
        #expect(
            try briefs(PostQuery(channelID: town, userIDs: [bob], createAt: start + 6..<start + 9, order: .threads))
                == ["p6 live"])
        #expect(try briefs(PostQuery(channelID: id("cother"))) == ["x1 live"])
        #expect(try briefs(PostQuery(channelID: id("cnone"))) == [])
    }

    @Test func aPlanIsNotMovedByWhatComesLater() async throws {
        try await writer.keep([first, PostText("p2", at: start + 1)])
        let plan = try Archive(directory).plan(PostQuery(channelID: town))
        try await writer.keep([first.deleted(at: start + 9), PostText("p0", at: start - 1)])
        #expect(plan.count == 2)
        #expect(try plan.load(0..<2).map(\.brief) == ["p1 live", "p2 live"])
        #expect(try briefs().count == 4)
    }

    @Test(arguments: [PostQuery.Order.time, .threads])
    func batchesOfAnySizeGiveTheSameSequence(_ order: PostQuery.Order) async throws {
        for page in 0..<5 {
            try await writer.keep(
                (0..<20).map { number in
                    PostText("p\(page)x\(number)x", at: start + Int64(number * 7 % 13)).with {
                        if number > 10 { $0.root = id("p\(page)x\(number % 10)x") }
                    }
                })
        }
        let archive = try Archive(directory)
        let query = PostQuery(channelID: town, order: order)
        let whole = try archive.all(query).map(\.text)
        #expect(whole.count == 100 && Set(whole).count == 100)
        for batch in [1, 3, 7, 99, 100] { #expect(try archive.all(query, batch: batch).map(\.text) == whole) }
    }

    @Test func whatADamagedDocumentHoldsIsNotHandedOut() async throws {
        try await writer.keep([first])
        try await sandbox.tamper(directory, "UPDATE document SET body = zeroblob(20) WHERE seq = 2")
        #expect(throws: ArchiveError.self) { try Archive(directory).all() }
        try await sandbox.tamper(directory, "DELETE FROM document WHERE seq = 2")
        #expect(throws: ArchiveError.damagedDocument(sequence: 2, what: "it is missing")) {
            try Archive(directory).all()
        }
    }

    @Test func aSliceOutsideItsDocumentIsDamage() async throws {
        try await writer.keep([first])
        for change in ["start = -1", "length = 100000", "start = 9223372036854775807", "length = -5", "start = 70000"] {
            let copy = try await sandbox.copy(directory)
            try await sandbox.tamper(copy, "UPDATE version SET \(change)")
            #expect(throws: ArchiveError.self, "\(change)") { try Archive(copy).all() }
        }
    }
}

/// What is kept in memory does not grow with the archive.
@Suite struct DocumentCacheTests {
    private func row(_ sequence: Int64, bytes: Int) throws -> DocumentRow {
        let body = (0..<bytes).map { UInt8(truncatingIfNeeded: $0 + Int(sequence)) }
        return try DocumentRow(received(body), walk: nil, sequence: sequence, previous: DocumentRecord.none)
    }

    @Test func aCacheStaysWithinItsRoom() throws {
        let cache = DocumentCache(room: 10_000)
        var fetched = 0
        for round in 0..<3 {
            for sequence in 1...40 as ClosedRange<Int64> {
                let body = try cache.body(of: sequence) {
                    fetched += 1
                    return try row(sequence, bytes: 1000)
                }
                #expect(body.count == 1000 && body[0] == UInt8(sequence))
                #expect(cache.size <= 10_000, "round \(round)")
            }
        }
        #expect(fetched == 120)
    }

    @Test func whatWasUsedLastIsKept() throws {
        let cache = DocumentCache(room: 3000)
        for sequence in [1, 2, 3, 1, 4] as [Int64] {
            _ = try cache.body(of: sequence) { try row(sequence, bytes: 1000) }
        }
        var fetched: [Int64] = []
        for sequence in [1, 4, 3, 2] as [Int64] {
            _ = try cache.body(of: sequence) {
                fetched.append(sequence)
                return try row(sequence, bytes: 1000)
            }
        }
        #expect(fetched == [2])
    }

    @Test func aBodyLargerThanTheRoomIsTheOnlyOne() throws {
        let cache = DocumentCache(room: 3000)
        _ = try cache.body(of: 1) { try row(1, bytes: 1000) }
        _ = try cache.body(of: 2) { try row(2, bytes: 9000) }
        #expect(cache.size == 9000)
        _ = try cache.body(of: 3) { try row(3, bytes: 10) }
        #expect(cache.size == 10)
    }

    @Test func aPostDoesNotHoldItsPage() throws {
        let page = [UInt8](repeating: 7, count: 100_000)
        let version = StoredVersion(header: .any, state: .live, json: page[500..<520])
        #expect(version.json.count == 20 && version.json.startIndex == 0)
    }
}

extension StoredVersion.Header {
    fileprivate static let any = Self(
        sequence: 1, documentSequence: 1, id: ArchiveTests.id("p"), channelID: town, userID: alice, rootID: "",
        originalID: "",
        type: "", createAt: 1, updateAt: 1, editAt: 0, deleteAt: 0)
}
