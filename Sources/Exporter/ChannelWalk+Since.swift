internal import Archive

/// What changed since the last time.
extension ChannelWalk {
    /// Questions after which a search for the complete end of a cut answer is given up.
    private static let mostQuestions = 50

    mutating func catchUp() async throws(ExporterError) {
        // A second round follows a walk that a cut answer made necessary; a third, only if thousands of posts change
        // while that walk goes on. What is left then, the next pull asks for.
        var walked: Int64 = 1
        for _ in 1...3 {
            let isFirst = !state.hasAskedForPast
            // What the walk of the round before has covered need not be told again.
            let from = max(firstTime(isFirst), walked)
            let (answer, page) = try await fetch(WalkPath.since(channelID, from))
            if isComplete(page) {
                advance(past: answer, page)
                if floor == nil { state.hasAskedForPast = true }
                state.isComplete = state.backward == nil && state.hasAskedForPast
                return try await keep(answer, page)
            }
            try await keep(answer, page)
            let tail = try await completeTail(above: from, sample: page)
            let reachesCursor = tail.from <= state.cursor
            advance(past: tail.answer, tail.page)
            if floor == nil { state.hasAskedForPast = true }
            if isFirst, reachesCursor {
                // The walk has just covered what lies below. How many of the oldest deletions and revisions exceed the
                // server's limit cannot be known.
                return try await note(tail.answer.receivedAt)
            }
            // Between the cursor and the tail the server does not say what changed: look at every post again. That this
            // is still to be done is committed with the new cursor.
            state.backward = .newest
            walked = tail.from
            try await note(tail.answer.receivedAt)
            try await walkBackward()
            if state.backward != nil { return }
        }
    }

    /// The first time for everything, since only `since` ever shows old revisions and deletions; where a floor keeps the
    /// walk from the rest, for everything above it. In any case for what the cursor leaves open.
    private func firstTime(_ isFirst: Bool) -> Int64 {
        let open = max(1, state.cursor - limits.overlap)
        return isFirst ? max(1, min(open, floor ?? 1)) : open
    }

    private func isComplete(_ page: PostsPage) -> Bool {
        page.order.count < limits.cut && page.posts.count < limits.cut
    }

    /// Finds by bisection a time from which on `since` tells everything, and asks for that.
    ///
    /// The times to try come from the changes already seen, so that a handful of questions suffices. Each answer is
    /// kept: a cut one, too, shows posts that no other might.
    private func completeTail(
        above from: Int64, sample: PostsPage
    ) async throws(ExporterError) -> (from: Int64, answer: Answer, page: PostsPage) {
        var low = from
        var high = max(from + 1, sample.posts.map(\.updateAt).max() ?? from + 1)
        var times = Set(sample.posts.map(\.updateAt))
        var best: (from: Int64, answer: Answer, page: PostsPage)?
        var questions = 0
        while high - low > 1, questions < ChannelWalk.mostQuestions {
            let between = times.filter { $0 > low && $0 < high }.sorted()
            // No change is known between what is cut and what is complete.
            if between.isEmpty, best != nil { break }
            let middle = between.isEmpty ? high - 1 : between[between.count / 2]
            questions += 1
            let (answer, page) = try await fetch(WalkPath.since(channelID, middle))
            try await keep(answer, page)
            if isComplete(page) {
                best = (middle, answer, page)
                high = middle
                if page.posts.count >= limits.cut / 2 { break }
            } else {
                low = middle
                times.formUnion(page.posts.map(\.updateAt))
            }
        }
        if let best { return best }
        while questions < ChannelWalk.mostQuestions {
            questions += 1
            // More than a thousand posts share the newest time, or new ones pour in.
            let (answer, page) = try await fetch(WalkPath.since(channelID, high))
            try await keep(answer, page)
            if isComplete(page) { return (high, answer, page) }
            let newest = page.posts.map(\.updateAt).max() ?? high
            guard newest > high else { break }
            high = newest
        }
        throw .unsettledHistory(channelID: channelID)
    }

    /// Moves the cursor to the newest change of a complete answer, but never past the clock: one post that is dated in
    /// the future must not hide what comes before its time.
    private mutating func advance(past answer: Answer, _ page: PostsPage) {
        guard let newest = page.posts.map(\.updateAt).max() else { return }
        let clock = (answer.date ?? answer.receivedAt).milliseconds + 1000
        state.cursor = max(state.cursor, min(newest, clock))
    }
}
