internal import Bytes

/// The name of what verifies: SHA-256 of a signing point, 32 bytes. A key's id names both of its points; a signature tells
/// of one only.
public struct SignerID: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let bytes: [UInt8]

    /// - Parameter signingPoint: 65 bytes uncompressed.
    public init(ofPoint signingPoint: [UInt8]) { bytes = SHA256Digest(of: signingPoint).bytes }

    /// - Returns: nil for anything but 64 hexadecimal digits.
    public init?(hex: String) {
        guard let bytes = Hex.decode(hex), bytes.count == SHA256Digest.byteCount else { return nil }
        self.bytes = bytes
    }

    public var description: String { Hex.encode(bytes) }

    public static func < (left: SignerID, right: SignerID) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

/// The half of a key that verifies, alone: what a signature tells of its signer.
public struct SigningPoint: Hashable, Sendable {
    /// 65 bytes uncompressed, on P-256.
    public let bytes: [UInt8]
    public let id: SignerID
    private let verifier: ECDSAKey

    /// - Throws: `KeyError` where the point has another form or is not on the curve.
    public init(_ bytes: [UInt8]) throws(KeyError) {
        guard let verifier = ECDSAKey(point: bytes) else { throw .pointNotOnCurve(.signing) }
        self.bytes = bytes
        self.verifier = verifier
        id = SignerID(ofPoint: bytes)
    }

    /// Whether `message` was signed with the private number that belongs to the point. The signature covers the text and
    /// the recipients and nothing of the post around them (protocol, "What the signature covers").
    public func verifies(_ message: EncryptedMessage) -> Bool {
        verifies(signature: message.signature, digest: message.signedDigest)
    }

    func verifies(signature: [UInt8], digest: SHA256Digest) -> Bool {
        verifier.isValid(signature: signature, digest: digest.bytes)
    }

    public static func == (left: SigningPoint, right: SigningPoint) -> Bool { left.id == right.id }
    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}
