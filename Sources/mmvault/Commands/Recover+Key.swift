import Archive
import Bytes
import E2EE
import Exporter
import Reader

/// The private key: where it comes from, and whether it is the right one.
extension Recover {
    /// What became of it.
    struct KeyOutcome {
        /// Whether a private key is there now. Without one the messages are worth having all the same.
        let isThere: Bool
        /// Those that came just now, and where from.
        var restored: [PublicKey] = []
        var source = ""
        /// What to do where none is.
        var hint = """
            “mmvault key restore FILE” takes the mail “Mattermost E2EE private key backup” saved as .eml, the GPG backup, \
            or the clear-text backup
            """
    }

    func restoreKey(_ directory: AccountDirectory) async throws -> KeyOutcome {
        let kept = KeyStore(directory).ids
        do {
            if let backup {
                return try await restore(fileNamed: backup, directory)
            }
            if !kept.isEmpty {
                Terminal.print("Kept already: key \(kept.map { "\($0.short)…" }.joined(separator: ", "))")
                if let shown = try await registeredKey(directory) {
                    if kept.contains(where: { $0.description == shown }) { return KeyOutcome(isThere: true) }
                    Terminal.print("The server shows another key for you: \(shown.prefix(16))…")
                }
            }
            if let stored = try await storedBackup(directory) {
                Terminal.print("The server holds a backup of your private key; your gpg is to open it.")
                let source = "the server's backup"
                let restored = try await KeyRestoration(directory).run(
                    Array(stored.utf8), source: source, encryption: nil)
                return KeyOutcome(isThere: true, restored: restored, source: source)
            }
            guard Terminal.inputIsTerminal,
                let path = Prompt.answer("File with a backup, or its mail (empty to go on without): ")?.trimmed,
                !path.isEmpty
            else { return KeyOutcome(isThere: !kept.isEmpty) }
            return try await restore(fileNamed: path, directory)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            let failure = Failure(error)
            // Somebody else is at the archive, or it is damaged: nothing that follows could be done either.
            guard [.key, .server, .usage].contains(failure.code) else { throw failure }
            let which = kept.isEmpty ? "your private key is not restored" : "no other private key is restored"
            Terminal.warn("\(which): \(failure.message)")
            var outcome = KeyOutcome(isThere: !kept.isEmpty)
            switch error {
            case ReaderError.noSecretKey, ReaderError.refusedGpgKey: outcome.hint = failure.hint ?? outcome.hint
            default: break
            }
            return outcome
        }
    }

    private func restore(fileNamed path: String, _ directory: AccountDirectory) async throws -> KeyOutcome {
        var bytes = try InputFile.read(path)
        defer { wipe(&bytes) }
        let source = InputFile.name(path)
        let restored = try await KeyRestoration(directory).run(bytes, source: source, encryption: nil)
        return KeyOutcome(isThere: true, restored: restored, source: source)
    }

    /// - Returns: nil where the server shows none, or cannot be asked.
    private func registeredKey(_ directory: AccountDirectory) async throws -> String? {
        do { return try await RegisteredKey.run(directory, login.connection.network) } catch {
            guard Failure(error).code == .server else { throw error }
            return nil
        }
    }

    /// - Returns: nil where the server has none, or cannot be asked; which of the two is said.
    private func storedBackup(_ directory: AccountDirectory) async throws -> String? {
        do {
            switch try await BackupRequest.run(directory, login.connection.network) {
            case .backup(let stored): return stored
            case .none: Terminal.print("The server holds no backup of your private key.")
            case .silence(let seconds):
                Terminal.print(
                    "The server sent no backup of your private key within \(Int(seconds)) seconds. It may hold none."
                        .wrapped())
            }
        } catch {
            let failure = Failure(error)
            guard failure.code == .server else { throw error }
            Terminal.warn("the server could not be asked for a backup of your private key: \(failure.message)")
        }
        return nil
    }

    // MARK: Whose it is

    /// - Returns: the keys at hand that are not known as somebody else's, and whether the one that the server shows is among
    ///   them. On an empty archive, whose a key is shows only when the server has shown keys.
    func compareKeys(_ open: OpenArchive) throws -> (own: [PrivateKey], isPresentKeyHere: Bool) {
        let people = open.people
        let own = open.keys.filter { key in
            guard let other = open.trusted.otherOwner(of: key.publicKey, than: open.account.userID) else { return true }
            Terminal.warn(
                """
                key \(key.id.short)…, which was restored as yours, is \(people.username(other.userID))'s \
                (“mmvault trust” says how that is known)
                It opens posts; what it signed in your name does not verify.
                """)
            return false
        }
        return (own, try compare(own, open))
    }

    private func compare(_ keys: [PrivateKey], _ open: OpenArchive) throws -> Bool {
        guard !keys.isEmpty else { return false }
        let known = try open.archive.knownKeys()[open.account.userID] ?? []
        guard let registered = known.first(where: \.isCurrent)?.sighting.keyID else {
            Terminal.warn(
                "the server shows no key for you: what others write from now on is not encrypted for you")
            return false
        }
        if keys.contains(where: { $0.id.description == registered }) {
            Terminal.print("The key that the server shows for you is here: \(registered.prefix(16))…")
            return true
        }
        Terminal.warn(
            """
            the server shows another key for you than the one restored
            server  \(registered.prefix(16))…
            here    \(keys.map { "\($0.id.short)…" }.joined(separator: ", "))
            If you have made a new key since this backup, restore its backup too. If you have not, somebody else has: \
            what is written for that key, they can read.
            """)
        return false
    }
}
