internal import Archive

/// Times that contradict each other: changes before the creation, replies before what they reply to, newer versions that say
/// they are older, and posts that appear between posts that had long been fetched.
final class BackwardTimes: Inspection {
    private let archive: Archive
    private let groups: VersionGroups
    private var channels: [String] = []
    private var hasEarlyChange = false

    private static let earlyChange = VersionGroups.Key("changed before it was created")

    init(_ archive: Archive, _ groups: VersionGroups) {
        self.archive = archive
        self.groups = groups
    }

    func see(_ version: SeenVersion, in place: AuditedChannel) throws(ArchiveError) {
        if channels.last != place.id { channels.append(place.id) }
        let header = version.header
        guard !version.isImported, [header.editAt, header.deleteAt].contains(where: { $0 > 0 && $0 < header.createAt })
        else { return }
        hasEarlyChange = true
        try groups.put(header.sequence, into: Self.earlyChange)
    }

    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding] {
        var findings: [Finding] = []
        let early = hasEarlyChange ? try groups.posts(of: Self.earlyChange) : []
        if !early.isEmpty { findings.append(changedTooEarly(early, context.names)) }
        var (replies, changed, late): ([PostReference], [PostReference], [PostReference]) = ([], [], [])
        for channelID in channels {
            replies += try archive.repliesBeforeRoots(channelID: channelID)
            changed += try archive.postsChangedBackwards(channelID: channelID)
            late += try archive.postsThatAppearedLater(channelID: channelID)
        }
        if !replies.isEmpty { findings.append(repliedTooEarly(replies, context.names)) }
        if !changed.isEmpty { findings.append(wentBack(changed, context.names)) }
        if !late.isEmpty { findings.append(appearedLater(late, context.names)) }
        return findings
    }

    private static let notShown = "Times are the server's word, and nobody signs them. Who set them is not shown."

    private func changedTooEarly(_ posts: [PostReference], _ names: AuditNames) -> Finding {
        names.finding(
            .backwardTimes,
            seen:
                "\(posts.inWords) by \(names.list(posts.authors)) \(posts.count == 1 ? "was" : "were") changed or deleted "
                + "before \(posts.count == 1 ? "it was" : "they were") written, by their own times.",
            canMean: [
                "The server dated a post anew.", "A post was imported into the server with a date in the future.",
            ],
            cannotMean: Self.notShown, posts: posts)
    }

    private func repliedTooEarly(_ posts: [PostReference], _ names: AuditNames) -> Finding {
        names.finding(
            .backwardTimes,
            seen: "\(posts.inWords) by \(names.list(posts.authors)), \(posts.datesInWords), "
                + "\(posts.count == 1 ? "is" : "are") dated before the post that "
                + "\(posts.count == 1 ? "it replies" : "they reply") to.",
            canMean: [
                "The server dated a post anew, or put a reply into another thread: no signature covers either.",
                "The reply was imported into the server, dated back.",
            ],
            cannotMean: Self.notShown, posts: posts)
    }

    private func wentBack(_ posts: [PostReference], _ names: AuditNames) -> Finding {
        names.finding(
            .backwardTimes,
            seen:
                "Of \(posts.inWords) by \(names.list(posts.authors)), a later answer gave an earlier time of change, and "
                + "another content.",
            canMean: [
                "The server took a change back and hid that there was one.", "The server was restored from a backup.",
            ],
            cannotMean: Self.notShown + " Both versions are in the archive.", posts: posts)
    }

    private func appearedLater(_ posts: [PostReference], _ names: AuditNames) -> Finding {
        names.finding(
            .backwardTimes,
            seen: "\(posts.inWords) by \(names.list(posts.authors)), dated \(posts.datesInWords), "
                + "\(posts.count == 1 ? "was" : "were") not there when all of that time was fetched, and appeared later.",
            canMean: [
                "Somebody put \(posts.count == 1 ? "it" : "them") into the past afterwards.",
                "\(posts.count == 1 ? "It was" : "They were") imported into the server, dated back.",
                "The server left \(posts.count == 1 ? "it" : "them") out before.",
            ],
            cannotMean: Self.notShown, posts: posts)
    }
}
