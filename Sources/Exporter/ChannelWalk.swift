internal import Archive
internal import Bytes
internal import NIOHTTP1

/// Brings the archive of one channel up to date so that nothing is lost: back through history by pages, then what
/// changed meanwhile. Every step is committed with the place it leads to; whatever interrupts it, the next run goes on.
struct ChannelWalk {
    let archive: Archive
    let channelID: String
    /// Do not go back further than this `create_at`.
    let floor: Int64?
    let limits: WalkLimits
    /// Posts to a page: fewer than usual where their answers are too long.
    var pageSize: Int
    var state: WalkState
    let client: MattermostClient
    let writer: ArchiveWriter
    /// Whether an answer about changes was cut in this run.
    var wasCut = false
    /// Whether the last page of history that held anything was cut off by a limit; nil before the first one.
    var isLimited: Bool?
    /// What was missing when a walk through everything began, and was not noted again since: where it ends at the beginning of
    /// history, that is missing no more.
    var (staleTies, staleIDs): (Set<Int64>, Set<String>) = ([], [])
    /// The posts that this walk does not come upon, where it looks for what has gone.
    private var unseen: UnseenPosts?
    /// When the channel's last post was created, as its list said before anything was asked about it; 0 where it did not.
    let lastPostAt: Int64
    /// What was committed before this run, and what was last.
    let former: WalkState
    private var committed: WalkState
    private let onPage: @Sendable (_ posts: Int, _ added: Int) -> Void

    init(
        _ client: MattermostClient, archive: Archive, writer: ArchiveWriter, channelID: String,
        lastPostAt: Int64 = 0, floor: Int64?, isFull: Bool, limits: WalkLimits,
        onPage: @escaping @Sendable (_ posts: Int, _ added: Int) -> Void
    ) throws(ArchiveError) {
        self.client = client
        self.archive = archive
        self.writer = writer
        self.channelID = channelID
        self.lastPostAt = lastPostAt
        self.floor = floor
        self.limits = limits
        pageSize = limits.pageSize
        self.onPage = onPage
        // A cursor of 0 says that the first page, which sets it, is still to come.
        state =
            try archive.walkState(channelID: channelID)
            ?? WalkState(cursor: 0, backward: .newest, hasAskedForPast: false)
        // Earlier builds did not note it, and knew of no limit.
        if state.heldUntil == nil, state.backward == nil, state.hiddenUntil == nil, state.unlistedBefore == nil {
            state.heldUntil = state.cursor
        }
        // Clocks were put right since: what happened under the wrong ones was told by no time. All that was created before
        // they went wrong is there.
        let now = Timestamp.now.milliseconds
        if state.cursor > now + limits.overlap {
            let before = try archive.livePosts(channelID: channelID, before: now, limit: 1).first?.createAt ?? 1
            (state.cursor, state.askedAt, state.hasAskedForPast) = (now, nil, false)
            (state.heldUntil, state.limitedSince) = (
                state.heldUntil.map { min($0, before) }, state.limitedSince.map { min($0, before) }
            )
        }
        (former, committed) = (state, state)
        state.isComplete = false
        if isFull { try beginAgain() } else { try resumeReview() }
    }

    /// How a walk has ended.
    enum End {
        case complete
        /// At the time that was asked for; older posts are still to come.
        case narrowed
        /// At the beginning of history, and something is missing.
        case partial([HistoryGap])
    }

    /// - Returns: how it ended; and which archived posts it found absent from the server, where it looked for them.
    mutating func run() async throws(ExporterError) -> (end: End, absent: AbsentPosts) {
        if state.backward == nil {
            try askForHidden()
            try askForUnlisted()
        }
        try await walkBackward()
        try await catchUp()
        if state.backward == nil { try await askForTied() }
        let absent = try await review()
        guard state.backward == nil else { return (.narrowed, absent) }
        return (state.gaps.isEmpty ? .complete : .partial(state.gaps), absent)
    }

    // MARK: Looking for what has gone

    /// Begins a walk that looks at every post anew, and for those that have gone. That it is under way is committed with its
    /// first page, so that another run goes on with it.
    mutating func beginAgain() throws(ArchiveError) {
        state.backward = .newest
        state.unlistedBefore = nil
        (staleTies, staleIDs) = (Set(state.ties.map(\.createAt)), Set(state.unplaced))
        state.reviewedSince = try archive.head().documents
        unseen = nil
        try resumeReview()
    }

