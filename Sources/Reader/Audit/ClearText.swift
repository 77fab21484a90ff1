internal import Archive

/// Posts in clear text by people, in a channel while it was encrypted. The server of an encrypted channel refuses them.
final class ClearText: Inspection {
    private let groups: VersionGroups
    private var channels: [String] = []
    private var channelID = ""
    /// Since when the channel that passes by is encrypted; nil where it is not.
    private var since: Int64?

    /// What was on its way when encryption was turned on.
    private static let grace: Int64 = 5000

    init(_ groups: VersionGroups) { self.groups = groups }

    private static func group(_ channelID: String) -> VersionGroups.Key {
        VersionGroups.Key("clear text", Array(channelID.utf8))
    }

    func see(_ version: SeenVersion, in place: AuditedChannel) throws(ArchiveError) {
        if channelID != place.id { (channelID, since) = (place.id, nil) }
        let time = version.header.createAt
        switch version.content {
        case .message, .unusable:
            if version.header.type == EncryptedPost.type { since = since ?? time }
        case .clear(let post):
            if let notice = post.notice {
                since = notice ? since ?? time : nil
            } else if post.isOrdinary, !version.isImported, let since, time > since + Self.grace {
                // Of an export, old servers leave out by what one could tell an encrypted reply.
                if channels.last != place.id { channels.append(place.id) }
                try groups.put(version.header.sequence, into: Self.group(place.id))
            }
        }
    }

    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding] {
        try channels.map { channelID throws(ArchiveError) in
            let posts = try groups.posts(of: Self.group(channelID))
            return context.names.finding(
                .clearText,
                seen: """
                    \(posts.inWords) by \(context.names.list(posts.authors)), \(posts.datesInWords), \
                    \(posts.count == 1 ? "stands" : "stand") in clear text in a channel that was encrypted then.
                    """,
                canMean: [
                    "Somebody who can write to the server put them there: nothing in them is signed.",
                    "Encryption was turned off for a while, and the bot's notice of it was removed.",
                    "They were imported into the server, dated back.",
                ],
                cannotMean: """
                    It does not show that the author wrote them: of a post that is not signed, only the server says who \
                    wrote it.
                    """,
                posts: posts)
        }
    }
}
