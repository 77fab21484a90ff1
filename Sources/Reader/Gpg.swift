internal import Archive
internal import Glibc

/// The user's own `gpg`. Whatever is secret goes through pipes: never into an argument, the environment or a file.
public struct Gpg: Sendable {
    /// Whether gpg may ask for a passphrase. Without a terminal it must not; what its agent remembers still works.
    let mayAsk: Bool

    public init() { mayAsk = isatty(STDIN_FILENO) == 1 }

    /// A key that can be encrypted to.
    public struct Key: Equatable, Sendable {
        /// The fingerprint, 40 hexadecimal digits or more.
        public let fingerprint: String
        /// `Alice <alice@example.org>`, as its owner chose it.
        public let userID: String
    }

    /// How a backup is encrypted.
    public enum Encryption: Equatable, Sendable {
        case recipient(String)
        /// By a passphrase, which gpg asks for.
        case symmetric
    }

    /// - Returns: the message's content.
    /// - Throws: `noSecretKey`, `gpgFailed` with what gpg said, `gpgMissing`.
    func decrypt(_ message: [UInt8]) async throws(ReaderError) -> [UInt8] {
        // What gpg says to people is in their language; its status lines are not.
        let answer = try await attempt(["--status-fd", "2", "--decrypt"], input: message, doing: Gpg.decrypting)
        if answer.isSuccess { return answer.output }
        let recipients = Gpg.recipients(Gpg.statusLines(in: answer.errors))
        var isHere = recipients.isEmpty
        for id in recipients where !isHere { isHere = await holdsSecretKey(id) }
        guard isHere else { throw .noSecretKey(ids: recipients) }
        throw .gpgFailed(doing: Gpg.decrypting, message: Gpg.lastWords(answer.errors))
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
            // The recipient is the user's own key, or one that the user named: its trust is not gpg's to judge here.
            case .recipient(let id): ["--armor", "--trust-model", "always", "--recipient", id, "--encrypt"]
            case .symmetric: ["--armor", "--symmetric"]
            }
        return try await run(arguments, input: text, doing: "encrypt the backup")
    }

    /// The user's secret keys that can be encrypted to, in gpg's order.
    public func ownKeys() async throws(ReaderError) -> [Key] {
        let output = try await run(
            ["--list-secret-keys", "--with-colons", "--fixed-list-mode"], input: [], doing: "list your keys")
        return Gpg.keys(in: output, "sec")
    }

    /// The public keys for `name` (an address, a name, a fingerprint) that can be encrypted to.
    ///
    /// - Parameter mayLocate: whether gpg may look for one elsewhere, as its own settings say: Web Key Directory, key
    ///   servers. That is gpg's business, and reaches a network.
    /// - Returns: the keys; empty where there are none.
    public func publicKeys(for name: String, mayLocate: Bool) async throws(ReaderError) -> [Key] {
        let command = mayLocate ? "--locate-keys" : "--list-keys"
        do throws(ReaderError) {
            let output = try await run(
                ["--with-colons", "--fixed-list-mode", command, "--", name], input: [], doing: "look for a key")
            return Gpg.keys(in: output, "pub")
        } catch .gpgFailed {
            // How gpg says that there is none.
            return []
        }
    }

    /// - Parameter record: which kind of key is wanted, `sec` or `pub`.
    private static func keys(in output: [UInt8], _ record: String) -> [Key] {
        // doc/DETAILS of GnuPG: field 1 the record's type, 2 the validity, 10 the fingerprint or user id, 12 what the
        // key can do, where a capital E stands for the whole key.
        var keys: [Key] = []
        var usable = false
        var fingerprint: String?
        for line in String(decoding: output, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count > 11 || (fields.count > 9 && fields[0] != record) else { continue }
            switch fields[0] {
            case Substring(record):
                usable = fields[11].contains("E") && !["e", "r", "d", "i"].contains(fields[1])
                fingerprint = nil
            case "fpr" where fingerprint == nil: fingerprint = String(fields[9])
            case "uid":
                guard usable, let found = fingerprint else { continue }
                keys.append(Key(fingerprint: found, userID: String(fields[9])))
                usable = false
            default: continue
            }
        }
        return keys
    }
}

extension Substring {
    var trimmed: String {
        var rest = self
        while rest.first?.isWhitespace == true { rest = rest.dropFirst() }
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        return String(rest)
    }
}
