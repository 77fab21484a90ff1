internal import Archive
public import E2EE

/// Keys, or halves of them, that are known as more than one user's: whoever has the private half reads for all of them, or
/// writes as all of them.
final class SharedKeys: Inspection {
    private let trusted: TrustedKeys

    init(trusted: TrustedKeys) { self.trusted = trusted }

    func findings(_ context: AuditContext) -> [Finding] {
        trusted.sharedKeys.map { finding($0, context.names) }
    }

    private func finding(_ shared: TrustedKeys.SharedKey, _ names: AuditNames) -> Finding {
        let users = names.list(shared.userIDs)
        let what =
            switch (shared.canRead, shared.canSign) {
            case (true, true): "One key is"
            case (true, false): "One point to encrypt for, beside different signing points, is"
            case (false, _): "One signing point, beside different points to encrypt for, is"
            }
        return names.finding(
            .sharedKeys,
            seen: "\(what) known as that of \(users): \(shared.keyIDs.map(\.short).joined(separator: ", ")).",
            canMean: [
                "The server hands out one user's key as another one's"
                    + "\(shared.canRead ? ", who can read what is encrypted for the other" : "").",
                "One person has several accounts, and restored one key in each.",
            ],
            cannotMean: "It does not show whose it is. Ask each of them; “mmvault trust reject” says whose it is not.",
            users: shared.userIDs, keys: shared.keyIDs, posts: [])
    }
}

extension TrustedKeys {
    /// Points that more than one user is known by.
    public struct SharedKey: Equatable, Sendable {
        /// Sorted.
        public let userIDs: [String]
        /// The keys that have the point: one, where both points are shared.
        public let keyIDs: [KeyID]
        /// Whether it is the point to encrypt for, or the one that verifies, or both.
        public let canRead: Bool
        public let canSign: Bool
    }

    /// What is shared, as far as it was not rejected.
    public var sharedKeys: [SharedKey] {
        let keys = all.filter { $0.standing != .rejected && $0.key != nil }
        func shared(by point: (PublicKey) -> [UInt8]) -> [[UInt8]: [Owned]] {
            Dictionary(grouping: keys) { $0.key.map(point) ?? [] }.filter { Set($0.value.map(\.userID)).count > 1 }
        }
        let reading = shared(by: \.encryptionPoint)
        let signing = shared(by: \.signingPoint)
        func make(_ owned: [Owned], canRead: Bool, canSign: Bool) -> SharedKey {
            SharedKey(
                userIDs: Set(owned.map(\.userID)).sorted(), keyIDs: Set(owned.compactMap(\.key?.id)).sorted(),
                canRead: canRead, canSign: canSign)
        }
        var result = reading.values.map { owned in
            make(owned, canRead: true, canSign: Set(owned.compactMap(\.key?.id)).count == 1)
        }
        // What a whole key says already need not be said of its half.
        let said = Set(result.filter(\.canSign).map(\.keyIDs))
        result += signing.values.map { make($0, canRead: false, canSign: true) }.filter { !said.contains($0.keyIDs) }
        return result.sorted { ($0.userIDs[0], $0.keyIDs[0]) < ($1.userIDs[0], $1.keyIDs[0]) }
    }
}
