internal import Archive

/// Back through history, a page at a time.
extension ChannelWalk {
    mutating func walkBackward() async throws(ExporterError) {
        var effort = Effort()
        // When the anchor was written, as far as this run knows. Each anchor must be older than the one before: that is
        // what makes the walk end, whatever the server answers.
        var anchorTime: Int64?
        while let position = state.backward {
            if let floor, position.reached < floor { return }
            let (answer, page): (Answer, PostsPage)
            do throws(ExporterError) {
                (answer, page) = try await fetch(WalkPath.page(channelID, position, size: pageSize)) {
                    $0.isOlder(than: anchorTime)
                }
            } catch .tooLong where pageSize > 1 {
                // Posts with much in their props, which anybody may write. Pages by number would not be the same pages.
                pageSize /= 2
                state.backward?.page = 0
                continue
            }
            if state.cursor == 0 { state.cursor = start(answer, page) }
            let listed = page.listed
            if !page.posts.isEmpty || page.hiddenUntil > 0 { isLimited = page.hiddenUntil > 0 }
            if let oldest = listed.map(\.createAt).min() { reveal(oldest) }
            if page.order.isEmpty {
                (state.backward, anchorTime) = try await positionBehind(position, anchorTime, page, &effort)
                try await keep(answer, page)
                continue
            }
            // A page that is not full is the last one, unless the server gives fewer than it was asked for.
            if let time = page.tie, page.order.count >= pageSize || position.page > 0 {
                try await keep(answer, page)
                state.backward = try await walkTied(position, at: time, anchorTime: anchorTime)
                anchorTime = time
                continue
            }
            let next = position.next(after: page)
            if next.anchor != position.anchor { anchorTime = listed.first { $0.id == next.anchor }?.createAt }
            if next.reached < effort.deepest { effort = Effort(deepest: next.reached) } else { effort.repeats += 1 }
            guard effort.repeats <= 50 else { throw .unsettledHistory(channelID: channelID) }
            state.backward = next
            try await keep(answer, page)
        }
    }

    /// What does not bring the walk further down, and so must not go on for ever.
    struct Effort {
        /// The oldest `create_at` that this run has come to.
        var deepest = Int64.max
        /// Anchors replaced since then.
        var hops = 0
        /// Walks begun again from the newest post since then.
        var restarts = 0
        /// Pages that showed nothing older since then.
        var repeats = 0
        /// Empty pages since then, where older posts are known.
        var contradictions = 0
    }

    /// S0: from here on `since` has to tell. The earlier of the server's clock and the newest change, less an overlap,
    /// since posts that arrive while the walk goes on must not fall between the two.
    private func start(_ answer: Answer, _ page: PostsPage) -> Int64 {
        // Whose clock the server's is nobody knows: posts may get their times from another machine.
        guard let newest = page.posts.map(\.updateAt).max() else { return 1 }
        let clock = min(answer.date ?? answer.receivedAt, answer.receivedAt).milliseconds
        return max(1, min(clock, newest) - limits.overlap)
    }

    /// An empty page is where the server hides what is older, or the end of history, or the answer to an anchor that the
    /// server no longer knows. Which of the latter two is asked of the anchor; where it has gone, the next younger post that
    /// is still there takes its place.
    private mutating func positionBehind(
        _ position: WalkState.Position, _ time: Int64?, _ page: PostsPage, _ effort: inout Effort
    ) async throws(ExporterError) -> (WalkState.Position?, time: Int64?) {
        if page.hiddenUntil > 0 {
            if position.page == 0, let hidden = state.hiddenUntil, page.hiddenUntil < hidden {
                // What stood between has gone, or was deleted.
                state.hiddenUntil = page.hiddenUntil
                rewind()
            }
            return (nil, nil)
        }
        // A page further on is empty behind what is hidden, too: the one before tells which it is.
        if position.page > 0, state.hiddenUntil != nil {
            guard let isLimited else {
                return (WalkState.Position(anchor: position.anchor, page: 0, reached: position.reached), time)
            }
            if isLimited { return (nil, nil) }
        }
        var isEnd = true
        if let anchor = position.anchor { isEnd = try await isHere(anchor) }
        if isEnd {
            guard try await isContradicted(position, time) else { return end() }
            effort.contradictions += 1
            guard effort.contradictions < 3 else {
                state.unlistedBefore = position.reached
                return (nil, nil)
            }
            try await client.rest(after: effort.contradictions)
            return (position, time)
        }
        effort.hops += 1
        guard effort.hops <= 50 else { throw .unsettledHistory(channelID: channelID) }
        let candidates: [(id: String, createAt: Int64)]
        do {
            candidates = try archive.livePosts(channelID: channelID, after: position.reached, limit: 20)
        } catch { throw .archive(error) }
        for candidate in candidates where candidate.id != position.anchor {
            if try await isHere(candidate.id) {
                let next = WalkState.Position(anchor: candidate.id, page: 0, reached: position.reached)
                return (next, candidate.createAt)
            }
        }
        effort.restarts += 1
        guard effort.restarts <= 3 else { throw .unsettledHistory(channelID: channelID) }
        return (.newest, nil)
    }

