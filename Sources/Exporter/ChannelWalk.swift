internal import Archive
internal import Bytes
internal import NIOHTTP1

/// Brings the archive of one channel up to date so that nothing is lost: back through history by pages, then what
/// changed meanwhile. Every step is committed with the place it leads to; whatever interrupts it, the next run goes on.
struct ChannelWalk {
    private let client: MattermostClient
    private let archive: Archive
    private let writer: ArchiveWriter
    private let channelID: String
    /// Do not go back further than this `create_at`.
    private let floor: Int64?
    private let onPage: @Sendable (_ posts: Int, _ added: Int) -> Void
    private var state: WalkState

    /// A `since` answer is cut silently at this many posts, in no defined order.
    private static let cut = 1000
    /// How far before the cursor to ask again, in milliseconds: clocks differ, and a post's time is not its commit's.
    private static let overlap: Int64 = 5 * 60_000
    static let pageSize = 200

    init(
        _ client: MattermostClient, archive: Archive, writer: ArchiveWriter, channelID: String, floor: Int64?,
        onPage: @escaping @Sendable (_ posts: Int, _ added: Int) -> Void
    ) throws(ArchiveError) {
        self.client = client
        self.archive = archive
        self.writer = writer
        self.channelID = channelID
        self.floor = floor
        self.onPage = onPage
        // A cursor of 0 says that the first page, which sets it, is still to come.
        state =
            try archive.walkState(channelID: channelID)
            ?? WalkState(cursor: 0, backward: .newest, hasAskedForPast: false)
    }

    /// - Returns: whether the walk has reached the beginning of history; false only where `floor` stopped it.
    mutating func run() async throws(ExporterError) -> Bool {
        try await walkBackward()
        try await catchUp()
        return state.backward == nil
    }

    // MARK: Back through history

    private mutating func walkBackward() async throws(ExporterError) {
        var restarts = 0
        while let position = state.backward {
            if let floor, position.reached < floor { return }
            let (answer, page) = try await fetch(WalkPath.page(channelID, position))
            if state.cursor == 0 { state.cursor = ChannelWalk.start(answer, page) }
            if page.order.isEmpty {
                state.backward = try await positionBehind(position, restarts: &restarts)
                try await note(answer.receivedAt)
            } else {
                state.backward = position.next(after: page)
                try await keep(answer, page)
            }
        }
    }

    /// S0: from here on `since` has to tell. The earlier of the server's clock and the newest change, less an overlap,
    /// since posts that arrive while the walk goes on must not fall between the two.
    private static func start(_ answer: Answer, _ page: PostsPage) -> Int64 {
        let newest = page.posts.map(\.updateAt).max()
        let times = [answer.date?.milliseconds, newest].compactMap { $0 }
        return max(1, (times.min() ?? 1) - overlap)
    }

    /// An empty page is the end of history, or the answer to an anchor that the server no longer knows. Which of the two
    /// is asked of the anchor; where it has gone, the next younger post that is still there takes its place.
    private func positionBehind(
        _ position: WalkState.Position, restarts: inout Int
    ) async throws(ExporterError) -> WalkState.Position? {
        guard let anchor = position.anchor else { return nil }
        if try await exists(anchor) { return nil }
        let candidates: [(id: String, createAt: Int64)]
        do {
            candidates = try archive.livePosts(channelID: channelID, after: position.reached, limit: 20)
        } catch { throw .archive(error) }
        for candidate in candidates where candidate.id != anchor {
            if try await exists(candidate.id) {
                return WalkState.Position(anchor: candidate.id, page: 0, reached: position.reached)
            }
        }
        restarts += 1
        guard restarts <= 3 else { throw .unsettledHistory(channelID: channelID) }
        return .newest
    }

    private func exists(_ postID: String) async throws(ExporterError) -> Bool {
        do throws(ExporterError) {
            return try await client.send(Request(.GET, "/api/v4/posts/\(postID)")) {
                answer throws(ExporterError) in
                guard try answer.json().root["id"]?.string == postID else { throw answer.garbled("it is another post") }
                return true
            }
        } catch .refused(let status, _, _, _) where status == 404 || status == 403 {
            return false
        }
    }

    // MARK: What changed since