    private mutating func resumeReview() throws(ArchiveError) {
        guard let document = state.reviewedSince, unseen == nil else { return }
        unseen = try archive.unseenPosts(channelID: channelID, since: document)
    }

    /// Asks about what was not seen, as far down as the walk has come.
    private mutating func review() async throws(ExporterError) -> AbsentPosts {
        guard let unseen else { return AbsentPosts() }
        var oldest = Int64.min
        if state.backward != nil {
            // Below, the walk is still to come.
            guard let floor else { return AbsentPosts() }
            oldest = floor
        }
        // What the server hides has not gone.
        if let hidden = state.hiddenUntil { oldest = max(oldest, hidden + 1) }
        let absent = try await noteAbsences(unseen, from: oldest)
        if state.backward == nil, absent.unknown == 0 {
            state.reviewedSince = nil
            state.isComplete = state.gaps.isEmpty
            try await note(.now)
        }
        return absent
    }

    /// Where the server hides old posts, asks for those that it hid when it was asked last: the limit may be gone.
    private mutating func askForHidden() throws(ExporterError) {
        guard let hidden = state.hiddenUntil, floor.map({ $0 <= hidden }) ?? true else { return }
        do throws(ArchiveError) {
            let oldest = try archive.livePosts(channelID: channelID, after: hidden, limit: 1).first
            state.backward = oldest.map { WalkState.Position(anchor: $0.id, page: 0, reached: $0.createAt) } ?? .newest
        } catch { throw .archive(error) }
    }

    /// Goes on where the server listed nothing older.
    private mutating func askForUnlisted() throws(ExporterError) {
        guard let time = state.unlistedBefore else { return }
        do throws(ArchiveError) {
            let oldest = try archive.livePosts(channelID: channelID, after: time, limit: 1).first
            state.backward = oldest.map { WalkState.Position(anchor: $0.id, page: 0, reached: $0.createAt) } ?? .newest
            state.unlistedBefore = nil
        } catch { throw .archive(error) }
    }

    /// Takes note of what an answer says besides its posts.
    mutating func note(_ page: PostsPage) {
        if page.hiddenUntil > 0 {
            state.hiddenUntil = max(state.hiddenUntil ?? 0, page.hiddenUntil)
            state.limitedSince = state.limitedSince ?? toldUntil
        }
        let placed = Set(page.posts.map { String($0.id.prefix(WalkState.mostUnplaced.characters)) })
        state.unplaced.removeAll(where: placed.contains)
        for post in page.unplaced {
            let id = String(post.id.prefix(WalkState.mostUnplaced.characters))
            staleIDs.remove(id)
            guard !state.unplaced.contains(id), state.unplaced.count < WalkState.mostUnplaced.ids else { continue }
            state.unplaced.append(id)
        }
        state.isComplete = state.isComplete && state.gaps.isEmpty
    }

    /// Up to when the server has told what changed in all posts, when this run began. The answer that tells of a limit may
    /// have moved the cursor already.
    private var toldUntil: Int64 {
        let isTold = former.hasAskedForPast && former.backward == nil && former.reviewedSince == nil
        return isTold ? min(former.cursor, state.cursor) : 1
    }

    /// Where a limit hides less than it did, what was changed in the posts that come back was not told: it is asked for again.
    mutating func rewind() {
        guard let since = state.limitedSince else { return }
        (state.cursor, state.askedAt) = (min(state.cursor, since), nil)
    }

    // MARK: Asking and keeping

    /// Events are archived while an answer is awaited. One that may be older than they are is kept as such, and asked
    /// for again, so that the order of arrival decides; where they do not cease to cross, their times decide in the
    /// end.
    ///
    /// - Parameter isPlausible: where it says no, the answer counts as garbled and is asked for again.
    func fetch(
        _ path: String, isPlausible: (PostsPage) -> Bool = { _ in true }
    ) async throws(ExporterError) -> (Answer, PostsPage) {
        try await fetch(Request(.GET, path)) { page in
            // A list names what it lists: without an order, no post can stand in it.
            let isList = page.isList && (!page.order.isEmpty || page.posts.isEmpty && page.unplaced.isEmpty)
            return isList && isPlausible(page)
        }
    }

