internal import Bytes

/// How somebody who may read a message shows it to somebody who may not, without giving a private key away: the key of
/// this one message opens nothing else, and the signature covers what it opens.
///
/// It is no proof against a search. The signature does not name the message's key, and of a text of n bytes one key in
/// 2^(8n) gives any one other text of as many bytes, and one in 2^(8n) / w any of w texts that would do. Whoever sends the
/// message chooses it, too, and looks for two keys that make two texts of their choice of one message: that takes about
/// 2^(4n) keys.
extension EncryptedMessage {
    /// Of texts of at least so many bytes another one takes about 2^100 keys to find, with 2^28 that would do.
    public static let bindingLength = 16
    /// The same for whoever sent the message, and those who help: about 2^128 keys.
    public static let senderBindingLength = 32

    /// Decrypts as `open` does, and tells the key that this message alone is encrypted with.
    ///
    /// - Returns: the key has 16 bytes; nil where none of ours opens the message.
    public func disclose(with keyring: Keyring) -> (outcome: OpenedMessage, key: [UInt8]?) {
        let (outcome, messageKey) = opened(with: keyring)
        return (
            outcome,
            messageKey.map { key in key.withUnsafeBytes { Array(UnsafeBufferPointer(start: $0, count: key.count)) } }
        )
    }

    /// What a disclosed key makes of the message.
    ///
    /// - Parameter key: 16 bytes.
    /// - Returns: the text's bytes; nil for a key of another length.
    public func text(underDisclosedKey key: [UInt8]) -> [UInt8]? {
        guard key.count == 16 else { return nil }
        return AESCounterMode.apply(key: SecretBytes(key), counterBlock: iv, to: encryptedData)
    }

    public func isAddressed(to keyID: KeyID) -> Bool { recipients.contains { $0.keyID == keyID } }
}
