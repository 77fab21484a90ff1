/// What can go wrong with a vault or an archive as a whole. What is wrong with one post is data, not one of these.
public enum ArchiveError: Error, Equatable, Sendable {
    case noVault(path: String)
    case noAccount(vault: String)
    case unknownAccount(name: String, known: [String])
    case severalAccounts(names: [String])
    /// An account's folder, or the archive in it, is not the user's alone.
    case exposed(path: String, FolderExposure)
    case inUse(process: Int32?, path: String)
    case notAnArchive(path: String)
    case newerFormat(path: String, version: Int)
    /// A stored document does not have the bytes that its record states.
    case damagedDocument(sequence: Int64, what: String)
    /// Bytes offered for archiving are not what the caller says they are.
    case notAPage(what: String)
    case file(path: String, operation: String, errno: Int32)
    /// SQLite finds the file's own structure damaged.
    case damagedDatabase(path: String, what: String)
    case database(message: String, isFull: Bool)
    /// An export that was to be imported is not what it should be: which file in it, if one can be named, and what is wrong.
    case badExport(file: String?, what: String)
    /// A response with a time stamp is not what it should be, or is about another chain.
    case badTimeStamp(what: String)
    /// The compressed body of a document cannot be written or read.
    case compression(what: String)
}

/// Why somebody else may have changed a file or folder.
public enum FolderExposure: Equatable, Sendable {
    case link
    /// The user's number.
    case owner(Int)
    /// For the group, or for all.
    case writable
}
