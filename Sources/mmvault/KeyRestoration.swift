import Archive
import E2EE
import Reader

/// Keeps private keys out of their backups, notes in the archive that they are the user's own, and says what it did.
struct KeyRestoration {
    private let directory: AccountDirectory
    private let archive: Archive
    private let writer: ArchiveWriter

    /// - Throws: where another process writes to the archive. The lock is taken before anything is written, so that a
    ///   pull under way leaves everything as it is.
    init(_ directory: AccountDirectory) throws {
        self.directory = directory
        writer = try ArchiveWriter(directory)
        archive = try Archive(directory)
    }

    /// - Parameters: as for `KeyStore.restore`.
    /// - Throws: `othersKey` for a key that the archive knows as another user's: as one of the owner's, what it signs
    ///   in their name would verify.
    func run(_ bytes: [UInt8], source: String, encryption: Gpg.Encryption?) async throws {
        let account = try archive.account()
        let trusted = try TrustedKeys(archive, atHand: [])
        let names = Dictionary(
            try archive.users().map { ($0.id, $0.username) }, uniquingKeysWith: { first, _ in first })
        func examine(_ key: PublicKey) throws(ReaderError) {
            guard let owner = trusted.otherOwner(of: key, than: account.userID) else { return }
            throw .othersKey(
                key.id, username: names[owner.userID] ?? owner.userID, isShown: owner.isCurrent)
        }
        let restored = try await KeyStore(directory).restore(
            bytes, source: source, encryption: encryption, onFailure: { KeyRestoration.warn($0, source) },
            examine: examine, onNotice: { KeyRestoration.say($0, source) })
        let known = try archive.knownKeys()[account.userID] ?? []
        for key in restored {
            let isNoted = known.contains { $0.isOwn && $0.sighting.keyID == key.id.description }
            if !isNoted { try await note(key.publicKey, of: account) }
            describe(key, registered: known.first(where: \.isCurrent)?.sighting.keyID)
        }
    }

    /// That of several backups one cannot be used.
    static func warn(_ error: ReaderError, _ source: String) {
        Terminal.warn("one of the backups in \(SafeText.line(source)) is left out: \(Failure(error).message)")
    }

    private static func say(_ notice: KeyStore.Notice, _ source: String) {
        switch notice {
        case .unsealed(.none):
            Terminal.warn(
                "the OpenPGP message in \(SafeText.line(source)) is not encrypted: it holds your private key in the clear"
            )
        case .unsealed:
            Terminal.warn(
                "the OpenPGP message in \(SafeText.line(source)) has no integrity protection; its key is encrypted again"
            )
        case .replacing(let path):
            Terminal.warn("\(SafeText.line(path)) was not encrypted, and is replaced")
        case .encrypting(.recipient(let key)):
            Terminal.note("Encrypting the private key to \(key.fingerprint), \(SafeText.line(key.userID))")
        case .encrypting(.symmetric): break
        }
    }

    /// Own keys count as known keys of their owner, also where gpg is not at hand to open them.
    private func note(_ key: PublicKey, of account: Account) async throws {
        let now = Timestamp.now
        let document = ReceivedDocument.ownKey(
            userID: account.userID, encryptionPoint: key.encryptionPoint, signingPoint: key.signingPoint, at: now)
        let sighting = KeySighting(
            userID: account.userID, keyID: key.id.description, source: .own, at: now,
            encryptionPoint: key.encryptionPoint, signingPoint: key.signingPoint)
        try await writer.append(document, keys: [sighting])
    }

    private func describe(_ key: KeyStore.Restored, registered: String?) {
        let role =
            registered == nil
            ? "the server has shown no key for you yet"
            : registered == key.id.description
                ? "the key that the server shows for you"
                : "not the key that the server shows for you now: one of your earlier ones, if it is yours"
        Terminal.print("\(key.wasKnown ? "Already there" : "Restored"): \(key.id)")
        Terminal.print("  \(role)".wrapped(indent: 2))
        switch key.encryption {
        case .recipient(let recipient) where !key.wasKnown:
            Terminal.print("  kept encrypted to \(recipient.fingerprint)")
        case .symmetric where !key.wasKnown: Terminal.print("  kept encrypted with your passphrase")
        default: break
        }
    }
}
