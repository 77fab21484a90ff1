internal import Archive

/// The same `iv`, `pubECDHE` and `encryptedData` in different posts. A client makes them anew for each message, so that
/// no two messages share them. A signature's bytes do not count: whoever has one can make another of it.
final class RepeatedCiphertext: Inspection {
    private let groups: VersionGroups
    private var repeated: Set<[UInt8]> = []
    /// Of each ciphertext, the posts that are not the original by the rules of docs/trust-rules.md.
    private var suspected: [[UInt8]: Set<String>] = [:]

    init(_ groups: VersionGroups) { self.groups = groups }

    private static func group(_ ciphertext: [UInt8]) -> VersionGroups.Key {
        VersionGroups.Key("ciphertext", ciphertext)
    }

    func see(_ version: SeenVersion, in place: AuditedChannel) throws(ArchiveError) {
        guard case .message(let message) = version.content else { return }
        if message.suspicions.contains(.repeated) {
            suspected[message.ciphertext, default: []].insert(version.header.identityID)
        }
        // What a post said before is the post itself.
        let isRepeat = try groups.put(
            version.header.sequence, into: Self.group(message.ciphertext), mark: Array(version.header.identityID.utf8))
        if isRepeat { repeated.insert(message.ciphertext) }
    }

    private struct Repetition {
        /// nil where nothing tells.
        let original: PostReference?
        let copies: [PostReference]
        /// Whether only the server's times tell which is the original.
        var isByTimes = true
        var first: PostReference { original ?? copies[0] }
    }

    private func repetitions() throws(ArchiveError) -> [Repetition] {
        var result: [Repetition] = []
        for ciphertext in repeated {
            var kept: [PostReference] = []
            for post in try groups.writings(of: Self.group(ciphertext))
            where !kept.contains(where: { $0.isImport(of: post) }) {
                kept.append(post)
            }
            guard let first = kept.first, kept.count > 1 else { continue }
            if let original = original(of: ciphertext, among: kept) {
                let copies = kept.filter { $0.id != original.id }.inOrder
                result.append(Repetition(original: original, copies: copies, isByTimes: false))
                continue
            }
            // Nothing but the server's times is left. By them, a copy is later as a rule: both by when it was written and
            // by when its post was made. An older post may have been edited to carry it, and then nothing tells.
            let others = Array(kept.dropFirst()).inOrder
            result.append(
                others[0].createAt < first.createAt
                    ? Repetition(original: nil, copies: kept.inOrder)
                    : Repetition(original: first, copies: others))
        }
        return result.sorted { ($0.first.createAt, $0.first.id) < ($1.first.createAt, $1.first.id) }
    }

    /// The one post that an earlier pull brought than the others, or that the owner named. An import brings copies.
    private func original(of ciphertext: [UInt8], among posts: [PostReference]) -> PostReference? {
        guard let copies = suspected[ciphertext] else { return nil }
        let others = posts.filter { !$0.isImported && !copies.contains($0.id) }
        return others.count == 1 ? others[0] : nil
    }

    /// The ids of the posts that repeat another one, as far as it is clear which of them do.
    func copies() throws(ArchiveError) -> Set<String> {
        Set(try repetitions().filter { $0.original != nil }.flatMap(\.copies).map(\.id))
    }

    private static let byTimes = "Only the times that the server gives say which is the original."
    private static let byArrival = "The original was archived before the copies, or the archive's owner named it."

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
                    \(copies.inWords)\(differences.isEmpty ? "" : ", \(differences)"). \
                    \(repetition.isByTimes ? Self.byTimes : Self.byArrival)
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
    /// Whether it came out of an export without ids: an id that an import made up has a hyphen, and no server's id has.
    fileprivate var isImported: Bool { id.contains("-") }

    /// Whether both are one post, once from the server and once out of an export, which has no ids: by the same author,
    /// in the same channel, of the same moment.
    func isImport(of other: PostReference) -> Bool {
        func agree(_ one: String, _ two: String) -> Bool { one == two || one.contains("-") || two.contains("-") }
        return isImported != other.isImported && createAt == other.createAt
            && agree(channelID, other.channelID) && agree(userID, other.userID)
    }
}
