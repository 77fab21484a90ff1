internal import Archive

/// Posts that the archive holds and the server denies, without having said that they were deleted.
final class VanishedPosts: Inspection {
    private let archive: Archive
    private var channels: Set<String> = []

    init(_ archive: Archive) { self.archive = archive }

    func see(_ version: SeenVersion, in place: AuditedChannel) { channels.insert(place.id) }

    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding] {
        let absences = try archive.absences(.post)
        func posts(_ reason: Absence.Reason) throws(ArchiveError) -> [PostReference] {
            let ids = absences.filter { $0.value.reason == reason }.map(\.key)
            return try archive.posts(ids).filter { channels.contains($0.channelID) }
        }
        let (gone, refused) = (try posts(.gone), try posts(.noAccess))
        return [(gone, "knows no more"), (refused, "does not hand out any more")].filter { !$0.0.isEmpty }.map {
            finding($0.0, $0.1, context.names)
        }
    }

    private func finding(_ posts: [PostReference], _ what: String, _ names: AuditNames) -> Finding {
        let times = Set(posts.map(\.channelID)).count
        return names.finding(
            .vanishedPosts,
            seen: """
                \(posts.inWords) by \(names.list(posts.authors)), \(posts.datesInWords), in \
                \(times == 1 ? "one channel" : "\(times) channels"): the server \(what), and there is no sign that \
                \(posts.count == 1 ? "it was" : "they were") deleted.
                """,
            canMean: [
                "The server's rule for old posts removed \(posts.count == 1 ? "it" : "them"), or an administrator did.",
                "Somebody removed \(posts.count == 1 ? "it" : "them") from the server's database.",
            ],
            cannotMean: """
                It was not the author's client: that leaves a mark. What \(posts.count == 1 ? "it" : "they") said is still \
                in the archive.
                """,
            posts: posts)
    }
}
