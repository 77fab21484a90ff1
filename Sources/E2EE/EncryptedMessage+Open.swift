internal import Bytes

/// What came of opening a message with the private keys at hand.
public enum OpenedMessage: Equatable, Sendable {
    /// The text's bytes, UTF-8 as a rule, and the key that opened it. Nothing is said about who wrote it.
    case decrypted([UInt8], by: KeyID)
    /// None of its recipients is a key that we hold.
    case notForUs
    /// The wrapped key for `keyID` fails its integrity check.
    case keyUnwrapFailed(KeyID)
}

/// The private keys that a command holds.
public struct Keyring: Sendable {
    private let keys: [KeyID: PrivateKey]

    public init(_ keys: [PrivateKey] = []) {
        self.keys = Dictionary(keys.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    public subscript(id: KeyID) -> PrivateKey? { keys[id] }
    public var ids: [KeyID] { keys.keys.sorted() }
    public var publicKeys: [PublicKey] { ids.compactMap { keys[$0]?.publicKey } }
    public var isEmpty: Bool { keys.isEmpty }
}

extension EncryptedMessage {
    /// Decrypts with the first recipient's key that `keyring` holds and that unwraps the message key (protocol,
    /// "Decrypt"). The signature does not cover the wrapped keys, so one of them damaged must not hide the others.
    public func open(with keyring: Keyring) -> OpenedMessage { opened(with: keyring).outcome }

    /// - Returns: what came of it, and the key-encryption key that one of ours unwrapped the message's key with.
    func opened(with keyring: Keyring) -> (outcome: OpenedMessage, keyEncryptionKey: SecretBytes?) {
        var failed: KeyID?
        for recipient in recipients {
            guard let key = keyring[recipient.keyID] else { continue }
            // The parser checked that the ephemeral point is on the curve, so that the exchange does not fail.
            if recipient.canBeUnwrapped,
                let keyEncryptionKey = P256.sharedX(scalar: key.encryptionScalar, point: ephemeralPoint)?
                    .sha256Prefix(16),
                let text = text(of: recipient, under: keyEncryptionKey)
            {
                return (.decrypted(text, by: key.id), keyEncryptionKey)
            }
            failed = failed ?? key.id
        }
        return (failed.map { .keyUnwrapFailed($0) } ?? .notForUs, nil)
    }

    /// - Returns: nil where the wrapped key fails its integrity check.
    func text(of recipient: Recipient, under keyEncryptionKey: SecretBytes) -> [UInt8]? {
        guard recipient.canBeUnwrapped else { return nil }
        return AESKeyWrap.unwrap(recipient.wrappedKey, with: keyEncryptionKey).map {
            AESCounterMode.apply(key: $0, counterBlock: iv, to: encryptedData)
        }
    }

    /// Encrypts `text` for `recipients`, in their order, and signs it as `sender`, as the plugin's client does.
    public static func seal(_ text: [UInt8], from sender: PrivateKey, to recipients: [PublicKey]) -> EncryptedMessage {
        let ephemeral = P256.generateScalar()
        guard let ephemeralPoint = P256.publicPoint(of: ephemeral) else { fatalError("a scalar just made was refused") }
        let messageKey = SecretBytes.random(16)
        let iv = randomBytes(16)
        let wrapped = recipients.map { recipient in
            // A `PublicKey`'s points are on the curve, so that neither step can fail.
            guard let z = P256.sharedX(scalar: ephemeral, point: recipient.encryptionPoint),
                let wrappedKey = AESKeyWrap.wrap(messageKey, with: z.sha256Prefix(16))
            else { fatalError("a key that was checked cannot be encrypted to") }
            return Recipient(keyID: recipient.id, wrappedKey: wrappedKey)
        }
        let data = AESCounterMode.apply(key: messageKey, counterBlock: iv, to: text)
        let unsigned = EncryptedMessage(
            iv: iv, ephemeralPoint: ephemeralPoint, recipients: wrapped, encryptedData: data, signature: [])
        guard let signature = sender.signer.sign(digest: unsigned.signedDigest.bytes) else {
            fatalError("libcrypto could not sign")
        }
        return EncryptedMessage(
            iv: iv, ephemeralPoint: ephemeralPoint, recipients: wrapped, encryptedData: data, signature: signature)
    }
}
