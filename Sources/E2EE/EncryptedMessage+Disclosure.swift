internal import Bytes

/// How somebody who may read a message shows it to somebody who may not, without giving a private key away: the
/// key-encryption key of one recipient of this one message (RFC 3394). It unwraps the message's key as it stands in the
/// message, and opens nothing else; the signature covers what that opens.
///
/// The wrapped key checks itself: about 2^64 other key-encryption keys must be tried until one unwraps it at all, to some
/// message key that nobody chose, under which the text is noise. So no other text can be made of a message that is as the
/// server sent it.
///
/// The signature does not cover wrapped keys, though. Whoever can change the message before anybody else has seen it can put
/// a key of their own there. Then only the text speaks: of n bytes, one message key in 2^(8n) gives any one other text, and
/// one in 2^(8n) / w any of w texts that would do. Whoever sends the message chooses it, too, and looks for two keys that
/// make two texts of their choice of one message: that takes about 2^(4n) keys.
extension EncryptedMessage {
    /// Of texts of at least so many bytes another one takes about 2^100 keys to find, with 2^28 that would do.
    public static let bindingLength = 16
    /// The same for whoever sent the message, and those who help: about 2^128 keys.
    public static let senderBindingLength = 32

    /// Decrypts as `open` does, and tells the key that shows it to others.
    ///
    /// - Returns: the key-encryption key has 16 bytes; nil where none of ours opens the message.
    public func disclose(with keyring: Keyring) -> (outcome: OpenedMessage, keyEncryptionKey: [UInt8]?) {
        let (outcome, key) = opened(with: keyring)
        return (
            outcome, key.map { key in key.withUnsafeBytes { Array(UnsafeBufferPointer(start: $0, count: key.count)) } }
        )
    }

    /// What a disclosed key makes of the message.
    ///
    /// - Parameters:
    ///   - key: a key-encryption key, 16 bytes.
    ///   - keyID: the recipient whose it is.
    /// - Returns: the text's bytes; nil for a key that does not unwrap the message's.
    public func text(underDisclosedKey key: [UInt8], of keyID: KeyID) -> [UInt8]? {
        guard key.count == 16 else { return nil }
        let key = SecretBytes(key)
        for recipient in recipients where recipient.keyID == keyID {
            if let text = text(of: recipient, under: key) { return text }
        }
        return nil
    }

    public func isAddressed(to keyID: KeyID) -> Bool { recipients.contains { $0.keyID == keyID } }
}
