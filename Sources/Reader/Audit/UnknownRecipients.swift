internal import Archive
internal import E2EE

/// Key ids among the recipients that belong to no key ever seen for a user, and keys of users who were never seen in the
/// channel: what somebody leaves behind who hands out a key of their own.
final class UnknownRecipients: Inspection {
    private let groups: VersionGroups
    private let trusted: TrustedKeys
    private let recipients: RecipientCollection
    private var strangers: Set<Stranger> = []
    private var rejected: Set<KeyID> = []

    private struct Stranger: Hashable {
        let userID: String
        let channelID: String
        var group: VersionGroups.Key { VersionGroups.Key("stranger", Array(userID.utf8), Array(channelID.utf8)) }
    }

    /// - Parameter recipients: collects the unknown ones while signers are looked for.
    init(_ groups: VersionGroups, trusted: TrustedKeys, recipients: RecipientCollection) {
        self.groups = groups
        self.trusted = trusted
        self.recipients = recipients
    }

    private static func rejected(_ id: KeyID) -> VersionGroups.Key { VersionGroups.Key("rejected", id.bytes) }

    func see(_ version: SeenVersion, in place: AuditedChannel) throws(ArchiveError) {
        guard case .message(let message) = version.content else { return }
        for id in message.recipients {
            let owners = trusted.owners(ofKey: id)
            guard !owners.isEmpty else { continue }
            if owners.allSatisfy({ $0.standing == .rejected }) {
                rejected.insert(id)
                try groups.put(version.header.sequence, into: Self.rejected(id))
            } else if place.membership.isWellKnown, !owners.contains(where: { place.membership.wasSeen($0.userID) }),
                let owner = owners.first
            {
                let stranger = Stranger(userID: owner.userID, channelID: place.id)
                strangers.insert(stranger)
                try groups.put(version.header.sequence, into: stranger.group)
            }
        }
    }

    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding] {
        var findings: [Finding] = []
        for id in recipients.unknown.keys.sorted() {
            let posts = try groups.posts(of: RecipientCollection.group(id))
            findings.append(unknown(id, posts, context))
        }
        for id in rejected.sorted() {
            let owners = Set(trusted.owners(ofKey: id).map(\.userID)).sorted()
            let posts = try groups.posts(of: Self.rejected(id))
            findings.append(rejected(id, owners, posts, context.names))
        }
        for stranger in strangers.sorted(by: { ($0.channelID, $0.userID) < ($1.channelID, $1.userID) }) {
            // A copy is encrypted for whom its original was.
            let posts = try groups.posts(of: stranger.group).filter { !context.copies.contains($0.id) }
            if !posts.isEmpty { findings.append(self.stranger(stranger.userID, posts, context.names)) }
        }
        return findings
    }

    private func unknown(_ id: KeyID, _ posts: [PostReference], _ context: AuditContext) -> Finding {
        let names = context.names
        let signer = context.explanation(of: id)
        return names.finding(
            .unknownRecipients,
            seen: """
                The key id \(id.short) stands among the recipients of \(posts.inWords) by \
                \(names.list(posts.authors)), \(posts.datesInWords), and is that of no key ever seen here.
                """,
            canMean: [
                "It is a key that somebody had and replaced before this archive could see it.",
                "Somebody handed out a key of their own as a colleague's, and can read these posts.",
            ],
            cannotMean: """
                An id does not tell whose it is. That a key stands there does not show that anybody used it, nor that the \
                authors knew of it: their clients encrypt for whatever the server hands out.
                """,
            explanation: signer.map { signer in
                let author = names.user(signer.userID)
                return """
                    It stands in \(signer.posts.count == 1 ? "the one post" : "each of the \(signer.posts.count) posts") of \(author) that one other key signed, and it \
                    has gone since the next key of \(author) is in use, as no other does. So it is probably \
                    \(author)'s key before that; nothing proves it.
                    """
            },
            users: signer.map { [$0.userID] } ?? [], keys: [id], posts: posts)
    }

    private func rejected(_ id: KeyID, _ owners: [String], _ posts: [PostReference], _ names: AuditNames) -> Finding {
        names.finding(
            .unknownRecipients,
            seen: """
                Key \(id.short), which you rejected as \(names.list(owners))'s, stands among the recipients of \
                \(posts.inWords) by \(names.list(posts.authors)), \(posts.datesInWords).
                """,
            canMean: ["Whoever has the private key to it can read these posts."],
            cannotMean: "It does not show that the authors knew: their clients encrypt for what the server hands out.",
            users: owners, keys: [id], posts: posts)
    }

    private func stranger(_ userID: String, _ posts: [PostReference], _ names: AuditNames) -> Finding {
        let user = names.user(userID)
        return names.finding(
            .unknownRecipients,
            seen: """
                \(posts.inWords) by \(names.list(posts.authors)), \(posts.datesInWords), \
                \(posts.count == 1 ? "is" : "are") encrypted for \(user), who was never seen as a member of the channel.
                """,
            canMean: [
                "The server told clients that \(user) is a member.",
                "\(user) was a member for a while, and nothing in this archive tells of it.",
            ],
            cannotMean: "It does not show that \(user) got these posts, nor that the authors knew.",
            users: [userID], keys: [], posts: posts)
    }
}
