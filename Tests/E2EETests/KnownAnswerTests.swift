import Bytes
import Testing

@testable import E2EE

/// What the plugin's own client wrote is read as it says.
@Suite struct KnownAnswerTests {
    @Test(arguments: Fixtures.messages)
    func everyMessageGetsItsVerdicts(_ fixture: MessageFixture) throws {
        let verdict = Verdict(try fixture.payload, sender: fixture.sender, reader: fixture.reader)
        #expect(verdict.content == fixture.content)
        #expect(verdict.authenticity == fixture.authenticity)
        if let plaintext = fixture.plaintext { #expect(verdict.text == plaintext) }
        if fixture.content == "decrypted" { #expect(verdict.text == fixture.webClientText) }
        if fixture.content != "decrypted" { #expect(verdict.text == nil) }
    }

    @Test func theFixturesCoverEveryVerdict() {
        #expect(Fixtures.messages.count == 54)
        #expect(
            Set(Fixtures.messages.map(\.content)) == [
                "decrypted", "notForUs", "keyUnwrapFailed", "malformed", "unsupportedVersion",
            ])
        #expect(Set(Fixtures.messages.map(\.authenticity)) == ["verified", "signatureInvalid", "unchecked"])
    }

    @Test(arguments: Fixtures.messages.filter { !["malformed", "unsupportedVersion"].contains($0.content) })
    func whatParsesEncodesToTheSamePayload(_ fixture: MessageFixture) throws {
        let message = try EncryptedMessage(fixture.payload)
        let again = try EncryptedMessage(bytes: message.json)
        #expect(again == message)
        #expect(again.json == message.json)
        for field: StaticString in ["iv", "pubECDHE", "encryptedData", "signature", "version"] {
            let written = try JSONDocument(message.json).root[field]?.bytes
            #expect(try written == fixture.payload[field]?.bytes, "\(field)")
        }
    }

    @Test func aMessageOpensForEachOfItsRecipients() throws {
        let fixture = Fixtures.message("recipients-61")
        let message = try EncryptedMessage(fixture.payload)
        #expect(message.recipients.count == 61)
        let keys = Fixtures.keys.map { Fixtures.privateKey($0.name) }
        for recipient in message.recipients {
            let key = try #require(keys.first { $0.id == recipient.keyID })
            #expect(message.open(with: Keyring([key])) == .decrypted(try #require(fixture.plaintext), by: key.id))
        }
        let strangers = keys.filter { key in !message.recipients.contains { $0.keyID == key.id } }
        #expect(!strangers.isEmpty)
        #expect(message.open(with: Keyring(strangers)) == .notForUs)
    }
}

@Suite struct KnownKeyTests {
    @Test(arguments: Fixtures.keys)
    func aPublicKeyHasItsIDAndWritesItsWireForm(_ fixture: KeyFixture) throws {
        let key = try PublicKey(fixture.publicJSON)
        #expect(key.id.description == fixture.idHex)
        #expect(KeyID(hex: fixture.idHex) == key.id)
        var writer = JSONWriter()
        key.write(to: &writer)
        let written = try PublicKey(JSONDocument(writer.bytes).root)
        #expect(written.encryptionPoint == key.encryptionPoint)
        #expect(written.signingPoint == key.signingPoint)
    }

    @Test(arguments: Fixtures.keys)
    func aBackupHoldsItsKeyAndIsWrittenByteForByte(_ fixture: KeyFixture) throws {
        let keys = try KeyBackup.privateKeys(in: fixture.backup)
        let key = try #require(keys.first)
        #expect(keys.count == 1)
        #expect(key.id.description == fixture.idHex)
        #expect(try key.publicKey == PublicKey(fixture.publicJSON))
        // The client's armor has no final line end; a file of ours has one.
        #expect(KeyBackup.text(of: key) == fixture.backup + "\n")
    }

    @Test(arguments: Fixtures.keys)
    func aPrivateKeyIsReadFromItsJSON(_ fixture: KeyFixture) throws {
        #expect(try PrivateKey(json: fixture.privateJSON).id.description == fixture.idHex)
    }

    @Test func generatedKeysSurviveTheirBackup() throws {
        for _ in 0..<20 {
            let key = PrivateKey.generate()
            let read = try KeyBackup.privateKeys(in: KeyBackup.text(of: key))
            #expect(read.map(\.id) == [key.id])
            let message = EncryptedMessage.seal([1, 2, 3], from: read[0], to: [key.publicKey])
            #expect(key.publicKey.verifies(message))
            #expect(message.open(with: Keyring(read)) == .decrypted([1, 2, 3], by: key.id))
        }
    }
}
