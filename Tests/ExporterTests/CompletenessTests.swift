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

    /// A server that does not give posts for their ids says of each that it is gone.
    @Test(arguments: [
        Fault.status(404, body: #"{"id":"api.context.404.app_error"}"#), .status(501), .status(200, body: "{}"),
        .status(200, body: #"[{"id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","channel_id":"aaaaaaaaaaaaaaaaaaaaaaaaaa"}]"#),
    ]) func withoutTombstonesTheDeletedAreGone(_ fault: Fault) async throws {
        try await Town.with(
            interceptor: { $0.path == "/api/v4/posts/ids" ? fault : nil },
            { town in
                let gone = try await changed(town)
                try await town.pullAll(limits: CompletenessTests.limits)
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

    // MARK: A limit on history

    @Test func whatTheServerHidesIsSaidAndComesWhenTheLimitIsLifted() async throws {
        try await Town.with { town in
            let old = town.write(70)
            town.world.advance(by: 1000)
            let limit = town.world.now
            town.write(70)
            town.world.historyLimit = limit
            for _ in 0..<2 {
                let report = try await town.pull(limits: CompletenessTests.limits)
                guard case .hidden(let until)? = report.partial.first?.gaps.first else {
                    Issue.record("\(report.outcomes)")
                    return
                }
                #expect(until.milliseconds < limit && report.partial.first?.gaps.count == 1)
                #expect(try channel(town).hiddenUntil == until)
            }
            #expect(try town.archive().absences(.post).isEmpty && town.archive().absences(.channel).isEmpty)
            town.world.historyLimit = nil
            try await town.pullAll(limits: CompletenessTests.limits)
            try await town.expectTruth()
            #expect(try channel(town).hiddenUntil == nil)
            #expect(try Set(old).isSubset(of: town.stored().map(\.header.id)))
        }
    }

    @Test func whatWasArchivedBeforeALimitCameIsNeitherGoneNorMissing() async throws {
        try await Town.with { town in
            town.write(70)
            town.world.advance(by: 100_000_000)
            let limit = town.world.now
            town.write(30)
            try await town.pullAll(limits: CompletenessTests.limits)
            town.world.historyLimit = limit
            for isFull in [false, true] {
                var selection = Pull.Selection()
                selection.isFull = isFull
                let report = try await town.pull(selection, limits: CompletenessTests.limits)
                #expect(report.partial.isEmpty && report.failures.isEmpty && report.closed.isEmpty)
                #expect(report.outcomes.allSatisfy { $0.absent.count == 0 })
                #expect(try town.archive().absences(.post).isEmpty)
            }
            #expect(try channel(town).hiddenUntil != nil && channel(town).gaps.isEmpty)
        }
    }

    /// A page that ends at what is hidden is followed by one that is empty and does not say so.
    @Test func fewHiddenPostsAreMissed() async throws {
        try await Town.with { town in
            town.write(9)
            town.world.advance(by: 1000)
            let limit = town.world.now
            town.write(30)
            town.world.historyLimit = limit
            for isFull in [false, true, false] {
                var selection = Pull.Selection()
                selection.isFull = isFull
                let report = try await town.pull(selection, limits: CompletenessTests.limits)
                guard case .hidden? = report.partial.first?.gaps.first else {
                    Issue.record("\(report.outcomes)")
                    return
                }
            }
            #expect(try town.archive().absences(.post).isEmpty)
            town.world.historyLimit = nil
            town.write(1)
            try await town.pullAll(limits: CompletenessTests.limits)
            try await town.expectTruth()
        }
    }

    /// Posts that were hidden before anybody could fetch them are missing, also where older ones are here.
    @Test func postsHiddenBeforeTheyCameAreMissed() async throws {
        try await Town.with { town in
            town.write(50)
            try await town.pullAll(limits: CompletenessTests.limits)
            town.world.advance(by: 100_000_000)
            town.write(11)
            town.world.advance(by: 1000)
            let limit = town.world.now
            town.write(10)
            town.world.historyLimit = limit
            for _ in 0..<2 {
                let report = try await town.pull(limits: CompletenessTests.limits)
                guard case .hidden? = report.partial.first?.gaps.first else {
                    Issue.record("\(report.outcomes)")
                    return
                }
            }
            town.world.historyLimit = nil
            try await town.pullAll(limits: CompletenessTests.limits)
            try await town.expectTruth()
        }
    }

    /// A clock that was an hour ahead, and was put right.
    @Test func aClockThatIsPutRightHidesNothing() async throws {
        try await Town.with { town in
            let ahead = Timestamp.now.milliseconds + 3_600_000
            town.world.advance(by: ahead - town.world.now)
            let posts = town.write(20)
            try await town.pullAll(limits: CompletenessTests.limits)
            town.world.advance(by: -3_000_000)
            town.write(3)
            town.world.delete(posts[4])
            town.world.edit(posts[5], message: "edited")
            try await town.pull(limits: CompletenessTests.limits)
            try await town.expectTruth()
        }
    }

    /// What happens to posts while they are hidden is told by nothing, then or later, unless it is asked for.
    @Test func whatChangedWhileItWasHiddenComesWhenTheLimitIsLifted() async throws {
        try await Town.with { town in
            let old = town.write(40)
            town.world.advance(by: 100_000_000)
            town.write(30)
            try await town.pullAll(limits: CompletenessTests.limits)
            town.world.historyLimit = town.world.now - 1000
            town.world.advance(by: 100_000_000)
            town.world.delete(old[3])
            town.world.edit(old[4], message: "edited while it was hidden")
            town.world.advance(by: 100_000_000)
            town.write(1)
            try await town.pull(limits: CompletenessTests.limits)
            town.world.historyLimit = nil
            try await town.pullAll(limits: CompletenessTests.limits)
            try await town.expectTruth()
        }
    }

    /// A walk that looks at everything anew, and comes to no end, does not make the archive whole.
    @Test func anInterruptedFullPullDoesNotHideALimit() async throws {
        let isFailing = Box(false)
        try await Town.with(
            interceptor: { isFailing.value && $0.isAboutPosts && $0.anchor != nil ? .status(500) : nil },
            { town in
                town.write(70)
                town.world.advance(by: 1000)
                let limit = town.world.now
                town.write(70)
                town.world.historyLimit = limit
                isFailing.value = true
                let once = Patience(attempts: 1, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0)
                var selection = Pull.Selection()
                selection.isFull = true
                try await town.pull(selection, patience: once, limits: CompletenessTests.limits)
                guard case .unfinished? = try channel(town).gaps.first else {
                    Issue.record("\(try channel(town).gaps)")
                    return
                }
                isFailing.value = false
                for _ in 0..<2 {
                    let report = try await town.pull(limits: CompletenessTests.limits)
                    guard case .hidden? = report.partial.first?.gaps.first else {
                        Issue.record("\(report.outcomes)")
                        return
                    }
                }
            })
    }

    /// Nor does a pull that asks for a part of the history make it lack what it holds.
    @Test func aNarrowedPullDoesNotMakeTheHiddenMissing() async throws {
        try await Town.with { town in
            town.write(70)
            town.world.advance(by: 100_000_000)
            let limit = town.world.now
            town.write(30)
            try await town.pullAll(limits: CompletenessTests.limits)
            town.world.historyLimit = limit
            try await town.pull(limits: CompletenessTests.limits)
            var selection = Pull.Selection()
            selection.since = Timestamp(milliseconds: town.world.now)
            try await town.pull(selection, limits: CompletenessTests.limits)
            let report = try await town.pull(limits: CompletenessTests.limits)
            #expect(report.partial.isEmpty && report.failures.isEmpty)
            #expect(try channel(town).gaps.isEmpty)
        }
    }

    @Test func anUnbelievableLimitStopsNothing() async throws {
        let isOdd = Box(true)
        try await Town.with(
            interceptor: { request in
                guard isOdd.value, request.isAboutPosts, request.anchor != nil else { return nil }
                return .status(
                    200, body: #"{"order":[],"posts":{},"first_inaccessible_post_time":9223372036854775807}"#)
            },
            { town in
                town.write(50)
                for isFull in [false, true, false] {
                    var selection = Pull.Selection()
                    selection.isFull = isFull
                    let report = try await town.pull(selection, limits: CompletenessTests.limits)
                    #expect(report.failures.isEmpty && report.partial.count == 1)
                }
                isOdd.value = false
                try await town.pullAll(limits: CompletenessTests.limits)
                try await town.expectTruth()
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