    private mutating func catchUp() async throws(ExporterError) {
        // A second round follows a walk that a cut answer made necessary; a third, only if thousands of posts change
        // while that walk goes on. What is left then, the next pull asks for.
        for _ in 1...3 {
            let isFirst = !state.hasAskedForPast
            // The first time, for everything: only `since` ever shows old revisions and deletions.
            let from = isFirst ? max(1, floor ?? 1) : max(1, state.cursor - ChannelWalk.overlap)
            let (answer, page) = try await fetch(WalkPath.since(channelID, from))
            if ChannelWalk.isComplete(page) {
                advance(past: answer, page)
                state.hasAskedForPast = isFirst ? floor == nil : true
                return try await keep(answer, page)
            }
            try await keep(answer, page)
            let tail = try await completeTail(above: from, sample: page)
            if isFirst, tail.from <= state.cursor {
                // The walk has just covered what lies below. How many of the oldest deletions and revisions exceed the
                // server's limit cannot be known.
                advance(past: tail.answer, tail.page)
                state.hasAskedForPast = true
                return try await note(tail.answer.receivedAt)
            }
            // Between the cursor and the tail the server does not say what changed: look at every post again.
            advance(past: tail.answer, tail.page)
            state.hasAskedForPast = true
            state.backward = .newest
            try await note(tail.answer.receivedAt)
            try await walkBackward()
            if state.backward != nil { return }
        }
    }

    private static func isComplete(_ page: PostsPage) -> Bool {
        page.order.count < cut && page.posts.count < cut
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
        while high - low > 1 {
            let between = times.filter { $0 > low && $0 < high }.sorted()
            let middle = between.isEmpty ? low + (high - low) / 2 : between[between.count / 2]
            let (answer, page) = try await fetch(WalkPath.since(channelID, middle))
            try await keep(answer, page)
            if ChannelWalk.isComplete(page) {
                best = (middle, answer, page)
                high = middle
                if page.posts.count >= ChannelWalk.cut / 2 { break }
            } else {
                low = middle
                times.formUnion(page.posts.map(\.updateAt))
            }
        }
        if let best { return best }
        while true {
            // More than a thousand posts share the newest time, or new ones pour in.
            let (answer, page) = try await fetch(WalkPath.since(channelID, high))
            try await keep(answer, page)
            if ChannelWalk.isComplete(page) { return (high, answer, page) }
            let newest = page.posts.map(\.updateAt).max() ?? high
            guard newest > high else { throw .unsettledHistory(channelID: channelID) }
            high = newest
        }
    }

    /// Moves the cursor to the newest change of a complete answer, but never past the server's own clock.
    private mutating func advance(past answer: Answer, _ page: PostsPage) {
        guard let newest = page.posts.map(\.updateAt).max() else { return }
        state.cursor = max(state.cursor, min(newest, answer.date.map { $0.milliseconds + 1000 } ?? newest))
    }

    // MARK: Asking and keeping

    private func fetch(_ path: String) async throws(ExporterError) -> (Answer, PostsPage) {
        try await client.send(Request(.GET, path)) { answer throws(ExporterError) in
            do throws(ArchiveError) {
                return (answer, try PostsPage(answer.body))
            } catch .notAPage(let what) {
                throw answer.garbled(what)
            } catch { throw .archive(error) }
        }
    }

    private func keep(_ answer: Answer, _ page: PostsPage) async throws(ExporterError) {
        if Task.isCancelled { throw .cancelled }
        guard !page.posts.isEmpty else { return try await note(answer.receivedAt) }
        do {
            let added = try await writer.append(answer.document(.posts, channelID: channelID), page: page, walk: state)
            onPage(page.posts.count, added)
        } catch { throw .archive(error) }
    }

    private func note(_ time: Timestamp) async throws(ExporterError) {
        do { try await writer.note(state, channelID: channelID, at: time) } catch { throw .archive(error) }
    }
}

/// The questions that a walk asks.
enum WalkPath {
    static func page(_ channelID: String, _ position: WalkState.Position) -> String {
        let anchor = position.anchor.map { "before=\($0)&" } ?? ""
        return "/api/v4/channels/\(channelID)/posts?\(anchor)page=\(position.page)"
            + "&per_page=\(ChannelWalk.pageSize)&skipFetchThreads=true"
    }

    static func since(_ channelID: String, _ time: Int64) -> String {
        "/api/v4/channels/\(channelID)/posts?since=\(time)&skipFetchThreads=true"
    }
}

extension WalkState.Position {
    /// The next step back. `before` leaves out posts that tie with its anchor on `create_at`, so the anchor is the oldest
    /// post that is younger than the page's oldest; where the whole page ties, the same question's next page.
    func next(after page: PostsPage) -> WalkState.Position {
        let times = Dictionary(page.posts.map { ($0.id, $0.createAt) }, uniquingKeysWith: { first, _ in first })
        let listed = page.order.compactMap { id in times[id].map { (id: id, createAt: $0) } }
        guard let oldest = listed.map(\.createAt).min() else { return self }
        let younger = listed.filter { $0.createAt > oldest }.min { $0.createAt < $1.createAt }
        return WalkState.Position(
            anchor: younger?.id ?? anchor, page: younger == nil ? self.page + 1 : 0, reached: min(reached, oldest))
    }
}
