import Bytes
import Foundation
import Testing

@testable import E2EE

/// `Fixtures/e2ee-messages.json`: known answers made by the plugin's own client.
enum Fixtures {
    static let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/e2ee-messages.json")

    static let root: JSONValue = {
        do {
            return try JSONDocument([UInt8](Data(contentsOf: url))).root
        } catch { fatalError("\(url.path()): \(error)") }
    }()

    static let keys: [KeyFixture] = (root["keys"]?.members ?? []).map { KeyFixture(name: $0.key, json: $0.value) }
    static let messages: [MessageFixture] = (root["messages"]?.elements ?? []).map(MessageFixture.init)

    /// Every fixture's private key, read from its backup once.
    private static let privateKeys: [String: PrivateKey] = Dictionary(
        uniqueKeysWithValues: keys.map { fixture in
            do {
                return (fixture.name, try PrivateKey(json: fixture.privateJSON))
            } catch { fatalError("\(fixture.name): \(error)") }
        })

    static func privateKey(_ name: String) -> PrivateKey {
        guard let key = privateKeys[name] else { fatalError("the fixtures have no key “\(name)”") }
        return key
    }

    static func message(_ name: String) -> MessageFixture {
        guard let message = messages.first(where: { $0.name == name }) else {
            fatalError("the fixtures have no message “\(name)”")
        }
        return message
    }
}

struct KeyFixture: Sendable, CustomTestStringConvertible {
    let name: String
    let json: JSONValue

    var testDescription: String { name }
    var idHex: String { json["id_hex"]?.string ?? "" }
    var backup: String { json["backup"]?.string ?? "" }
    var privateJSON: [UInt8] { Array(json["private"]?.bytes ?? []) }
    var publicJSON: JSONValue { get throws { try #require(json["public"]) } }
}

struct MessageFixture: Sendable, CustomTestStringConvertible {
    let json: JSONValue

    var testDescription: String { name }
    var name: String { json["name"]?.string ?? "" }
    var sender: PublicKey { Fixtures.privateKey(json["sender"]?.string ?? "").publicKey }
    var reader: PrivateKey { Fixtures.privateKey(json["reader"]?.string ?? "") }
    var content: String { json["expect"]?["content"]?.string ?? "" }
    var authenticity: String { json["expect"]?["authenticity"]?.string ?? "" }
    var plaintext: [UInt8]? { json["plaintext_b64"]?.string.flatMap { Base64.standard.decode($0) } }
    /// What the web client showed, where it showed anything: of a message that is not authentic too.
    var webClientText: [UInt8]? { json["web_client"]?["plaintext_b64"]?.string.flatMap { Base64.standard.decode($0) } }
    var payload: JSONValue { get throws { try #require(json["payload"]) } }
}

/// The two verdicts on a payload, as the fixtures word them.
struct Verdict: Equatable, CustomStringConvertible {
    var content: String
    var authenticity: String
    var text: [UInt8]?

    init(_ payload: JSONValue, sender: PublicKey, reader: PrivateKey) {
        do {
            let message = try EncryptedMessage(payload)
            authenticity = sender.verifies(message) ? "verified" : "signatureInvalid"
            switch message.open(with: Keyring([reader])) {
            case .decrypted(let text, let id):
                content = id == reader.id ? "decrypted" : "decrypted by a key that was not given"
                self.text = text
            case .notForUs: content = "notForUs"
            case .keyUnwrapFailed: content = "keyUnwrapFailed"
            }
        } catch {
            authenticity = "unchecked"
            switch error {
            case .malformed: content = "malformed"
            case .unsupportedVersion: content = "unsupportedVersion"
            }
        }
    }

    var description: String { "\(content), \(authenticity)" }
}

extension EncryptedMessage {
    var json: [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.bytes
    }

    init(bytes: [UInt8]) throws { try self.init(JSONDocument(bytes).root) }
}
