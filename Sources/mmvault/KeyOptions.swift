import Archive
import ArgumentParser
import Bytes
import E2EE
import Reader

/// Which private keys a reading command uses.
struct KeyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Read a private key for this command only, from a backup file (- for standard input); may be repeated.",
            valueName: "file"),
        completion: .file())
    var key: [String] = []

    @Flag(help: "Use no restored key: check signatures, open nothing.")
    var noKeys = false

    /// The keys at hand: the restored ones, opened by gpg, and those of `--key`.
    func load(_ directory: AccountDirectory) async throws -> [PrivateKey] {
        let store = KeyStore(directory)
        var keys: [PrivateKey] = []
        for file in key {
            var bytes = try InputFile.read(file)
            defer { wipe(&bytes) }
            let name = InputFile.name(file)
            keys += try await store.keys(in: bytes, source: name, onFailure: { KeyRestoration.warn($0, name) })
        }
        if !noKeys { keys += try await store.load() }
        return keys
    }
}

/// An account's archive opened for reading, with everything that reading needs.
struct OpenArchive {
    let archive: Archive
    let account: Account
    let keys: [PrivateKey]
    let trusted: TrustedKeys
    let reader: PostReader
    let names: ChannelNames
    let channels: [Channel]
    let teams: [Team]
    let users: [User]

    init(_ options: VaultOptions, keys keyOptions: KeyOptions) async throws {
        let directory = try options.directory()
        archive = try Archive(directory)
        account = try archive.account()
        keys = try await keyOptions.load(directory)
        trusted = try TrustedKeys(archive, atHand: keys.map(\.publicKey))
        reader = PostReader(archive, keyring: Keyring(keys), trusted: trusted)
        users = try archive.users()
        teams = try archive.teams()
        names = ChannelNames(users: users, ownID: account.userID)
        let names = names
        channels = try archive.channels().sorted {
            (names.label($0).lowercased(), $0.id) < (names.label($1).lowercased(), $1.id)
        }
    }
}
