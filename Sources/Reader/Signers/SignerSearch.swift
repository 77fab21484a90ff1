public import Archive
internal import E2EE

/// Finds the keys that signed posts and were never seen.
///
/// A signature tells its signer's point up to two candidates, and two different messages of one signer have one candidate in
/// common. A tampered message has candidates, too, and shares them with nothing.
public struct SignerSearch: Sendable {
    private let pass: ArchivePass

    public init(_ archive: Archive, trusted: TrustedKeys) throws(ArchiveError) {
        pass = try ArchivePass(archive, trusted: trusted)
    }

    /// Reads every post of the archive: a signer's posts may stand in any channel.
    ///
    /// - Parameter progress: is told how many versions were read.
    /// - Throws: `ArchiveError`. What is wrong with one post is no error.
    public func run(progress: (Int) -> Void = { _ in }) async throws -> SignerReport {
        let collection = try SignerCollection(pass.archive.versionGroups(), trusted: pass.trusted)
        var count = 0
        for channel in try pass.archive.channels() {
            try await pass.run(
                channel, found: { collection.found },
                consume: { version in
                    try collection.see(version)
                    count += 1
                    progress(count)
                })
        }
        return try collection.report()
    }
}

/// What a pass comes upon of signers. Versions are kept in groups on disk; in memory is only who was found.
final class SignerCollection {
    /// The signers found so far, by author.
    private(set) var found: [String: FoundSigners] = [:]
    let recipients: RecipientCollection
    private let groups: VersionGroups
    private let trusted: TrustedKeys
    /// The unknown recipients of one message of each signer: who stands in all of them stands in this one.
    private var companions: [SignerID: Set<KeyID>] = [:]
    /// The signers that the archive's owner adopted, or that only a colleague's list vouches for, as far as the pass came
    /// upon posts by them.
    private var adopted: [String: Set<SigningPoint>] = [:]
    private var misattributed: Set<Misattribution> = []
    private var unfitting: Set<String> = []

    private struct Misattribution: Hashable {
        let userID: String
        let owner: TrustedKeys.Owned

        static func == (left: Self, right: Self) -> Bool {
            left.userID == right.userID && left.owner.userID == right.owner.userID
                && left.owner.subject == right.owner.subject
        }
        func hash(into hasher: inout Hasher) {
            hasher.combine(userID)
            hasher.combine(owner.subject)
        }
        var group: VersionGroups.Key {
            VersionGroups.Key(
                "misattributed", Array(userID.utf8), Array(owner.userID.utf8), Array(owner.subject.utf8))
        }
    }

    init(_ groups: VersionGroups, trusted: TrustedKeys) {
        self.groups = groups
        self.trusted = trusted
        recipients = RecipientCollection(groups, trusted: trusted)
    }

    private static func group(_ userID: String, _ point: [UInt8]) -> VersionGroups.Key {
        VersionGroups.Key("signer", Array(userID.utf8), point)
    }

    private static func unfitting(_ userID: String) -> VersionGroups.Key {
        VersionGroups.Key("unfitting", Array(userID.utf8))
    }

    func see(_ version: SeenVersion) throws(ArchiveError) {
        guard case .message(let message) = version.content else { return }
        try recipients.see(version, message)
        let (sequence, userID) = (version.header.sequence, version.header.userID)
        switch message.signer {
        case .rejected: return
        case .author(let signer, let key):
            guard key == nil || trusted.voucher(ofSigner: signer, of: userID) != nil,
                let point = trusted.owners(ofSigner: signer).first?.signer
            else { return }
            if adopted[userID, default: []].insert(point).inserted {
                companions[signer] = recipients.unknown(in: message)
            }
            try groups.put(sequence, into: Self.group(userID, point.bytes), mark: message.signedDigest)
        case .other(let owner):
            let misattribution = Misattribution(userID: userID, owner: owner)
            misattributed.insert(misattribution)
            try groups.put(sequence, into: misattribution.group)
        case .found(let point):
            try groups.put(sequence, into: Self.group(userID, point.bytes), mark: message.signedDigest)
        case .unknown(let points):
            // The batch may have been read before the signer was found.
            if let point = points.first(where: { found[userID]?[$0] != nil }) {
                try groups.put(sequence, into: Self.group(userID, point), mark: message.signedDigest)
                return
            }
            unfitting.insert(userID)
            try groups.put(sequence, into: Self.unfitting(userID))
            for point in points {
                // The same message twice, or a second signature of it, says nothing new: it has the same candidates.
                guard try groups.put(sequence, into: Self.group(userID, point), mark: message.signedDigest),
                    let signer = try? SigningPoint(point)
                else { continue }
                found[userID, default: FoundSigners()].add(signer)
                companions[signer.id] = recipients.unknown(in: message)
            }
        }
    }

    func report() throws(ArchiveError) -> SignerReport {
        var report = SignerReport()
        for (userID, points) in found.sorted(by: { $0.key < $1.key }) {
            report.signers += try points.points.map { point throws(ArchiveError) in try signer(point, of: userID) }
                .sorted { ($0.first, $0.id) < ($1.first, $1.id) }
        }
        for (userID, points) in adopted.sorted(by: { $0.key < $1.key }) {
            for point in points.sorted(by: { $0.id < $1.id }) {
                let found = try signer(point, of: userID)
                if let colleague = trusted.voucher(ofSigner: point.id, of: userID) {
                    report.listed.append((found, colleague))
                } else {
                    report.adopted.append(found)
                }
            }
        }
        for entry in misattributed {
            report.misattributed.append(
                MisattributedPosts(
                    userID: entry.userID, ownerID: entry.owner.userID, keyID: entry.owner.key?.id,
                    signer: entry.owner.signer.id, isRejected: entry.owner.standing == .rejected,
                    posts: try groups.posts(of: entry.group)))
        }
        report.misattributed.sort { ($0.userID, $0.ownerID, $0.signer) < ($1.userID, $1.ownerID, $1.signer) }
        for userID in unfitting {
            let signers = (found[userID]?.points ?? []).map { Self.group(userID, $0.bytes) }
            let posts = try groups.posts(of: Self.unfitting(userID), exceptIn: signers)
            if !posts.isEmpty { report.unexplained[userID] = posts }
        }
        return report
    }

    private func signer(_ point: SigningPoint, of userID: String) throws(ArchiveError) -> UnrecordedSigner {
        let group = Self.group(userID, point.bytes)
        let posts = try groups.posts(of: group)
        let first = posts.first?.createAt ?? 0
        return UnrecordedSigner(
            userID: userID, point: point, posts: posts, messages: try groups.marks(of: group),
            companions: try recipients.companions(
                companions[point.id] ?? [], of: group, userID: userID, since: first),
            hasLaterKey: recipients.laterKey(of: userID, than: first) != nil)
    }
}
