import Bytes
import Testing

@testable import E2EE

/// What is given to somebody who may read one message and no other.
@Suite struct DisclosureTests {
    @Test func aDisclosedKey_OpensItsMessageAndNoOther() throws {
        let (sender, reader, stranger) = (
            PrivateKey.generate(), PrivateKey.generate(), PrivateKey.generate()
        )
        let text = Array("The plan is the old one.".utf8)
        let message = EncryptedMessage.seal(text, from: sender, to: [reader.publicKey])
        let other = EncryptedMessage.seal(text, from: sender, to: [reader.publicKey])
        #expect(message.disclose(with: Keyring([stranger])).keyEncryptionKey == nil)
        let key = try #require(message.disclose(with: Keyring([stranger, reader])).keyEncryptionKey)
        #expect(message.text(underDisclosedKey: key, of: reader.id) == text)
        // Any other key is no key: nothing can be made of the message that was not in it.
        #expect(other.text(underDisclosedKey: key, of: reader.id) == nil)
        #expect(message.text(underDisclosedKey: Array(key.dropLast()), of: reader.id) == nil)
        #expect(message.text(underDisclosedKey: Array(key.dropLast()) + [key[15] ^ 1], of: reader.id) == nil)
        #expect(message.text(underDisclosedKey: key, of: stranger.id) == nil)
        #expect(message.isAddressed(to: reader.id) && !message.isAddressed(to: stranger.id))
    }
}
