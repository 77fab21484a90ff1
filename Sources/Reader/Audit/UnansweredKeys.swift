internal import Archive
internal import E2EE

/// Posts by keys of which nobody has said whether they are the author's: what a server adds when it hands out a key of its own.
final class UnansweredKeys: Inspection {
    private let groups: VersionGroups
    private let trusted: TrustedKeys
    private var found: Set<Signer> = []

    private struct Signer: Hashable {
        let userID: String
        let id: SignerID
        var group: VersionGroups.Key { VersionGroups.Key("unanswered", Array(userID.utf8), id.bytes) }
    }

    init(_ groups: VersionGroups, trusted: TrustedKeys) { (self.groups, self.trusted) = (groups, trusted) }

    func see(_ version: SeenVersion, in place: AuditedChannel) throws(ArchiveError) {
        guard case .message(let message) = version.content, case .author(let id, _) = message.signer,
            message.standing == .succeeding || message.standing == .disputed
        else { return }
        let signer = Signer(userID: version.header.userID, id: id)
        found.insert(signer)
        try groups.put(version.header.sequence, into: signer.group)
    }

    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding] {
        var findings: [Finding] = []
        var seen: Set<Signer> = []
        let shown = Set(
            trusted.record.keys.shown.flatMap { userID, runs in
                runs.compactMap(\.key).map { Signer(userID: userID, id: SignerID(ofPoint: $0.signingPoint)) }
            })
        for owned in trusted.all where owned.standing == .succeeding || owned.standing == .disputed {
            let signer = Signer(userID: owned.userID, id: owned.signer.id)
            guard seen.insert(signer).inserted, found.contains(signer) || shown.contains(signer) else { continue }
            findings.append(try finding(owned, signer, context.names))
        }
        return findings
    }

    private func finding(
        _ owned: TrustedKeys.Owned, _ signer: Signer, _ names: AuditNames
    ) throws(ArchiveError) -> Finding {
        let posts = found.contains(signer) ? try groups.posts(of: signer.group) : []
        let user = names.user(owned.userID)
        let what = owned.key.map { "key \($0.id.short)" } ?? "signer \(owned.signer.id.short)"
        let signed = posts.isEmpty ? "It signed no post." : "It signed \(posts.inWords), \(posts.datesInWords)."
        let why =
            owned.standing == .disputed
            ? "was \(owned.dispute?.words ?? "disputed")" : "came after another one, or was never shown first"
        return names.finding(
            .unansweredKeys,
            seen: "\(user)'s \(what) \(why), and nobody has said whether it is theirs. \(signed)",
            canMean: [
                "\(user) made a new key.",
                "Somebody who runs the server handed out a key of their own, and wrote in \(user)'s name.",
            ],
            cannotMean: """
                It does not show whose key it is. Ask \(user) for the digits, and not through this server; then “mmvault trust \
                confirm” or “mmvault trust reject” answers.
                """,
            users: [owned.userID], keys: [owned.key?.id].compactMap(\.self), posts: posts)
    }
}

/// Signing points that the server showed with more than one encryption point. Who made a key has one of each; whoever adds
/// another encryption point reads what is encrypted for it.
final class SeveralEncryptionPoints: Inspection {
    private let trusted: TrustedKeys

    init(trusted: TrustedKeys) { self.trusted = trusted }

    func findings(_ context: AuditContext) -> [Finding] {
        let names = context.names
        let keyed = trusted.all.filter { $0.key != nil && $0.standing != .rejected }
        let groups = Dictionary(grouping: keyed) { "\($0.userID) \($0.signer.id)" }.filter { $0.value.count > 1 }
        return groups.sorted { $0.key < $1.key }.map { _, owned in
            let user = names.user(owned[0].userID)
            let keys = owned.compactMap(\.key?.id).sorted()
            return names.finding(
                .severalEncryptionPoints,
                seen: """
                    \(user) is known by \(keys.count) keys with one signing point and different encryption points: \
                    \(keys.map(\.short).joined(separator: ", ")).
                    """,
                canMean: [
                    "The server handed out \(user)'s own signing point with an encryption point of somebody else's, who can "
                        + "read what was encrypted for it.",
                    "A program that is not the plugin's own client made one half of the key anew.",
                ],
                cannotMean: """
                    It does not show which of them is \(user)'s. What the signing point signed is by its holder all the same.
                    """,
                users: [owned[0].userID], keys: keys, posts: [])
        }
    }
}
