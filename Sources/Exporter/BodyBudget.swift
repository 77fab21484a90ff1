internal import Synchronization

/// Holds the memory that answers take while they come, all of the process together.
///
/// Bodies grow side by side in a common part. Where that is full, one of them goes on alone, up to the most that an answer
/// may have, and the others wait until there is room. It waits for nobody, and its answer must end in time: so everybody's
/// turn comes.
final class BodyBudget: Sendable {
    /// The most that one answer may have: 60 posts of 800 kB each, in one page.
    static let longestBody = 50_000_000
    /// What the others may have beside it: together less than 64 MB.
    static let commonPart = 12_000_000

    /// Of the process.
    static let shared = BodyBudget(common: commonPart, longest: longestBody)

    /// An answer has more bytes than any may have.
    struct TooLong: Error {}

    private let common: Int
    private let longest: Int
    private let state = Mutex(State())

    private struct State {
        /// Bytes of all bodies but that of `first`.
        var used = 0
        /// The body that goes on alone.
        var first: ObjectIdentifier?
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
    }

    init(common: Int, longest: Int) {
        self.common = common
        self.longest = longest
    }

    /// What one body takes, given back when nobody holds this any more.
    final class Share: Sendable {
        private let budget: BodyBudget
        fileprivate let taken = Mutex(0)

        fileprivate init(_ budget: BodyBudget) { self.budget = budget }

        deinit { budget.release(ObjectIdentifier(self), taken.withLock { $0 }) }

        /// Waits until there is room for so many bytes more.
        ///
        /// - Throws: `TooLong`; `CancellationError`.
        func take(_ count: Int) async throws {
            guard taken.withLock({ $0 }) + count <= budget.longest else { throw TooLong() }
            while !budget.reserve(count, for: self) {
                try Task.checkCancellation()
                await budget.wait()
            }
        }
    }

    func share() -> Share { Share(self) }

    private func reserve(_ count: Int, for share: Share) -> Bool {
        state.withLock { state in
            share.taken.withLock { taken in
                if state.first == ObjectIdentifier(share) {
                    // It has its room already.
                } else if state.used + count <= common {
                    state.used += count
                } else if state.first == nil {
                    state.first = ObjectIdentifier(share)
                    state.used -= taken
                } else {
                    return false
                }
                taken += count
                return true
            }
        }
    }

    private func release(_ share: ObjectIdentifier, _ taken: Int) {
        let waiting = state.withLock { state in
            if state.first == share { state.first = nil } else { state.used -= taken }
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for waiter in waiting { waiter.resume() }
    }

    /// Waits until something was given back, or the task is cancelled.
    private func wait() async {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isLate = state.withLock { state in
                    // Where there is room meanwhile, nobody may be left to wake it.
                    guard !Task.isCancelled, state.first != nil else { return true }
                    state.waiting[number] = continuation
                    return false
                }
                if isLate { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
        }
    }
}
