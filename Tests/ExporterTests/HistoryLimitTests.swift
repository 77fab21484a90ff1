import Archive
import DemoServer
import Testing

@testable import Exporter

/// A server that hides old posts: what is missing is said, and comes when it hides less.
struct HistoryLimitTests {
    private static let limits = WalkLimits(pageSize: 20, cut: 50, overlap: 3000)
    private static let once = Patience(attempts: 1, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0)

    private func channel(_ town: Town) throws -> Channel {
        try #require(try town.archive().channels().first { $0.id == town.channel })
    }

    @Test func whatTheServerHidesIsSaidAndComesWhenTheLimitIsLifted() async throws {
        try await Town.with { town in
            let old = town.write(70)
            town.world.advance(by: 1000)
            let limit = town.world.now
            town.write(70)
            town.world.historyLimit = limit
            for _ in 0..<2 {
                let report = try await town.pull(limits: HistoryLimitTests.limits)
                guard case .hidden(let until)? = report.partial.first?.gaps.first else {
                    Issue.record("\(report.outcomes)")
                    return
                }
                #expect(until.milliseconds < limit && report.partial.first?.gaps.count == 1)
                #expect(try channel(town).hiddenUntil == until)
            }
            #expect(try town.archive().absences(.post).isEmpty && town.archive().absences(.channel).isEmpty)
            town.world.historyLimit = nil
            try await town.pullAll(limits: HistoryLimitTests.limits)
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
            try await town.pullAll(limits: HistoryLimitTests.limits)
            town.world.historyLimit = limit
            for isFull in [false, true] {
                var selection = Pull.Selection()
                selection.isFull = isFull
                let report = try await town.pull(selection, limits: HistoryLimitTests.limits)
                #expect(report.partial.isEmpty && report.failures.isEmpty && report.closed.isEmpty)
                #expect(report.outcomes.allSatisfy { $0.absent.count == 0 })
                #expect(try town.archive().absences(.post).isEmpty)
            }
            #expect(try channel(town).hiddenUntil != nil && channel(town).gaps.isEmpty)
        }
    }

