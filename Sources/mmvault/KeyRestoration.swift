import Archive
import E2EE
import Reader

/// Keeps private keys out of their backups, says what it did, and asks whether the keys are the user's own: that somebody has
/// a private key does not mean that they made it.
struct KeyRestoration {
    private let directory: AccountDirectory
    private let archive: Archive
    private let writer: ArchiveWriter

    /// - Throws: where another process writes to the archive. The lock is taken before anything is written, so that a
    ///   pull under way leaves everything as it is.
    init(_ directory: AccountDirectory) async throws {
        self.directory = directory
        writer = try ArchiveWriter(directory)
        archive = try await Archive.opened(directory)
    }

    /// - Parameters: as for `KeyStore.restore`.
    @discardableResult
    func run(_ bytes: [UInt8], source: String, encryption: Gpg.Encryption?) async throws -> [PublicKey] {
        let account = try archive.account()
        let restored = try await KeyStore(directory).restore(
            bytes, source: source, encryption: encryption, onFailure: { KeyRestoration.warn($0, source) },
            onNotice: { KeyRestoration.say($0, source) })
        let known = try archive.knownKeys()[account.userID] ?? []
        for key in restored {
            let isNoted = known.contains { $0.isOwn && $0.sighting.keyID == key.id.description }
            if !isNoted { try await note(key.publicKey, of: account) }
            describe(key, registered: known.first(where: \.isCurrent)?.sighting.keyID)
        }
        return restored.map(\.publicKey)
    }

    /// Asks of each key that has no answer whether the owner made it, and keeps what they say.
    ///
    /// - Parameters:
    ///   - isMine: `--mine`: they have said so.
    ///   - source: where the keys come from.
    func ask(_ keys: [PublicKey], isMine: Bool, source: String) async throws {
        let ownerID = try archive.account().userID
        let trusted = try TrustedKeys(archive, atHand: [])
        let unanswered = keys.filter { key in
            trusted.owned(by: ownerID).first { $0.signer.id == key.signer.id }?.standing.isDecided != true
        }
        // The server writes the mails with backups: it may have added one of its own.
        let isAboutOne = Set(unanswered.map(\.id)).count < 2
        if isMine, !isAboutOne {
            Terminal.warn(
                "\(SafeText.line(source)) holds \(unanswered.count) private keys, and --mine says of one that you made it"
            )
        }
        for key in unanswered {
            if !isMine || !isAboutOne { guard try await agrees(key, trusted, source) else { continue } }
            try await writer.append(
                TrustDecision.document([try decision(.own, key)], at: .now), objects: .trust)
            Terminal.print("Noted: you made key \(key.id.short)…")
        }
    }

    private func decision(_ verb: TrustDecision.Verb, _ key: PublicKey) throws -> TrustDecision {
        let account = try archive.account()
        return TrustDecision(
            userID: account.userID, verb: verb, signingPoint: key.signingPoint, encryptionPoint: key.encryptionPoint,
            at: .now, username: account.username)
    }

    private func agrees(_ key: PublicKey, _ trusted: TrustedKeys, _ source: String) async throws -> Bool {
        guard Terminal.inputIsTerminal else {
            Terminal.note(
                "Not noted as yours: key \(key.id.short)… opens posts, and only the server says whose it is. If you made it:"
                    .wrapped())
            Terminal.note("  mmvault key mine \(key.id.description.prefix(8))")
            return false
        }
        Terminal.note("Key \(key.id), from \(SafeText.line(source)):")
        for line in Fingerprint(of: key.id).lines { Terminal.note("    \(line)") }
        for line in try await opens(key.id) { Terminal.note("  \(line)") }
        let ownerID = try archive.account().userID
        for other in trusted.owners(ofSigner: key.signer.id)
        where other.userID != ownerID && other.standing != .rejected {
            let users = try archive.users()
            let people = People(
                account: try archive.account(), users: users, teams: [], names: trusted.record.names)
            Terminal.warn("this key is known as \(people.username(other.userID))'s")
        }
        let answer = Prompt.answer("Did you make this key? [y/N] ")?.lowercased() ?? ""
        let isMine = answer == "y" || answer == "yes"
        if !isMine {
            Terminal.note(
                "Not noted as yours: it opens posts, and only the server says whose it is. If you did make it:")
            Terminal.note("  mmvault key mine \(key.id.description.prefix(8))")
        }
        return isMine
    }

    /// Which posts a key opens, and of which months.
    private func opens(_ id: KeyID) async throws -> [String] {
        let survey = Survey(archive, atHand: [id])
        var months: [String: Int] = [:]
        for channel in try archive.channels() {
            for (month, counts) in try await survey.run(channel).months {
                months[month, default: 0] += counts.openableBy[id] ?? 0
            }
        }
        let opened = months.filter { $0.value > 0 }
        guard let first = opened.keys.min(), let last = opened.keys.max() else { return ["It opens no archived post."] }
        let posts = opened.values.reduce(0, +).of("post")
        return ["It opens \(posts), \(first == last ? "of \(first)" : "from \(first) to \(last)")."]
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
