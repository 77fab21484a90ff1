internal import Bytes

/// A directory with one directory per account on a server.
public struct Vault: Sendable {
    public let path: String

    public init(path: String) { self.path = path }

    /// The names of the accounts that it holds, sorted.
    public var accountNames: [String] {
        PrivateFile.names(in: path).filter { PrivateFile.exists("\(path)/\($0)/\(AccountDirectory.archiveName)") }
    }

    /// The account called `name`, or the only one there is.
    public func account(named name: String?) throws(ArchiveError) -> AccountDirectory {
        guard PrivateFile.isDirectory(path) else { throw .noVault(path: path) }
        let names = accountNames
        if let name {
            guard names.contains(name) else { throw .unknownAccount(name: name, known: names) }
            return AccountDirectory(path: "\(path)/\(name)", name: name)
        }
        guard let only = names.first else { throw .noAccount(vault: path) }
        guard names.count == 1 else { throw .severalAccounts(names: names) }
        return AccountDirectory(path: "\(path)/\(only)", name: only)
    }

    /// The directory of an account, made where it is missing. An account is its user id on a server; the directory is
    /// called after the server and the user's name, so that a person finds it.
    public func makeAccount(_ account: Account) throws(ArchiveError) -> AccountDirectory {
        try PrivateFile.makeDirectory(path)
        for name in accountNames {
            let directory = AccountDirectory(path: "\(path)/\(name)", name: name)
            if let known = try Archive.account(in: directory), known.isSame(as: account) { return directory }
        }
        let base = "\(account.serverLabel)_\(Account.isSafeName(account.username) ? account.username : account.userID)"
        let name = PrivateFile.exists("\(path)/\(base)") ? "\(base)_\(account.userID)" : base
        let directory = AccountDirectory(path: "\(path)/\(name)", name: name)
        try PrivateFile.makeDirectory(directory.path)
        try PrivateFile.makeDirectory(directory.keysPath)
        try Archive.create(in: directory, for: account)
        return directory
    }
}

/// What one account's directory holds.
public struct AccountDirectory: Sendable {
    public let path: String
    /// The directory's own name, which `--account` takes.
    public let name: String

    static let archiveName = "archive.sqlite"

    public var archivePath: String { "\(path)/\(AccountDirectory.archiveName)" }
    var lockPath: String { "\(path)/lock" }
    /// The server's address and the token, 0600. Only Exporter reads and writes it.
    public var sessionPath: String { "\(path)/session.json" }
    /// One OpenPGP file per restored private key. Only Reader reads and writes there.
    public var keysPath: String { "\(path)/keys" }
}

/// Whose archive it is: a user on a server.
public struct Account: Equatable, Sendable {
    /// `https://chat.example.org`, without a final slash.
    public let server: String
    public let userID: String
    public let username: String

    public init(server: String, userID: String, username: String) {
        self.server = server
        self.userID = userID
        self.username = username
    }

    /// The server as a directory's name: host, port and path, nothing but letters, digits, `.`, `-` and `_`.
    /// A server on loopback is named without its port, which changes from one start to the next.
    public var serverLabel: String {
        var rest = server[...]
        if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
        let host = rest.prefix { $0 != "/" }
        for loopback in ["127.0.0.1", "localhost", "[::1]"] where host == loopback || host.hasPrefix("\(loopback):") {
            return "localhost"
        }
        let label = String(rest.map { $0.isASCII && ($0.isLetter || $0.isNumber || ".-".contains($0)) ? $0 : "_" })
        return label.hasPrefix(".") ? "_" + label.dropFirst() : label
    }

    func isSame(as other: Account) -> Bool { userID == other.userID && serverLabel == other.serverLabel }

    static func isSafeName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 64 && !name.hasPrefix(".")
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
    }
}
