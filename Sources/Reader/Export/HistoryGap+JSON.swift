public import Archive
public import Bytes

extension JSONWriter {
    /// The members that say what is missing of a channel: `hidden_until`, in milliseconds or null, `gaps` and
    /// `may_lack_revisions`.
    public mutating func gaps(of channel: Channel) {
        if let until = channel.hiddenUntil { int("hidden_until", until.milliseconds) } else { null("hidden_until") }
        array("gaps") { json in for gap in channel.gaps { json.object { gap.write(to: &$0) } } }
        bool("may_lack_revisions", channel.mayLackRevisions)
    }
}

extension HistoryGap {
    fileprivate func write(to json: inout JSONWriter) {
        switch self {
        case .unfinished(let reached):
            json.string("kind", "unfinished")
            if let reached { json.int("reached", reached.milliseconds) } else { json.null("reached") }
        case .unreviewed: json.string("kind", "unreviewed")
        case .hidden(let until):
            json.string("kind", "hidden")
            json.int("until", until.milliseconds)
        case .tied(let at, let missing):
            json.string("kind", "tied")
            json.int("create_at", at.milliseconds)
            json.int("missing", missing)
        case .unplaced(let ids):
            json.string("kind", "unplaced")
            json.array("ids") { json in for id in ids { json.string(nil, id) } }
        case .unlisted(let time):
            json.string("kind", "unlisted")
            json.int("before", time.milliseconds)
        case .unknownChanges: json.string("kind", "unknown-changes")
        }
    }

    fileprivate init?(_ json: JSONValue) {
        func time(_ name: StaticString) -> Timestamp? { json[name]?.int.map(Timestamp.init(milliseconds:)) }
        switch json["kind"]?.string {
        case "unfinished": self = .unfinished(reached: time("reached"))
        case "unreviewed": self = .unreviewed
        case "hidden":
            guard let until = time("until") else { return nil }
            self = .hidden(until: until)
        case "tied":
            guard let at = time("create_at"), let missing = json["missing"]?.int.flatMap(Int.init(exactly:)) else {
                return nil
            }
            self = .tied(at: at, missing: missing)
        case "unplaced": self = .unplaced(ids: (json["ids"]?.elements ?? []).compactMap(\.string))
        case "unlisted":
            guard let before = time("before") else { return nil }
            self = .unlisted(before: before)
        case "unknown-changes": self = .unknownChanges
        default: return nil
        }
    }
}

extension Channel {
    /// Takes over what `JSONWriter.gaps` wrote.
    mutating func takeGaps(_ json: JSONValue) {
        hiddenUntil = json["hidden_until"]?.int.map(Timestamp.init(milliseconds:))
        mayLackRevisions = json["may_lack_revisions"]?.bool ?? false
        gaps = (json["gaps"]?.elements ?? []).compactMap(HistoryGap.init)
    }
}
