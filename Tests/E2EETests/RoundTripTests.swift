import Bytes
import Testing

@testable import E2EE

@Suite struct RoundTripTests {
    static let lengths = [0, 1, 15, 16, 17, 4096]
    static let recipientCounts = [0, 1, 8, 61]

    @Test(arguments: lengths, recipientCounts)
    func whatIsSealedIsVerifiedAndOpened(length: Int, recipientCount: Int) throws {
        let sender = Fixtures.privateKey("alice")
        let readers = Fixtures.keys.filter { $0.name != "alice" }.prefix(recipientCount).map {
            Fixtures.privateKey($0.name)
        }
        #expect(readers.count == recipientCount)
        let text = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let sealed = EncryptedMessage.seal(text, from: sender, to: readers.map(\.publicKey))

        let message = try EncryptedMessage(bytes: sealed.json)
        #expect(message == sealed)
        #expect(message.json == sealed.json)
        #expect(message.recipients.map(\.keyID) == readers.map(\.id))
        #expect(message.encryptedData.count == length)
        #expect(sender.publicKey.verifies(message))
        for reader in readers {
            #expect(!reader.publicKey.verifies(message))
            #expect(message.open(with: Keyring([reader])) == .decrypted(text, by: reader.id))
        }
        #expect(message.open(with: Keyring([sender])) == .notForUs)
        #expect(message.open(with: Keyring()) == .notForUs)
    }

    @Test func noTwoMessagesShareAnIVOrAKey() {
        let sender = Fixtures.privateKey("alice")
        let messages = (0..<50).map { _ in EncryptedMessage.seal([0], from: sender, to: [sender.publicKey]) }
        #expect(Set(messages.map(\.iv)).count == 50)
        #expect(Set(messages.map(\.ephemeralPoint)).count == 50)
        #expect(Set(messages.map { $0.recipients[0].wrappedKey }).count == 50)
    }

    /// Protocol, "What the signature covers".
    @Test func theSignatureCoversEverythingButVersionAndWrappedKeys() throws {
        let sender = Fixtures.privateKey("alice").publicKey
        let valid = try EncryptedMessage(Fixtures.message("valid").payload)
        func changed(
            iv: [UInt8]? = nil, ephemeralPoint: [UInt8]? = nil, recipients: [EncryptedMessage.Recipient]? = nil,
            encryptedData: [UInt8]? = nil, signature: [UInt8]? = nil
        ) -> EncryptedMessage {
            EncryptedMessage(
                iv: iv ?? valid.iv, ephemeralPoint: ephemeralPoint ?? valid.ephemeralPoint,
                recipients: recipients ?? valid.recipients, encryptedData: encryptedData ?? valid.encryptedData,
                signature: signature ?? valid.signature)
        }
        func flipped(_ bytes: [UInt8]) -> [UInt8] { [bytes[0] ^ 1] + bytes.dropFirst() }

        #expect(sender.verifies(changed()))
        #expect(!sender.verifies(changed(iv: flipped(valid.iv))))
        #expect(!sender.verifies(changed(ephemeralPoint: Fixtures.privateKey("bob").publicKey.encryptionPoint)))
        #expect(!sender.verifies(changed(encryptedData: flipped(valid.encryptedData))))
        #expect(!sender.verifies(changed(encryptedData: valid.encryptedData + [0])))
        #expect(!sender.verifies(changed(encryptedData: valid.encryptedData.dropLast())))
        #expect(!sender.verifies(changed(recipients: valid.recipients.reversed())))
        #expect(!sender.verifies(changed(recipients: valid.recipients.dropLast())))
        #expect(!sender.verifies(changed(recipients: valid.recipients + [valid.recipients[0]])))
        #expect(!sender.verifies(changed(signature: flipped(valid.signature))))
        #expect(!sender.verifies(changed(signature: [])))

        let rewrapped = valid.recipients.map { EncryptedMessage.Recipient(keyID: $0.keyID, wrappedKey: []) }
        #expect(sender.verifies(changed(recipients: rewrapped)))
    }
}
