internal import Archive

/// The same `iv`, `pubECDHE` and `encryptedData` in different posts. A client makes them anew for each message, so that no
/// two messages share them. A signature's bytes do not count: whoever has one can make another of it.
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
        let original: PostReference
        let copies: [PostReference]
    }

    private func repetitions() throws(ArchiveError) -> [Repetition] {
        var result: [Repetition] = []
        for ciphertext in repeated {
            // The oldest first: a copy is dated later as a rule. Who dates it earlier makes it the original.
            var kept: [PostReference] = []
            for post in try groups.posts(of: Self.group(ciphertext))
            where !kept.contains(where: { $0.isImport(of: post) }) {
                kept.append(post)
            }
            guard let original = kept.first, kept.count > 1 else { continue }
            result.append(Repetition(original: original, copies: Array(kept.dropFirst())))
        }
        return result.sorted {
            ($0.original.createAt, $0.original.id) < ($1.original.createAt, $1.original.id)
        }
    }

    /// The ids of the posts that repeat another one.
    func copies() throws(ArchiveError) -> Set<String> { Set(try repetitions().flatMap(\.copies).map(\.id)) }

    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding] {
        try repetitions().map { repetition in
            let (original, copies) = (repetition.original, repetition.copies)
            let names = context.names
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
                cannotMean: """
                    It does not show who did it, nor that the author said it twice: a signature says nothing about time and \
                    place. No client makes the same bytes for two messages.
                    """,
                users: [original.userID], original: original, posts: copies)
        }
    }
}

extension PostReference {
    /// Whether both are one post, once from the server and once out of an export, which has no ids: by the same author, in
    /// the same channel, of the same moment. Ids that an import made up have a hyphen, which no server's id has.
    func isImport(of other: PostReference) -> Bool {
        func agree(_ one: String, _ two: String) -> Bool { one == two || one.contains("-") || two.contains("-") }
        return id.contains("-") != other.id.contains("-") && createAt == other.createAt
            && agree(channelID, other.channelID) && agree(userID, other.userID)
    }
}
