public import Bytes
internal import Glibc

/// A directory with one directory per account on a server.
public struct Vault: Sendable {
    public let path: String

    public init(path: String) { self.path = path }

    /// The names of the accounts that it holds, sorted.
    public var accountNames: [String] {
        PrivateFile.names(in: path).filter { directory($0).holdsArchive }
    }

    /// The account called `name`, or the only one there is.
    public func account(named name: String?) throws(ArchiveError) -> AccountDirectory {
        guard PrivateFile.isDirectory(path) else { throw .noVault(path: path) }
        let names = accountNames
        if let name {
            guard names.contains(name) else { throw .unknownAccount(name: name, known: names) }
            return try directory(name).requiringOwn()
        }
        guard let only = names.first else { throw .noAccount(vault: path) }
        guard names.count == 1 else { throw .severalAccounts(names: names) }
        return try directory(only).requiringOwn()
    }

    /// The directory of an account, made where it is missing. An account is its user id on a server; the directory is
    /// called after the server and the user's name, so that a person finds it.
    ///
    /// - Throws: `notAnArchive` and the like where the directory that should be the account's cannot be read.
    public func makeAccount(_ account: Account) throws(ArchiveError) -> AccountDirectory {
        try PrivateFile.makeDirectory(path)
        let names = account.directoryNames
        for name in accountNames {
            do throws(ArchiveError) {
                if try Archive(directory(name)).account().isSame(as: account) {
                    return try directory(name).requiringOwn()
                }
            } catch {
                // Another account's damage is no reason not to log in to this one.
                if names.contains(name) { throw error }
            }
        }
        for name in names where mayBecome(directory(name)) {
            let directory = directory(name)
            try PrivateFile.makeDirectory(directory.path)
            try PrivateFile.makeDirectory(directory.keysPath)
            try Archive.create(in: directory, for: account)
            if try Archive(directory).account().isSame(as: account) { return directory }
        }
        throw .file(path: path, operation: "make a directory for the account", errno: EEXIST)
    }

    /// The directory for imports alone of the user who is called `username` in them, made where it is missing.
    public func makeImportAccount(
        _ username: String, _ survey: ImportFile.Survey
    ) throws(ArchiveError) -> AccountDirectory {
        for name in accountNames {
            // Another account's damage is no reason not to import into this one.
            guard let account = try? Archive(directory(name)).account(), account.isOfImports,
                account.username == username
            else { continue }
            return try directory(name).requiringOwn()
        }
        let id = survey.userID(of: username) ?? ImportID.make("user", username)
        return try makeAccount(Account(server: Account.importServer, userID: id, username: username))
    }

    private func directory(_ name: String) -> AccountDirectory {
        AccountDirectory(path: "\(path)/\(name)", name: name)
    }

    /// Whether there is nothing yet, or only what a kill left of an account that was being made.
    private func mayBecome(_ directory: AccountDirectory) -> Bool {
        guard PrivateFile.exists(directory.path) else { return true }
        // A journal without its archive may be all that is left of one: that is for a person to look at.
        guard PrivateFile.size("\(directory.archivePath)-wal") ?? 0 == 0 else { return false }
        let own = ["checked", "keys", "lock", "session.json"]
        return PrivateFile.isDirectory(directory.path) && !directory.holdsArchive
            && PrivateFile.names(in: directory.path).allSatisfy {
                own.contains($0) || $0.hasPrefix(AccountDirectory.archiveName)
            }
    }
}

/// What one account's directory holds.
public struct AccountDirectory: Sendable {
    public let path: String
    /// The directory's own name, which `--account` takes.
    public let name: String

    static let archiveName = "archive.sqlite"

    /// What others may change says nothing for sure.
    ///
    /// - Throws: `exposed`.
    fileprivate func requiringOwn() throws(ArchiveError) -> AccountDirectory {
        for path in [path, archivePath] {
            if let exposure = PrivateFile.exposure(path) { throw .exposed(path: path, exposure) }
        }
        return self
    }

    public var archivePath: String { "\(path)/\(AccountDirectory.archiveName)" }
    var lockPath: String { "\(path)/lock" }

    /// Whether there is an archive, not just the empty file that is left of one.
    var holdsArchive: Bool { PrivateFile.size(archivePath).map { $0 > 0 } ?? false }

    /// The server's address and the token, 0600. Only Exporter reads and writes it.
    public var sessionPath: String { "\(path)/session.json" }
    /// One OpenPGP file per restored private key. Only Reader reads and writes there.
    public var keysPath: String { "\(path)/keys" }
    /// The files that posts name, each under its SHA-256.
    public var filesPath: String { "\(path)/files" }
    /// The sealed search index, which can be made anew at any time. Only Reader reads and writes there.
    public var searchPath: String { "\(path)/search" }
}

/// Whose archive it is: a user on a server.
public struct Account: Equatable, Sendable {
    /// `https://chat.example.org`, without a final slash.
    public let server: String
    public let userID: String
    public let username: String

    /// What stands for a server where there is none: in archives of imports alone.
    static let importServer = "import"

    /// Whether no server is asked for anything.
    public var isOfImports: Bool { server == Account.importServer }

    /// Where its user sees what is here: `on https://chat.example.org`.
    public var whereSeen: String { isOfImports ? "in imports alone" : "on \(server)" }

    public init(server: String, userID: String, username: String) {
        self.server = server
        self.userID = userID
        self.username = username
    }

    /// Reads what `write` wrote; nil for anything else.
    public init?(_ json: JSONValue) {
        guard let server = json["server"]?.string, let userID = json["user_id"]?.string,
            let username = json["username"]?.string
        else { return nil }
        self.init(server: server, userID: userID, username: username)
    }

    /// The members of an object that says whose an archive is.
    public func write(to json: inout JSONWriter) {
        json.string("server", server)
        json.string("user_id", userID)
        json.string("username", username)
    }

    /// The server without the scheme: one that is moved from http to https is still the same. A server on loopback goes
    /// without its port, which changes from one start to the next.
    private var address: Substring {
        var rest = server[...]
        if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
        let host = rest.prefix { $0 != "/" }
        for loopback in ["127.0.0.1", "localhost", "[::1]"] where host == loopback || host.hasPrefix("\(loopback):") {
            return "localhost"
        }
        return rest
    }

    /// The server as a directory's name: host, port and path, nothing but letters, digits, `.`, `-` and `_`.
    public var serverLabel: String {
        let label = String(address.map { $0.isASCII && ($0.isLetter || $0.isNumber || ".-".contains($0)) ? $0 : "_" })
        return String((label.hasPrefix(".") ? "_" + label.dropFirst() : label).prefix(100))
    }

    /// What the account's directory may be called, the first of them that is free.
    var directoryNames: [String] {
        let id = PostHeader.isIdentifier(userID) ? userID : SHA256Digest(of: Array(userID.utf8)).description
        let base = "\(serverLabel)_\(Account.isSafeName(username) ? username : id)"
        return [base, "\(base)_\(id)"] + (2...9).map { "\(base)_\(id)_\($0)" }
    }

    func isSame(as other: Account) -> Bool { userID == other.userID && address == other.address }

    private static func isSafeName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 64 && !name.hasPrefix(".")
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
    }
}