    /// Whether the archive knows of older posts than an empty page leaves room for, and the server still shows one of them.
    private func isContradicted(_ position: WalkState.Position, _ time: Int64?) async throws(ExporterError) -> Bool {
        let known: [(id: String, createAt: Int64)]
        do throws(ArchiveError) {
            let bound = position.page == 0 ? time ?? max(position.reached, position.reached &+ 1) : position.reached
            known = try archive.livePosts(channelID: channelID, before: bound, limit: 10)
        } catch { throw .archive(error) }
        for post in known { if try await isHere(post.id) { return true } }
        return false
    }

    /// Posts that a limit hid are listed: it hides less, or nothing.
    private mutating func reveal(_ oldest: Int64) {
        guard let hidden = state.hiddenUntil, oldest <= hidden else { return }
        state.hiddenUntil = oldest - 1
        rewind()
    }

    /// The beginning of history, as the server shows it without a limit.
    private mutating func end() -> (WalkState.Position?, time: Int64?) {
        if state.reviewedSince != nil, state.mayLackRevisions {
            // This walk looks at every post, because nobody told what had changed: it need not be asked for again.
            state.limitedSince = nil
        } else {
            rewind()
        }
        state.hiddenUntil = nil
        state.ties.removeAll { staleTies.contains($0.createAt) }
        state.unplaced.removeAll(where: staleIDs.contains)
        let missing = state.ties.map(\.createAt).min().map { $0 - 1 }
        state.heldUntil = missing ?? max(state.heldUntil ?? .min, state.cursor)
        return (nil, nil)
    }
}

extension WalkState.Position {
    /// The next step back. `before` leaves out posts that tie with its anchor on `create_at`, so the anchor is the
    /// oldest post that is younger than the page's oldest; where the whole page ties, or nothing of it has a place, the same
    /// question's next page.
    func next(after page: PostsPage) -> WalkState.Position {
        let listed = page.listed
        guard let oldest = listed.map(\.createAt).min() else {
            return WalkState.Position(anchor: anchor, page: self.page + 1, reached: reached)
        }
        let younger = listed.filter { $0.createAt > oldest }.min { $0.createAt < $1.createAt }
        return WalkState.Position(
            anchor: younger?.id ?? anchor, page: younger == nil ? self.page + 1 : 0, reached: min(reached, oldest))
    }
}

extension PostsPage {
    /// The `create_at` of all posts that it lists, where it is the same; nil where there are none.
    fileprivate var tie: Int64? {
        guard let first = listed.first?.createAt, listed.allSatisfy({ $0.createAt == first }) else { return nil }
        return first
    }

    /// What `order` lists, each post once. `posts` may hold more: the roots of replies.
    var listed: [(id: String, createAt: Int64)] {
        let times = Dictionary(posts.map { ($0.id, $0.createAt) }, uniquingKeysWith: { first, _ in first })
        var seen: Set<String> = []
        return order.filter { seen.insert($0).inserted }.compactMap { id in times[id].map { (id: id, createAt: $0) } }
    }
}
