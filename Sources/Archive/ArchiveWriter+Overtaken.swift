internal import GRDB

/// Answers and events that crossed on their way: an event was archived after a page was asked for and before it came, and
/// nobody knows which of the two is the older.
extension ArchiveWriter {
    /// Where an answer may be older than an event about one of its posts that was archived since it was asked for, keeps it
    /// so that nothing of it counts as the newest version of such a post. Then it should be asked for again.
    ///
    /// - Parameter end: `end` when the answer was asked for.
    /// - Returns: whether it is so; nothing is kept where not.
    public func keepOvertaken(
        _ document: ReceivedDocument, page: PostsPage, askedAt end: Int64
    ) throws(ArchiveError) -> Bool {
        let crossed = try crossed(page, end)
        guard !crossed.isEmpty else { return false }
        try append(
            document, walk: nil, late: Set(crossed.filter(\.isUnknown).map(\.id)),
            leftOut: Set(crossed.filter { !$0.isUnknown }.map(\.id)))
        return true
    }

    /// Keeps an answer that carries posts, with the walk's new state, as `append(_:page:walk:)` does; what may be older than
    /// an event is judged as an event itself would be, by the times that it names.
    ///
    /// - Parameter end: `end` when the answer was asked for.
    @discardableResult
    public func append(
        _ document: ReceivedDocument, page: PostsPage, walk: WalkState?, askedAt end: Int64
    ) throws(ArchiveError) -> Int {
        let late = try crossed(page, end).filter { $0.place != .newest }
        guard !late.isEmpty else { return try append(document, page: page, walk: walk) }
        return try append(
            document, walk: walk, late: Set(late.filter { $0.place == .late }.map(\.id)),
            leftOut: Set(late.filter { $0.place == .nowhere }.map(\.id)))
    }

    @discardableResult
    private func append(
        _ document: ReceivedDocument, walk: WalkState?, late: Set<String>, leftOut: Set<String>
    ) throws(ArchiveError) -> Int {
        let answer = try OvertakenAnswer(
            document.body, channelID: document.channelID, late: late, leftOut: leftOut)
        let whole = ReceivedDocument(
            kind: .latePosts, request: document.request, channelID: document.channelID,
            receivedAt: document.receivedAt, body: answer.body)
        return try insert(whole, walk: document.channelID == nil ? nil : walk) { db, sequence in
            try ArchiveWriter.insert(answer.posts, answer.attachments, db, document: sequence)
        }
    }

    /// A version in an answer of which nobody knows whether it is older than an event that was archived meanwhile.
    private struct Crossed {
        let id: String
        /// Whether it says something that is not archived.
        let isUnknown: Bool
        let place: VersionOrder.Place
    }

    /// Nothing but an event adds to a channel while an answer about it is awaited. A version that is archived takes nothing
    /// back, and a tombstone is older than no event: there is none behind it.
    private func crossed(_ page: PostsPage, _ end: Int64) throws(ArchiveError) -> [Crossed] {
        guard lastEvents > end else { return [] }
        return try Archive.rethrowing(path: directory.archivePath) { [database] in
            try database.read { db in
                var order = VersionOrder(db)
                let newer = try db.cachedStatement(
                    sql: """
                        SELECT 1 FROM version WHERE post_id = ?1 AND document > ?2
                          AND NOT EXISTS (SELECT 1 FROM version WHERE post_id = ?1 AND identity = ?3)
                        """)
                return try page.posts.filter { $0.deleteAt == 0 }.compactMap { post in
                    let values: StatementArguments = [post.id, end, post.identity.databaseBlob]
                    guard try Int.fetchOne(newer, arguments: values) != nil else { return nil }
                    return Crossed(
                        id: post.id, isUnknown: try order.known(post).isEmpty, place: try order.place(of: post))
                }
            }
        }
    }
}
