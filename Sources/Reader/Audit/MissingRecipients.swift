internal import Archive
internal import E2EE

/// Members whose key is not among the recipients, though something says that they were members at that time and that their
/// clients' senders knew a key of theirs.
final class MissingRecipients: Inspection {
    private let groups: VersionGroups
    /// By user: the keys that are known, and when the first was seen.
    private let keyed: [String: Int64]
    private let trusted: TrustedKeys
    private var missing: Set<Missing> = []
    private var nobody = false
    /// By user: when a key of theirs last stood among the recipients, or signed. Of the channel that passes by.
    private var lastUse: [String: Int64] = [:]
    private var channelID = ""
    /// How many members the channels have that have more than a client's first page, by their ids.
    private var crowds: [String: Int] = [:]
    /// Those of `keyed` who were ever members of it.
    private var members: [(userID: String, firstSeen: Int64)] = []

    private struct Missing: Hashable {
        let userID: String
        let channelID: String
        /// One of these may be a key of theirs that nobody saw.
        let unknown: Set<KeyID>
        var group: VersionGroups.Key {
            VersionGroups.Key(
                "missing", Array(userID.utf8), Array(channelID.utf8), unknown.sorted().flatMap(\.bytes))
        }
    }

    private static let forNobody = VersionGroups.Key("for nobody")
    /// A sender's client may not have heard yet of a new member or a new key.
    private static let grace: Int64 = 10 * 60_000
    /// The plugin's client asks for one page of a channel's members, and encrypts for those.
    private static let page = 100

    /// - Parameters:
    ///   - known: the keys that the archive has seen.
    ///   - excluded: users who were deactivated once, and programs: nobody encrypts for them.
    init(
        _ groups: VersionGroups, trusted: TrustedKeys, known: [String: [KnownKey]], excluded: Set<String>
    ) {
        self.groups = groups
        self.trusted = trusted
        let accepted = Dictionary(
            grouping: trusted.all.filter { $0.standing != .rejected && $0.key != nil }, by: \.userID
        )
        .filter { !excluded.contains($0.key) }.mapValues { Set($0.map(\.subject)) }
        keyed = accepted.reduce(into: [:]) { result, user in
            result[user.key] =
                known[user.key]?.filter { user.value.contains($0.sighting.keyID) }.map(\.firstSeen.milliseconds).min()
                ?? .max
        }
    }

    func see(_ version: SeenVersion, in place: AuditedChannel) throws(ArchiveError) {
        if channelID != place.id {
            (channelID, lastUse) = (place.id, [:])
            members = keyed.filter { place.membership.wasSeen($0.key) }.map { ($0.key, $0.value) }
        }
        guard case .message(let message) = version.content else { return }
        guard !message.recipients.isEmpty else {
            nobody = true
            try groups.put(version.header.sequence, into: Self.forNobody)
            return
        }
        let time = version.writtenAt
        var owners: Set<String> = []
        var unknown: Set<KeyID> = []
        for id in message.recipients {
            let known = trusted.owners(ofKey: id)
            if known.isEmpty { unknown.insert(id) }
            // Whoever's key was rejected does not read with it.
            owners.formUnion(known.filter { $0.standing != .rejected }.map(\.userID))
        }
        for (userID, firstSeen) in members where !owners.contains(userID) {
            guard let span = place.membership.span(of: userID, at: time) else { continue }
            let wasUsed = lastUse[userID].map { $0 >= span.lowerBound && $0 <= time } ?? false
            let latest = time - Self.grace
            guard wasUsed || firstSeen <= latest && span.lowerBound <= latest else { continue }
            let entry = Missing(userID: userID, channelID: place.id, unknown: unknown)
            missing.insert(entry)
            if place.membership.listedCount > Self.page { crowds[place.id] = place.membership.listedCount }
            try groups.put(version.header.sequence, into: entry.group)
        }
        for userID in owners { lastUse[userID] = max(lastUse[userID] ?? .min, time) }
        if case .author = message.signer {
            lastUse[version.header.userID] = max(lastUse[version.header.userID] ?? .min, time)
        }
    }

    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding] {
        var byPosts: [[PostReference]: Set<String>] = [:]
        for entry in missing {
            // Their key stands there, only that nobody saw it.
            if entry.unknown.contains(where: { context.explanation(of: $0)?.userID == entry.userID }) { continue }
            // A copy is encrypted for whom its original was.
            let posts = try groups.posts(of: entry.group).filter { !context.copies.contains($0.id) }
            if !posts.isEmpty { byPosts[posts, default: []].insert(entry.userID) }
        }
        var findings = byPosts.sorted { ($0.key[0].createAt, $0.key[0].id) < ($1.key[0].createAt, $1.key[0].id) }
            .map { finding(Array($0.value).sorted(), $0.key, context.names) }
        let posts = nobody ? try groups.posts(of: Self.forNobody).filter { !context.copies.contains($0.id) } : []
        if !posts.isEmpty { findings.append(forNobody(posts, context.names)) }
        return findings
    }

    private func finding(_ userIDs: [String], _ posts: [PostReference], _ names: AuditNames) -> Finding {
        let members = names.list(userIDs)
        let crowd = Set(posts.map(\.channelID)).compactMap { crowds[$0] }.max()
        return names.finding(
            .missingRecipients,
            seen: """
                \(posts.inWords) by \(names.list(posts.authors)), \(posts.datesInWords), \
                \(posts.count == 1 ? "is" : "are") not encrypted for \(members), \
                \(userIDs.count == 1 ? "a member" : "members") of the channel with a known key.
                """,
            canMean: [
                "The server left \(members) out when it told the author's client who the members are.",
                "The author's client left \(members) out.",
                "\(members) \(userIDs.count == 1 ? "was" : "were") deactivated for a while, and nothing here tells of it.",
                crowd.map {
                    "Harmless: the plugin's client encrypts for the first page of members, which is \(Self.page). \($0) members "
                        + "were listed here."
                },
            ].compactMap(\.self),
            cannotMean: "It does not show who did it. The signature covers the recipients: nobody took one away later.",
            users: userIDs, posts: posts)
    }

    private func forNobody(_ posts: [PostReference], _ names: AuditNames) -> Finding {
        names.finding(
            .missingRecipients,
            seen: """
                \(posts.inWords) by \(names.list(posts.authors)), \(posts.datesInWords), \
                \(posts.count == 1 ? "is" : "are") encrypted for nobody, not even for the author.
                """,
            canMean: [
                "Somebody took the recipients away; then the signature does not fit any more.",
                "It was not made by the plugin's client, which always encrypts for the author as well.",
            ],
            cannotMean: "Nobody can read it now, whoever has which keys. What it said, if anything, is not shown.",
            posts: posts)
    }
}
