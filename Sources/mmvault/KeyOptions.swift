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

    @Flag(help: "Say that the keys of --key are yours: then what they signed in your name verifies.")
    var mine = false

    @Flag(help: "Use no restored key: check signatures, open nothing.")
    var noKeys = false

    /// The keys at hand: those of `--key`, and the restored ones, opened by gpg.
    func load(_ directory: AccountDirectory) async throws -> [PrivateKey] {
        let store = KeyStore(directory)
        return try await named(store) + (noKeys ? [] : try await store.load())
    }

    /// Those of `--key`.
    fileprivate func named(_ store: KeyStore) async throws -> [PrivateKey] {
        guard !mine || !key.isEmpty else {
            throw Failure(.usage, "--mine is about the keys of --key, and there is none", hint: "add --key FILE")
        }
        var keys: [PrivateKey] = []
        for file in key {
            var bytes = try InputFile.read(file)
            defer { wipe(&bytes) }
            let name = InputFile.name(file)
            let found = try await store.keys(in: bytes, source: name, onFailure: { KeyRestoration.warn($0, name) })
            // The server writes the mails with backups: it may have added one of its own.
            guard !mine || Set(found.map(\.publicKey.id)).count < 2 else {
                throw Failure(
                    .usage,
                    "\(SafeText.line(name)) holds \(found.count) private keys, and --mine says of one that you made it",
                    hint: "“mmvault key restore” keeps them all, and “mmvault key mine KEY” says which are yours")
            }
            keys += found
        }
        return keys
    }
}

/// What shows posts of a damaged archive only on request.
struct DamageOption: ParsableArguments {
    @Flag(help: "Take what is left of a damaged archive. It may be wrong.")
    var damaged = false
}

/// An account's archive opened for reading, with everything that reading needs.
struct OpenArchive {
    let archive: Archive
    let isDamaged: Bool
    let account: Account
    let keys: [PrivateKey]
    let trusted: TrustedKeys
    let reader: PostReader
    let names: ChannelNames
    let channels: [Channel]
    let teams: [Team]
    let users: [User]

    /// Who is who.
    var people: People {
        People(account: account, users: users, teams: teams, channels: channels, names: trusted.record.names)
    }

    /// - Parameters:
    ///   - isCheckedLater: whether the command checks the whole archive before it says anything.
    ///   - despiteDamage: whether a damaged archive is opened, too, after a warning.
    init(
        _ options: VaultOptions, keys keyOptions: KeyOptions, isCheckedLater: Bool = false, despiteDamage: Bool = false
    ) async throws {
        let directory = try options.directory()
        (archive, isDamaged) =
            isCheckedLater
            ? (try Archive(directory), false) : try await Archive.opened(directory, despiteDamage: despiteDamage)
        account = try archive.account()
        let named = try await keyOptions.named(KeyStore(directory))
        keys = named + (keyOptions.noKeys ? [] : try await KeyStore(directory).load())
        trusted = try TrustedKeys(
            archive, atHand: keys.map(\.publicKey), ownForOnce: keyOptions.mine ? named.map(\.publicKey) : [])
        reader = PostReader(archive, keyring: Keyring(keys), trusted: trusted, skipsDamaged: isDamaged)
        users = try archive.users()
        teams = try archive.teams()
        names = ChannelNames(users: users, ownID: account.userID)
        let names = names
        channels = try archive.channels().sorted {
            (names.label($0).lowercased(), $0.id) < (names.label($1).lowercased(), $1.id)
        }
    }

    /// Ends with the exit code of a damaged archive where it is one, after all that could be shown.
    func endIfDamaged() throws {
        guard isDamaged else { return }
        throw Failure(
            .damaged, "this comes from a damaged archive: it lacks the posts of damaged documents, and may be wrong",
            hint: "“mmvault check” names what is damaged; restore a copy beside it, and use that")
    }
}
