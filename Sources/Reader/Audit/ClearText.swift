internal import Archive

/// Posts in clear text, in a channel while it was encrypted. The server of an encrypted channel refuses them from people.
final class ClearText: Inspection {
    private let groups: VersionGroups
    private var found: [Sort: [String]] = [:]
    private var channelID = ""
    /// Since when the channel that passes by is encrypted; nil where it is not.
    private var since: Int64?

    private enum Sort: UInt8, CaseIterable {
        case person, program
        /// Encrypted by its type, with a text in clear where a placeholder should be; and the same after an edit.
        case mislabelled, edited
    }

    /// What was on its way when encryption was turned on.
    private static let grace: Int64 = 5000

    init(_ groups: VersionGroups) { self.groups = groups }

    private static func group(_ sort: Sort, _ channelID: String) -> VersionGroups.Key {
        VersionGroups.Key("clear text", [sort.rawValue], Array(channelID.utf8))
    }

    func see(_ version: SeenVersion, in place: AuditedChannel) throws(ArchiveError) {
        if channelID != place.id { (channelID, since) = (place.id, nil) }
        let header = version.header
        let sort: Sort
        switch version.content {
        case .message, .unusable(hasClearText: false):
            if header.type == EncryptedPost.type { since = since ?? header.createAt }
            return
        case .unusable(hasClearText: true):
            since = since ?? header.createAt
            sort = header.editAt > 0 ? .edited : .mislabelled
        case .clear(let post):
            if let notice = post.notice {
                since = notice ? since ?? header.createAt : nil
                return
            }
            guard post.voice != .program, let since, header.createAt > since + Self.grace else { return }
            sort = post.voice == .person ? .person : .program
        }
        // Of an export, old servers leave out by what one could tell an encrypted reply.
        guard !version.isImported else { return }
        if found[sort]?.last != place.id { found[sort, default: []].append(place.id) }
        try groups.put(header.sequence, into: Self.group(sort, place.id))
    }

    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding] {
        var findings: [Finding] = []
        for sort in Sort.allCases {
            for channelID in found[sort] ?? [] {
                findings.append(finding(sort, try groups.posts(of: Self.group(sort, channelID)), context.names))
            }
        }
        return findings
    }

    private func finding(_ sort: Sort, _ posts: [PostReference], _ names: AuditNames) -> Finding {
        let isOne = posts.count == 1
        let subject = "\(posts.inWords) by \(names.list(posts.authors)), \(posts.datesInWords), "
        let stands = isOne ? "stands" : "stand"
        let seen =
            switch sort {
            case .person: "\(stands) in clear text in a channel that was encrypted then."
            case .program:
                "\(stands) in clear text in a channel that was encrypted then, and \(isOne ? "says" : "say") of "
                    + "\(isOne ? "itself" : "themselves") to be by a program."
            case .mislabelled, .edited:
                "\(isOne ? "is" : "are") marked as encrypted, \(isOne ? "has" : "have") nothing encrypted that could be "
                    + "read, and \(isOne ? "says" : "say") something in clear text."
            }
        let others = [
            sort == .person ? "Encryption was turned off for a while, and the bot's notice of it was removed." : nil,
            sort == .person || sort == .program ? "They were imported into the server, dated back." : nil,
        ]
        let explanation: String? =
            switch sort {
            case .program:
                "An incoming webhook, or a plugin, posts in clear text and in the name of a person, whoever made it. "
                    + "Whoever can write to the server can mark a post like that, too."
            case .edited:
                "A newer web client that edits an encrypted post leaves such a one behind. Nobody signed the text, "
                    + "whoever wrote it."
            case .person, .mislabelled: nil
            }
        return names.finding(
            .clearText, seen: subject + seen,
            canMean: ["Somebody who can write to the server put them there: nothing in them is signed."]
                + others.compactMap { $0 },
            cannotMean: """
                It does not show that the author wrote them: of a post that is not signed, only the server says who \
                wrote it.
                """,
            explanation: explanation, posts: posts)
    }
}
