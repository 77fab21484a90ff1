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
        #expect(message.disclose(with: Keyring([stranger])).key == nil)
        let key = try #require(message.disclose(with: Keyring([stranger, reader])).key)
        #expect(message.text(underDisclosedKey: key) == text)
        #expect(other.text(underDisclosedKey: key) != text)
        #expect(message.text(underDisclosedKey: Array(key.dropLast())) == nil)
        #expect(message.isAddressed(to: reader.id) && !message.isAddressed(to: stranger.id))
    }
}
