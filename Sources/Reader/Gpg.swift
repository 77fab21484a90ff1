internal import Archive
internal import Bytes
internal import E2EE
internal import Glibc

/// The user's own `gpg`. Whatever is secret goes through pipes: never into an argument, the environment or a file.
public struct Gpg: Sendable {
    /// Whether gpg may ask for a passphrase. Without a terminal it must not; what its agent remembers still works.
    let mayAsk: Bool

    public init() { mayAsk = isatty(STDIN_FILENO) == 1 }

    /// How a backup is encrypted.
    public enum Encryption: Equatable, Sendable {
        case recipient(Key)
        /// By a passphrase, which gpg asks for.
        case symmetric
    }

    /// - Returns: what the message holds, and how well it kept that.
    /// - Throws: `noSecretKey`, `gpgFailed` with what gpg said, `gpgMissing`.
    func open(_ message: [UInt8]) async throws(ReaderError) -> (content: [UInt8], protection: Protection) {
        // What gpg says to people is in their language; its status lines are not. Its settings may name a file for what
        // it opens (output, use-embedded-filename): it must get there never.
        var answer = try await attempt(
            ["--status-fd", "2", "--output", "-", "--decrypt"], input: message, doing: Gpg.decrypting)
        let status = Gpg.statusLines(in: answer.errors)
        if answer.isSuccess { return (answer.output, Protection(status)) }
        // What gpg refuses at last, it may have opened.
        wipe(&answer.output)
        let recipients = Gpg.recipients(status)
        var isHere = recipients.isEmpty
        for id in recipients where !isHere { isHere = await holdsSecretKey(id) }
        guard isHere else { throw .noSecretKey(ids: recipients) }
        throw .gpgFailed(doing: Gpg.decrypting, message: Gpg.lastWords(answer.errors))
    }

    /// Whether anybody can read a private key in it: gpg finds a text without decrypting anything, or there is one.
    func isInTheClear(_ message: [UInt8]) async throws(ReaderError) -> Bool {
        if message.firstRange(of: Array(KeyBackup.begin.utf8)) != nil { return true }
        var answer = try await attempt(
            ["--status-fd", "2", "--list-only", "--output", "-", "--decrypt"], input: message, doing: Gpg.decrypting)
        wipe(&answer.output)
        return Gpg.statusLines(in: answer.errors).contains { $0.keyword == "PLAINTEXT" }
    }

    private static let decrypting = "decrypt the backup"

    /// - Returns: the ids of the keys that a message is encrypted to; empty where a passphrase opens it, too, or it keeps
    ///   silent about one of them.
    private static func recipients(_ status: [StatusLine]) -> [String] {
        let ids = status.filter { $0.keyword == "ENC_TO" }.compactMap(\.words.first)
        let isOpen =
            status.contains { $0.keyword == "NEED_PASSPHRASE_SYM" }
            || ids.contains { $0.utf8.allSatisfy { $0 == UInt8(ascii: "0") } }
        return isOpen ? [] : ids
    }

    /// Whether gpg has a secret key, or knows that a smart card does.
    private func holdsSecretKey(_ id: String) async -> Bool {
        let found = try? await run(
            ["--with-colons", "--list-secret-keys", "--", id], input: [], doing: "look for a key")
        return found != nil
    }

    /// - Returns: an ASCII-armored OpenPGP message.
    func encrypt(_ text: [UInt8], _ encryption: Encryption) async throws(ReaderError) -> [UInt8] {
        let arguments =
            switch encryption {
            case .recipient(let key): Gpg.encryption(to: key)
            case .symmetric: ["--output", "-", "--symmetric"]
            }
        let message = try await run(["--armor"] + arguments, input: text, doing: Gpg.encrypting)
        // By its settings gpg may write nothing (dry-run), and call that a success.
        guard message.starts(with: BackupText.begin.utf8) else {
            throw .gpgFailed(doing: Gpg.encrypting, message: "it wrote no message")
        }
        return message
    }

    static let encrypting = "encrypt the backup"
}

extension Substring {
    var trimmed: String {
        var rest = self
        while rest.first?.isWhitespace == true { rest = rest.dropFirst() }
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        return String(rest)
    }
}
