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

    public init(cursor: Int64, backward: Position?, hasAskedForPast: Bool, isComplete: Bool = false) {
        self.cursor = cursor
        self.isComplete = isComplete
        self.backward = backward
        self.hasAskedForPast = hasAskedForPast
    }

    var json: String {
        var json = JSONWriter()
        json.object { json in
            json.int("cursor", cursor)
            json.bool("has_asked_for_past", hasAskedForPast)
            if isComplete { json.bool("complete", true) }
            guard let backward else { return json.null("backward") }
            json.object("backward") {
                $0.string("anchor", backward.anchor)
                $0.int("page", backward.page)
                $0.int("reached", backward.reached)
            }
        }
        return json.text
    }

    init?(json: String) {
        guard let root = try? JSONDocument(Array(json.utf8)).root, let cursor = root["cursor"]?.int,
            let hasAsked = root["has_asked_for_past"]?.bool, let backward = root["backward"]
        else { return nil }
        self.cursor = cursor
        hasAskedForPast = hasAsked
        isComplete = root["complete"]?.bool ?? false
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
