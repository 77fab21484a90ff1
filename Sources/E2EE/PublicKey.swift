public import Bytes

/// A user's public key: one point to encrypt to and one to verify by, each 65 bytes uncompressed, both on P-256.
public struct PublicKey: Hashable, Sendable {
    public let encryptionPoint: [UInt8]
    public var signingPoint: [UInt8] { signer.bytes }
    public let id: KeyID
    /// What verifies.
    public let signer: SigningPoint

    /// - Throws: `KeyError` where a point has another form or is not on the curve.
    public init(encryptionPoint: [UInt8], signingPoint: [UInt8]) throws(KeyError) {
        guard P256.isOnCurve(encryptionPoint) else { throw .pointNotOnCurve(.encryption) }
        signer = try SigningPoint(signingPoint)
        self.encryptionPoint = encryptionPoint
        id = KeyID(encryptionPoint: encryptionPoint, signingPoint: signingPoint)
    }

    /// Reads `{"encr": B64, "sign": B64}` as the plugin's server gives it.
    public init(_ json: JSONValue) throws(KeyError) {
        func point(_ json: JSONValue?, _ use: KeyUse) throws(KeyError) -> [UInt8] {
            guard let text = json?.string else { throw .missingField(use.rawValue) }
            guard let bytes = Base64.standard.decode(text) else { throw .notBase64(use.rawValue) }
            return bytes
        }
        try self.init(
            encryptionPoint: point(json["encr"], .encryption), signingPoint: point(json["sign"], .signing))
    }

    /// Whether `message` was signed with the private key that belongs to this one. The signature covers the text and the
    /// recipients and nothing of the post around them (protocol, "What the signature covers").
    public func verifies(_ message: EncryptedMessage) -> Bool { signer.verifies(message) }

    func verifies(signature: [UInt8], digest: SHA256Digest) -> Bool {
        signer.verifies(signature: signature, digest: digest)
    }

    /// The wire form, members in the plugin's order.
    public func write(to json: inout JSONWriter, _ name: String? = nil) {
        json.object(name) {
            $0.string("sign", Base64.standard.encode(signingPoint))
            $0.string("encr", Base64.standard.encode(encryptionPoint))
        }
    }

    public static func == (left: PublicKey, right: PublicKey) -> Bool { left.id == right.id }
    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

/// Which of a user's two key pairs.
public enum KeyUse: String, Sendable {
    case signing = "sign"
    case encryption = "encr"

    /// The only `key_ops` that a backup's JWK may have (protocol, "Keys").
    var operation: String { self == .signing ? "sign" : "deriveBits" }
}
