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

    /// The keys that can be loaded, sorted by id.
    public var ids: [KeyID] {
        PrivateFile.names(in: directory.keysPath).compactMap { name in
            name.hasSuffix(".asc") ? KeyID(hex: String(name.dropLast(4))) : nil
        }
    }

    /// Keeps every private key that `bytes` hold: a clear-text backup after encrypting it, a GPG backup as it is.
    ///
    /// - Parameters:
    ///   - source: what to call the input in an error: the file's name.
    ///   - encryption: nil for the first usable secret key of the user's own.
    ///   - onFailure: is told of each backup in `bytes` that cannot be used, where another one can.
    ///   - examine: is shown each key before any is stored, and throws where it must not be.
    /// - Throws: `noBackup`, `badKey`, `gpgFailed`, `noSecretKey`, `noGpgKey`, and what `examine` throws. Then nothing was
    ///   stored.
    public func restore(
        _ bytes: [UInt8], source: String, encryption: Gpg.Encryption?, onFailure: (ReaderError) -> Void = { _ in },
        examine: (PublicKey) throws(ReaderError) -> Void = { _ throws(ReaderError) in }
    ) async throws(ReaderError) -> [Restored] {
        var files: [(key: PrivateKey, content: [UInt8], encryption: Gpg.Encryption?)] = []
        let found = try await read(bytes, source: source, onFailure)
        for (key, _) in found { try examine(key.publicKey) }
        for (key, message) in found where !files.contains(where: { $0.key.id == key.id }) {
            if let message {
                files.append((key, message, nil))
            } else {
                let chosen = try await choose(encryption)
                var text = Array(KeyBackup.text(of: key).utf8)
                defer { wipe(&text) }
                let content = try await gpg.encrypt(text, chosen)
                files.append((key, content, chosen))
            }
        }
        let known = Set(ids)
        return try files.map { file throws(ReaderError) in
            let isKnown = known.contains(file.key.id)
            if !isKnown {
                do throws(ArchiveError) {
                    try PrivateFile.makeDirectory(directory.keysPath)
                    try PrivateFile.replace(path(of: file.key.id), with: file.content)
                } catch { throw .archive(error) }
            }
            return Restored(
                id: file.key.id, publicKey: file.key.publicKey, wasKnown: isKnown, encryption: file.encryption)
        }
    }

    /// Opens every kept key with gpg.
    public func load() async throws(ReaderError) -> [PrivateKey] {
        var keys: [PrivateKey] = []
        for id in ids {
            let path = path(of: id)
            let content: [UInt8]?
            do { content = try PrivateFile.read(path) } catch { throw .archive(error) }
            guard let content else { throw .unreadable(path: path) }
            var text = try await gpg.decrypt(content)
            defer { wipe(&text) }
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
    /// - Parameter fingerprint: of the OpenPGP key.
    /// - Returns: an ASCII-armored OpenPGP message.
    public func backup(of key: PrivateKey, to fingerprint: String) async throws(ReaderError) -> [UInt8] {
        var text = Array(KeyBackup.text(of: key).utf8)
        defer { wipe(&text) }
        return try await gpg.encrypt(text, .recipient(fingerprint))
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
    ///
    /// - Returns: each key, with the OpenPGP message that it came in where that held nothing else.
    private func read(
        _ bytes: [UInt8], source: String, _ onFailure: (ReaderError) -> Void
    ) async throws(ReaderError) -> [(key: PrivateKey, message: [UInt8]?)] {
        // In clear text, and nothing else: nothing is copied that could not be wiped.
        if bytes.firstRange(of: Array(BackupText.begin.utf8)) == nil, let keys = try? KeyBackup.privateKeys(in: bytes) {
            return keys.map { ($0, nil) }
        }
        let backups = BackupText.find(in: bytes)
        guard !backups.isEmpty else { throw .noBackup(source: source) }
        var result: [(PrivateKey, [UInt8]?)] = []
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
    ) async throws(ReaderError) -> [(PrivateKey, [UInt8]?)] {
        switch backup {
        case .clearText(let text):
            do { return try KeyBackup.privateKeys(in: text).map { ($0, nil) } } catch {
                throw .badKey(source: source, error)
            }
        case .openPGP(let message):
            var text = try await gpg.decrypt(message)
            defer { wipe(&text) }
            do {
                let keys = try KeyBackup.privateKeys(in: text)
                return keys.map { ($0, keys.count == 1 ? message : nil) }
            } catch { throw .badKey(source: source, error) }
        }
    }

    private func choose(_ encryption: Gpg.Encryption?) async throws(ReaderError) -> Gpg.Encryption {
        if let encryption { return encryption }
        guard let own = try await gpg.ownKeys().first else { throw .noGpgKey }
        return .recipient(own.fingerprint)
    }

    private func path(of id: KeyID) -> String { "\(directory.keysPath)/\(id).asc" }
}
