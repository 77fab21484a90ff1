internal import GRDB

/// Why the archive does not hold the whole of a channel, although its history was walked through.
public enum HistoryGap: Equatable, Sendable {
    /// The server hides what was created until then (a limit on message history), and the archive lacks it.
    case hidden(until: Timestamp)
    /// Of posts with one `create_at`, so many were never shown.
    case tied(at: Timestamp, missing: Int)
    /// Posts came that have no place in the index: their ids, some of them if there are many.
    case unplaced(ids: [String])
    /// The server did not tell what had changed: its answer contradicts what it shows.
    case unknownChanges

    /// For a person. Ids are foreign text: whoever prints it neutralises it.
    public var words: String {
        switch self {
        case .hidden(let until): "the server hides messages up to \(until.minute) UTC (its limit on message history)"
        case .tied(let at, let missing):
            "\(missing) \(missing == 1 ? "post" : "posts") of \(at.iso8601), when many were written, never came"
        case .unplaced(let ids):
            "\(ids.count == 1 ? "a post" : "posts") without a valid id or channel came: "
                + ids.map { $0.isEmpty ? "no id" : $0 }.joined(separator: ", ")
        case .unknownChanges: "the server did not say what was edited and deleted"
        }
    }
}

extension WalkState {
    /// In the order of `HistoryGap`; empty where the walk has not ended.
    public var gaps: [HistoryGap] {
        guard backward == nil else { return [] }
        var gaps: [HistoryGap] = []
        if lacksHidden, let hiddenUntil { gaps.append(.hidden(until: Timestamp(milliseconds: hiddenUntil))) }
        gaps += ties.map { .tied(at: Timestamp(milliseconds: $0.createAt), missing: $0.missing) }
        if !unplaced.isEmpty { gaps.append(.unplaced(ids: unplaced)) }
        if !hasAskedForPast { gaps.append(.unknownChanges) }
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
