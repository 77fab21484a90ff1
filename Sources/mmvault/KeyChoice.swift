import Archive
import E2EE
import Reader

/// Which of the private keys at hand is meant.
enum KeyChoice {
    /// - Parameter id: the beginning of its id; without it, the key that the server shows, or the only one at hand.
    static func choose(_ keys: [PrivateKey], id: String?, _ directory: AccountDirectory) async throws -> PrivateKey {
        if let id {
            let found = keys.filter { $0.id.description.hasPrefix(id.lowercased()) }
            if found.count == 1 { return found[0] }
            throw Failure(
                .key,
                "\(found.isEmpty ? "no" : "more than one") private key at hand begins with “\(SafeText.line(id))”",
                hint: "“mmvault key list” lists them")
        }
        let archive = try await Archive.opened(directory)
        let current = try archive.knownKeys()[try archive.account().userID]?.first(where: \.isCurrent)
        let registered = keys.first { $0.id.description == current?.sighting.keyID }
        if let chosen = registered ?? (keys.count == 1 ? keys[0] : nil) { return chosen }
        throw Failure(
            .key,
            keys.isEmpty
                ? "no private key is at hand" : "several private keys are at hand, and none is the one on the server",
            hint: keys.isEmpty
                ? "“mmvault key restore FILE” restores one, --key reads one" : "choose one with --id")
    }
}
