/// The matches of all parts of an index in one order, a batch at a time. A part is opened when it can have the next one.
struct MatchStream {
    private let index: SearchIndex
    private let expression: SearchExpression
    private let batch: Int
    private var waiting: ArraySlice<IndexManifest.Part>
    private var cursors: [Cursor] = []
    private var ranked: ArraySlice<SearchSegment.Match>?

    private struct Cursor {
        let segment: SearchSegment
        var matches: ArraySlice<SearchSegment.Match>
        var isAtEnd: Bool
    }

    init(_ index: SearchIndex, _ expression: SearchExpression, _ order: Search.Order, _ batch: Int) throws {
        self.index = index
        self.expression = expression
        self.batch = max(32, batch)
        waiting =
            index.parts.filter {
                $0.last >= expression.createAt.lowerBound && $0.first < expression.createAt.upperBound
            }[...]
        if order == .relevance { ranked = try rank()[...] }
    }

    /// The best of the newest matches. Some versions more than posts are wanted, since several may be of one post.
    private func rank() throws -> [SearchSegment.Match] {
        var room = Search.candidates
        var result: [SearchSegment.Match] = []
        for part in waiting where room > 0 {
            let (best, ranked) = try index.segment(part).best(expression, candidates: room, limit: 4 * batch)
            room -= ranked
            result += best
        }
        return result.sorted { ($0.score, $1.createAt) < ($1.score, $0.createAt) }
    }

    mutating func next(_ count: Int) throws -> [SearchSegment.Match] {
        if let best = ranked {
            ranked = best.dropFirst(count)
            return Array(best.prefix(count))
        }
        var result: [SearchSegment.Match] = []
        while result.count < count, let match = try next() { result.append(match) }
        return result
    }

    private mutating func next() throws -> SearchSegment.Match? {
        while true {
            var newest: Int?
            for place in cursors.indices {
                try fill(place)
                guard let match = cursors[place].matches.first else { continue }
                let isNewer =
                    newest.flatMap { cursors[$0].matches.first }
                    .map { (match.createAt, match.version) > ($0.createAt, $0.version) } ?? true
                if isNewer { newest = place }
            }
            // A part that may reach as far is asked as well.
            if let part = waiting.first,
                newest.flatMap({ cursors[$0].matches.first }).map({ $0.createAt <= part.last }) ?? true
            {
                waiting.removeFirst()
                cursors.append(Cursor(segment: try index.segment(part), matches: [], isAtEnd: false))
                try fill(cursors.count - 1, before: .max)
                continue
            }
            return newest.flatMap { cursors[$0].matches.popFirst() }
        }
    }

    private mutating func fill(_ place: Int, before: Int64? = nil) throws {
        var cursor = cursors[place]
        guard cursor.matches.count <= 1, !cursor.isAtEnd else { return }
        // The last match at hand says where to go on.
        guard let last = before ?? cursor.matches.last?.place else { return }
        let more = try cursor.segment.matches(expression, before: last, limit: batch)
        cursor.isAtEnd = more.count < batch
        cursor.matches += more
        cursors[place] = cursor
    }
}
