public import Archive
internal import Bytes
public import E2EE

/// The restored private keys of an account: one OpenPGP-encrypted file each, `KEYID.asc`. A key is never on disk in any
/// other form; the user's own gpg opens them when they are needed.
public struct KeyStore: Sendable {
    private let directory: AccountDirectory
    private let gpg: Gpg

    public init(_ directory: AccountDirectory, gpg: Gpg = Gpg()) {
        self.directory = directory
        self.gpg = gpg
    }

    /// What came of restoring one key.
    public struct Restored: Equatable, Sendable {
        public let id: KeyID
        public let publicKey: PublicKey
        /// Whether it was there already; then nothing was changed.
        public let wasKnown: Bool
        /// How it was encrypted for keeping, where it came in clear text; nil where the GPG backup was kept as it came.
        public let encryption: Gpg.Encryption?
    }

    /// What the user should know while keys are restored.
    public enum Notice: Equatable, Sendable {
        /// A key came in an OpenPGP message that protects it no better than clear text does, or hardly.
        case unsealed(Gpg.Protection)
        /// A key is about to be encrypted.
        case encrypting(Gpg.Encryption)
        /// What was stored was not encrypted, and is replaced.
        case replacing(path: String)
    }

    /// A key, and what it came in.
    private struct Found {
        let key: PrivateKey
        /// The OpenPGP message, where that held nothing else; nil for clear text.
        var message: [UInt8]?
        var protection: Gpg.Protection?
    }

    /// The keys that can be loaded, sorted by id.
    public var ids: [KeyID] {
        PrivateFile.names(in: directory.keysPath).compactMap { name in
            name.hasSuffix(".asc") ? KeyID(hex: String(name.dropLast(4))) : nil
        }
    }

    /// Keeps every private key that `bytes` hold: a GPG backup as it is, and after encrypting it what is in clear text, or
    /// in an OpenPGP message that is not encrypted with integrity protection.
    ///
    /// - Parameters:
    ///   - source: what to call the input in an error: the file's name.
    ///   - encryption: nil for the user's own OpenPGP key.
    ///   - onFailure: is told of each backup in `bytes` that cannot be used, where another one can.
    /// - Throws: `noBackup`, `badKey`, `gpgFailed`, `noSecretKey`, `noGpgKey`, `refusedGpgKey`. Then nothing was stored.
    public func restore(
        _ bytes: [UInt8], source: String, encryption: Gpg.Encryption?, onFailure: (ReaderError) -> Void = { _ in },
        onNotice: (Notice) -> Void = { _ in }
    ) async throws(ReaderError) -> [Restored] {
        var files: [(key: PrivateKey, content: [UInt8]?, encryption: Gpg.Encryption?)] = []
        let found = try await read(bytes, source: source, onFailure)
        for item in found where !files.contains(where: { $0.key.id == item.key.id }) {
            if let protection = item.protection, protection != .sealed { onNotice(.unsealed(protection)) }
            if try await isKept(item.key.id, onNotice) {
                files.append((item.key, nil, nil))
            } else if let message = item.message, item.protection == .sealed {
                files.append((item.key, message, nil))
            } else {
                let chosen = try await choose(encryption)
                onNotice(.encrypting(chosen))
                var text = Array(KeyBackup.text(of: item.key).utf8)
                defer { wipe(&text) }
                let content = try await gpg.encrypt(text, chosen)
                files.append((item.key, content, chosen))
            }
        }
        return try files.map { file throws(ReaderError) in
            if let content = file.content {
                do throws(ArchiveError) {
                    try PrivateFile.makeDirectory(directory.keysPath)
                    try PrivateFile.replace(path(of: file.key.id), with: content)
                } catch { throw .archive(error) }
            }
            return Restored(
                id: file.key.id, publicKey: file.key.publicKey, wasKnown: file.content == nil,
                encryption: file.encryption)
        }
    }

    /// Whether the key is stored, and is to stay as it is.
    private func isKept(_ id: KeyID, _ onNotice: (Notice) -> Void) async throws(ReaderError) -> Bool {
        guard var content = try read(id) else { return false }
        defer { wipe(&content) }
        guard try await gpg.isInTheClear(content) else { return true }
        onNotice(.replacing(path: path(of: id)))
        return false
    }

