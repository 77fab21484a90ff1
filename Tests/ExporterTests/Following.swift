import Archive
import DemoServer
import Foundation
import Testing

@testable import Exporter

/// A following that runs beside a test, and what it has told.
final class Following: Sendable {
    let events = Box<[FollowEvent]>([])
    private let task: Task<ExporterError?, Never>

    private init(_ start: (@escaping @Sendable (FollowEvent) -> Void) throws -> Follow) rethrows {
        let events = events
        let follow = try start { event in events.change { $0.append(event) } }
        task = Task {
            do throws(ExporterError) {
                try await follow.run()
                return nil
            } catch { return error }
        }
    }

    /// - Returns: how it ended; `cancelled` where nothing else did it.
    @discardableResult
    func stop() async -> ExporterError? {
        task.cancel()
        return await task.value
    }

    func ended() async -> ExporterError? { await task.value }

    /// Waits until it is connected, and the first pull has ended.
    func caughtUp() async throws {
        try await eventually("it is connected and has pulled") { isConnected && isPulled }
    }

    var isConnected: Bool { count { if case .connected = $0 { true } else { false } } > 0 }
    /// Whether the first pull has ended.
    var isPulled: Bool { count { if case .pulled = $0 { true } else { false } } > 0 }
    /// How often all of it was asked for, or a part, behind the first pull.
    var askedCount: Int { count { if case .asked = $0 { true } else { false } } }
    var gapCount: Int { count { if case .gap = $0 { true } else { false } } }
    var resumedCount: Int { count { if case .connected(isResumed: true, _) = $0 { true } else { false } } }
    var newCount: Int { count { if case .connected(isResumed: false, _) = $0 { true } else { false } } }
    /// How often it said that it asks because no events come.
    var pollingCount: Int { count { if case .polling = $0 { true } else { false } } }
    /// How many changes of keys it said it could not see.
    var unseenKeys: Int {
        events.value.reduce(0) { if case .keysUnseen(_, let count) = $1 { $0 + count } else { $0 } }
    }
    var keyChanges: [KeyChange] {
        events.value.flatMap { event -> [KeyChange] in
            if case .asked(_, let changes) = event { changes } else { [] }
        }
    }

    private func count(_ isCounted: (FollowEvent) -> Bool) -> Int { events.value.count(where: isCounted) }

    /// Follows Alice's archive while `body` runs, which begins when all is connected and caught up. In the end, the
    /// archive must be whole.
    ///
    /// - Parameter isAtOnce: whether `body` begins without waiting for anything.
    static func with(
        _ town: Town, _ selection: Pull.Selection = Pull.Selection(), pace: FollowPace = .eager,
        patience: Patience = .eager, limits: WalkLimits = WalkLimits(), isAtOnce: Bool = false,
        network: Network = Network(), endingWith end: ExporterError = .cancelled,
        _ body: (Following) async throws -> Void
    ) async throws {
        let directory = try town.directory()
        let following = try Following { onEvent in
            try Follow(
                directory, selection, patience: patience, limits: limits, pace: pace, network: network,
                onEvent: onEvent)
        }
        do {
            if !isAtOnce { try await following.caughtUp() }
            try await body(following)
        } catch {
            await following.stop()
            throw error
        }
        #expect(await following.stop() == end)
        let damages = try await town.archive().check().damages
        #expect(damages.isEmpty, "\(damages)")
    }
}

extension FollowPace {
    static let eager = FollowPace(
        batch: 0.01, settle: 0.02, rest: 0.02, ping: 0.1, silence: 60, firstDelay: 0.02, longestDelay: 0.1,
        refresh: 3600)
}

/// Waits until something is so, and fails where that takes longer than ten seconds.
func eventually(
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ isSo: () throws -> Bool
) async throws {
    for _ in 0..<1000 {
        if try isSo() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("not so within ten seconds: \(what)", sourceLocation: sourceLocation)
    throw NotSo()
}

struct NotSo: Error {}
