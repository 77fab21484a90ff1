internal import GRDB

/// Why the archive does not hold the whole of a channel.
public enum HistoryGap: Equatable, Sendable {
    /// The walk through its history has not ended: a pull was interrupted, or asked for a part of it. Posts older than that are
    /// still to come; nil where none came yet.
    case unfinished(reached: Timestamp?)
    /// What was deleted while more changed than the server tells is still to be looked for.
    case unreviewed
    /// The server hides what was created until then (a limit on message history), and the archive lacks it.
    case hidden(until: Timestamp)
    /// Of posts with one `create_at`, so many were never shown.
    case tied(at: Timestamp, missing: Int)
    /// Posts came that have no place in the index: their ids, some of them if there are many.
    case unplaced(ids: [String])
    /// The server lists no older posts, although it has some.
    case unlisted(before: Timestamp)
    /// The server did not tell what had changed: its answer contradicts what it shows.
    case unknownChanges

    /// Whether nothing is missing but what the server does not show.
    public var isTheServers: Bool {
        switch self {
        case .hidden, .tied, .unplaced, .unlisted: true
        case .unfinished, .unreviewed, .unknownChanges: false
        }
    }

    /// For a person. Ids are foreign text: whoever prints it neutralises it.
    public var words: String {
        switch self {
        case .unfinished(let reached?): "posts older than \(reached.date) are still to be pulled"
        case .unfinished(nil): "it is still to be pulled"
        case .unreviewed: "deleted posts are still to be looked for"
        case .hidden(let until): "the server hides messages up to \(until.minute) UTC (its limit on message history)"
        case .tied(let at, let missing):
            "\(missing) \(missing == 1 ? "post is" : "posts are") missing: many share the time \(at.iso8601), and the "
                + "server lists only some of them"
        case .unplaced(let ids):
            "the server sent \(ids.count == 1 ? "a post" : "posts") without a valid id or channel: "
                + ids.map { $0.isEmpty ? "no id" : $0 }.joined(separator: ", ")
        case .unlisted(let time): "the server lists no posts older than \(time.minute) UTC, although it has some"
        case .unknownChanges: "the server did not say what was edited and deleted"
        }
    }
}

extension WalkState {
    /// In the order of `HistoryGap`.
    public var gaps: [HistoryGap] {
        var gaps: [HistoryGap] = []
        if let backward {
            gaps.append(
                .unfinished(reached: backward.reached == .max ? nil : Timestamp(milliseconds: backward.reached)))
        } else if reviewedSince != nil {
            gaps.append(.unreviewed)
        }
        if lacksHidden, let hiddenUntil { gaps.append(.hidden(until: Timestamp(milliseconds: hiddenUntil))) }
        gaps += ties.map { .tied(at: Timestamp(milliseconds: $0.createAt), missing: $0.missing) }
        if !unplaced.isEmpty { gaps.append(.unplaced(ids: unplaced)) }
        if let unlistedBefore { gaps.append(.unlisted(before: Timestamp(milliseconds: unlistedBefore))) }
        if backward == nil, !hasAskedForPast || lacksChanges { gaps.append(.unknownChanges) }
        return gaps
    }
}

extension Archive {
    /// How far the walk through each channel has come, by the channel's id.
    public func walkStates() throws(ArchiveError) -> [String: WalkState] {
        let sql = "SELECT channel_id, state FROM walk WHERE seq IN (SELECT max(seq) FROM walk GROUP BY channel_id)"
        return try read { db in
            try Row.fetchAll(db, sql: sql).reduce(into: [:]) { states, row in
                states[try row.decode(String.self, forColumn: "channel_id")] = WalkState(
                    json: try row.decode(String.self, forColumn: "state"))
            }
        }
    }
}
