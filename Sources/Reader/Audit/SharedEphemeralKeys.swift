internal import Archive

/// Different messages that were made with one ephemeral key (`pubECDHE`). A client makes one for each message.
///
/// Whoever sends such a message, with the wrapped key of another one in it, may want to be shown how it opens: the same
/// key-encryption key opens the other one. So a package of evidence shows such a text only together with those of all the others.
final class SharedEphemeralKeys: Inspection {
    private let groups: VersionGroups
    private var shared: Set<[UInt8]> = []

    init(_ groups: VersionGroups) { self.groups = groups }

    private static func group(_ point: [UInt8]) -> VersionGroups.Key { VersionGroups.Key("ephemeral key", point) }

    func see(_ version: SeenVersion, in place: AuditedChannel) throws(ArchiveError) {
        guard case .message(let message) = version.content else { return }
        let hasOther = try groups.put(
            version.header.sequence, into: Self.group(message.ephemeralPoint), mark: message.ciphertext)
        if hasOther { shared.insert(message.ephemeralPoint) }
    }

    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding] {
        let all = try shared.map { point throws(ArchiveError) in try groups.posts(of: Self.group(point)) }
        return all.filter { !$0.isEmpty }
            .sorted { ($0[0].createAt, $0[0].id) < ($1[0].createAt, $1[0].id) }
            .map { posts in
                context.names.finding(
                    .sharedEphemeralKeys,
                    seen: """
                        \(posts.inWords) by \(context.names.list(posts.authors)), \(posts.datesInWords), \
                        \(posts.count == 1 ? "holds" : "hold") different messages that were made with one ephemeral key.
                        """,
                    canMean: [
                        "Somebody made a message that opens with the key of another one, to be shown that key.",
                        "A client that is not the plugin's made them.",
                    ],
                    cannotMean: """
                        Nobody can read any of them without the key of a recipient. A package of evidence shows their texts \
                        only if it shows all of them.
                        """,
                    posts: posts)
            }
    }
}
