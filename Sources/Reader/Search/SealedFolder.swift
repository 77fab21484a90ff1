internal import Age
internal import Archive
internal import Bytes
internal import E2EE

/// Where the search index lies: one folder for each set of private keys, and in it age files (C2SP, age v1) sealed to an
/// X25519 key that is derived from them. Whoever can open the messages can open these, also with the stock `age`.
struct SealedFolder {
    /// A file of the index that is not what the manifest says. The index is made anew, and nothing of it believed.
    struct Damage: Error {}

    let path: String
    private let identity: AgeIdentity
    private static let manifestName = "manifest.age"

    /// - Returns: nil without a private key: then there is nobody to seal to.
    init?(_ directory: AccountDirectory, _ keyring: Keyring) {
        guard let secret = keyring.indexSecret else { return nil }
        identity = AgeIdentity(scalar: secret)
        // Names nothing but the set of keys: whoever has them can tell which folder is theirs.
        let name = SHA256Digest(of: Array(identity.recipient.description.utf8)).description.prefix(16)
        path = "\(directory.searchPath)/\(name)"
    }

    /// - Returns: nil where there is none that these keys open.
    func manifest() -> IndexManifest? {
        guard let bytes = try? PrivateFile.read("\(path)/\(SealedFolder.manifestName)"),
            let text = try? AgeFile(bytes, identities: [identity]).decrypted()
        else { return nil }
        return IndexManifest(json: text)
    }

    /// Puts a manifest in place of the last one, all or nothing, and removes what it does not name.
    func replaceManifest(_ manifest: IndexManifest) throws {
        try PrivateFile.replace(
            "\(path)/\(SealedFolder.manifestName)", with: AgeWriter.sealed(manifest.json, to: [identity.recipient]))
        let kept = Set(manifest.parts.map { SealedFolder.fileName($0.name) } + [SealedFolder.manifestName, "lock"])
        for name in PrivateFile.names(in: path) where !kept.contains(name) { PrivateFile.remove("\(path)/\(name)") }
    }

    /// The right to change the index, for one process at a time; nil where another one has it.
    func lock() -> ArchiveLock? {
        guard (try? PrivateFile.makeDirectory(path)) != nil else { return nil }
        return try? ArchiveLock(path: "\(path)/lock")
    }

    func write(_ segment: SearchSegment, named name: String) throws {
        var writer = AgeWriter(to: [identity.recipient])
        var sealed: [UInt8] = []
        try segment.serialised { text in
            sealed.reserveCapacity(text.count + text.count / 1024 + 1024)
            writer.write(text) { sealed += $0 }
        }
        writer.finish { sealed += $0 }
        try PrivateFile.replace("\(path)/\(SealedFolder.fileName(name))", with: sealed)
    }

    /// - Throws: `Damage` for a file that is missing, cut, changed, or another one than was asked for.
    func segment(_ part: IndexManifest.Part, vault: String) throws(Damage) -> SearchSegment {
        do {
            guard let bytes = try PrivateFile.read("\(path)/\(SealedFolder.fileName(part.name))") else {
                throw Damage()
            }
            let file = try AgeFile(bytes, identities: [identity])
            let segment = try SearchSegment(count: file.plaintextCount) { try file.decrypt(into: $0) }
            guard let label = try segment.label(), label.vault == vault, label.name == part.name,
                label.generation == part.generation
            else { throw Damage() }
            return segment
        } catch { throw Damage() }
    }

    private static func fileName(_ name: String) -> String { "\(name).age" }
}
