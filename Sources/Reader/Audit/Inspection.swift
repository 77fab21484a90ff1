internal import Archive
internal import E2EE

/// Looks for one kind of thing while the versions of an archive pass by: channel by channel, in each in the order of time.
protocol Inspection: AnyObject {
    func see(_ version: SeenVersion, in place: AuditedChannel) throws(ArchiveError)
    /// Asked once, after the last channel.
    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding]
}

extension Inspection {
    func see(_ version: SeenVersion, in place: AuditedChannel) {}
}

/// A channel, with who was in it.
struct AuditedChannel {
    let channel: Channel
    let membership: Membership
    var id: String { channel.id }
}

/// What can be said only when everything was seen.
struct AuditContext {
    let names: AuditNames
    let signers: SignerReport
    /// Posts that repeat another one's ciphertext: their recipients are the other's.
    let copies: Set<String>

    /// Whose key this recipient probably is, though nobody saw it: the signer's whose posts it stands in.
    func explanation(of recipient: KeyID) -> UnrecordedSigner? {
        (signers.signers + signers.adopted).first { $0.probableKeyID == recipient }
    }
}
