import Archive
import E2EE
import Glibc
import Reader

extension Failure {
    static func of(_ error: ReaderError) -> Failure {
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
        case .gpgMissing:
            Failure(.key, "gpg is not installed", hint: "install GnuPG (on Debian: apt install gnupg)")
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
        case .refusedGpgKey(let refusal): of(refusal)
        case .notEncrypted(let path):
            Failure(
                .key, "\(SafeText.line(path)) is not encrypted: it holds your private key in the clear",
                hint: "“mmvault key restore \(SafeText.line(path))” encrypts it; if others could read the file, "
                    + "make a new key in Mattermost")
        case .unreadable(let path): Failure(.key, "\(SafeText.line(path)) cannot be read")
        case .outputExists(let path):
            PrivateFile.exists("\(path)/INCOMPLETE")
                ? Failure(
                    .usage, "\(SafeText.line(path)) is an export that was cut",
                    hint: "remove it, and run the command again; nothing was changed")
                : Failure(
                    .usage, "\(SafeText.line(path)) exists and is not empty", hint: "name what does not exist yet")
        case .output(let path, let operation, let errno):
            Failure(
                .failure, "cannot \(operation) \(SafeText.line(path)): \(Terminal.describe(errno: errno))",
                hint: errno == ENOSPC || errno == EDQUOT
                    ? "free some space, and run the command again; a folder that was begun holds INCOMPLETE: remove it"
                    : errno == ENOENT ? "make the folder first that it is to stand in" : nil)
        case .changedMeanwhile(let file):
            Failure(.damaged, "\(SafeText.line(file)) changed while it was read", hint: "“mmvault check” says more")
        case .archiveGrew:
            Failure(
                .failure, "the archive grew while it was read, and what came belongs to the choice",
                hint: "nothing was written; run it again when no pull is under way, or with --until")
        case .cannotRedact(let post):
            Failure(
                .failure,
                "post \(SafeText.line(post)) cannot be redacted: its text cannot be taken out of the document that "
                    + "holds it (never out of an import)",
                hint: "nothing was written; leave its channel or its time out with --channel, --since or --until")
        case .nothingToRedact(let ids):
            Failure(
                .noArchive,
                "nothing to redact: no post in the package would be of \(SafeText.line(ids.joined(separator: ", ")))",
                hint: "nothing was written; check the ids and names after --redact and --redact-user")
        case .nothingChosen:
            Failure(
                .noArchive, "nothing was chosen: no post in the archive is of that choice",
                hint: "nothing was written; “mmvault channels” shows what is there")
        case .notAPackage(let path, let what):
            Failure(
                .badExport, "\(SafeText.line(path)) is no package of evidence: \(SafeText.line(what))",
                hint: what == PackReader.foreignWords
                    ? packedAgain
                    : PrivateFile.names(in: path).first { $0.hasPrefix("evidence-") }
                        .map { "it may hold one: check \(SafeText.line("\(path)/\($0)"))" })
        case .sealed(let path, let failure): of(failure, SafeText.line(path))
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

    /// What to do with a package that another program packed.
    static let packedAgain =
        "if you know who packed it again, unpack it and check the folder; otherwise ask for another copy"

    private static func gpgHint(_ doing: String) -> String {
        if doing == Gpg.unsealing {
            return
                "the package opens with the OpenPGP key that it was sealed for: “gpg --list-packets FILE” shows its id; "
                + "without a terminal gpg cannot ask for a passphrase"
        }
        if doing.hasPrefix("decrypt") {
            return "try “gpg --decrypt” on the file by hand; without a terminal gpg cannot ask for a passphrase"
        }
        if doing == Gpg.sealing {
            return "“gpg --list-keys” shows the keys that gpg has; import the recipient's first"
        }
        return "“gpg --list-secret-keys” shows your keys; without a terminal gpg cannot ask for a passphrase"
    }

    private static func of(_ failure: SealFailure, _ path: String) -> Failure {
        switch failure {
        case .noIdentity:
            Failure(
                .key, "\(path) is sealed with age",
                hint: "--identity FILE names the file with your key, as age-keygen wrote it")
        case .otherIdentity:
            Failure(
                .key, "\(path) is sealed for another age key",
                hint: "ask for whom it was sealed; its owner gave an age1… to --encrypt-to")
        case .damaged:
            Failure(
                .damaged, "\(path) is not a sealed package, or was changed or cut",
                hint: "nothing in it was read; ask for another copy")
        case .notEncrypted:
            Failure(
                .badExport, "\(path) is called like a sealed package, and is not encrypted",
                hint: "nothing in it was read; “gpg --decrypt” unpacks it, and what comes out can be checked")
        }
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
