/// Which OpenPGP key a name means. Only this makes a `Gpg.Key`, and only with one is gpg told to encrypt or to sign.
extension Gpg {
    /// One of gpg's keys that can do what it is wanted for.
    public struct Key: Equatable, Sendable {
        /// The fingerprint, 40 hexadecimal digits or more; never that of a subkey.
        public let fingerprint: String
        /// `Alice <alice@example.org>`, as its owner chose it: the one that it was named by, or its first.
        public let userID: String
    }

    public enum Use: Sendable {
        case encryption, signing
    }

    /// Why there is no such key.
    public enum KeyRefusal: Equatable, Sendable {
        case unknown(name: String, Use)
        /// gpg finds these, by a part of what they are called.
        case inexact(name: String, [Key])
        case subkey(name: String, of: Key)
        case several(name: String, [Key])
        case severalOwn([Key])
        case unusable(Key, Defect)
        /// gpg's settings add others to whatever it encrypts or signs.
        case notAlone(Key, Use)
    }

    public enum Defect: Sendable {
        case revoked, expired, disabled, invalid, cannotEncrypt, cannotSign
    }

    /// The one key that `name` means: its fingerprint, its long key id, a whole user id, or the whole address in one. Of
    /// several, the only one that can be used.
    ///
    /// - Parameter locating: called before gpg looks elsewhere for the key of an address, as its own settings say: Web Key
    ///   Directory, key servers. That is gpg's business, and reaches a network. Without it, gpg is not to look.
    /// - Throws: `refusedGpgKey`.
    public func key(
        named name: String, for use: Use, locating: (() -> Void)? = nil
    ) async throws(ReaderError) -> Key {
        let keyName = KeyName(name)
        var listed = try await list(name, use)
        if let locating, let address = keyName.address, !listed.contains(where: { keyName.match($0) != nil }) {
            locating()
            _ = try? await run(["--locate-keys", "--", address], input: [], doing: Gpg.looking)
            listed = try await list(name, use)
        }
        let matches = listed.compactMap { key in keyName.match(key).map { (key, Key(key, $0)) } }
        let usable = matches.filter { $0.0.defect(for: use) == nil }
        if usable.count > 1 { throw .refusedGpgKey(.several(name: name, usable.map(\.1))) }
        if let key = usable.first?.1 {
            if use == .encryption { try await requireAlone(key) }
            return key
        }
        if let (key, shown) = matches.first, let defect = key.defect(for: use) {
            throw .refusedGpgKey(.unusable(shown, defect))
        }
        if let key = listed.first(where: { keyName.isSubkey(of: $0) }) {
            throw .refusedGpgKey(.subkey(name: name, of: Key(key)))
        }
        throw .refusedGpgKey(
            listed.isEmpty ? .unknown(name: name, use) : .inexact(name: name, listed.map { Key($0) }))
    }

    /// The user's only secret key that can be encrypted to and opens that again.
    ///
    /// - Throws: `noGpgKey`, `refusedGpgKey`.
    public func ownKey() async throws(ReaderError) -> Key {
        let output = try await run(
            ["--with-colons", "--fixed-list-mode", "--list-secret-keys"], input: [], doing: "list your keys")
        let keys = ListedKey.all(in: output).filter { $0.defect(for: .encryption) == nil && $0.opens }
        guard let key = keys.first.map({ Key($0) }) else { throw .noGpgKey }
        guard keys.count == 1 else { throw .refusedGpgKey(.severalOwn(keys.map { Key($0) })) }
        try await requireAlone(key)
        return key
    }

    private static let looking = "look for a key"

    /// - Returns: what gpg finds for a name, which it takes as part of one; empty where there is nothing.
    private func list(_ name: String, _ use: Use) async throws(ReaderError) -> [ListedKey] {
        guard !name.isEmpty else { return [] }
        let command = use == .signing ? "--list-secret-keys" : "--list-keys"
        do throws(ReaderError) {
            return ListedKey.all(
                in: try await run(
                    ["--with-colons", "--fixed-list-mode", command, "--", name], input: [], doing: Gpg.looking))
        } catch .gpgFailed {
            // How gpg says that there is none.
            return []
        }
    }

    /// What encrypts to a key and to no other, whatever gpg.conf says of groups and of other readers. How far gpg trusts
    /// the key does not count: it is the user's own, or the user named it exactly.
    static func encryption(to key: Key) -> [String] {
        [
            "--no-groups", "--no-encrypt-to", "--no-auto-key-locate", "--trust-model", "always", "--recipient",
            key.fingerprint, "--output", "-", "--encrypt",
        ]
    }

    /// A line “recipient” in gpg.conf is the one thing that no option takes back. So gpg shows what it would do.
    private func requireAlone(_ key: Key) async throws(ReaderError) {
        let message = try await run(Gpg.encryption(to: key), input: [], doing: Gpg.encrypting)
        guard !message.isEmpty else { throw .gpgFailed(doing: Gpg.encrypting, message: "it wrote no message") }
        let answer = try await attempt(
            ["--status-fd", "2", "--list-only", "--decrypt"], input: message, doing: Gpg.looking)
        guard Gpg.statusLines(in: answer.errors).filter({ $0.keyword == "ENC_TO" }).count == 1 else {
            throw .refusedGpgKey(.notAlone(key, .encryption))
        }
    }
}

/// What a key may be called by so that no other is meant.
private enum KeyName {
    case fingerprint(String)
    case longID(String)
    case userID(String)

