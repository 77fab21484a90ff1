internal import Bytes
internal import GRDB

/// How far the history of one channel has been fetched. It is committed together with each page, so that an
/// interruption at any moment costs at most the page that was under way.
public struct WalkState: Equatable, Sendable {
    /// Whatever changed on the server up to this time (`update_at`) has been fetched, or will be by `backward`.
    public var cursor: Int64
    /// Where the walk back through history stands; nil once it has reached the beginning.
    public var backward: Position?
    /// Whether the server was asked for everything it still knows about edits and deletions of the past.
    public var hasAskedForPast: Bool
    /// Whether the walk has ended with this: nothing of the channel, as it was then, is still to be fetched.
    public var isComplete: Bool

    /// The server's time when it was last asked what had changed, and told all of it; nil where it did not tell its time.
    public var askedAt: Int64?
    /// Where the walk back is to find what has gone, too: the archive's last document when it began. A post of the channel
    /// that no later answer shows is asked about then.
    public var reviewedSince: Int64?
    /// Where the server hides old posts: when the newest of them was created.
    public var hiddenUntil: Int64?
    /// Up to when the archive has had all of the channel's posts (`create_at`), from the beginning of history on; nil where it
    /// never had.
    public var heldUntil: Int64?
    /// Where the server hides old posts, or did when it was last asked: the cursor when it began to. What was changed in hidden
    /// posts since then is told when they are hidden no more.
    public var limitedSince: Int64?
    /// Where the server listed nothing older, although it has older posts: the oldest `create_at` that it listed.
    public var unlistedBefore: Int64?
    /// Whether the last answer about changes was not to be believed.
    public var lacksChanges = false
    /// Groups of posts with one `create_at` of which the server counts more than it shows.
    public var ties: [Tie] = []
    /// Whether more changed at a time than the server tells, so that old revisions may never have come.
    public var mayLackRevisions = false
    /// The ids of posts that came and have no place in the index: `UnplacedPost`.
    public var unplaced: [String] = []

    /// The next page is the one before `anchor`, `page` pages further (`page` counts only where all posts of a page tie
    /// on `create_at`). Without an anchor: from the newest post on.
    public struct Position: Equatable, Sendable {
        public var anchor: String?
        public var page: Int
        /// The oldest `create_at` fetched so far.
        public var reached: Int64

        public init(anchor: String?, page: Int, reached: Int64) {
            self.anchor = anchor
            self.page = page
            self.reached = reached
        }

        public static let newest = Position(anchor: nil, page: 0, reached: .max)
    }

    /// Posts that share a `create_at`, and how many of them the server never showed.
    public struct Tie: Equatable, Sendable {
        public let createAt: Int64
        public let missing: Int

        public init(createAt: Int64, missing: Int) {
            self.createAt = createAt
            self.missing = missing
        }
    }

    /// Whether the archive lacks posts that the server hides.
    public var lacksHidden: Bool { hiddenUntil.map { $0 > heldUntil ?? .min } ?? false }

    public init(cursor: Int64, backward: Position?, hasAskedForPast: Bool, isComplete: Bool = false) {
        self.cursor = cursor
        self.isComplete = isComplete
        self.backward = backward
        self.hasAskedForPast = hasAskedForPast
    }

    /// More ids than this are not kept, nor longer ones than this; the answers that hold the posts are.
    public static let mostUnplaced = (ids: 20, characters: 64)
    /// More groups of posts than this are not noted: then the walk does not end.
    public static let mostTies = 200

    var json: String {
        var json = JSONWriter()
        json.object { json in
            json.int("cursor", cursor)
            json.bool("has_asked_for_past", hasAskedForPast)
            if isComplete { json.bool("complete", true) }
            if let askedAt { json.int("asked_at", askedAt) }
            if let reviewedSince { json.int("reviewed_since", reviewedSince) }
            if let hiddenUntil { json.int("hidden_until", hiddenUntil) }
            if let heldUntil { json.int("held_until", heldUntil) }
            if let limitedSince { json.int("limited_since", limitedSince) }
            if let unlistedBefore { json.int("unlisted_before", unlistedBefore) }
            if lacksChanges { json.bool("lacks_changes", true) }
            if !ties.isEmpty {
                json.array("ties") { json in
                    for tie in ties {
                        json.object {
                            $0.int("create_at", tie.createAt)
                            $0.int("missing", tie.missing)
                        }
                    }
                }
            }
            if mayLackRevisions { json.bool("may_lack_revisions", true) }
            if !unplaced.isEmpty {
                json.array("unplaced") { json in for id in unplaced { json.string(nil, id) } }
            }
            guard let backward else { return json.null("backward") }
            json.object("backward") {
                $0.string("anchor", backward.anchor)
                $0.int("page", backward.page)
                $0.int("reached", backward.reached)
            }
        }
        return json.text
    }

    /// Reads what a document's record says of the walk; nil for anything else.
    public init?(json: String) {
        guard let root = try? JSONDocument(Array(json.utf8)).root, let cursor = root["cursor"]?.int,
            let hasAsked = root["has_asked_for_past"]?.bool, let backward = root["backward"]
        else { return nil }
        self.cursor = cursor
        hasAskedForPast = hasAsked
        isComplete = root["complete"]?.bool ?? false
        askedAt = root["asked_at"]?.int
        reviewedSince = root["reviewed_since"]?.int
        hiddenUntil = root["hidden_until"]?.int
        heldUntil = root["held_until"]?.int
        limitedSince = root["limited_since"]?.int
        unlistedBefore = root["unlisted_before"]?.int
        lacksChanges = root["lacks_changes"]?.bool ?? false
        ties = (root["ties"]?.elements ?? []).compactMap { tie in
            guard let createAt = tie["create_at"]?.int, let missing = tie["missing"]?.int else { return nil }
            return Tie(createAt: createAt, missing: Int(missing))
        }
        mayLackRevisions = root["may_lack_revisions"]?.bool ?? false
        unplaced = (root["unplaced"]?.elements ?? []).compactMap(\.string)
        if backward.isNull { return }
        guard let page = backward["page"]?.int, let reached = backward["reached"]?.int else { return nil }
        self.backward = Position(anchor: backward["anchor"]?.string, page: Int(page), reached: reached)
    }
}

extension Archive {
    /// How far the walk through the channel has come; nil where none was begun.
    public func walkState(channelID: String) throws(ArchiveError) -> WalkState? {
        try read { db in
            try String.fetchOne(
                db, sql: "SELECT state FROM walk WHERE channel_id = ? ORDER BY seq DESC LIMIT 1", arguments: [channelID]
            )
        }.flatMap(WalkState.init(json:))
    }

    /// When the channel was last asked about, and got an answer.
    public func lastFetch(channelID: String) throws(ArchiveError) -> Timestamp? {
        try read { db in
            try Int64.fetchOne(
                db, sql: "SELECT at FROM walk WHERE channel_id = ? ORDER BY seq DESC LIMIT 1", arguments: [channelID])
        }.map(Timestamp.init(milliseconds:))
    }
}
