internal import Archive
internal import E2EE

/// What a key leaves behind that a server hands out in place of a user's own, and takes back again: it was shown and is
/// gone, and others encrypted for it while the user went on with another one.
final class KeysInTheMiddle: Inspection {
    private let archive: Archive
    private let groups: VersionGroups
    private let trusted: TrustedKeys
    private var channelID = ""
    /// By user, of the channel that passes by: the own posts by one key since another one signed, and what others
    /// encrypted meanwhile.
    private var stretches: [String: Stretch] = [:]
    private var count: UInt64 = 0
    private var found: [Found] = []

    /// The time in which a user's posts are all signed by one key, and encrypted for it.
    private struct Stretch {
        let began: Int64
        /// When the last of these posts was written.
        var ended: Int64
        let key: KeyID
        let number: UInt64
        /// Other keys of the user's that others encrypted for.
        var others: Set<KeyID> = []
    }

    private struct Found {
        let userID: String
        let other: KeyID
        let stretch: Stretch
        var group: VersionGroups.Key { KeysInTheMiddle.group(userID, other, stretch.number) }
    }

    init(_ archive: Archive, _ groups: VersionGroups, trusted: TrustedKeys) {
        self.archive = archive
        self.groups = groups
        self.trusted = trusted
    }

    private static func group(_ userID: String, _ key: KeyID, _ number: UInt64) -> VersionGroups.Key {
        VersionGroups.Key(
            "key in the middle", Array(userID.utf8), key.bytes, withUnsafeBytes(of: number.littleEndian, Array.init))
    }

    func see(_ version: SeenVersion, in place: AuditedChannel) throws(ArchiveError) {
        if channelID != place.id {
            endAll()
            channelID = place.id
        }
        // An edit is out of the order of time, and a clock of the server's own.
        guard case .message(let message) = version.content, version.header.editAt == 0 else { return }
        let (author, time) = (version.header.userID, version.header.createAt)
        let named = Set(message.recipients)
        var keys: [String: Set<KeyID>] = [:]
        for id in named {
            for owner in trusted.owners(ofKey: id) where owner.standing != .rejected && owner.userID != author {
                keys[owner.userID, default: []].insert(id)
            }
        }
        for (userID, ids) in keys {
            guard let stretch = stretches[userID], time > stretch.began + RecipientCollection.overlap,
                !ids.contains(stretch.key)
            else { continue }
            for id in ids {
                stretches[userID]?.others.insert(id)
                try groups.put(version.header.sequence, into: Self.group(userID, id, stretch.number))
            }
        }
        guard case .author(_, let key?) = message.signer else { return }
        if let stretch = stretches[author], stretch.key == key, named.contains(key) {
            stretches[author]?.ended = time
            return
        }
        end(author)
        // Who does not encrypt for the key that signs is of two minds already, and nothing is said.
        guard named.contains(key) else { return }
        count += 1
        stretches[author] = Stretch(began: time, ended: time, key: key, number: count)
    }

    private func end(_ userID: String) {
        guard let stretch = stretches.removeValue(forKey: userID),
            stretch.ended > stretch.began + 2 * RecipientCollection.overlap
        else { return }
        for other in stretch.others { found.append(Found(userID: userID, other: other, stretch: stretch)) }
    }

    private func endAll() { for userID in stretches.keys.sorted() { end(userID) } }

    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding] {
        endAll()
        var findings: [Finding] = []
        for userID in Set(trusted.all.map(\.userID)).sorted() {
            if let returned = try returned(userID, context.names) { findings.append(returned) }
        }
        var posts: [Pair: [PostReference]] = [:]
        for entry in found {
            let (began, ended) = (entry.stretch.began, entry.stretch.ended)
            let between = began + RecipientCollection.overlap..<ended - RecipientCollection.overlap
            // A copy is encrypted for whom its original was.
            let seen = try groups.posts(of: entry.group).filter {
                between.contains($0.createAt) && !context.copies.contains($0.id)
            }
            guard !seen.isEmpty else { continue }
            posts[Pair(userID: entry.userID, own: entry.stretch.key, other: entry.other), default: []] += seen
        }
        let ordered = posts.sorted {
            ($0.key.userID, $0.key.own, $0.key.other) < ($1.key.userID, $1.key.own, $1.key.other)
        }
        return findings
            + ordered.map { pair, posts in
                beside(pair, posts.inOrder, context.names)
            }
    }

    private struct Pair: Hashable {
        let userID: String
        let own: KeyID
        let other: KeyID
    }

    /// A key that the server showed, replaced, and showed again.
    private func returned(_ userID: String, _ names: AuditNames) throws(ArchiveError) -> Finding? {
        let shown = try archive.keyChanges(of: userID).filter { $0.source == .server }
        var seen: [String: Int] = [:]
        for (place, sighting) in shown.enumerated() {
            defer { seen[sighting.keyID] = place }
            guard let before = seen[sighting.keyID], let back = KeyID(hex: sighting.keyID) else { continue }
            let between = shown[before + 1..<place]
            let others = between.compactMap { KeyID(hex: $0.keyID) }
            guard let first = between.first, let other = others.first else { continue }
            // Somebody with two devices, as the owner says.
            if trusted.areInUse([sighting] + between, of: userID) { continue }
            let user = names.user(userID)
            let isAnswered = others.allSatisfy {
                trusted.owners(ofKey: $0).first { $0.userID == userID }?.standing.isDecided == true
            }
            return names.finding(
                .keysInTheMiddle,
                seen: """
                    The server showed key \(back.short) for \(user), then, since \(first.at.minute), key \(other.short), and \
                    since \(sighting.at.minute) the first one again.
                    """,
                canMean: [
                    "Somebody handed out a key of their own for a while, and could read what was encrypted for it.",
                    "\(user) made a new key, and restored the old one from its backup.",
                ],
                cannotMean: isAnswered
                    ? "You have said whose key the one in between is. It does not show why the server went back to the first."
                    : """
                    It does not show whose key the one in between is. Ask \(user), and not through this server; then \
                    “mmvault trust confirm” or “mmvault trust reject” answers.
                    """,
                users: [userID], keys: [back] + others, posts: [])
        }
        return nil
    }

    private func beside(_ pair: Pair, _ posts: [PostReference], _ names: AuditNames) -> Finding {
        let user = names.user(pair.userID)
        return names.finding(
            .keysInTheMiddle,
            seen: """
                \(posts.inWords) by \(names.list(posts.authors)), \(posts.datesInWords), \
                \(posts.count == 1 ? "is" : "are") encrypted for key \(pair.other.short) of \(user), who before and after \
                that signed by key \(pair.own.short) and encrypted for it.
                """,
            canMean: [
                "The server handed out a key of somebody's as \(user)'s, who can read \(posts.count == 1 ? "it" : "them").",
                "\(user) has two devices with two keys.",
                "\(posts.authors.count == 1 ? "The author's client" : "The authors' clients") had not heard of a new key.",
            ],
            cannotMean: """
                It does not show who has key \(pair.other.short), nor that the authors knew: their clients encrypt for what \
                the server hands out.
                """,
            users: [pair.userID], keys: [pair.own, pair.other], posts: posts)
    }
}