    /// A pull that says that the server hides what is missing.
    private func expectHidden(_ town: Town, _ selection: Pull.Selection = .init()) async throws {
        let report = try await town.pull(selection, limits: HistoryLimitTests.limits)
        guard case .hidden? = report.partial.first?.gaps.first else {
            Issue.record("\(report.outcomes)")
            return
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
                try await expectHidden(town, selection)
            }
            #expect(try town.archive().absences(.post).isEmpty)
            town.world.historyLimit = nil
            town.write(1)
            try await town.pullAll(limits: HistoryLimitTests.limits)
            try await town.expectTruth()
        }
    }

    /// Posts that were hidden before anybody could fetch them are missing, also where older ones are here.
    @Test func postsHiddenBeforeTheyCameAreMissed() async throws {
        try await Town.with { town in
            town.write(50)
            try await town.pullAll(limits: HistoryLimitTests.limits)
            town.world.advance(by: 100_000_000)
            town.write(11)
            town.world.advance(by: 1000)
            let limit = town.world.now
            town.write(10)
            town.world.historyLimit = limit
            for _ in 0..<2 {
                try await expectHidden(town)
            }
            town.world.historyLimit = nil
            try await town.pullAll(limits: HistoryLimitTests.limits)
            try await town.expectTruth()
        }
    }

    /// A clock that was an hour ahead, and was put right.
    @Test func aClockThatIsPutRightHidesNothing() async throws {
        try await Town.with { town in
            let ahead = Timestamp.now.milliseconds + 3_600_000
            town.world.advance(by: ahead - town.world.now)
            let posts = town.write(20)
            try await town.pullAll(limits: HistoryLimitTests.limits)
            town.world.advance(by: -3_000_000)
            town.write(3)
            town.world.delete(posts[4])
            town.world.edit(posts[5], message: "edited")
            try await town.pull(limits: HistoryLimitTests.limits)
            try await town.expectTruth()
        }
    }

    /// What happens to posts while they are hidden is told by nothing, then or later, unless it is asked for.
    @Test func whatChangedWhileItWasHiddenComesWhenTheLimitIsLifted() async throws {
        try await Town.with { town in
            let old = town.write(40)
            town.world.advance(by: 100_000_000)
            town.write(30)
            try await town.pullAll(limits: HistoryLimitTests.limits)
            town.world.historyLimit = town.world.now - 1000
            town.world.advance(by: 100_000_000)
            town.world.delete(old[3])
            town.world.edit(old[4], message: "edited while it was hidden")
            town.world.advance(by: 100_000_000)
            town.write(1)
            try await town.pull(limits: HistoryLimitTests.limits)
            town.world.historyLimit = nil
            try await town.pullAll(limits: HistoryLimitTests.limits)
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
                var selection = Pull.Selection()
                selection.isFull = true
                try await town.pull(selection, patience: HistoryLimitTests.once, limits: HistoryLimitTests.limits)
                guard case .unfinished? = try channel(town).gaps.first else {
                    Issue.record("\(try channel(town).gaps)")
                    return
                }
                isFailing.value = false
                for _ in 0..<2 {
                    try await expectHidden(town)
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
            try await town.pullAll(limits: HistoryLimitTests.limits)
            town.world.historyLimit = limit
            try await town.pull(limits: HistoryLimitTests.limits)
            var selection = Pull.Selection()
            selection.since = Timestamp(milliseconds: town.world.now)
            try await town.pull(selection, limits: HistoryLimitTests.limits)
            let report = try await town.pull(limits: HistoryLimitTests.limits)
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
                    let report = try await town.pull(selection, limits: HistoryLimitTests.limits)
                    #expect(report.failures.isEmpty && report.partial.count == 1)
                }
                isOdd.value = false
                try await town.pullAll(limits: HistoryLimitTests.limits)
                try await town.expectTruth()
            })
    }

    // MARK: Changes that are told in part

    /// The archive shows all that the server shows of the channel.
    private func expectVisible(_ town: Town) throws {
        let limit = town.world.historyLimit ?? .min
        let stored = try town.stored()
        let live = town.world.posts(in: town.channel).filter { $0.isLive && $0.createAt >= limit }
        for post in live {
            let newest = stored.first { $0.header.id == post.id && $0.state == .live }
            #expect(newest?.header.updateAt == post.updateAt, "\(post.id)")
        }
        let ids = Set(live.map(\.id))
        let absent = try town.archive().absences(.post)
        let shown = stored.filter { $0.state == .live && $0.header.createAt >= limit && absent[$0.header.id] == nil }
        #expect(Set(shown.map(\.header.id)).subtracting(ids).isEmpty)
    }

    /// The server cuts its answer, and takes away then what a limit hides: what comes is shorter than what was cut.
    @Test func anAnswerOfWhichSomethingIsHiddenIsNotWhole() async throws {
        try await Town.with { town in
            town.world.sinceLimit = HistoryLimitTests.limits.cut
            let old = town.write(80)
            town.world.advance(by: 100_000_000)
            let posts = town.write(60)
            try await town.pullAll(limits: HistoryLimitTests.limits)
            town.world.historyLimit = town.world.now - 10_000_000
            town.world.advance(by: 100_000_000)
            for post in old { town.world.edit(post, message: "edited while it was hidden") }
            for post in posts[..<10] { town.world.edit(post, message: "edited") }
            for post in posts[10..<20] { town.world.delete(post) }
            town.write(20)
            for _ in 0..<2 {
                let report = try await town.pull(limits: HistoryLimitTests.limits)
                #expect(report.failures.isEmpty && report.partial.isEmpty, "\(report.outcomes)")
                try expectVisible(town)
            }
            town.world.historyLimit = nil
            try await town.pullAll(limits: HistoryLimitTests.limits)
            try expectVisible(town)
        }
    }

    /// A walk that a cut answer made necessary, and that ends in its middle: ten of the old posts have gone by then, and 120 new
    /// ones came.
    ///
    /// - Parameter body: gets a time amid the new posts.
    private func withInterruptedWalk(_ body: (Town, Int64) async throws -> Void) async throws {
        let isFailing = Box(false)
        try await Town.with(
            interceptor: { isFailing.value && $0.isAboutPosts && $0.anchor != nil ? .status(500) : nil },
            { town in
                town.world.sinceLimit = HistoryLimitTests.limits.cut
                let old = town.write(80)
                try await town.pullAll(limits: HistoryLimitTests.limits)
                town.world.advance(by: 100_000_000)
                for post in old[10..<20] { town.world.delete(post) }
                town.world.advance(by: 100_000_000)
                town.write(60)
                let middle = town.world.now
                town.world.advance(by: 100_000_000)
                town.write(60)
                isFailing.value = true
                try await town.pull(patience: HistoryLimitTests.once, limits: HistoryLimitTests.limits)
                isFailing.value = false
                try await body(town, middle)
                #expect(Set(try town.stored().filter { $0.state == .deleted }.map(\.header.id)) == Set(old[10..<20]))
            })
    }

    /// What a walk was still to bring is missing where a limit comes before it ends.
    @Test func aLimitThatComesBeforeAWalkHasEndedHidesWhatIsMissing() async throws {
        try await withInterruptedWalk { town, middle in
            town.world.historyLimit = middle
            for _ in 0..<2 {
                try await expectHidden(town)
            }
            town.world.historyLimit = nil
            try await town.pullAll(limits: HistoryLimitTests.limits)
            try expectVisible(town)
        }
    }

    /// Deletions that were still to be looked for when a limit came, which hides the posts that have gone.
    @Test func aLimitEndsNoSearchForWhatHasGone() async throws {
        try await withInterruptedWalk { town, _ in
            town.world.historyLimit = Town.start + 50_000
            for _ in 0..<2 { try await town.pull(limits: HistoryLimitTests.limits) }
            town.world.historyLimit = nil
            for _ in 0..<2 { try await town.pullAll(limits: HistoryLimitTests.limits) }
            try expectVisible(town)
        }
    }

    /// A limit that hides less than before, and still something.
    @Test func whatChangedWhileItWasHiddenComesWhenTheLimitIsRaised() async throws {
        try await Town.with { town in
            let old = town.write(20)
            town.world.advance(by: 100_000_000)
            let lower = town.world.now
            let hidden = town.write(40)
            town.world.advance(by: 100_000_000)
            let upper = town.world.now
            town.write(20)
            try await town.pullAll(limits: HistoryLimitTests.limits)
            town.world.historyLimit = upper
            town.write(1)
            try await town.pull(limits: HistoryLimitTests.limits)
            for post in hidden[..<10] { town.world.delete(post) }
            for post in hidden[10..<20] { town.world.edit(post, message: "edited while it was hidden") }
            for post in old[..<5] { town.world.delete(post) }
            town.world.advance(by: 100_000)
            town.write(1)
            try await town.pull(limits: HistoryLimitTests.limits)
            town.world.historyLimit = lower
            for _ in 0..<2 {
                try await town.pull(limits: HistoryLimitTests.limits)
                try expectVisible(town)
            }
            town.world.historyLimit = nil
            try await town.pullAll(limits: HistoryLimitTests.limits)
            try await town.expectTruth()
        }
    }

    /// The machines of a cluster that do not agree about a limit.
    @Test func aLimitThatComesAndGoesLosesNothing() async throws {
        let flapping = Box<(world: World, limit: Int64)?>(nil)
        try await Town.with(
            interceptor: { request in
                guard let (world, limit) = flapping.value else { return nil }
                if request.isSince { world.historyLimit = limit }
                if request.isAboutPosts { world.historyLimit = nil }
                return nil
            },
            { town in
                let old = town.write(40)
                town.world.advance(by: 100_000_000)
                let limit = town.world.now
                town.write(30)
                try await town.pullAll(limits: HistoryLimitTests.limits)
                town.world.historyLimit = limit
                for post in old[..<10] { town.world.delete(post) }
                for post in old[10..<20] { town.world.edit(post, message: "edited while it was hidden") }
                town.world.advance(by: 100_000_000)
                town.write(1)
                try await town.pull(limits: HistoryLimitTests.limits)
                flapping.value = (town.world, limit)
                try await town.pull(limits: HistoryLimitTests.limits)
                flapping.value = nil
                town.world.historyLimit = nil
                for _ in 0..<2 { try await town.pullAll(limits: HistoryLimitTests.limits) }
                try await town.expectTruth()
            })
    }

    /// The past is asked for once, and a limit may hide it then.
    @Test func thePastIsAskedForAgainWhereALimitHidIt() async throws {
        let isFailing = Box(true)
        try await Town.with(
            interceptor: { isFailing.value && $0.isSince ? .status(500) : nil },
            { town in
                let old = town.write(40)
                for post in old[..<10] { town.world.delete(post) }
                for post in old[10..<20] { town.world.edit(post, message: "edited") }
                town.world.advance(by: 100_000_000)
                let limit = town.world.now
                town.write(10)
                try await town.pull(patience: HistoryLimitTests.once, limits: HistoryLimitTests.limits)
                isFailing.value = false
                town.world.historyLimit = limit
                try await town.pull(limits: HistoryLimitTests.limits)
                town.world.historyLimit = nil
                for _ in 0..<2 { try await town.pullAll(limits: HistoryLimitTests.limits) }
                try await town.expectTruth()
            })
    }

    /// Clocks that were ahead when a limit came, and were put right.
    @Test func aLimitUnderAWrongClockHidesNothingForEver() async throws {
        try await Town.with { town in
            let old = town.write(40)
            town.world.advance(by: Timestamp.now.milliseconds + 3_600_000 - town.world.now)
            let limit = town.world.now
            town.write(10)
            try await town.pullAll(limits: HistoryLimitTests.limits)
            town.world.historyLimit = limit
            town.write(1)
            try await town.pull(limits: HistoryLimitTests.limits)
            town.world.advance(by: -3_500_000)
            for post in old[..<10] { town.world.delete(post) }
            town.world.historyLimit = town.world.now
            town.write(3)
            for _ in 0..<2 { try await town.pull(limits: HistoryLimitTests.limits) }
            town.world.historyLimit = nil
            for _ in 0..<2 { try await town.pull(limits: HistoryLimitTests.limits) }
            try await town.expectTruth()
        }
    }

    /// An edit that is dated before the post was written is a wrong clock's.
    @Test func anEditBeforeItsPostIsNoContradiction() async throws {
        try await Town.with { town in
            town.write(20)
            let ahead = Timestamp.now.milliseconds - town.world.now
            town.world.advance(by: ahead)
            let post = town.write(1)[0]
            try await town.pullAll(limits: HistoryLimitTests.limits)
            town.world.advance(by: -ahead)
            town.world.edit(post, message: "edited")
            for _ in 0..<2 { try await town.pullAll(limits: HistoryLimitTests.limits) }
        }
    }
}
