/// What gpg writes for programs: doc/DETAILS of GnuPG, “Format of the --status-fd output”.
extension Gpg {
    struct StatusLine {
        let keyword: String
        /// What follows the keyword, as gpg escapes it: of control characters alone. A user id may hold others that end
        /// a line to Swift, U+2028 for one, and words of gpg behind them.
        let rest: String

        var words: [String] { rest.utf8.split(separator: UInt8(ascii: " ")).map { String(Substring($0)) } }
    }

    /// The status lines among others.
    static func statusLines(in output: String) -> [StatusLine] {
        let mark = "[GNUPG:] ".utf8
        return lines(in: output).filter { $0.utf8.starts(with: mark) }.map { line in
            let parts = line.utf8.dropFirst(mark.count).split(
                separator: UInt8(ascii: " "), maxSplits: 1, omittingEmptySubsequences: false)
            return StatusLine(
                keyword: String(Substring(parts[0])), rest: parts.count > 1 ? String(Substring(parts[1])) : "")
        }
    }

    /// The lines as gpg ends them, and no others.
    static func lines(in output: String) -> [Substring] {
        output.utf8.split(separator: UInt8(ascii: "\n")).map { Substring($0) }
    }

    static func lastWords(_ output: String?) -> String {
        lines(in: output ?? "").filter { $0.hasPrefix("gpg:") }.suffix(2).map { $0.dropFirst(4).trimmed }
            .joined(separator: "; ")
    }

    /// How well an OpenPGP message protects what it holds.
    public enum Protection: Equatable, Sendable {
        /// It is encrypted, and gpg would have seen a change.
        case sealed
        /// It is encrypted without integrity protection. gpg opens that only if its settings say so (ignore-mdc-error).
        case alterable
        /// It is not encrypted: only signed, or compressed.
        case none

        init(_ status: [StatusLine]) {
            func says(_ keyword: String) -> Bool { status.contains { $0.keyword == keyword } }
            let isEncrypted = says("DECRYPTION_OKAY") && !says("DECRYPTION_FAILED")
            self = !isEncrypted ? .none : says("GOODMDC") ? .sealed : .alterable
        }
    }
}
