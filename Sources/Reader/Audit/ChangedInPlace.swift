internal import Archive
internal import Bytes
internal import E2EE

/// Posts that the server showed again as something else: in another channel or thread, by another author, of another
/// time or kind, no longer deleted, or with another text though nobody edited it. No edit and no deletion changes any
/// of these.
final class ChangedInPlace: Inspection {
    private let archive: Archive
    private var groups: [Aspect: Group] = [:]

    /// What changed; for authors and kinds from what to what, so that each pair is a finding of its own.
    private enum Aspect: Hashable {
        case channel(String, String)
        case author(String, String)
        case thread, time, revision, deletion, text, payload
        case kind(String, String)
        /// A text in which only the server's own addresses of foreign images differ, probably.
        case images

        var place: Int {
            switch self {
            case .channel: 0
            case .author: 1
            case .thread: 2
            case .time: 3
            case .kind: 4
            case .revision: 5
            case .deletion: 6
            case .payload: 7
            case .text: 8
            case .images: 9
            }
        }
    }

    private struct Group {
        var posts: [PostReference] = []
        var known: Set<PostReference> = []
        let first: VersionChange.Brief
    }

    init(_ archive: Archive) { self.archive = archive }

    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding] {
        var last: Int64 = 0
        while true {
            let changes = try archive.changes(after: last)
            guard let newest = changes.last else { break }
            last = newest.later.header.sequence
            for change in changes { note(change) }
        }
        return groups.sorted {
            ($0.key.place, $0.value.first.arrivedAt, $0.value.posts[0].id)
                < ($1.key.place, $1.value.first.arrivedAt, $1.value.posts[0].id)
        }.map { finding($0.key, $0.value, context.names) }
    }

    private func note(_ change: VersionChange) {
        let (earlier, later) = (change.earlier.header, change.later.header)
        let before = PostReference(
            id: earlier.identityID, channelID: earlier.channelID, userID: earlier.userID, createAt: earlier.createAt)
        for aspect in aspects(change) {
            var posts = [before]
            if case .channel = aspect {
                // Where it is now, behind where it was.
                posts.append(
                    PostReference(
                        id: before.id, channelID: later.channelID, userID: before.userID, createAt: before.createAt))
            }
            var group = groups[aspect] ?? Group(first: VersionChange.Brief(change))
            group.posts += posts.filter { group.known.insert($0).inserted }
            groups[aspect] = group
        }
    }

    private func aspects(_ change: VersionChange) -> [Aspect] {
        let (earlier, later) = (change.earlier.header, change.later.header)
        var found: [Aspect] = []
        if earlier.channelID != later.channelID { found.append(.channel(earlier.channelID, later.channelID)) }
        if earlier.userID != later.userID { found.append(.author(earlier.userID, later.userID)) }
        if earlier.rootID != later.rootID { found.append(.thread) }
        if earlier.identityID != later.identityID { found.append(.revision) }
        if earlier.createAt != later.createAt { found.append(.time) }
        if earlier.type != later.type { found.append(.kind(earlier.type, later.type)) }
        guard earlier.id == later.id, later.deleteAt == 0 else { return found }
        if earlier.deleteAt > 0 {
            found.append(.deletion)
        } else if earlier.editAt == later.editAt,
            let one = try? JSONDocument(change.earlier.json).root,
            let other = try? JSONDocument(change.later.json).root
        {
            if Self.payload(one) != Self.payload(other) { found.append(.payload) }
            let texts = [one, other].map { $0["message"]?.string ?? "" }
            if texts[0] != texts[1] {
                found.append(texts.contains { $0.contains("/api/v4/image?url=") } ? .images : .text)
            }
        }
        return found
    }

    /// What an encrypted post holds: a hash, by which another spelling of the same is the same; nil for none.
    private static func payload(_ post: JSONValue) -> [UInt8]? {
        guard let payload = post["props"]?["e2ee"], !payload.isNull else { return nil }
        guard case .message(let message) = EncryptedPost(post) else { return Array(payload.bytes) }
        return message.signedDigest.bytes + message.ephemeralPoint
    }

    private func finding(_ aspect: Aspect, _ group: Group, _ names: AuditNames) -> Finding {
        let first = group.first
        let ids = Set(group.posts.map(\.id)).count
        let authors = names.list(group.posts.authors)
        let (what, difference) = words(aspect, first, names)
        var users: [String] = []
        if case .author(let one, let other) = aspect { users = [one, other] }
        let subject = ids == 1 ? "1 post by \(authors)" : "\(ids) posts by \(authors)"
        return names.finding(
            .changedInPlace,
            seen: "\(subject) came again \(what)\(ids == 1 ? ": " : ", the first of them: ")\(difference), in what the "
                + "server sent on \(first.arrivedAt.minute).",
            canMean: [
                "Somebody who can write to the server's database changed \(ids == 1 ? "the post" : "the posts") there.",
                "The server was restored from a backup, or moved, and what it holds was changed in that.",
            ],
            cannotMean: "It was no edit and no deletion by the author: these leave a mark, and change nothing of this. "
                + "All versions are in the archive.",
            explanation: aspect == .images
                ? "One of the texts has addresses of images that the server hands on by itself, where it is set up to do "
                    + "so: that it was set up otherwise changes such a text, too." : nil,
            users: users, posts: group.posts)
    }

    private func words(_ aspect: Aspect, _ change: VersionChange.Brief, _ names: AuditNames) -> (String, String) {
        let times = [change.createAt.0, change.createAt.1].map { Timestamp(milliseconds: $0) }
        func kind(_ type: String) -> String { type.isEmpty ? "an ordinary one" : "“\(SafeText.shortName(type))”" }
        return switch aspect {
        // The channels' names stand with the posts: whoever gets a part of the findings need not learn the others.
        case .channel: ("in another channel", "below stands first where it was, and then where it is")
        case .author(let one, let other):
            ("as somebody else's", "\(names.user(one))'s became \(names.user(other))'s")
        case .thread: ("in another thread", "\(thread(change.root.0)) became \(thread(change.root.1))")
        case .time:
            (
                "with another time of writing",
                times[0].minute == times[1].minute
                    ? "\(times[0].iso8601) became \(times[1].iso8601)" : "\(times[0].minute) became \(times[1].minute)"
            )
        case .kind(let one, let other):
            ("as a post of another kind", "\(kind(one)) became \(kind(other))")
        case .revision: ("as an old revision of another post than before", "no client does that")
        case .deletion:
            (
                "after it was shown as deleted",
                "the deletion was of \(Timestamp(milliseconds: change.deletedAt).minute)"
            )
        case .payload:
            (
                "with another encrypted content, and no edit",
                change.hasPayload ? "one ciphertext became another" : "the ciphertext has gone"
            )
        case .text, .images: ("with another text, and no edit", "both name the same time of edit")
        }
    }

    private func thread(_ root: String) -> String {
        root.isEmpty ? "a thread of its own" : "a reply to \(SafeText.line(root))"
    }
}

extension VersionChange {
    /// What a finding says of a change: small, since there may be many.
    struct Brief {
        let arrivedAt: Timestamp
        let createAt: (Int64, Int64)
        let root: (String, String)
        let deletedAt: Int64
        /// Whether the later version has any ciphertext.
        let hasPayload: Bool

        init(_ change: VersionChange) {
            let (earlier, later) = (change.earlier.header, change.later.header)
            arrivedAt = change.arrivedAt
            createAt = (earlier.createAt, later.createAt)
            root = (earlier.rootID, later.rootID)
            deletedAt = earlier.deleteAt
            let post = try? JSONDocument(change.later.json).root
            hasPayload = post?["props"]?["e2ee"].map { !$0.isNull } ?? false
        }
    }
}