    func fetch(
        _ request: Request, isPlausible: (PostsPage) -> Bool
    ) async throws(ExporterError) -> (Answer, PostsPage) {
        var repeats = 0
        while true {
            // Before the first attempt of them that it may take.
            let end = await writer.end
            var (answer, page) = try await ask(request, isPlausible)
            answer.askedAt = end
            if repeats == limits.mostRepeats { return (answer, page) }
            repeats += 1
            do throws(ArchiveError) {
                let document = answer.document(.posts, channelID: channelID)
                guard try await writer.keepOvertaken(document, page: page, askedAt: end) else { return (answer, page) }
            } catch { throw kept(error, answer) }
        }
    }

    private func ask(
        _ request: Request, _ isPlausible: (PostsPage) -> Bool
    ) async throws(ExporterError) -> (Answer, PostsPage) {
        try await client.send(request) { answer throws(ExporterError) in
            let page: PostsPage
            do throws(ArchiveError) {
                page = try PostsPage(answer.body, channelID: channelID)
            } catch .notAPage(let what) {
                throw answer.garbled(what)
            } catch { throw .archive(error) }
            guard isPlausible(page) else { throw answer.garbled("it is not what was asked for") }
            return (answer, page)
        }
    }

    /// - Parameter isList: whether the answer shows what is in the channel, so that what has no place in it is missing.
    mutating func keep(_ answer: Answer, _ page: PostsPage, isList: Bool = true) async throws(ExporterError) {
        if Task.isCancelled { throw .cancelled }
        if isList { note(page) }
        do throws(ArchiveError) { try unseen?.saw(page.posts.map(\.id)) } catch { throw .archive(error) }
        guard !page.posts.isEmpty || !page.unplaced.isEmpty else {
            return isNews(answer) ? try await note(answer.receivedAt) : ()
        }
        do {
            let added = try await writer.append(
                answer.document(.posts, channelID: channelID), page: page, walk: state, askedAt: answer.askedAt)
            committed = state
            onPage(page.posts.count, added)
        } catch { throw kept(error, answer) }
    }

    /// Whether it is worth a document that nothing changed: not where it was asked again and again.
    private func isNews(_ answer: Answer) -> Bool {
        var same = state
        same.askedAt = committed.askedAt
        guard same == committed, let before = committed.askedAt, let now = state.askedAt else { return true }
        return now < before || now - before > limits.quiet
    }

    /// Why an answer could not be kept.
    private func kept(_ error: ArchiveError, _ answer: Answer) -> ExporterError {
        if case .notAPage(let what) = error { answer.garbled(what) } else { .archive(error) }
    }

    mutating func note(_ time: Timestamp) async throws(ExporterError) {
        do { try await writer.note(state, channelID: channelID, at: time) } catch { throw .archive(error) }
        committed = state
    }
}

/// The server's measures, by which a walk goes. Tests scale them down.
struct WalkLimits: Sendable {
    /// Posts to a page; the server gives no more.
    var pageSize = 200
    /// A `since` answer is cut silently at this many posts, in no defined order.
    var cut = 1000
    /// How far before the cursor to ask again, in milliseconds: clocks differ, and a post's time is not its commit's.
    var overlap: Int64 = 5 * 60_000
    /// How long it need not be noted that a channel was asked about and nothing had changed, in milliseconds.
    var quiet: Int64 = 10 * 60_000
    /// How often a page is asked for again because events came while it was on its way.
    var mostRepeats = 3
}

/// The questions that a walk asks.
enum WalkPath {
    static func page(_ channelID: String, _ position: WalkState.Position, size: Int) -> String {
        let anchor = position.anchor.map { "before=\($0)&" } ?? ""
        return "/api/v4/channels/\(channelID)/posts?\(anchor)page=\(position.page)&per_page=\(size)"
            + "&skipFetchThreads=true"
    }

    /// The posts right after an anchor come first.
    static func after(_ channelID: String, _ anchor: String, page: Int, size: Int) -> String {
        "/api/v4/channels/\(channelID)/posts?after=\(anchor)&page=\(page)&per_page=\(size)&skipFetchThreads=true"
    }

    static func since(_ channelID: String, _ time: Int64) -> String {
        "/api/v4/channels/\(channelID)/posts?since=\(time)&skipFetchThreads=true"
    }
}
