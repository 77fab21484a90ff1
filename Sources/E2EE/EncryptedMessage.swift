public import Bytes

/// A message as it stands in `props.e2ee` (protocol, "A message"): parsed strictly, not yet verified, not yet opened.
public struct EncryptedMessage: Equatable, Sendable {
    /// The initial counter block, 16 bytes.
    public let iv: [UInt8]
    /// `pubECDHE`: the ephemeral point, 65 bytes uncompressed, on the curve.
    public let ephemeralPoint: [UInt8]
    public let recipients: [Recipient]
    /// AES-128-CTR of the text in UTF-8; may be empty.
    public let encryptedData: [UInt8]
    /// ECDSA `r ‖ s`, 64 bytes.
    public let signature: [UInt8]

    /// One `[key id, wrapped message key]`. The wrapped key may have any length here: one that is not 24 bytes just
    /// does not unwrap, and the signature, which does not cover it, still holds.
    public struct Recipient: Equatable, Sendable {
        public let keyID: KeyID
        public let wrappedKey: [UInt8]

        /// A wrapped AES-128 key.
        static let wrappedKeyLength = 24

        /// The length comes from the server and is not signed: a huge one must not reach the secure heap.
        var canBeUnwrapped: Bool { wrappedKey.count == Recipient.wrappedKeyLength }
    }

    /// Unchecked: for `seal`, which makes them right.
    init(
        iv: [UInt8], ephemeralPoint: [UInt8], recipients: [Recipient], encryptedData: [UInt8], signature: [UInt8]
    ) {
        self.iv = iv
        self.ephemeralPoint = ephemeralPoint
        self.recipients = recipients
        self.encryptedData = encryptedData
        self.signature = signature
    }

    /// Reads the payload. Members that the protocol does not name are ignored, as the web client ignores them.
    ///
    /// - Throws: `MessageError` with the first thing that is not exactly as the protocol says.
    public init(_ payload: JSONValue) throws(MessageError) {
        guard payload.kind == .object else { throw .malformed(.notAnObject) }
        guard !payload.hasDuplicateKeys else { throw .malformed(.duplicateField) }
        guard let version = payload["version"] else { throw .malformed(.missing(.version)) }
        guard let number = version.int else { throw .malformed(.wrongType(.version)) }
        guard number == 1 else { throw .unsupportedVersion(number) }

        iv = try EncryptedMessage.bytes(payload["iv"], .iv, count: 16)
        ephemeralPoint = try EncryptedMessage.bytes(payload["pubECDHE"], .pubECDHE, count: P256.pointLength)
        guard P256.isOnCurve(ephemeralPoint) else { throw .malformed(.pointNotOnCurve) }
        guard let pairs = payload["encryptedKey"] else { throw .malformed(.missing(.encryptedKey)) }
        guard pairs.kind == .array else { throw .malformed(.wrongType(.encryptedKey)) }
        var recipients: [Recipient] = []
        for pair in pairs.elements {
            let parts = pair.elements
            guard parts.count == 2 else { throw .malformed(.wrongType(.encryptedKey)) }
            let id = try EncryptedMessage.bytes(parts[0], .encryptedKey, count: KeyID.length)
            guard let keyID = KeyID(id) else { throw .malformed(.wrongLength(.encryptedKey, id.count)) }
            recipients.append(
                Recipient(keyID: keyID, wrappedKey: try EncryptedMessage.bytes(parts[1], .encryptedKey)))
        }
        self.recipients = recipients
        encryptedData = try EncryptedMessage.bytes(payload["encryptedData"], .encryptedData)
        signature = try EncryptedMessage.bytes(payload["signature"], .signature, count: ECDSAKey.signatureLength)
    }

    private static func bytes(
        _ value: JSONValue?, _ field: MessageError.Field, count: Int? = nil
    ) throws(MessageError) -> [UInt8] {
        guard let value else { throw .malformed(.missing(field)) }
        guard value.kind == .string else { throw .malformed(.wrongType(field)) }
        let decoded =
            if let characters = value.plainStringBytes {
                Base64.standard.decode(characters)
            } else {
                value.string.flatMap(Base64.standard.decode)
            }
        guard let decoded else { throw .malformed(.notBase64(field)) }
        if let count, decoded.count != count { throw .malformed(.wrongLength(field, decoded.count)) }
        return decoded
    }

    /// What the signature covers, hashed (protocol, "What the signature covers"): iv ‖ SHA-256(ephemeral point) ‖
    /// recipient count ‖ key ids ‖ data length ‖ data; both numbers uint32 little-endian. Messages that agree in it are
    /// the same to a signer, whatever their signatures' bytes and their wrapped keys are.
    public var signedDigest: SHA256Digest {
        var signed = iv + SHA256Digest(of: ephemeralPoint).bytes
        signed.reserveCapacity(56 + 32 * recipients.count + encryptedData.count)
        func append(_ count: Int) {
            withUnsafeBytes(of: UInt32(count).littleEndian) { signed.append(contentsOf: $0) }
        }
        append(recipients.count)
        for recipient in recipients { signed += recipient.keyID.bytes }
        append(encryptedData.count)
        signed += encryptedData
        return SHA256Digest(of: signed)
    }

    /// The signing points (65 bytes uncompressed) of which one made the signature, if the message is as it was signed: two,
    /// as a rule. A message that was changed, or signed over something else, has candidates just the same; they belong
    /// to nobody. Only another message by the same key tells which one is meant, and neither tells whose it is.
    public var possibleSigners: [[UInt8]] { P256.signers(of: signature, digest: signedDigest.bytes) }

    /// The payload as the server hands it out: members sorted by name.
    public func write(to json: inout JSONWriter, _ name: String? = nil) {
        json.object(name) { json in
            json.string("encryptedData", Base64.standard.encode(encryptedData))
            json.array("encryptedKey") { json in
                for recipient in recipients {
                    json.array {
                        $0.string(nil, Base64.standard.encode(recipient.keyID.bytes))
                        $0.string(nil, Base64.standard.encode(recipient.wrappedKey))
                    }
                }
            }
            json.string("iv", Base64.standard.encode(iv))
            json.string("pubECDHE", Base64.standard.encode(ephemeralPoint))
            json.string("signature", Base64.standard.encode(signature))
            json.int("version", 1)
        }
    }
}