    init(_ text: String) {
        let digits = (text.lowercased().hasPrefix("0x") ? text.dropFirst(2) : text[...])
            .filter { $0 != " " }.uppercased()
        let isHexadecimal = digits.utf8.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
        switch digits.utf8.count {
        case 40 where isHexadecimal, 64 where isHexadecimal: self = .fingerprint(digits)
        case 16 where isHexadecimal && !text.contains(" "): self = .longID(digits)
        default: self = .userID(text)
        }
    }

    /// - Returns: the user id that `key` is shown by, if this names it; nil if not.
    func match(_ key: ListedKey) -> String? {
        switch self {
        case .fingerprint(let fingerprint): key.fingerprint == fingerprint ? key.userID : nil
        case .longID(let id): key.id == id ? key.userID : nil
        case .userID(let name):
            key.userIDs.first { $0.utf8.elementsEqual(name.utf8) }
                ?? KeyName.address(in: name, isAlone: true).flatMap { address in
                    key.userIDs.first { KeyName.address(in: $0, isAlone: false) == address }
                }
        }
    }

    func isSubkey(of key: ListedKey) -> Bool {
        switch self {
        case .fingerprint(let fingerprint): key.subkeys.contains { $0.fingerprint == fingerprint }
        case .longID(let id): key.subkeys.contains { $0.id == id }
        case .userID: false
        }
    }

    /// The address that this is, or has, for gpg to look for.
    var address: String? {
        if case .userID(let name) = self { KeyName.address(in: name, isAlone: false) } else { nil }
    }

    /// - Parameter isAlone: whether there must be nothing else.
    /// - Returns: the address in a user id, in small letters: `a@b`, `<a@b>` or `Anna <a@b>`.
    private static func address(in text: String, isAlone: Bool) -> String? {
        var bytes = Array(text.utf8)[...]
        if bytes.last == UInt8(ascii: ">"), let opening = bytes.firstIndex(of: UInt8(ascii: "<")) {
            guard !isAlone || opening == bytes.startIndex else { return nil }
            bytes = bytes[(opening + 1)...].dropLast()
        }
        let isAddress =
            bytes.count { $0 == UInt8(ascii: "@") } == 1
            && bytes.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") }
        guard isAddress, bytes.first != UInt8(ascii: "@"), bytes.last != UInt8(ascii: "@") else { return nil }
        return String(
            decoding: bytes.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self
        )
    }
}

/// A key as gpg lists it: doc/DETAILS of GnuPG, “Format of the colon listings”.
private struct ListedKey {
    /// The long key id.
    let id: String
    private let validity: String
    /// What it can do; a capital letter stands for the key with all its subkeys.
    private let abilities: String
    private(set) var fingerprint = ""
    /// Those that its owner has not revoked; of a key that was revoked, all.
    private(set) var userIDs: [String] = []
    private(set) var subkeys: [(id: String, fingerprint: String)] = []
    /// Whether a secret half that decrypts is here, or on a smart card.
    private(set) var opens = false

    var userID: String { userIDs.first ?? "" }

    func defect(for use: Gpg.Use) -> Gpg.Defect? {
        switch validity {
        case "r": return .revoked
        case "e": return .expired
        case "i": return .invalid
        case "d": return .disabled
        default: break
        }
        if abilities.contains("D") { return .disabled }
        return switch use {
        case .encryption: abilities.contains("E") ? nil : .cannotEncrypt
        case .signing: abilities.contains("S") ? nil : .cannotSign
        }
    }

    static func all(in output: [UInt8]) -> [ListedKey] {
        var keys: [ListedKey] = []
        for line in output.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map(text)
            guard fields.count > 9, let record = fields.first else { continue }
            if record == "pub" || record == "sec" { keys.append(ListedKey(fields)) }
            guard !keys.isEmpty else { continue }
            keys[keys.count - 1].add(record, fields)
        }
        return keys
    }

    private init(_ fields: [String]) {
        (id, validity, abilities) = (fields[4], fields[1], fields.count > 11 ? fields[11] : "")
    }

    private mutating func add(_ record: String, _ fields: [String]) {
        switch record {
        case "sub", "ssb": subkeys.append((fields[4], ""))
        case "fpr" where subkeys.isEmpty: fingerprint = fields[9]
        case "fpr": subkeys[subkeys.count - 1].fingerprint = fields[9]
        case "uid" where fields[1] == validity || !["r", "i"].contains(fields[1]): userIDs.append(fields[9])
        default: break
        }
        // A secret half that is not here is listed with “#”.
        if record == "sec" || record == "ssb", fields.count > 14, fields[14] != "#", fields[11].contains("e"),
            !["r", "e", "i"].contains(fields[1])
        {
            opens = true
        }
    }

    /// A field, in which gpg writes some characters as `\x3a`.
    private static func text(_ field: ArraySlice<UInt8>) -> String {
        var bytes: [UInt8] = []
        var rest = field
        while let byte = rest.first {
            if byte == UInt8(ascii: "\\"), rest.dropFirst().first == UInt8(ascii: "x"),
                let value = UInt8(String(decoding: rest.dropFirst(2).prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(4)
            } else {
                bytes.append(byte)
                rest = rest.dropFirst()
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Gpg.Key {
    fileprivate init(_ key: ListedKey, _ userID: String? = nil) {
        self.init(fingerprint: key.fingerprint, userID: userID ?? key.userID)
    }
}
