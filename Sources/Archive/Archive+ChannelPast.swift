internal import Bytes
internal import GRDB

/// What is known of a channel over time. All of it is what the server said when it was asked; what was between, nobody saw.
public struct ChannelPast: Equatable, Sendable {
    /// What stood somewhere, and when it was seen there first, and then no more.
    public struct Text: Equatable, Sendable {
        public let text: String
        public let since: Timestamp
        /// nil where it was still there when the server last spoke of the channel.
        public internal(set) var until: Timestamp?
    }

    public struct Member: Equatable, Sendable {
        public let userID: String
        /// When they were first seen in the channel's list of members.
        public let since: Timestamp
        /// When it was noticed that they are no longer in it; nil where they are.
        public let left: Timestamp?
    }

    /// In the order of time; that there was none is not in it.
    public internal(set) var headers: [Text] = []
    public internal(set) var purposes: [Text] = []
    /// Those who are in it, then those who were; each by when they were first seen, and by their ids.
    public internal(set) var members: [Member] = []

    /// Of a channel of which nothing is known.
    public init() {}
}

extension Archive {
    public func past(ofChannel id: String) throws(ArchiveError) -> ChannelPast {
        let rows = try read { db in
            try Row.fetchAll(
                db, sql: "SELECT at, json FROM object WHERE kind = 'channel' AND id = ? ORDER BY seq", arguments: [id]
            ).map { row -> (at: Int64, json: String) in
                (try row.decode(forColumn: "at"), try row.decode(forColumn: "json"))
            }
        }
        var past = ChannelPast()
        for row in rows {
            guard let root = try? JSONDocument(Array(row.json.utf8)).root else { continue }
            let (channel, at) = (Channel(root), Timestamp(milliseconds: row.at))
            ChannelPast.add(channel.header, at, to: &past.headers)
            ChannelPast.add(channel.purpose, at, to: &past.purposes)
        }
        let absences = try absentMembers(channelID: id)
        past.members = try members(channelID: id)
            .map { ChannelPast.Member(userID: $0.key, since: $0.value, left: absences[$0.key]?.since) }
            .sorted { ($0.left != nil ? 1 : 0, $0.since, $0.userID) < ($1.left != nil ? 1 : 0, $1.since, $1.userID) }
        return past
    }
}

extension ChannelPast {
    fileprivate static func add(_ text: String, _ at: Timestamp, to texts: inout [Text]) {
        if let last = texts.last, last.until == nil {
            // By bytes: two spellings that look the same are two.
            guard !last.text.utf8.elementsEqual(text.utf8) else { return }
            texts[texts.count - 1].until = at
        }
        if !text.isEmpty { texts.append(Text(text: text, since: at)) }
    }
}
