internal import Bytes

/// A key's name as two people can read it to each other: twelve groups of five digits, some 199 bits.
///
/// The form is that of Signal's safety numbers ("numeric fingerprint" in libsignal): each group is five bytes of a
/// SHA-512, big-endian, modulo 100000. Digits are read alike in every language. Signal hashes 5200 times, to make up
/// for the 30 digits that it has for each side; these are 60, and of one key. Nothing else goes into it, so that a key
/// has the same digits in every archive; docs/trust.md computes them with the tools that every system has.
public struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
    /// Twelve, of five digits each.
    public let groups: [String]

    static let context = "mmvault fingerprint 1\n"

    public init(of key: KeyID) {
        let digest = SHA512Digest(of: Array(Fingerprint.context.utf8) + key.bytes).bytes
        groups = (0..<12).map { group in
            let number = digest[5 * group..<5 * group + 5].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let digits = String(number % 100_000)
            return String(repeating: "0", count: 5 - digits.count) + digits
        }
    }

    /// Six groups to a line.
    public var lines: [String] { [groups[..<6], groups[6...]].map { $0.joined(separator: " ") } }

    public var description: String { groups.joined(separator: " ") }
}
