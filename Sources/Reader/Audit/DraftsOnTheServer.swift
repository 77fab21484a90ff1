internal import Archive

/// Drafts of the account's own, which clients keep on the server in the clear, also those for encrypted channels.
final class DraftsOnTheServer: Inspection {
    private let archive: Archive

    init(_ archive: Archive) { self.archive = archive }

    /// Drafts of a channel that are told one by one.
    private static let shown = 5

    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding] {
        let drafts = Dictionary(grouping: try archive.drafts(), by: \.draft.channelID)
        var findings: [Finding] = []
        for (channelID, drafts) in drafts.sorted(by: { $0.key < $1.key }) {
            let isEncrypted = try archive.holdsEncryptedPosts(channelID: channelID)
            findings.append(finding(drafts, channelID, isEncrypted, context.names))
        }
        return findings
    }

    private func finding(
        _ drafts: [SeenDraft], _ channelID: String, _ isEncrypted: Bool, _ names: AuditNames
    ) -> Finding {
        var seenUsers: Set<String> = []
        let users = drafts.map(\.draft.userID).filter { seenUsers.insert($0).inserted }
        let times = drafts.prefix(Self.shown).map(Self.times).joined(separator: "; ")
        let rest = drafts.count - Self.shown
        let isOne = drafts.count == 1
        let gone = drafts.count { $0.goneSince != nil }
        let verb =
            gone == 0 ? isOne ? "is" : "are" : gone < drafts.count ? "are or were" : isOne ? "was" : "were"
        var finding = names.finding(
            .drafts,
            seen:
                "\(drafts.count) \(isOne ? "draft" : "drafts") by \(names.list(users)) \(verb) on the server in the clear, "
                + "for a channel \(isEncrypted ? "with" : "without") encrypted posts: \(times)\(rest > 0 ? "; and \(rest) more" : "").",
            canMean: [
                "A client keeps on the server what somebody has begun to write, and does not encrypt it. The server has read it."
            ],
            cannotMean: "It does not show that anybody else read it, nor that it was ever sent.",
            explanation: isEncrypted
                ? nil : "The channel has no encrypted posts: what is written there, the server can read in any case.",
            users: users, in: channelID)
        finding.drafts = drafts
        return finding
    }

    private static func times(_ seen: SeenDraft) -> String {
        let draft = seen.draft
        let times = [draft.createAt, draft.updateAt].map { Timestamp(milliseconds: $0).minute }
        var words = "begun \(times[0])"
        if times[1] != times[0] { words += ", changed \(times[1])" }
        words += ", last seen \(seen.lastSeen.minute)"
        if let gone = seen.goneSince { words += ", no longer there on \(gone.minute)" }
        return words
    }
}
