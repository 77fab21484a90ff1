/// What a client asks of `GET /channels/{id}/posts`.
struct PostsQuery {
    /// An anchor and the side of it that is asked for.
    enum Anchor {
        case before(String)
        case after(String)
    }

    var page = 0
    /// 60 where nothing is said; more than 200 is silently 200.
    var perPage = 60
    var anchor: Anchor?
    /// Milliseconds; 0 where it is not asked for. It wins over everything else.
    var since: Int64 = 0
    var skipFetchThreads = false
}

extension WorldState {
    /// Answers a page of a channel's posts.
    ///
    /// Which posts come along with a page, and where `reply_count` is filled in, follows the queries in the
    /// server's source: roots come even with `skipFetchThreads`, other replies do not.
    func postsPage(of channelID: String, _ query: PostsQuery) -> String {
        let timeline = timelines[channelID] ?? Timeline()
        if query.since > 0 { return since(query, timeline) }
        let live = timeline.live
        let range: Range<Int>
        switch query.anchor {
        case nil:
            range = Self.window(endingAt: live.count, query)
        case .before(let anchor):
            // The comparison is strict, so that what ties with the anchor is on neither side of it; an anchor
            // that the server does not know is before and after nothing.
            range = post(anchor).map { Self.window(endingAt: timeline.liveCount(before: $0.createAt), query) } ?? 0..<0
        case .after(let anchor):
            range =
                post(anchor).map { anchor in
                    let start = min(live.count, timeline.liveCount(upTo: anchor.createAt) + query.page * query.perPage)
                    return start..<min(live.count, start + query.perPage)
                } ?? 0..<0
        }
        let order = Array((tiesAreUnstable ? sorted(live, range, query) : live[range]).reversed())
        var (next, previous) = ("", "")
        if let newest = order.first, let oldest = order.last {
            let newer = timeline.liveCount(upTo: newest.createAt)
            let older = timeline.liveCount(before: oldest.createAt)
            if newer < live.count { next = posts[live[newer].slot]?.id ?? "" }
            if older > 0 { previous = posts[live[older - 1].slot]?.id ?? "" }
        }
        // The first page beside an anchor repeats the anchor, whether it exists or not.
        if query.page == 0 {
            if case .before(let anchor) = query.anchor { next = anchor }
            if case .after(let anchor) = query.anchor { previous = anchor }
        }
        return render(
            order: order, others: companions(of: order, query),
            countReplies: query.skipFetchThreads || query.anchor != nil, next: next, previous: previous)
    }

    /// What a sort gives that knows nothing but `create_at`, and does another thing for each window.
    private func sorted(
        _ live: [Timeline.Entry], _ range: Range<Int>, _ query: PostsQuery
    ) -> ArraySlice<Timeline.Entry> {
        func rank(_ entry: Timeline.Entry) -> UInt64 {
            var side: UInt64 = 0
            if case .after = query.anchor { side = 1 }
            return SeededGenerator.scramble(
                entry.rank ^ UInt64(query.perPage) &* 0x9E37_79B9 ^ UInt64(query.page) << 40 ^ side << 60)
        }
        return live.map { (entry: $0, rank: rank($0)) }
            .sorted { ($0.entry.createAt, $0.rank) < ($1.entry.createAt, $1.rank) }.map(\.entry)[range]
    }

    private static func window(endingAt end: Int, _ query: PostsQuery) -> Range<Int> {
        let end = max(0, end - query.page * query.perPage)
        return max(0, end - query.perPage)..<end
    }

    /// The posts that `posts` holds beyond `order`.
    private func companions(of order: [Timeline.Entry], _ query: PostsQuery) -> [Timeline.Entry] {
        var roots: [String] = []
        var seen: Set<String> = []
        for post in order.compactMap({ posts[$0.slot] }) {
            // Beside an anchor each post may be the root of a thread; on a numbered page only replies count.
            for root in query.anchor == nil ? [post.rootID] : [post.id, post.rootID]
            where !root.isEmpty && seen.insert(root).inserted {
                roots.append(root)
            }
        }
        var found = roots.compactMap(entry)
        if !query.skipFetchThreads { found += roots.flatMap { threads[$0] ?? [] } }
        return found.filter { posts[$0.slot]?.isLive ?? false }
    }

    /// Everything that changed after a moment, strictly: tombstones and old revisions too.
    private func since(_ query: PostsQuery, _ timeline: Timeline) -> String {
        var matches = timeline.all.filter { (posts[$0.slot]?.updateAt ?? 0) > query.since }
        if matches.count > sinceLimit {
            // Which thousand comes has nothing to do with time: any thousand.
            var generator = SeededGenerator(seed: seed ^ UInt64(bitPattern: query.since))
            for index in 0..<sinceLimit {
                matches.swapAt(index, Int.random(in: index..<matches.count, using: &generator))
            }
            matches.removeSubrange(sinceLimit...)
        }
        // The roots of replies come along; those that changed themselves stand in `order` as well.
        let chosen = Set(matches.map(\.slot))
        let roots = Set(matches.compactMap { posts[$0.slot]?.rootID }.filter { !$0.isEmpty })
            .compactMap(entry).filter { !chosen.contains($0.slot) }
        matches += roots.filter { (posts[$0.slot]?.updateAt ?? 0) > query.since }
        return render(
            order: matches.sorted(by: >), others: roots, countReplies: query.skipFetchThreads, next: "", previous: "")
    }

    /// A post with its whole thread, the newest first.
    func thread(of post: Post) -> String {
        let root = post.rootID.isEmpty ? post.id : post.rootID
        let entries = ([entry(of: root)].compactMap { $0 } + (threads[root] ?? []))
            .filter { posts[$0.slot]?.isLive ?? false }.sorted(by: >)
        return render(order: entries, others: [], countReplies: true, next: "", previous: "")
    }

    private func entry(of id: String) -> Timeline.Entry? {
        slot(of: id).flatMap { slot in
            posts[slot].map { Timeline.Entry(createAt: $0.createAt, rank: $0.rank, slot: slot) }
        }
    }

    private func render(
        order: [Timeline.Entry], others: [Timeline.Entry], countReplies: Bool, next: String, previous: String
    ) -> String {
        let first = historyLimit ?? .min
        let hidden = (order + others).map(\.createAt).filter { $0 < first }.max() ?? 0
        let (order, others) = (order.filter { $0.createAt >= first }, others.filter { $0.createAt >= first })
        let slots = Set(order.map(\.slot)).union(others.map(\.slot))
        let sorted = slots.compactMap { posts[$0] }.sorted { $0.id < $1.id }
        let entries = sorted.map { post in
            "\"\(post.id)\":" + post.json(replyCount: countReplies ? replyCount(of: post) : 0)
        }
        let ids = JSONText.strings(order.compactMap { posts[$0.slot]?.id })
        return "{\"order\":\(ids),\"posts\":{\(entries.joined(separator: ","))}"
            + ",\"next_post_id\":\"\(next)\",\"prev_post_id\":\"\(previous)\""
            + (historyLimit != nil ? ",\"first_inaccessible_post_time\":\(hidden)}\n" : "}\n")
    }

    /// The live replies of the thread that a post is in.
    func replyCount(of post: Post) -> Int {
        liveReplies[post.rootID.isEmpty ? post.id : post.rootID] ?? 0
    }
}
