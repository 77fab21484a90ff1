internal import Archive
internal import E2EE

/// When keys are in use, by the messages that they are recipients of or that they signed, and which recipients nobody
/// knows. Of a known key only the first time is kept; versions with an unknown one are kept in groups on disk.
final class RecipientCollection {
    private let groups: VersionGroups
    private let trusted: TrustedKeys
    /// When a known key was first a recipient or a signer.
    private(set) var firstUse: [KeyID: Int64] = [:]
    private(set) var unknown: [KeyID: Unknown] = [:]

    /// A recipient whom nobody knows.
    struct Unknown {
        var first: Int64
        var last: Int64
        /// The users of whom a known key stands beside it in some message.
        var beside: Set<String> = []
    }

    /// A client may go on with the key that it fetched last until it hears of the new one.
    static let overlap: Int64 = 10 * 60_000

    init(_ groups: VersionGroups, trusted: TrustedKeys) {
        self.groups = groups
        self.trusted = trusted
    }

    static func group(_ id: KeyID) -> VersionGroups.Key { VersionGroups.Key("recipient", id.bytes) }

    func see(_ version: SeenVersion, _ message: SeenMessage) throws(ArchiveError) {
        let time = version.writtenAt
        func use(_ id: KeyID) { firstUse[id] = min(firstUse[id] ?? .max, time) }
        if case .author(_, let id?) = message.signer { use(id) }
        var strangers: Set<KeyID> = []
        var owners: Set<String> = []
        for id in message.recipients {
            let known = trusted.owners(ofKey: id)
            if known.isEmpty {
                strangers.insert(id)
            } else {
                use(id)
                owners.formUnion(known.map(\.userID))
            }
        }
        for id in strangers {
            var entry = unknown[id] ?? Unknown(first: time, last: time)
            entry.first = min(entry.first, time)
            entry.last = max(entry.last, time)
            entry.beside.formUnion(owners)
            unknown[id] = entry
            try groups.put(version.header.sequence, into: Self.group(id))
        }
    }

    func unknown(in message: SeenMessage) -> Set<KeyID> {
        Set(message.recipients.filter { trusted.owners(ofKey: $0).isEmpty })
    }

    /// When the first key of the user's came into use that was not in use before `time`.
    func laterKey(of userID: String, than time: Int64) -> Int64? {
        trusted.owned(by: userID).compactMap { use(of: $0, after: time) }.min()
    }

    /// Those of `candidates` that stand in every version of a signer's group.
    func companions(
        _ candidates: Set<KeyID>, of signer: VersionGroups.Key, userID: String, since first: Int64
    ) throws(ArchiveError) -> [UnrecordedSigner.Companion] {
        let next = laterKey(of: userID, than: first)
        var result: [UnrecordedSigner.Companion] = []
        for id in candidates.sorted() {
            guard let entry = unknown[id], try groups.contains(allOf: signer, in: Self.group(id)) else { continue }
            let isGone = next.map { mayBe(entry, userID, until: $0) } ?? false
            let fitsAnother = next.map { next in
                nextKeys(than: entry.first).contains {
                    $0.key != userID && $0.value <= next && mayBe(entry, $0.key, until: $0.value)
                }
            }
            result.append(
                .init(keyID: id, lastSeen: entry.last, isGone: isGone, fitsAnother: fitsAnother ?? false))
        }
        return result
    }

    /// Whether a user may have had this key before one that came into use at `time`: nobody has two keys at a time.
    private func mayBe(_ entry: Unknown, _ userID: String, until time: Int64) -> Bool {
        entry.last <= time + Self.overlap && !entry.beside.contains(userID)
    }

    /// When the first key of each user came into use that was not in use before `time`.
    private func nextKeys(than time: Int64) -> [String: Int64] {
        trusted.all.reduce(into: [:]) { result, owned in
            guard let first = use(of: owned, after: time) else { return }
            result[owned.userID] = min(result[owned.userID] ?? .max, first)
        }
    }

    /// When a key came into use; nil where that was not after `time`.
    private func use(of owned: TrustedKeys.Owned, after time: Int64) -> Int64? {
        guard owned.standing != .rejected, let id = owned.key?.id, let first = firstUse[id], first > time else {
            return nil
        }
        return first
    }
}
