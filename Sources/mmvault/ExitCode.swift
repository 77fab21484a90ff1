/// What the program ends with. docs/exit-codes.md is this table in words; scripts rely on the numbers.
enum ExitCode: Int32, CaseIterable {
    case success = 0
    case failure = 1
    case findings = 2
    case incomplete = 3
    case damaged = 4
    case inUse = 5
    case notLoggedIn = 6
    case server = 7
    case key = 8
    case noArchive = 9
    case unchecked = 10
    case usage = 64
    case badExport = 65
    case interrupted = 130

    var meaning: String {
        switch self {
        case .success: "done, and nothing is wrong"
        case .failure: "failed for a reason that has no number of its own: a full disk, say"
        case .findings: "done, and there is something to look at"
        case .incomplete: "pull: done, but a channel or file is incomplete"
        case .damaged: "the archive, a file in the vault, or a package is damaged"
        case .inUse: "another mmvault is writing to this archive"
        case .notLoggedIn: "not logged in, the session has ended, or the server refused the login"
        case .server: "the server cannot be reached, or gives no usable answer"
        case .key: "a private key, or gpg, cannot do what was asked"
        case .noArchive: "no archive here, or no such account, channel, team, user or post in it"
        case .unchecked: "another version of mmvault made the package, and not all of it could be checked"
        case .usage: "the command line is not understood"
        case .badExport: "the given file is of the wrong kind, damaged or forged"
        case .interrupted: "interrupted; what was done until then is kept"
        }
    }

    /// The lines for a command's help.
    static func help(_ codes: ExitCode...) -> String {
        let lines = ([.success] + codes.sorted { $0.rawValue < $1.rawValue }).map { code in
            let number = String(code.rawValue)
            return "  \(number)\(String(repeating: " ", count: 5 - number.count))\(code.meaning)"
        }
        return "EXIT CODES:\n" + lines.joined(separator: "\n") + "\n  (all of them: docs/exit-codes.md)"
    }
}
