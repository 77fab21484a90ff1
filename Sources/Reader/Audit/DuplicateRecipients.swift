internal import Archive

/// Messages that name a recipient twice.
final class DuplicateRecipients: Inspection {
    private let groups: VersionGroups
    private var authors: Set<String> = []

    init(_ groups: VersionGroups) { self.groups = groups }

    private static func group(_ userID: String) -> VersionGroups.Key {
        VersionGroups.Key("duplicate recipient", Array(userID.utf8))
    }

    func see(_ version: SeenVersion, in place: AuditedChannel) throws(ArchiveError) {
        guard case .message(let message) = version.content, Set(message.recipients).count < message.recipients.count
        else { return }
        authors.insert(version.header.userID)
        try groups.put(version.header.sequence, into: Self.group(version.header.userID))
    }

    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding] {
        try authors.sorted().map { userID throws(ArchiveError) in
            let posts = try groups.posts(of: Self.group(userID))
            return context.names.finding(
                .duplicateRecipients,
                seen: """
                    \(posts.inWords) by \(context.names.user(userID)), \(posts.datesInWords), \
                    \(posts.count == 1 ? "names" : "name") the same recipient more than once.
                    """,
                canMean: [
                    "It was not made by the plugin's client, which names each recipient once.",
                    "Somebody changed the recipients; then the signature does not fit any more.",
                ],
                cannotMean: "Nobody can read more by it. Which of the wrapped keys is the right one is not signed.",
                posts: posts)
        }
    }
}