    private func read(_ id: KeyID) throws(ReaderError) -> [UInt8]? {
        do { return try PrivateFile.read(path(of: id)) } catch { throw .archive(error) }
    }

    /// Opens every kept key with gpg.
    ///
    /// - Throws: `notEncrypted` for one that is in the clear. It is not used: nobody would notice then.
    public func load() async throws(ReaderError) -> [PrivateKey] {
        var keys: [PrivateKey] = []
        for id in ids {
            let path = path(of: id)
            guard var content = try read(id) else { throw .unreadable(path: path) }
            defer { wipe(&content) }
            guard content.firstRange(of: Array(KeyBackup.begin.utf8)) == nil else { throw .notEncrypted(path: path) }
            var (text, protection) = try await gpg.open(content)
            defer { wipe(&text) }
            guard protection != .none else { throw .notEncrypted(path: path) }
            let found: [PrivateKey]
            do { found = try KeyBackup.privateKeys(in: text) } catch { throw .badKey(source: path, error) }
            guard let key = found.first(where: { $0.id == id }) else { throw .otherKey(path: path, found: found[0].id) }
            keys.append(key)
        }
        return keys
    }

    /// A new backup of a private key, in the form that the plugin imports: the clear-text backup, encrypted to an OpenPGP
    /// key (protocol, "Keys").
    ///
    /// - Returns: an ASCII-armored OpenPGP message.
    public func backup(of key: PrivateKey, to recipient: Gpg.Key) async throws(ReaderError) -> [UInt8] {
        var text = Array(KeyBackup.text(of: key).utf8)
        defer { wipe(&text) }
        return try await gpg.encrypt(text, .recipient(recipient))
    }

    /// Reads keys for one command; nothing is kept.
    ///
    /// - Parameters: as for `restore`.
    public func keys(
        in bytes: [UInt8], source: String, onFailure: (ReaderError) -> Void = { _ in }
    ) async throws(ReaderError) -> [PrivateKey] {
        try await read(bytes, source: source, onFailure).map(\.key)
    }

    /// Tries every backup: people save whole conversations, with what was cut or sent to somebody else.
    private func read(
        _ bytes: [UInt8], source: String, _ onFailure: (ReaderError) -> Void
    ) async throws(ReaderError) -> [Found] {
        // In clear text, and nothing else: nothing is copied that could not be wiped.
        if bytes.firstRange(of: Array(BackupText.begin.utf8)) == nil, let keys = try? KeyBackup.privateKeys(in: bytes) {
            return keys.map { Found(key: $0) }
        }
        let backups = BackupText.find(in: bytes)
        guard !backups.isEmpty else { throw .noBackup(source: source) }
        var result: [Found] = []
        var failures: [ReaderError] = []
        for backup in backups {
            do throws(ReaderError) {
                result += try await keys(in: backup, source: source)
            } catch {
                failures.append(error)
            }
        }
        guard !result.isEmpty else {
            // Of several reasons, the one that can be helped.
            throw failures.first { if case .noSecretKey = $0 { true } else { false } } ?? failures[0]
        }
        failures.forEach(onFailure)
        return result
    }

    private func keys(
        in backup: BackupText.Found, source: String
    ) async throws(ReaderError) -> [Found] {
        switch backup {
        case .clearText(let text):
            do { return try KeyBackup.privateKeys(in: text).map { Found(key: $0) } } catch {
                throw .badKey(source: source, error)
            }
        case .openPGP(let message):
            var (text, protection) = try await gpg.open(message)
            defer { wipe(&text) }
            do {
                let keys = try KeyBackup.privateKeys(in: text)
                return keys.map { Found(key: $0, message: keys.count == 1 ? message : nil, protection: protection) }
            } catch { throw .badKey(source: source, error) }
        }
    }

    private func choose(_ encryption: Gpg.Encryption?) async throws(ReaderError) -> Gpg.Encryption {
        if let encryption { return encryption }
        return .recipient(try await gpg.ownKey())
    }

    private func path(of id: KeyID) -> String { "\(directory.keysPath)/\(id).asc" }
}
