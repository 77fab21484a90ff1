import Archive
import DemoServer
import Testing

@testable import Exporter

/// A pull that ends at any moment, in any way, and the next one.
struct InterruptionTests {
    private static let limits = WalkLimits(pageSize: 5, cut: 1000, overlap: 3000)

    private func populate(_ town: Town) {
        let posts = town.write(17)
        town.world.edit(posts[3], message: "edited")
        town.world.delete(posts[9])
        town.write(3, root: posts[12])
    }

    /// Identity and state of each version that is kept.
    private func content(_ town: Town) throws -> Set<String> {
        Set(try town.stored().map { "\($0.header.id) \($0.header.updateAt) \($0.state)" })
    }

    private func undisturbed() async throws -> (content: Set<String>, requests: Int) {
        var result: (Set<String>, Int) = ([], 0)
        try await Town.with { town in
            populate(town)
            try await town.pullAll(limits: InterruptionTests.limits)
            result = (try content(town), town.server.requests.count)
        }
        return result
    }

    /// Pulls with an end at the `number`th request, then to the end; both parts together ask for each page once.
    private func interrupt(
        at number: Int, _ fault: Fault?, expected: Set<String>,
        pull: @escaping (Town) async throws -> Void
    ) async throws {
        try await Town.with(
            interceptor: { request in request.sequence == number ? fault : nil },
            { town in
                populate(town)
                try await pull(town)
                let first = town.server.requests.count
                try await town.pullAll(limits: InterruptionTests.limits)
                #expect(try content(town) == expected, "interrupted at request \(number)")
                try await town.expectTruth()
                // The empty page behind the last one means something only once its anchor was asked about, too.
                let pages = town.server.requests.filter { $0.isAboutPosts && $0.query.contains("page=0&") }
                let done = Set(pages.filter { $0.sequence < min(first - 1, number) }.map(\.target))
                let again = pages.filter { $0.sequence >= first && done.contains($0.target) }
                #expect(again.isEmpty, "fetched again after an end at request \(number): \(again.map(\.target))")
            })
    }

    @Test func aPullThatFailsAtAnyRequestIsFinishedByTheNext() async throws {
        let whole = try await undisturbed()
        #expect(whole.requests >= 15)
        for number in 0..<whole.requests {
            try await interrupt(at: number, .status(500), expected: whole.content) { town in
                let once = Patience(attempts: 1, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0)
                let report = try? await town.pull(patience: once, limits: InterruptionTests.limits)
                let isNoticed = report.map {
                    !$0.failures.isEmpty || $0.keysFailure != nil || !$0.membersFailures.isEmpty
                        || $0.emojiFailure != nil
                }
                #expect(isNoticed ?? true, "request \(number) failed and nobody says so")
            }
        }
    }

    @Test func aPullThatIsCancelledAtAnyRequestIsFinishedByTheNext() async throws {
        let whole = try await undisturbed()
        for number in 0..<whole.requests {
            // The server holds the answer back until the task is gone.
            try await interrupt(at: number, .stall(.seconds(60)), expected: whole.content) { town in
                let pull = Task { try await town.pull(limits: InterruptionTests.limits) }
                while town.server.requests.count <= number { await Task.yield() }
                pull.cancel()
                await #expect(throws: ExporterError.cancelled) { try await pull.value }
            }
        }
    }

    @Test func aCancelledWaitEndsAtOnce() async throws {
        let isWaiting = Box(false)
        try await Town.with(
            interceptor: { _ in .status(429, headers: [("Retry-After", "500")]) },
            {
                town async throws in
                let patience = Patience(attempts: 3, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 1000)
                let pull = Task {
                    try await town.pull(patience: patience) { event in
                        if case .retrying = event { isWaiting.value = true }
                    }
                }
                while !isWaiting.value { await Task.yield() }
                pull.cancel()
                await #expect(throws: ExporterError.cancelled) { try await pull.value }
            })
    }

    @Test func aChannelThatFailsIsReportedAndTheOthersGoOn() async throws {
        let broken = Box("")
        try await Town.with(
            interceptor: { request in
                request.channelID == broken.value && request.query.contains("before=") ? .status(500) : nil
            },
            { town in
                populate(town)
                var others: [String] = []
                for number in 0..<9 {
                    let channel = town.world.addChannel(
                        team: town.team, name: "c\(number)", displayName: "", type: .open, members: [town.alice])
                    others.append(channel)
                    for _ in 0..<12 { town.world.post(in: channel, by: town.alice, message: "\(number)") }
                }
                broken.value = others[4]
                let report = try await town.pull(limits: InterruptionTests.limits)
                #expect(report.failures.map(\.channel.id) == [others[4]])
                guard case .failed(.noAnswer(_, _, let attempts, _)) = report.failures.first?.result else {
                    Issue.record("\(report.failures)")
                    return
                }
                #expect(attempts == 30)
                #expect(report.outcomes.count == 10)
                for channel in others + [town.channel] where channel != others[4] {
                    #expect(try town.differences(channel).isEmpty)
                }
                #expect(try town.stored(others[4]).count == 5, "the page before the failure is kept")
                broken.value = ""
                try await town.pullAll(limits: InterruptionTests.limits)
                for channel in others { #expect(try town.differences(channel).isEmpty) }
            })
    }

    @Test func anInterruptionAmongTiedPostsLosesNone() async throws {
        for number in 5..<14 {
            let isOver = Box(false)
            try await Town.with(
                tick: 1,
                interceptor: { request in
                    request.sequence >= number && !isOver.value ? .status(500) : nil
                },
                { town in
                    town.world.sinceLimit = 3
                    town.write(4, at: Town.start + 1)
                    town.write(23, at: Town.start + 2)
                    town.write(3, at: Town.start + 3)
                    let once = Patience(attempts: 1, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0)
                    _ = try? await town.pull(patience: once, limits: WalkLimits(pageSize: 5, cut: 3, overlap: 1))
                    isOver.value = true
                    try await town.pullAll(limits: WalkLimits(pageSize: 5, cut: 3, overlap: 1))
                    try await town.expectTruth()
                })
        }
    }
}
