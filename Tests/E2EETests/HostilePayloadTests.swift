import Bytes
import Testing

@testable import E2EE

/// What a server may put in place of a payload.
@Suite struct HostilePayloadTests {
    /// The valid message's JSON with one thing replaced.
    private func payload(_ replacing: String, by text: String) throws -> [UInt8] {
        let valid = String(decoding: try EncryptedMessage(Fixtures.message("valid").payload).json, as: UTF8.self)
        #expect(valid.contains(replacing))
        return Array(valid.replacing(replacing, with: text).utf8)
    }

    private func reason(_ bytes: [UInt8]) throws -> MessageError? {
        let root = try JSONDocument(bytes).root
        do {
            _ = try EncryptedMessage(root)
            return nil
        } catch { return error }
    }

    @Test(arguments: [0, 8, 16, 23, 25, 32, 40, 1 << 20])
    func aWrappedKeyOfAnotherLengthDoesNotUnwrapAndNeverEndsTheProcess(count: Int) throws {
        let fixture = Fixtures.message("valid")
        let valid = try EncryptedMessage(fixture.payload)
        let wrappedKey = [UInt8](repeating: 7, count: count)
        let hostile = EncryptedMessage(
            iv: valid.iv, ephemeralPoint: valid.ephemeralPoint,
            recipients: valid.recipients.map { .init(keyID: $0.keyID, wrappedKey: wrappedKey) },
            encryptedData: valid.encryptedData, signature: valid.signature)
        let message = try EncryptedMessage(bytes: hostile.json)
        #expect(message.open(with: Keyring([fixture.reader])) == .keyUnwrapFailed(fixture.reader.id))
        #expect(fixture.sender.verifies(message))
    }

    @Test func aDamagedWrappedKeyDoesNotHideAnotherThatIsHeld() throws {
        let fixture = Fixtures.message("valid")
        let valid = try EncryptedMessage(fixture.payload)
        let keys = ["alice", "bob"].map { Fixtures.privateKey($0) }
        let places = keys.map { key in valid.recipients.firstIndex { $0.keyID == key.id } ?? -1 }
        for (damaged, other) in [(places[0], keys[1].id), (places[1], keys[0].id)] {
            var recipients = valid.recipients
            recipients[damaged] = .init(keyID: recipients[damaged].keyID, wrappedKey: .init(repeating: 0, count: 24))
            let message = EncryptedMessage(
                iv: valid.iv, ephemeralPoint: valid.ephemeralPoint, recipients: recipients,
                encryptedData: valid.encryptedData, signature: valid.signature)
            #expect(message.open(with: Keyring(keys)) == .decrypted(try #require(fixture.plaintext), by: other))
        }
    }

    @Test func aFieldNamedTwiceIsRefused() throws {
        #expect(try reason(payload("\"version\":1", by: "\"version\":1,\"version\":1")) == .malformed(.duplicateField))
        let escaped = try payload("\"version\":1", by: #""version":1,"\u0076ersion":9"#)
        #expect(try reason(escaped) == .malformed(.duplicateField))
        let unnamed = try payload("\"version\":1", by: #""x":0,"x":1,"version":1"#)
        #expect(try reason(unnamed) == .malformed(.duplicateField))
    }

    /// U+212A is to Unicode the same as K, and to every JSON parser another name.
    @Test func aNameThatOnlyLooksEqualIsNotTheField() throws {
        let kelvin = try payload("encryptedKey", by: #"encrypted\u212Aey"#)
        #expect(try reason(kelvin) == .malformed(.missing(.encryptedKey)))
        let both = try payload("\"version\":1", by: #""version":1,"encrypted\u212Aey":[]"#)
        #expect(try reason(both) == nil)
    }

    @Test(arguments: [
        ("1.0", MessageError.malformed(.wrongType(.version))), ("1e0", .malformed(.wrongType(.version))),
        ("true", .malformed(.wrongType(.version))), ("null", .malformed(.wrongType(.version))),
        ("[1]", .malformed(.wrongType(.version))), ("18446744073709551617", .malformed(.wrongType(.version))),
        ("0", .unsupportedVersion(0)), ("2", .unsupportedVersion(2)), ("-1", .unsupportedVersion(-1)),
        ("-9223372036854775808", .unsupportedVersion(.min)),
    ])
    func onlyTheNumberOneIsTheVersion(written: String, expected: MessageError) throws {
        #expect(try reason(payload("\"version\":1", by: "\"version\":\(written)")) == expected)
    }

    @Test(arguments: ["null", "1", "{}", "[]", "[\"\"]", "\"=\""])
    func aFieldOfAnotherTypeIsRefused(written: String) throws {
        let valid = try JSONDocument(EncryptedMessage(Fixtures.message("valid").payload).json)
        for (name, field) in [
            ("iv", MessageError.Field.iv), ("pubECDHE", .pubECDHE), ("encryptedData", .encryptedData),
            ("signature", .signature), ("encryptedKey", .encryptedKey),
        ] where !(name == "encryptedKey" && written == "[]") {
            let value = try #require(valid.root.members.first { $0.key == name }?.value)
            var damaged = valid.bytes
            damaged.replaceSubrange(value.range, with: written.utf8)
            let error = try #require(try reason(damaged))
            let expected: [MessageError] = [.malformed(.wrongType(field)), .malformed(.notBase64(field))]
            #expect(expected.contains(error), "\(name)")
        }
    }

    @Test func escapesInBase64AreResolvedBeforeItIsRead() throws {
        let fixture = Fixtures.message("valid")
        let valid = String(decoding: try EncryptedMessage(fixture.payload).json, as: UTF8.self)
        let escaped = valid.replacing("/", with: #"\/"#).replacing("+", with: #"\u002b"#)
            .replacing("=", with: #"\u003D"#)
        #expect(escaped != valid)
        #expect(try EncryptedMessage(bytes: Array(escaped.utf8)) == EncryptedMessage(fixture.payload))
    }
}
