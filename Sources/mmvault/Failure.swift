import Archive
import E2EE
import Exporter
import Reader

/// An error as the person at the terminal is told of it: what happened, what to do, and the number to end with. This is
/// the only map from errors to exit codes.
struct Failure: Error {
    let message: String
    let hint: String?
    let code: ExitCode

    init(_ code: ExitCode, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    init(_ error: any Error) {
        switch error {
        case let error as Failure: self = error
        case let error as ArchiveError: self = Failure.of(error)
        case let error as ExporterError: self = Failure.of(error)
        case let error as ReaderError: self = Failure.of(error)
        case let error as SearchQueryError:
            self.init(
                .usage, "the search is not clear: \(SafeText.line(error.problem))",
                hint: error.hint.map(SafeText.line))
        case is CancellationError: self = .interrupted
        default: self.init(.failure, SafeText.line("\(error)"))
        }
    }

    /// - Parameter known: the names of the archive's users.
    static func noUser(_ name: String, among known: [String]) -> Failure {
        let similar = known.similar(to: name.hasPrefix("@") ? String(name.dropFirst()) : name)
        return Failure(
            .noArchive, "the archive has no user “\(SafeText.line(name))”",
            hint: similar.isEmpty
                ? "a user is named as in @anna, or by the id"
                : "there is \(similar.map { "@\(SafeText.name($0))" }.joined(separator: ", "))")
    }

    static let interrupted = Failure(
        .interrupted, "interrupted", hint: "what was done is kept; the same command goes on from there")

    /// Of what is done as a whole or not at all.
    static let interruptedImport = Failure(
        .interrupted, "interrupted", hint: "it is added as a whole or not at all; the same command begins anew")

    /// Of what cannot be cut: nothing is changed by it, or what it writes is whole or is none.
    static let interruptedReading = Failure(.interrupted, "interrupted", hint: "nothing was changed; run it again")
    static let interruptedExport = Failure(
        .interrupted, "interrupted",
        hint: "a file was not written; a folder that was begun holds INCOMPLETE: remove it. Then run it again")

    /// - Parameter rest: what holds all the same.
    static func damagedFiles(_ rest: String) -> Failure {
        Failure(
            .damaged, "files of posts are missing or damaged; \(rest)", hint: "“mmvault check” names them")
    }

    private static func of(_ error: ArchiveError) -> Failure {
        switch error {
        case .noVault(let path):
            Failure(
                .noArchive, "there is no vault at \(SafeText.line(path))",
                hint: "“mmvault login URL” makes one; --vault or MMVAULT_DIR says where")
        case .noAccount(let vault):
            Failure(
                .noArchive, "there is no account in the vault \(SafeText.line(vault))",
                hint: "“mmvault login URL” adds one")
        case .unknownAccount(let name, let known):
            Failure(
                .noArchive, "there is no account “\(SafeText.line(name))” in the vault",
                hint: known.isEmpty
                    ? "“mmvault login URL” adds one" : "there is \(SafeText.line(known.joined(separator: ", ")))")
        case .severalAccounts(let names):
            Failure(
                .noArchive, "the vault holds several accounts, and none was chosen",
                hint: "add --account with one of \(SafeText.line(names.joined(separator: ", ")))")
        case .inUse(let process, let path):
            Failure(
                .inUse, "the archive is in use by \(process.map { "process \($0)" } ?? "another process")",
                hint:
                    "wait for it to end, or stop it if it is “mmvault pull --follow”; the lock is \(SafeText.line(path))"
            )
        case .notAnArchive(let path):
            Failure(
                .damaged, "\(SafeText.line(path)) is not an archive of mmvault",
                hint: "nothing was changed; if it should be one, restore it from a copy")
        case .newerFormat(let path, let version):
            Failure(
                .noArchive, "\(SafeText.line(path)) has the format \(version), which this version does not know",
                hint: "use a newer mmvault; nothing was changed")
        case .damagedDocument(let sequence, let what):
            Failure(
                .damaged, "document \(sequence) of the archive is damaged: \(SafeText.line(what))",
                hint: "“mmvault check” names everything that is; keep this file and restore a copy beside it")
        case .damagedDatabase(let path, let what):
            Failure(
                .damaged, "\(path.isEmpty ? "the archive" : SafeText.line(path)) is damaged: \(SafeText.line(what))",
                hint: "“mmvault check” names what is; keep this file and restore a copy beside it")
        case .notAPage(let what):
            Failure(.server, "the server's answer is not what it should be: \(SafeText.line(what))")
        case .file(let path, let operation, let errno):
            Failure(
                .failure, "cannot \(operation) \(SafeText.line(path)): \(Terminal.describe(errno: errno))",
                hint: "nothing that was archived is lost")
        case .database(let message, let isFull):
            Failure(
                .failure, "the archive's database: \(SafeText.line(message))",
                hint: isFull
                    ? "free some space and run the command again; nothing that was archived is lost"
                    : "“mmvault check” tells whether the archive is whole")
        case .badExport(let file, let what):
            Failure(
                .badExport,
                file.map { "\(SafeText.line($0)) in the zip: \(SafeText.line(what))" }
                    ?? "the zip cannot be imported: \(SafeText.line(what))",
                hint: what.contains("unpacks to more")
                    ? "nothing was added; --max-size GIB allows more" : "nothing was added")
        case .compression(let what): Failure(.failure, "compression: \(SafeText.line(what))")
        }
    }

    private static func of(_ error: ExporterError) -> Failure {
        switch error {
        case .badAddress(let text, let why):
            Failure(
                .usage, "“\(SafeText.line(text))” is no server address: \(why)",
                hint: "it looks like https://chat.example.org")
        case .insecureAddress(let url):
            Failure(
                .usage, "\(SafeText.line(url)) would send your password and messages over the network unencrypted",
                hint: "use https://; --allow-http does it all the same")
        case .notLoggedIn(let account):
            Failure(.notLoggedIn, "not logged in as \(SafeText.line(account))", hint: "“mmvault login URL” logs in")
        case .sessionExpired(let server):
            Failure(
                .notLoggedIn, "\(SafeText.line(server)) does not accept the token: the session has ended",
                hint: "“mmvault login \(SafeText.line(server))” starts a new one; what was archived is kept")
        case .loginRefused(let message):
            Failure(.notLoggedIn, "the login was refused: \(SafeText.line(message))", hint: "nothing was changed")
        case .mfaRequired:
            Failure(
                .notLoggedIn, "this account asks for an MFA code",
                hint: "log in at a terminal, add --mfa-code-file, or use a personal access token")
        case .otherUser(let expected, let found):
            Failure(
                .notLoggedIn,
                "the token belongs to \(SafeText.line(found)), and the archive to \(SafeText.line(expected))",
                hint: "“mmvault login URL” as \(SafeText.line(expected))")
        case .redirected(let from, let to):
            Failure(
                .server, "\(SafeText.line(from)) sends its visitors on to \(SafeText.line(to))",
                hint: "the token was not sent there; if that is the right server, log in with that address")
        case .refused(let status, _, let message, let request):
            Failure(
                .server,
                "the server refused the request (\(status)): \(SafeText.line(message)) [\(SafeText.line(request))]")
        case .noAnswer(let request, let why, let attempts):
            Failure(
                .server,
                "no usable answer after \(attempts) attempt\(attempts == 1 ? "" : "s"): \(SafeText.line(why))"
                    + " [\(SafeText.line(request))]",
                hint: "run the command again later; nothing is lost")
        case .unsettledHistory(let channelID):
            Failure(
                .server, "the history of channel \(SafeText.line(channelID)) changes faster than it can be read",
                hint: "what was fetched is kept; run the command again later")
        case .noSuchChannel(let name):
            Failure(
                .noArchive, "the server lists no channel or team “\(SafeText.line(name))” for this account",
                hint: "“mmvault status” shows the names; nothing was fetched")
        case .noChannelToAskIn: Failure(.server, "it is asked for in a channel, and the server lists none for you")
        case .archive(let error): of(error)
        case .cancelled: .interrupted
        }
    }

    private static func of(_ error: ReaderError) -> Failure {
        switch error {
        case .noBackup(let source):
            Failure(
                .key, "there is no key backup in \(SafeText.line(source))",
                hint: "it holds “\(KeyBackup.begin)”, or is an OpenPGP message, or the server's mail saved as .eml")
        case .badKey(let source, let error):
            Failure(
                .key, "the key in \(SafeText.line(source)) cannot be used: \(SafeText.line(error.description))",
                hint:
                    "nothing was stored; take the backup again from the mail, or from “/e2ee show_backup” in Mattermost"
            )
        case .otherKey(let path, let found):
            Failure(.damaged, "\(SafeText.line(path)) holds another key: \(found.short)…")
        case .othersKey(_, let username, let isShown):
            Failure(
                .key,
                "\(isShown ? "the server shows" : "the archive knows") this key as @\(SafeText.name(username))'s, "
                    + "not as yours",
                hint: "nothing was stored; --key FILE uses it for one command")
        case .gpgMissing:
            Failure(.key, "there is no gpg", hint: "install GnuPG (on Debian: apt install gnupg)")
        case .gpgFailed(let doing, let message):
            Failure(
                .key, "gpg could not \(doing)\(message.isEmpty ? "" : ": \(SafeText.line(message))")",
                hint: gpgHint(doing))
        case .noSecretKey(let ids):
            Failure(
                .key,
                "gpg could not decrypt the backup: the OpenPGP secret key that it is encrypted to is not here"
                    + (ids.isEmpty ? "" : " (\(SafeText.line(ids.joined(separator: ", "))))"),
                hint: "bring your OpenPGP secret key here (“gpg --import FILE”, or its smart card), and give the same "
                    + "command again")
        case .noGpgKey:
            Failure(
                .key, "you have no OpenPGP key to encrypt the private key to, and in clear text it is not stored",
                hint: "make one with “gpg --quick-gen-key NAME”, name one with --recipient, or use --symmetric; "
                    + "“--key FILE” reads a key for one command without storing it")
        case .unreadable(let path): Failure(.key, "\(SafeText.line(path)) cannot be read")
        case .outputExists(let path):
            PrivateFile.exists("\(path)/INCOMPLETE")
                ? Failure(
                    .usage, "\(SafeText.line(path)) is an export that was cut",
                    hint: "remove it, and run the command again; nothing was changed")
                : Failure(
                    .usage, "\(SafeText.line(path)) exists and is not empty", hint: "name what does not exist yet")
        case .output(let path, let operation, let errno):
            Failure(.failure, "cannot \(operation) \(SafeText.line(path)): \(Terminal.describe(errno: errno))")
        case .changedMeanwhile(let file):
            Failure(.damaged, "\(SafeText.line(file)) changed while it was read", hint: "“mmvault check” says more")
        case .archiveGrew:
            Failure(
                .failure, "the archive grew while it was read, and what came belongs to the choice",
                hint: "nothing was written; run it again when no pull is under way, or with --until")
        case .nothingChosen:
            Failure(
                .noArchive, "nothing was chosen: no post in the archive is of that choice",
                hint: "nothing was written; “mmvault channels” shows what is there")
        case .notAPackage(let path, let what):
            Failure(
                .badExport, "\(SafeText.line(path)) is no package of evidence: \(SafeText.line(what))",
                hint: what.hasPrefix("the package is in")
                    ? "unpack it, and check that folder; “mmvault check FOLDER” does" : sealedHint(path))
        case .notEvidence(let path, let format):
            Failure(
                .badExport, "\(SafeText.line(path)) is no package of evidence: it is an export (\(format.rawValue))",
                hint: "“sha256sum -c SHA256SUMS” in it checks its files")
        case .badTrustList(let what):
            Failure(
                .badExport, "the list of keys cannot be read: \(SafeText.line(what))",
                hint: "nothing was changed; “mmvault trust export” makes such a list")
        case .refusedTrustList(let refusal): of(refusal)
        case .archive(let error): of(error)
        }
    }

    private static func gpgHint(_ doing: String) -> String {
        if doing.hasPrefix("decrypt") {
            return "try “gpg --decrypt” on the file by hand; without a terminal gpg must not ask for a passphrase"
        }
        if doing == Gpg.sealing {
            return "“gpg --list-keys” shows the keys that gpg has; import the recipient's first"
        }
        return (doing == Gpg.signing ? "name a key that can sign: " : "")
            + "“gpg --list-secret-keys” shows your keys; without a terminal gpg must not ask for a passphrase"
    }

    /// How to open a package that is sealed.
    private static func sealedHint(_ path: String) -> String? {
        guard let sealing = PackageForm(path).sealing else { return nil }
        let (sealed, open) = (SafeText.line(path), SafeText.line(String(path.dropLast(4))))
        return sealing == "age"
            ? "decrypt it first: age -d -i KEYFILE -o \(open) \(sealed)"
            : "decrypt it first: gpg --output \(open) --decrypt \(sealed)"
    }

    private static func of(_ refusal: CheckedTrustList.Refusal) -> Failure {
        switch refusal {
        case .otherServer(let server):
            Failure(
                .badExport, "the list is about the users of \(SafeText.line(server)), and the archive is not",
                hint: "nothing was changed; --account chooses another archive")
        case .own:
            Failure(
                .badExport, "the list is your own",
                hint: "nothing was changed; it is for your colleagues to import")
        case .unknownSigner(let userID, let keyID):
            Failure(
                .badExport,
                "the list is signed by key \(keyID.prefix(16))…, which is not known to be that of its author, "
                    + SafeText.line(userID),
                hint: "nothing was changed; “mmvault pull” asks the server for keys, and “mmvault trust” shows them")
        case .rejectedSigner(let userID, let keyID):
            Failure(
                .badExport,
                "the list is signed by key \(keyID.prefix(16))… of \(SafeText.line(userID)), which you rejected",
                hint: "nothing was changed; “mmvault trust withdraw” takes a rejection back")
        case .badSignature:
            Failure(
                .badExport, "the list was changed after it was signed",
                hint: "nothing was changed here; ask its author to send it again")
        case .notNewer(let time):
            Failure(
                .badExport, "the list is not newer than the one of \(time.minute) UTC, which was imported already",
                hint: "nothing was changed")
        case .fromTheFuture(let time):
            Failure(
                .badExport, "the list is of \(time.minute) UTC, which is yet to come",
                hint: "nothing was changed; one of the two clocks is wrong")
        }
    }
}
