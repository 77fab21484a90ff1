public import Archive
public import E2EE

/// Why a sealed package does not open.
public enum SealFailure: Equatable, Sendable {
    /// Nobody said which key opens it.
    case noIdentity
    /// It is sealed for another key.
    case otherIdentity
    /// It is no such file, or was changed or cut.
    case damaged
    /// gpg finds a message in it that is not encrypted.
    case notEncrypted
}

/// What can go wrong between an archive and its reader as a whole. Never holds a text or key bytes.
public enum ReaderError: Error, Equatable, Sendable {
    /// There is neither a clear-text backup nor a GPG backup in `source`.
    case noBackup(source: String)
    case badKey(source: String, KeyError)
    /// A stored key file holds another key than its name says.
    case otherKey(path: String, found: KeyID)
    case gpgMissing
    /// gpg said no; `message` is what it said.
    case gpgFailed(doing: String, message: String)
    /// gpg has none of the secret keys that a backup is encrypted to; their ids as OpenPGP tells them.
    case noSecretKey(ids: [String])
    /// The user has no OpenPGP key to encrypt a backup to.
    case noGpgKey
    /// A name that does not mean one OpenPGP key, or a key that is not to be used.
    case refusedGpgKey(Gpg.KeyRefusal)
    /// A stored key file that is not encrypted.
    case notEncrypted(path: String)
    case unreadable(path: String)
    /// The folder to export to holds something already.
    case outputExists(path: String)
    case output(path: String, operation: String, errno: Int32)
    /// What was to be written is not what it was when the writing began.
    case changedMeanwhile(file: String)
    /// Something was pulled into the archive while it was read.
    case archiveGrew
    /// There is no post of that choice, and evidence of nothing is none.
    case nothingChosen
    /// A post that is to be redacted stands in a document of which nothing can be taken out, as in an import.
    case cannotRedact(post: String)
    /// Nothing in a package would be of these posts and users, that are to be redacted.
    case nothingToRedact(ids: [String])
    /// What was to be checked is no package.
    case notAPackage(path: String, what: String)
    /// A package is sealed, and could not be opened.
    case sealed(path: String, SealFailure)
    /// What was to be checked is an export of another format.
    case notEvidence(path: String, ExportFormat)
    /// A file is no list of keys, or not as its format says.
    case badTrustList(String)
    /// A list of keys that this archive must not take.
    case refusedTrustList(CheckedTrustList.Refusal)
    case archive(ArchiveError)
}
