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
    var state: WalkState
    let client: MattermostClient
    let writer: ArchiveWriter
    /// Where this run begins at the newest post and goes down to the oldest, the posts that it does not come upon.
    private var unseen: UnseenPosts?
    private let onPage: @Sendable (_ posts: Int, _ added: Int) -> Void

    init(
        _ client: MattermostClient, archive: Archive, writer: ArchiveWriter, channelID: String, floor: Int64?,
        isFull: Bool, limits: WalkLimits, onPage: @escaping @Sendable (_ posts: Int, _ added: Int) -> Void
    ) throws(ArchiveError) {
        self.client = client
        self.archive = archive
        self.writer = writer
        self.channelID = channelID
        self.floor = floor
        self.limits = limits
        self.onPage = onPage
        // A cursor of 0 says that the first page, which sets it, is still to come.
        state =
            try archive.walkState(channelID: channelID)
            ?? WalkState(cursor: 0, backward: .newest, hasAskedForPast: false)
        state.isComplete = false
        if isFull {
            state.backward = .newest
            if floor == nil { unseen = try archive.unseenPosts() }
        }
    }

    /// - Returns: whether the walk has reached the beginning of history, false only where `floor` stopped it; and
    ///   which archived posts a full walk found absent from the server.
    mutating func run() async throws(ExporterError) -> (isComplete: Bool, absent: AbsentPosts) {
        try await walkBackward()
        try await catchUp()
        guard state.backward == nil else { return (false, AbsentPosts()) }
        guard let unseen else { return (true, AbsentPosts()) }
        return (true, try await noteAbsences(unseen))
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
        var repeats = 0
        while true {
            // Before the first attempt of them that it may take.
            let end = await writer.end
            var (answer, page) = try await ask(path, isPlausible)
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
        _ path: String, _ isPlausible: (PostsPage) -> Bool
    ) async throws(ExporterError) -> (Answer, PostsPage) {
        try await client.send(Request(.GET, path)) { answer throws(ExporterError) in
            let page: PostsPage
            do throws(ArchiveError) {
                page = try PostsPage(answer.body)
            } catch .notAPage(let what) {
                throw answer.garbled(what)
            } catch { throw .archive(error) }
            guard page.posts.allSatisfy({ $0.channelID == channelID }) else {
                throw answer.garbled("it holds a post of another channel")
            }
            guard isPlausible(page) else { throw answer.garbled("it is not what was asked for") }
            return (answer, page)
        }
    }

    func keep(_ answer: Answer, _ page: PostsPage) async throws(ExporterError) {
        if Task.isCancelled { throw .cancelled }
        do throws(ArchiveError) { try unseen?.saw(page.posts.map(\.id)) } catch { throw .archive(error) }
        guard !page.posts.isEmpty else { return try await note(answer.receivedAt) }
        do {
            let added = try await writer.append(
                answer.document(.posts, channelID: channelID), page: page, walk: state, askedAt: answer.askedAt)
            onPage(page.posts.count, added)
        } catch { throw kept(error, answer) }
    }

    /// Why an answer could not be kept.
    private func kept(_ error: ArchiveError, _ answer: Answer) -> ExporterError {
        if case .notAPage(let what) = error { answer.garbled(what) } else { .archive(error) }
    }

    func note(_ time: Timestamp) async throws(ExporterError) {
        do { try await writer.note(state, channelID: channelID, at: time) } catch { throw .archive(error) }
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

    static func since(_ channelID: String, _ time: Int64) -> String {
        "/api/v4/channels/\(channelID)/posts?since=\(time)&skipFetchThreads=true"
    }
}
