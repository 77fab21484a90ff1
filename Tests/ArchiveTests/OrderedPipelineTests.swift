import Archive
import Foundation
import Synchronization
import Testing

@Suite struct OrderedPipelineTests {
    private struct Failure: Error, Equatable { let place: String }

    /// Numbers from 0 to `count`, and then the end, forever.
    private final class Numbers: Sendable {
        private let state: Mutex<Int>
        private let count: Int

        init(_ count: Int) {
            self.count = count
            state = Mutex(0)
        }

        var taken: Int { state.withLock { $0 } }

        func next() -> Int? {
            state.withLock { next in
                guard next < count else { return nil }
                next += 1
                return next - 1
            }
        }
    }

    @Test(arguments: [0, 1, 2, 3, 17, 200])
    func resultsComeInOrder(_ count: Int) async throws {
        let numbers = Numbers(count)
        var results: [Int] = []
        try await OrderedPipeline.run(
            next: { numbers.next() },
            work: { number in
                usleep(UInt32.random(in: 0...1500))
                return number * 2
            }, consume: { results.append($0) })
        #expect(results == (0..<count).map { $0 * 2 })
    }

    /// One slow batch must not pile up all others behind it.
    @Test func theWindowIsBounded() async throws {
        let width = 2 * ProcessInfo.processInfo.activeProcessorCount
        let numbers = Numbers(100)
        let release = Mutex(false)
        var consumed = 0
        Thread.detachNewThread {
            usleep(200_000)
            // Everything there is room for has been taken by now.
            #expect(numbers.taken == width)
            release.withLock { $0 = true }
        }
        try await OrderedPipeline.run(
            next: { numbers.next() },
            work: { number in
                while number == 0, !release.withLock({ $0 }) { usleep(1000) }
                return number
            },
            consume: { _ in
                #expect(numbers.taken - consumed <= width)
                consumed += 1
            })
        #expect(consumed == 100)
    }

    @Test func whatAnyPartThrowsComesOut() async throws {
        for place in ["next", "work", "consume"] {
            let numbers = Numbers(50)
            var consumed = 0
            await #expect(throws: Failure(place: place)) {
                try await OrderedPipeline.run(
                    next: {
                        let number = numbers.next()
                        if place == "next", number == 20 { throw Failure(place: place) }
                        return number
                    },
                    work: { number in
                        if place == "work", number == 20 { throw Failure(place: place) }
                        return number
                    },
                    consume: { number in
                        if place == "consume", number == 20 { throw Failure(place: place) }
                        #expect(number == consumed)
                        consumed += 1
                    })
            }
            #expect(consumed <= 20, "\(place)")
        }
    }

    @Test func aCancelledRunStops() async throws {
        let numbers = Numbers(.max)
        let task = Task {
            try await OrderedPipeline.run(
                next: { numbers.next() }, work: { $0 }, consume: { _ in usleep(100) })
        }
        while numbers.taken < 20 { try await Task.sleep(for: .milliseconds(1)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    /// Also where everything has been started already, and only results are waited for.
    @Test func aCancellationIsSeenAtTheEnd() async throws {
        let numbers = Numbers(2)
        let task = Task {
            try await OrderedPipeline.run(
                next: { numbers.next() },
                work: { number in
                    while !Task.isCancelled { usleep(1000) }
                    return number
                }, consume: { _ in })
        }
        // By a thread of its own: both workers wait, and on two cores no other task goes on meanwhile.
        Thread.detachNewThread {
            while numbers.taken < 2 { usleep(1000) }
            task.cancel()
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
