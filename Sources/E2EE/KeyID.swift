internal import Bytes

/// The name of a user's key: SHA-256(`encr` point ‖ `sign` point), 32 bytes (protocol, "Keys").
public struct KeyID: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let bytes: [UInt8]

    public static let length = SHA256Digest.byteCount

    /// - Returns: nil where `bytes` are not 32.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == KeyID.length else { return nil }
        self.bytes = bytes
    }

    /// - Returns: nil for anything but 64 hexadecimal digits.
    public init?(hex: String) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    init(encryptionPoint: [UInt8], signingPoint: [UInt8]) {
        bytes = SHA256Digest(of: encryptionPoint + signingPoint).bytes
    }

    public var description: String { Hex.encode(bytes) }

    public static func < (left: KeyID, right: KeyID) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
