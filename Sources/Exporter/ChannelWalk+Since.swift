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
            let tail: Tail?
            switch try await changes(since: from) {
            case .nothing: return
            case .all(let answer, let page):
                advance(past: answer, page)
                if floor == nil { state.hasAskedForPast = true }
                state.lacksChanges = false
                if state.hiddenUntil == nil, let since = state.limitedSince, from <= since { state.limitedSince = nil }
                if let held = state.heldUntil, state.holdsAll { state.heldUntil = max(held, state.cursor) }
                state.isComplete = state.gaps.isEmpty
                return try await keep(answer, page)
            case .part(let page):
                var found: Tail?
                if let page, page.isCut(limits) { found = try await completeTail(above: from, sample: page) }
                if found == nil { found = try await recentTail(above: from) }
                tail = found
            }
            // Only `since` ever shows what a post said before, and a cut answer does not show all of it.
            (state.mayLackRevisions, wasCut) = (true, true)
            guard let tail else {
                state.lacksChanges = true
                guard !isFirst, walked == 1 else { return try await note(.now) }
                do throws(ArchiveError) { try beginAgain() } catch { throw .archive(error) }
                return try await walkBackward()
            }
            let reachesCursor = tail.from <= state.cursor
            advance(past: tail.answer, tail.page)
            // From there on all was told, and what lies below is looked at anew.
            if let date = tail.answer.date {
                state.cursor = max(state.cursor, min(tail.from, date.milliseconds - limits.overlap))
            }
            if floor == nil { state.hasAskedForPast = true }
            state.lacksChanges = false
            if isFirst, reachesCursor {
                // The walk has just covered what lies below. How many of the oldest deletions and revisions exceed the
                // server's limit cannot be known.
                return try await note(tail.answer.receivedAt)
            }
            // Between the cursor and the tail the server does not say what changed, nor what was deleted: look at every
            // post again. That this is still to be done is committed with the new cursor.
            do throws(ArchiveError) { try beginAgain() } catch { throw .archive(error) }
            walked = tail.from
            try await note(tail.answer.receivedAt)
            try await walkBackward()
            if state.backward != nil { return }
        }
    }

    /// The first time for everything, since only `since` ever shows old revisions and deletions; where a floor keeps the
    /// walk from the rest, for everything above it. In any case for what the cursor leaves open.
    private func firstTime(_ isFirst: Bool) -> Int64 {
        let open = max(1, openTime)
        return isFirst ? max(1, min(open, floor ?? 1)) : open
    }

    /// A change that was written late may be dated up to an overlap before the server was last asked. Where that was long
    /// after the newest change, nothing is asked for again: a channel that ended in a burst would be, for ever.
    private var openTime: Int64 { min(state.cursor, max(state.cursor, state.askedAt ?? 0) - limits.overlap) }

    /// How often an answer that contradicts what the server shows is asked for again.
    private static let mostContradictions = 3

    /// What an answer to `since` is worth.
    private enum Told {
        case all(Answer, PostsPage)
        /// It was cut, or a limit on history hid something of it; nil where it was too long to be taken.
        case part(PostsPage?)
        /// It contradicts what else the server shows: nothing is noted as asked.
        case nothing
    }

    /// A time from which on an answer tells everything, and that answer.
    private typealias Tail = (from: Int64, answer: Answer, page: PostsPage)

    /// Asks what changed, until the answer agrees with what else the server shows: some servers have been seen to say that
    /// nothing did.
    private mutating func changes(since from: Int64) async throws(ExporterError) -> Told {
        for attempt in 1...ChannelWalk.mostContradictions {
            // What comes while it is asked may not be in the answer.
            let known = try knownPosts(after: from)
            let (answer, page): (Answer, PostsPage)
            do throws(ExporterError) {
                (answer, page) = try await fetch(WalkPath.since(channelID, from))
            } catch .tooLong { return .part(nil) }
            guard page.isWhole(limits) else {
                try await keep(answer, page)
                return .part(page)
            }
            guard try await contradicts(page, from, known) else { return .all(answer, page) }
            try await keep(answer, page)
            if attempt < ChannelWalk.mostContradictions { try await client.rest(after: attempt) }
        }
        state.lacksChanges = true
        try await note(.now)
        return .nothing
    }

    /// Where an answer is too long to be taken, or hides something: goes back from now in ever longer steps, as long as the
    /// answers are whole.
    private mutating func recentTail(above from: Int64) async throws(ExporterError) -> Tail? {
        var tail: Tail?
        var span: Int64 = 1000
        while true {
            // By the server's clock, where it is behind.
            let now = min(Timestamp.now.milliseconds, tail?.answer.date?.milliseconds ?? .max)
            let time = now - span
            guard time > from else { return tail }
            do throws(ExporterError) {
                let (answer, page) = try await fetch(WalkPath.since(channelID, time))
                try await keep(answer, page)
                guard page.isWhole(limits) else { return tail }
                tail = (time, answer, page)
            } catch .tooLong { return tail }
            span *= 10
        }
    }

    private func knownPosts(after time: Int64) throws(ExporterError) -> [(id: String, createAt: Int64)] {
        do throws(ArchiveError) {
            return try archive.livePosts(channelID: channelID, after: time, limit: limits.cut)
        } catch { throw .archive(error) }
    }

    /// Whether an answer that should tell all that changed after a time leaves out a post that was created later, and that
    /// the server still shows: one that is known, or the newest one, which the channel's list tells of.
    private mutating func contradicts(
        _ page: PostsPage, _ from: Int64, _ known: [(id: String, createAt: Int64)]
    ) async throws(ExporterError) -> Bool {
        let first = max(from, state.hiddenUntil ?? 0, page.hiddenUntil)
        let told = Set(page.posts.map(\.id) + page.unplaced.map(\.id))
        // Some may have gone meanwhile, without a trace.
        for post in known.filter({ $0.createAt > first && !told.contains($0.id) }).prefix(3) {
            if let updateAt = try await updateTime(of: post.id), updateAt > from { return true }
        }
        guard lastPostAt > first, !page.posts.contains(where: { $0.createAt >= lastPostAt }) else { return false }
        let (answer, newest) = try await fetch(WalkPath.page(channelID, .newest, size: pageSize))
        let listed = Set(newest.order)
        // What was changed under a wrong clock may be older than it was created.
        let isUntold = newest.posts.contains { post in
            listed.contains(post.id) && post.createAt > first && post.createAt <= lastPostAt && post.updateAt > from
                && !told.contains(post.id)
        }
        guard isUntold else { return false }
        try await keep(answer, newest)
        return true
    }

    /// Finds by bisection a time from which on `since` tells everything, and asks for that.
    ///
    /// The times to try come from the changes already seen, so that a handful of questions suffices. Each answer is
    /// kept: a cut one, too, shows posts that no other might.
    ///
    /// - Returns: nil where there is no such time: more than a thousand posts claim one that is still to come, say.
    private mutating func completeTail(
        above from: Int64, sample: PostsPage
    ) async throws(ExporterError) -> Tail? {
        var low = from
        var high = max(from + 1, sample.posts.map(\.updateAt).max() ?? from + 1)
        var times = Set(sample.posts.map(\.updateAt))
        var best: Tail?
        var questions = 0
        while high - low > 1, questions < ChannelWalk.mostQuestions {
            let between = times.filter { $0 > low && $0 < high }.sorted()
            // No change is known between what is cut and what is complete.
            if between.isEmpty, best != nil { break }
            let middle = between.isEmpty ? high - 1 : between[between.count / 2]
            questions += 1
            let (answer, page): (Answer, PostsPage)
            do throws(ExporterError) {
                (answer, page) = try await fetch(WalkPath.since(channelID, middle))
            } catch .tooLong {
                low = middle
                continue
            }
            try await keep(answer, page)
            if page.isWhole(limits) {
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
            let (answer, page): (Answer, PostsPage)
            do throws(ExporterError) {
                (answer, page) = try await fetch(WalkPath.since(channelID, high))
            } catch .tooLong { break }
            try await keep(answer, page)
            if page.isWhole(limits) { return (high, answer, page) }
            let newest = page.posts.map(\.updateAt).max() ?? high
            guard newest > high else { break }
            high = newest
        }
        return nil
    }

    /// Moves the cursor to the newest change of a complete answer, but never past the clock: one post that is dated in
    /// the future must not hide what comes before its time.
    private mutating func advance(past answer: Answer, _ page: PostsPage) {
        // A clock that is ahead must not shorten the overlap.
        state.askedAt = answer.date.map { min($0, answer.receivedAt).milliseconds }
        guard let newest = page.posts.map(\.updateAt).max() else { return }
        let clock = min(answer.date ?? answer.receivedAt, answer.receivedAt).milliseconds + 1000
        state.cursor = max(state.cursor, min(newest, clock))
    }
}

extension PostsPage {
    /// Whether an answer about changes may have been cut.
    fileprivate func isCut(_ limits: WalkLimits) -> Bool { order.count >= limits.cut || posts.count >= limits.cut }

    /// Whether an answer about changes tells all of them. The server takes away what a limit on history hides after it has cut
    /// the rest (app/post_helpers.go, `filterInaccessiblePosts`): then nobody can count.
    fileprivate func isWhole(_ limits: WalkLimits) -> Bool { hiddenUntil == 0 && !isCut(limits) }
}

extension WalkState {
    /// Whether the archive has every post up to the cursor.
    fileprivate var holdsAll: Bool { backward == nil && !lacksHidden && ties.isEmpty && unlistedBefore == nil }
}
