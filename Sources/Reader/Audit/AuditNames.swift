internal import Archive
internal import E2EE

/// What people call each other, and findings made with it.
struct AuditNames {
    private let users: [String: User]
    private let channels: [String: Channel]
    private let labels: ChannelNames
    private let book: NameBook

    init(_ archive: Archive) throws(ArchiveError) {
        let all = try archive.users()
        users = Dictionary(all.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        channels = Dictionary(try archive.channels().map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        book = NameBook(try archive.nameBearings())
        labels = ChannelNames(users: all, ownID: try archive.account().userID)
    }

    /// `@bob`, made safe to show; the id where there is no name.
    func user(_ id: String) -> String {
        guard let user = users[id] else { return "user \(SafeText.shortName(id))" }
        return book.tell("@\(SafeText.shortName(user.username))", of: id)
    }

    /// `@bob`, `@bob and @carol`, `@bob, @carol, @dave and 4 more`.
    func list(_ ids: [String]) -> String {
        if ids.count > 4 { return "\(ids.prefix(3).map(user).joined(separator: ", ")) and \(ids.count - 3) more" }
        let names = ids.map(user)
        guard let last = names.last, names.count > 1 else { return names.first ?? "" }
        return "\(names.dropLast().joined(separator: ", ")) and \(last)"
    }

    func label(_ channelID: String) -> String { channels[channelID].map { book.tell($0, labels) } ?? channelID }

    /// What is about a channel, and not about posts.
    func finding(
        _ kind: Finding.Kind, seen: String, canMean: [String], cannotMean: String, explanation: String?,
        users userIDs: [String], in channelID: String
    ) -> Finding {
        Finding(
            kind: kind, seen: seen, canMean: canMean, cannotMean: cannotMean, explanation: explanation,
            userIDs: userIDs,
            keyIDs: [], original: nil,
            places: [Finding.Place(channelID: channelID, label: label(channelID), posts: [])],
            usernames: userIDs.reduce(into: [:]) { $0[$1] = users[$1]?.username })
    }

    /// - Parameter userIDs: whom it is about; the posts' authors are added.
    func finding(
        _ kind: Finding.Kind, seen: String, canMean: [String], cannotMean: String, explanation: String? = nil,
        users userIDs: [String] = [], keys: [KeyID] = [], original: PostReference? = nil, posts: [PostReference]
    ) -> Finding {
        let people = userIDs + posts.authors.filter { !userIDs.contains($0) }
        var channels: Set<String> = []
        let byChannel = Dictionary(grouping: posts, by: \.channelID)
        let places = posts.map(\.channelID).filter { channels.insert($0).inserted }.map {
            Finding.Place(channelID: $0, label: label($0), posts: byChannel[$0] ?? [])
        }
        return Finding(
            kind: kind, seen: seen, canMean: canMean, cannotMean: cannotMean, explanation: explanation, userIDs: people,
            keyIDs: keys, original: original,
            places: places.enumerated().sorted {
                ($0.element.posts[0].createAt, $0.offset) < ($1.element.posts[0].createAt, $1.offset)
            }.map(\.element),
            usernames: people.reduce(into: [:]) { $0[$1] = users[$1]?.username })
    }
}

extension [PostReference] {
    /// In the order of time; those of one moment in the order of their ids.
    var inOrder: [PostReference] { sorted { ($0.createAt, $0.id) < ($1.createAt, $1.id) } }

    /// Who wrote them, in the order in which each first did.
    var authors: [String] {
        var seen: Set<String> = []
        return map(\.userID).filter { seen.insert($0).inserted }
    }

    /// `1 post`, `12 posts`.
    var inWords: String { count == 1 ? "1 post" : "\(count) posts" }

    /// `on 2026-11-23`, `from 2021-09-03 to 2022-03-11`.
    var datesInWords: String {
        guard let first = self.map(\.createAt).min(), let last = self.map(\.createAt).max() else { return "" }
        let days = (Timestamp(milliseconds: first).date, Timestamp(milliseconds: last).date)
        return days.0 == days.1 ? "on \(days.0)" : "from \(days.0) to \(days.1)"
    }
}
