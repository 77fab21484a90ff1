internal import Foundation

/// Runs the same work on a stream of batches on all cores and hands the results over in the order of the batches.
///
/// At most two batches per core are in memory at any time, however long the stream is.
public enum OrderedPipeline {
    /// - Parameters:
    ///   - next: gives the next batch, or nil at the end; called by one task at a time.
    ///   - work: what all cores do.
    ///   - consume: takes the results, in order, one at a time.
    /// - Throws: what any of the three throws, and `CancellationError`.
    public static func run<Batch: Sendable, Result: Sendable>(
        next: () throws -> Batch?,
        work: @escaping @Sendable (Batch) throws -> Result,
        consume: (Result) throws -> Void
    ) async throws {
        let width = 2 * ProcessInfo.processInfo.activeProcessorCount
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            var started = 0
            var finished: [Int: Result] = [:]
            var wanted = 0
            func start() throws -> Bool {
                guard let batch = try next() else { return false }
                let place = started
                started += 1
                group.addTask { (place, try work(batch)) }
                return true
            }
            var isOpen = true
            while isOpen || wanted < started {
                try Task.checkCancellation()
                // The window is over the batches not yet consumed, so that one slow batch cannot pile up the others.
                while isOpen, started - wanted < width { isOpen = try start() }
                while let result = finished.removeValue(forKey: wanted) {
                    try consume(result)
                    wanted += 1
                }
                if wanted < started, let (place, result) = try await group.next() { finished[place] = result }
            }
        }
    }
}

/// Cuts a range of places into pieces, the first ones first.
public struct PlaceBatches {
    private var rest: Range<Int>
    private let size: Int

    /// - Parameter size: how many places make a piece; the last one may be shorter.
    public init(_ places: Range<Int>, of size: Int) {
        rest = places
        self.size = size
    }

    /// - Returns: nil behind the last one.
    public mutating func next() -> Range<Int>? {
        guard !rest.isEmpty else { return nil }
        let piece = rest.prefix(size)
        rest = piece.endIndex..<rest.upperBound
        return piece
    }
}
