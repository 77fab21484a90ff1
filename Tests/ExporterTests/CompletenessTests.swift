import Archive
import DemoServer
import Testing

@testable import Exporter

/// What a pull calls complete is, and what it cannot have it says.
struct CompletenessTests {
    private static let limits = WalkLimits(pageSize: 20, cut: 50, overlap: 3000)
    private static let nothing = Fault.status(200, body: #"{"order":[],"posts":{}}"#)

    private func channel(_ town: Town) throws -> Channel {
        try #require(try town.archive().channels().first { $0.id == town.channel })
    }

    // MARK: Deletions

    /// More changes than the server tells of, and posts that went among them.
    private func changed(_ town: Town) async throws -> Set<String> {
        town.world.sinceLimit = 50
        let posts = town.write(120)
        try await town.pullAll(limits: CompletenessTests.limits)
        town.world.advance(by: 100_000_000)
        let gone = Set(posts.enumerated().filter { $0.offset % 4 == 1 }.map(\.element))
        for id in posts where gone.contains(id) { town.world.delete(id) }
        for id in posts where !gone.contains(id) { town.world.edit(id, message: "again") }
        return gone
    }

    /// The posts that are shown as if they still were there.
    private func live(_ town: Town) throws -> Set<String> {
        let absent = try town.archive().absences(.post)
        return Set(try town.stored().filter { $0.state == .live && absent[$0.header.id] == nil }.map(\.header.id))
    }

    /// What the server says of one post keeps no other from being looked for.
    @Test func oneOddAnswerEndsNoSearchForWhatHasGone() async throws {
        let odd = Box("")
        try await Town.with(
            interceptor: { request in
                request.path == "/api/v4/posts/ids" || request.path == "/api/v4/posts/\(odd.value)"
                    ? .status(400, body: #"{"id":"api.odd.app_error"}"#) : nil
            },
            { town in
                let posts = town.write(60)
                try await town.pullAll(limits: CompletenessTests.limits)
                odd.value = posts[3]
                let gone = posts[2..<20].map { $0 }
                for post in gone { town.world.purge(post) }
                var selection = Pull.Selection()
                selection.isFull = true
                let report = try await town.pull(selection, limits: CompletenessTests.limits)
                #expect(report.failures.isEmpty && report.partial.map(\.gaps) == [[.unreviewed]])
                #expect(try live(town).intersection(gone) == [posts[3]])
                odd.value = ""
                try await town.pullAll(limits: CompletenessTests.limits)
                #expect(try live(town).intersection(gone) == [])
            })
    }

    @Test func whatWasDeletedBeyondTheCutIsNotLive() async throws {
        try await Town.with { town in
            let gone = try await changed(town)
            try await town.pullAll(limits: CompletenessTests.limits)
            #expect(try live(town).intersection(gone) == [])
            // Each with its tombstone: those that the server does not tell as changes are asked for by id.
            #expect(try town.archive().absences(.post).isEmpty)
            #expect(Set(try town.stored().filter { $0.state == .deleted }.map(\.header.id)) == gone)
            #expect(try await town.archive().check().isClean)
            let state = try town.archive().walkState(channelID: town.channel)
            #expect(state?.reviewedSince == nil && state?.backward == nil)
            // What the edited ones said before came with no page.
            #expect(state?.mayLackRevisions == true)
        }
    }

    /// A server that does not give posts for their ids says of each that it is gone. One that may yet give them is asked again.
    @Test(arguments: [
        (Fault.status(404, body: #"{"id":"api.context.404.app_error"}"#), []), (.status(501), [.unreviewed]),
        (.status(200, body: "{}"), [.unreviewed]),
        (
            .status(200, body: #"[{"id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","channel_id":"aaaaaaaaaaaaaaaaaaaaaaaaaa"}]"#),
            [HistoryGap.unreviewed]
        ),
    ]) func withoutTombstonesTheDeletedAreGone(_ fault: Fault, _ gaps: [HistoryGap]) async throws {
        try await Town.with(
            interceptor: { $0.path == "/api/v4/posts/ids" ? fault : nil },
            { town in
                let gone = try await changed(town)
                let report = try await town.pull(limits: CompletenessTests.limits)
                #expect(report.failures.isEmpty && report.partial.flatMap(\.gaps) == gaps)
                #expect(try live(town).intersection(gone) == [])
                let absences = try town.archive().absences(.post)
                #expect(!absences.isEmpty && absences.keys.allSatisfy(gone.contains))
                #expect(absences.values.allSatisfy { $0.reason == .gone })
            })
    }

    /// A list of a channel's posts that has no order is none: it would end history there.
    @Test func aBareListEndsNoHistory() async throws {
        try await Town.with(
            interceptor: { $0.isAboutPosts && $0.anchor != nil ? .status(200, body: "[]") : nil },
            { town in
                town.write(50)
                let report = try await town.pull(patience: .eager, limits: CompletenessTests.limits)
                #expect(report.failures.count == 1)
            })
    }

    /// Wherever the walk that looks for it is interrupted, the next pull goes on with it.
    @Test(arguments: [1, 4, 9, 13, 16, 20, 30]) func anInterruptedSearchForTheDeletedGoesOn(_ number: Int) async throws
    {
        let count = Box<Int?>(nil)
        try await Town.with(
            interceptor: { request in
                guard request.isAboutPosts || request.path.hasPrefix("/api/v4/posts/") else { return nil }
                let place = count.change { count in
                    count = count.map { $0 + 1 }
                    return count
                }
                return place.map { $0 >= number } == true ? .status(500) : nil
            },
            { town in
                let gone = try await changed(town)
                count.value = 0
                let once = Patience(attempts: 1, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0)
                try await town.pull(patience: once, limits: CompletenessTests.limits)
                count.value = nil
                try await town.pullAll(limits: CompletenessTests.limits)
                #expect(try live(town).intersection(gone) == [])
            })
    }

    // MARK: An answer that says nothing changed

    @Test func anEmptyAnswerIsAskedForAgain() async throws {
        let empties = Box(0)
        try await Town.with(
            interceptor: { request in
                guard request.isSince else { return nil }
                return empties.change { count in
                    count += 1
                    return count == 1
                } ? CompletenessTests.nothing : nil
            },
            { town in
                let posts = town.write(20)
                town.world.edit(posts[3], message: "edited")
                town.world.delete(posts[5])
                try await town.pullAll()
                try await town.expectTruth()
            })
    }

    @Test func anEmptyAnswerIsNotTakenForAll() async throws {
        let isEmpty = Box(true)
        try await Town.with(
            interceptor: { isEmpty.value && $0.isSince ? CompletenessTests.nothing : nil },
            { town in
                let posts = town.write(20)
                town.world.delete(posts[5])
                for _ in 0..<2 { try await town.pullAll(isTold: false) }
                #expect(try channel(town).gaps == [.unknownChanges])
                isEmpty.value = false
                try await town.pullAll()
                try await town.expectTruth()
                #expect(try channel(town).gaps == [])
            })
    }

    /// Posts that went without a trace leave nothing to be told of.
    @Test func anEmptyAnswerIsBelievedWherePostsAreGone() async throws {
        try await Town.with { town in
            let posts = town.write(3)
            try await town.pullAll()
            for post in posts { town.world.purge(post) }
            try await town.pullAll()
        }
    }

    // MARK: Times and forms

    @Test(arguments: [-1, 0, 5, 1_700_000_000, 1_700_000_000_000_000, 1_000_000_000_000_000_000] as [Int64])
    func aTimeThatCannotBeRightStopsNothing(_ time: Int64) async throws {
        try await Town.with { town in
            town.write(30)
            town.write(2, at: time)
            town.write(30)
            try await town.pullAll(limits: CompletenessTests.limits)
            try await town.expectTruth()
            let before = town.server.requests.count
            try await town.pullAll(limits: CompletenessTests.limits)
            #expect(town.postRequests().count < before)
            let odd = try town.stored().filter { $0.header.createAt == time }
            #expect(odd.count == 2 && odd.allSatisfy { !$0.header.hasPlausibleTimes })
        }
    }

    @Test func aPostWithoutAPlaceIsNamed() async throws {
        let isOdd = Box(true)
        try await Town.with(
            interceptor: { request in
                guard isOdd.value, request.isAboutPosts, !request.isSince, request.query.hasPrefix("page=0") else {
                    return nil
                }
                let post = #"{"id":"NO","channel_id":"\#(request.channelID)","create_at":1700000000000}"#
                return .status(200, body: #"{"order":["NO"],"posts":{"NO":\#(post)}}"#)
            },
            { town in
                town.write(5)
                let report = try await town.pull()
                #expect(report.partial.map(\.gaps) == [[.unplaced(ids: ["NO"])]])
                #expect(try channel(town).gaps == [.unplaced(ids: ["NO"])])
                let damages = try await town.archive().check().damages
                #expect(damages.isEmpty)
                isOdd.value = false
                var full = Pull.Selection()
                full.isFull = true
                #expect(try await town.pull(full).partial.isEmpty)
            })
    }

    /// The same wrong answer would come again.
    @Test func aWholeAnswerThatIsNoneIsAskedForThreeTimes() async throws {
        try await Town.with(
            interceptor: { $0.isAboutPosts ? .status(200, body: #"{"order":[7],"posts":{}}"#) : nil },
            { town in
                town.write(5)
                let report = try await town.pull()
                guard case .failed(.badAnswer) = try #require(report.outcomes.first).result else {
                    Issue.record("\(report.outcomes)")
                    return
                }
                #expect(town.postRequests().count == 3)
            })
    }

    @Test func anAnswerThatIsTooLongIsAskedForInParts() async throws {
        try await Town.with(
            interceptor: { request in
                let size = request.query.split(separator: "&").first { $0.hasPrefix("per_page=") }?.dropFirst(9)
                guard request.isAboutPosts,
                    size.flatMap({ Int($0) }).map({ $0 > 50 }) ?? request.query.contains("since=1&")
                else { return nil }
                return .status(200, body: String(repeating: " ", count: BodyBudget.longestBody + 1))
            },
            { town in
                let posts = town.write(120)
                town.world.edit(posts[7], message: "edited")
                try await town.pull()
                #expect(try Set(posts).isSubset(of: town.stored().map(\.header.id)))
            })
    }

    // MARK: What the server is not

    /// An empty page says that history ends there, unless older posts are known.
    @Test(arguments: [false, true]) func anEmptyPageIsNotTheEndWherePostsAreKnownToBeBehindIt(_ isForEver: Bool)
        async throws
    {
        let pages = Box(0)
        try await Town.with(
            interceptor: { request in
                guard request.isAboutPosts, request.anchor != nil else { return nil }
                let number = pages.change { pages in
                    pages += 1
                    return pages
                }
                return number == 2 || isForEver && number > 2 ? CompletenessTests.nothing : nil
            },
            { town in
                town.write(100)
                guard isForEver else {
                    try await town.pullAll(limits: CompletenessTests.limits)
                    return try await town.expectTruth()
                }
                let report = try await town.pull(limits: CompletenessTests.limits)
                guard case .unlisted? = report.partial.first?.gaps.first else {
                    Issue.record("\(report.outcomes)")
                    return
                }
                // What is new comes nevertheless, and the next pull goes on where nothing was listed.
                let new = town.write(1)[0]
                try await town.pull(limits: CompletenessTests.limits)
                #expect(try town.versions(new).count == 1)
                pages.value = -1_000_000
                try await town.pullAll(limits: CompletenessTests.limits)
                try await town.expectTruth()
            })
    }

    /// The list of channels says when the last post was written.
    @Test func anEmptyAnswerIsNotBelievedWhereTheListTellsOfANewerPost() async throws {
        let isEmpty = Box(false)
        try await Town.with(
            interceptor: { isEmpty.value && $0.isSince ? CompletenessTests.nothing : nil },
            { town in
                let posts = town.write(20)
                try await town.pullAll(limits: CompletenessTests.limits)
                isEmpty.value = true
                town.world.advance(by: 100_000_000)
                town.world.edit(posts[3], message: "edited")
                town.write(1)
                try await town.pull(limits: CompletenessTests.limits)
                #expect(try channel(town).gaps == [.unknownChanges])
                isEmpty.value = false
                try await town.pullAll(limits: CompletenessTests.limits)
                try await town.expectTruth()
            })
    }

    /// A proxy's error says nothing about the server: not that a channel is closed, a post gone, or a history not to be had.
    @Test(arguments: [403, 404]) func whatAProxyForbidsIsNotTheServersWord(_ status: Int) async throws {
        let path = Box("")
        try await Town.with(
            interceptor: { request in
                !path.value.isEmpty && request.path.contains(path.value)
                    ? .status(status, body: "<html>\(status)</html>") : nil
            },
            { town in
                let posts = town.write(30)
                try await town.pullAll(limits: CompletenessTests.limits)
                path.value = "/channels"
                await #expect(throws: ExporterError.self) { try await town.pull(limits: CompletenessTests.limits) }
                #expect(try town.archive().absences(.channel).isEmpty)
                path.value = "/api/v4/posts/"
                town.world.purge(posts[7])
                var selection = Pull.Selection()
                selection.isFull = true
                let report = try await town.pull(selection, limits: CompletenessTests.limits)
                #expect(report.failures.count == 1)
                #expect(try town.archive().absences(.post).isEmpty)
                path.value = ""
                try await town.pull(selection, limits: CompletenessTests.limits)
                #expect(try Set(town.archive().absences(.post).keys) == [posts[7]])
            })
    }

    /// Nobody knows by whose clock a server's answers are dated.
    @Test func aClockThatIsAheadHidesNothing() async throws {
        try await Town.with { town in
            try await town.pullAll(limits: CompletenessTests.limits)
            town.write(6, at: town.world.now - 40_000_000)
            try await town.pullAll(limits: CompletenessTests.limits)
            try await town.expectTruth()
        }
    }

    @Test func aTypeWithANulDamagesNothing() async throws {
        try await Town.with { town in
            let post = town.world.post(in: town.channel, by: town.bob, message: "hello", type: "custom_\u{0}a")
            try await town.pullAll(limits: CompletenessTests.limits)
            #expect(try await town.archive().check().isClean)
            #expect(try town.stored().contains { $0.header.id == post })
        }
    }

    // MARK: Costs

    /// Where the last thing that happened was more than the server tells at once, the next pull asks for nothing of it.
    @Test func aBurstIsNotFetchedForEver() async throws {
        try await Town.with(tick: 1) { town in
            town.world.sinceLimit = 50
            town.write(20)
            try await town.pullAll(limits: CompletenessTests.limits)
            town.write(200)
            try await town.pullAll(limits: CompletenessTests.limits)
            town.world.advance(by: 100_000)
            // The server's clock is asked once more, behind the burst.
            try await town.pullAll(limits: CompletenessTests.limits)
            let before = town.postRequests().count
            for _ in 0..<3 { try await town.pullAll(limits: CompletenessTests.limits) }
            #expect(town.postRequests().count == before + 3)
            town.write(1)
            try await town.pullAll(limits: CompletenessTests.limits)
            try await town.expectTruth()
        }
    }
}
