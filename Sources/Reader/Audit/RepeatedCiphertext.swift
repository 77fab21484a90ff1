internal import Archive

/// The same `iv`, `pubECDHE` and `encryptedData` in different posts. A client makes them anew for each message, so that
/// no two messages share them. A signature's bytes do not count: whoever has one can make another of it.
final class RepeatedCiphertext: Inspection {
    private let groups: VersionGroups
    private var repeated: Set<[UInt8]> = []

    init(_ groups: VersionGroups) { self.groups = groups }

    private static func group(_ ciphertext: [UInt8]) -> VersionGroups.Key {
        VersionGroups.Key("ciphertext", ciphertext)
    }

    func see(_ version: SeenVersion, in place: AuditedChannel) throws(ArchiveError) {
        guard case .message(let message) = version.content else { return }
        // What a post said before is the post itself.
        let isRepeat = try groups.put(
            version.header.sequence, into: Self.group(message.ciphertext), mark: Array(version.header.identityID.utf8))
        if isRepeat { repeated.insert(message.ciphertext) }
    }

    private struct Repetition {
        /// nil where the times contradict each other.
        let original: PostReference?
        let copies: [PostReference]
        var first: PostReference { original ?? copies[0] }
    }

    private func repetitions() throws(ArchiveError) -> [Repetition] {
        var result: [Repetition] = []
        for ciphertext in repeated {
            // A copy is later as a rule: both by when it was written and by when its post was made. An older post may
            // have been edited to carry it, and then nothing tells which of them is the copy.
            var kept: [PostReference] = []
            for post in try groups.writings(of: Self.group(ciphertext))
            where !kept.contains(where: { $0.isImport(of: post) }) {
                kept.append(post)
            }
            guard let first = kept.first, kept.count > 1 else { continue }
            let others = Array(kept.dropFirst()).inOrder
            result.append(
                others[0].createAt < first.createAt
                    ? Repetition(original: nil, copies: kept.inOrder)
                    : Repetition(original: first, copies: others))
        }
        return result.sorted { ($0.first.createAt, $0.first.id) < ($1.first.createAt, $1.first.id) }
    }

    /// The ids of the posts that repeat another one, as far as it is clear which of them do.
    func copies() throws(ArchiveError) -> Set<String> {
        Set(try repetitions().filter { $0.original != nil }.flatMap(\.copies).map(\.id))
    }

    private static let limits = """
        It does not show who did it, nor that the author said it twice: a signature says nothing about time and place. No \
        client makes the same bytes for two messages.
        """

    private func withoutOriginal(_ posts: [PostReference], _ names: AuditNames) -> Finding {
        names.finding(
            .repeatedCiphertext,
            seen: """
                One message stands in \(posts.inWords) by \(names.list(posts.authors)), byte for byte. Which of them is the \
                original cannot be told: the oldest post got it later than another one.
                """,
            canMean: [
                "Somebody who can write to the server put the message into an older post, so that it seems to be of then.",
                "Somebody edited a post of theirs to hold what they found in another one.",
            ],
            cannotMean: Self.limits,
            posts: posts)
    }

    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding] {
        try repetitions().map { repetition in
            let (copies, names) = (repetition.copies, context.names)
            guard let original = repetition.original else { return withoutOriginal(copies, names) }
            let others = copies.authors.filter { $0 != original.userID }
            let isElsewhere = copies.contains { $0.channelID != original.channelID }
            let differences = [
                others.isEmpty ? nil : "in the name of \(names.list(others))",
                isElsewhere ? "in another channel" : nil,
            ].compactMap { $0 }.joined(separator: " and ")
            return names.finding(
                .repeatedCiphertext,
                seen: """
                    A message of \(names.user(original.userID))'s stands here again, byte for byte, in \
                    \(copies.inWords)\(differences.isEmpty ? "" : ", \(differences)").
                    """,
                canMean: [
                    "Somebody who can write to the server put the message there again, at another time or place.",
                    "Somebody who can read the channel posted what they found there as their own.",
                ],
                cannotMean: Self.limits,
                users: [original.userID], original: original, posts: copies)
        }
    }
}

extension PostReference {
    /// Whether both are one post, once from the server and once out of an export, which has no ids: by the same author,
    /// in the same channel, of the same moment. Ids that an import made up have a hyphen, which no server's id has.
    func isImport(of other: PostReference) -> Bool {
        func agree(_ one: String, _ two: String) -> Bool { one == two || one.contains("-") || two.contains("-") }
        return id.contains("-") != other.id.contains("-") && createAt == other.createAt
            && agree(channelID, other.channelID) && agree(userID, other.userID)
    }
}
