public import Archive

/// Looks through an archive for what a signature does not cover: messages that were repeated, moved, re-attributed or hidden,
/// and keys that nobody knows among the recipients. No private key is needed.
public struct Audit: Sendable {
    private let archive: Archive
    private let trusted: TrustedKeys

    public init(_ archive: Archive, trusted: TrustedKeys) {
        self.archive = archive
        self.trusted = trusted
    }

    /// Whether any key is known but the owner's: without, nothing can be said of signers and recipients, and is not.
    public var knowsKeys: Bool {
        get throws(ArchiveError) {
            let owner = try archive.account().userID
            return trusted.all.contains { $0.userID != owner }
        }
    }

    /// - Parameters:
    ///   - channels: where to look; nil for everywhere. To name a signer or a recipient takes all channels, so that there is
    ///     one way through all of them, and what has nothing to do with these is left out then.
    ///   - progress: is told how many versions were read.
    /// - Returns: by kind; in each in the order of time, as far as it has one.
    /// - Throws: `ArchiveError`. What is wrong with one post is a finding.
    public func run(channels: [Channel]? = nil, progress: (Int) -> Void = { _ in }) async throws -> [Finding] {
        let all = try archive.channels()
        let groups = try archive.versionGroups()
        let pass = try ArchivePass(archive, trusted: trusted)
        let signers = SignerCollection(groups, trusted: trusted)
        let repeated = RepeatedCiphertext(groups)
        let excluded = try archive.deactivatedUserIDs().union(try archive.users().filter(\.isBot).map(\.id))
        let keyed: [any Inspection] = [
            UnknownRecipients(groups, trusted: trusted, recipients: signers.recipients),
            MissingRecipients(groups, trusted: trusted, known: try archive.knownKeys(), excluded: excluded),
            KeysInTheMiddle(archive, groups, trusted: trusted), SharedKeys(trusted: trusted),
            SeveralEncryptionPoints(trusted: trusted), UnansweredKeys(groups, trusted: trusted),
        ]
        let inspections: [any Inspection] =
            [
                repeated, DuplicateRecipients(groups), SharedEphemeralKeys(groups), ClearText(groups),
                BackwardTimes(archive, groups),
                SuspiciousVersions(archive, groups), ChangedInPlace(archive), MovedNames(archive, trusted: trusted),
                VanishedPosts(archive), DraftsOnTheServer(archive),
            ] + (try knowsKeys ? keyed : [])
        let ownerID = try archive.account().userID
        let moves = try MemberMove.all(in: archive, all)
        var count = 0
        for channel in all {
            let place = AuditedChannel(
                channel: channel, membership: try Membership(channel, moves: moves, ownerID: ownerID, archive: archive))
            try await pass.run(
                channel, found: { signers.found },
                consume: { version in
                    try signers.see(version)
                    for inspection in inspections { try inspection.see(version, in: place) }
                    count += 1
                    progress(count)
                })
        }
        let context = AuditContext(
            names: try AuditNames(archive), signers: try signers.report(), copies: try repeated.copies())
        var findings = try knowsKeys ? SignerFindings(context).all : []
        for inspection in inspections { findings += try inspection.findings(context) }
        if let channels {
            let wanted = Set(channels.map(\.id))
            findings.removeAll { !$0.places.contains { wanted.contains($0.channelID) } }
        }
        return findings.sorted { ($0.kind, $0.range?.lowerBound ?? 0) < ($1.kind, $1.range?.lowerBound ?? 0) }
    }
}
