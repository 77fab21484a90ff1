internal import Archive
internal import E2EE

/// Versions of posts that are suspicious, whoever signed them (docs/trust-rules.md, “Suspicions”). Copies, what was
/// moved, and times that cannot be right have findings of their own.
final class SuspiciousVersions: Inspection {
    private let archive: Archive
    private let groups: VersionGroups
    private var found: Set<Suspicion> = []

    init(_ archive: Archive, _ groups: VersionGroups) { (self.archive, self.groups) = (archive, groups) }

    private static func group(_ suspicion: Suspicion) -> VersionGroups.Key {
        VersionGroups.Key("suspicion", Array(suspicion.rawValue.utf8))
    }

    func see(_ version: SeenVersion, in place: AuditedChannel) throws(ArchiveError) {
        guard case .message(let message) = version.content else { return }
        for suspicion in message.suspicions where suspicion.kind != nil {
            found.insert(suspicion)
            try groups.put(version.header.sequence, into: Self.group(suspicion))
        }
    }

    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding] {
        var findings: [Finding] = []
        for suspicion in found.sorted() {
            guard let kind = suspicion.kind else { continue }
            let posts = try groups.posts(of: Self.group(suspicion))
            guard !posts.isEmpty else { continue }
            if suspicion == .editedInTheClear {
                findings.append(try editedInTheClear(posts, context.names))
                continue
            }
            let (seen, canMean, cannotMean) = suspicion.words(posts)
            findings.append(
                context.names.finding(kind, seen: seen, canMean: canMean, cannotMean: cannotMean, posts: posts))
        }
        return findings
    }

    /// With the times of the edits and the server's version: whoever lets clients edit in the clear should change either.
    private func editedInTheClear(_ posts: [PostReference], _ names: AuditNames) throws(ArchiveError) -> Finding {
        let group = Self.group(.editedInTheClear)
        let edits = try groups.edits(of: group)
        let servers = try archive.serverVersions(ofDocuments: try groups.documents(of: group))
        let times = edits.values.joined().sorted().map { Timestamp(milliseconds: $0).minute }
        var sentences = [
            "\(posts.inWords) by \(names.list(posts.authors)) \(posts.count == 1 ? "has" : "have") a text in the clear beside the "
                + "encrypted message."
        ]
        if let first = times.first, let last = times.last {
            sentences.append(
                first == last
                    ? "It was put there by an edit on \(first)." : "Edits put it there, from \(first) to \(last).")
        }
        sentences.append("The server has read that text, but cannot read the encrypted message.")
        if !servers.isEmpty {
            sentences.append(
                "When this was archived, the server had version \(servers.joined(separator: ", then ")).")
        }
        var finding = names.finding(
            .editedInTheClear, seen: sentences.joined(separator: " "),
            canMean: [
                "The author edited it in a client that sends edits in the clear.",
                "Somebody who can write to the server put the text there.",
            ],
            cannotMean:
                "Nobody signed that text, so nobody can be named as its author. The message beside it keeps its verdict.",
            posts: posts)
        finding.edits = edits
        finding.serverVersions = servers
        return finding
    }
}

extension Suspicion {
    /// The finding that shows it; nil for what has one of its own.
    fileprivate var kind: Finding.Kind? {
        switch self {
        case .datedBack: .datedBack
        case .afterSuccession: .afterSuccession
        case .rolledBack: .rolledBack
        case .editedInTheClear: .editedInTheClear
        case .repeated, .moved, .implausibleTime: nil
        }
    }

    /// Of what the versions alone tell.
    fileprivate func words(_ posts: [PostReference]) -> (seen: String, canMean: [String], cannotMean: String) {
        let (are, they) = posts.count == 1 ? ("is", "it") : ("are", "they")
        switch self {
        case .datedBack:
            return (
                "\(posts.inWords) \(are) signed by a key that came after another one, and dated to when the server still "
                    + "showed the other one.",
                [
                    "Somebody who runs the server made a key, and put messages into the past.",
                    "The author used a new key for some time before the server showed it here.",
                ], "It does not show who wrote \(they == "it" ? "it" : "them"). Ask the author."
            )
        case .afterSuccession:
            return (
                "\(posts.inWords) \(are) signed by a key that another one of the author's had replaced, or came here only after "
                    + "that, with an earlier date.",
                [
                    "Somebody has the author's old private key, and goes on signing with it.",
                    "The author writes on two devices with two keys: “mmvault trust confirm” can say that both are in use.",
                ], "It does not show that the author did not write \(they == "it" ? "it" : "them"). Ask them."
            )
        case .rolledBack:
            return (
                "\(posts.inWords) \(posts.count == 1 ? "shows" : "show") again what \(they) said before an edit.",
                ["Somebody who can write to the server took an edit back. No client encrypts the same bytes twice."],
                "It does not show who did it. The message itself was signed once, before the edit."
            )
        case .editedInTheClear, .repeated, .moved, .implausibleTime: return ("", [], "")
        }
    }
}
