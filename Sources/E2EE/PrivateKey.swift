internal import Bytes

/// A user's private key: what opens messages and signs them. Its bytes are locked in memory and wiped on release.
public struct PrivateKey: Sendable {
    public let publicKey: PublicKey
    public var id: KeyID { publicKey.id }

    let encryptionScalar: SecretBytes
    let signingScalar: SecretBytes
    let signer: ECDSAKey

    public static func generate() -> PrivateKey {
        do {
            return try PrivateKey(encryptionScalar: P256.generateScalar(), signingScalar: P256.generateScalar())
        } catch { fatalError("a scalar just made was refused: \(error)") }
    }

    init(encryptionScalar: SecretBytes, signingScalar: SecretBytes) throws(KeyError) {
        guard let encryptionPoint = P256.publicPoint(of: encryptionScalar) else { throw .scalarOutOfRange(.encryption) }
        guard let signingPoint = P256.publicPoint(of: signingScalar),
            let signer = ECDSAKey(scalar: signingScalar, point: signingPoint)
        else { throw .scalarOutOfRange(.signing) }
        publicKey = try PublicKey(encryptionPoint: encryptionPoint, signingPoint: signingPoint)
        self.encryptionScalar = encryptionScalar
        self.signingScalar = signingScalar
        self.signer = signer
    }

    /// Reads `{"sign": JWK, "encr": JWK, "version": 1}` and accepts only that (protocol, "Keys").
    ///
    /// The private numbers go straight to where they are wiped; `bytes` are the caller's to wipe, and no reference to
    /// them is left behind.
    ///
    /// - Throws: `KeyError` naming the first thing that is not as it should be.
    public init(json bytes: [UInt8]) throws(KeyError) {
        let root: JSONValue
        do { root = try JSONDocument(bytes).root } catch { throw .notJSON(offset: error.offset) }
        guard root.kind == .object else { throw .wrongValue(field: "backup", expected: "an object") }
        try PrivateKey.checkFields(of: root, are: ["sign", "encr", "version"], in: "backup")
        guard root["version"]?.int == 1 else { throw .wrongValue(field: "version", expected: "the number 1") }
        let signing = try PrivateKey.pair(root["sign"], .signing)
        let encryption = try PrivateKey.pair(root["encr"], .encryption)
        try self.init(encryptionScalar: encryption.scalar, signingScalar: signing.scalar)
        guard publicKey.signingPoint == signing.point else { throw .scalarDoesNotMatchPoint(.signing) }
        guard publicKey.encryptionPoint == encryption.point else { throw .scalarDoesNotMatchPoint(.encryption) }
    }

    private static func checkFields(of object: JSONValue, are expected: [String], in name: String) throws(KeyError) {
        let fields = object.members.map(\.key)
        for field in expected where !fields.contains(field) { throw .missingField("\(name).\(field)") }
        for field in fields where !expected.contains(field) { throw .unexpectedField("\(name).\(shown(field))") }
        guard fields.count == expected.count else {
            throw .wrongValue(field: name, expected: "an object that names each field once")
        }
    }

    /// A stranger's name as an error may repeat it: a short word. Anything else could be a piece of the key, or drive
    /// the terminal.
    private static func shown(_ field: String) -> String {
        let isPlain = field.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "_") }
        return isPlain && (1...16).contains(field.utf8.count) ? field : "…"
    }

    private static func pair(
        _ json: JSONValue?, _ use: KeyUse
    ) throws(KeyError) -> (scalar: SecretBytes, point: [UInt8]) {
        let name = use.rawValue
        guard let json, json.kind == .object else { throw .wrongValue(field: name, expected: "an object") }
        try checkFields(of: json, are: ["kty", "crv", "x", "y", "d", "ext", "key_ops"], in: name)
        guard json["kty"]?.string == "EC" else { throw .wrongValue(field: "\(name).kty", expected: "“EC”") }
        guard json["crv"]?.string == "P-256" else { throw .wrongValue(field: "\(name).crv", expected: "“P-256”") }
        guard json["ext"]?.bool != nil else { throw .wrongValue(field: "\(name).ext", expected: "true or false") }
        guard let operations = json["key_ops"], operations.kind == .array,
            operations.elements.map(\.string) == [use.operation]
        else { throw .wrongValue(field: "\(name).key_ops", expected: "exactly [\"\(use.operation)\"]") }
        func coordinate(_ value: JSONValue?, _ field: String) throws(KeyError) -> [UInt8] {
            guard let characters = value?.plainStringBytes, let bytes = Base64.urlUnpadded.decode(characters),
                bytes.count == P256.coordinateLength
            else { throw .notBase64("\(name).\(field)") }
            return bytes
        }
        let point = [4] + (try coordinate(json["x"], "x")) + (try coordinate(json["y"], "y"))
        guard P256.isOnCurve(point) else { throw .pointNotOnCurve(use) }
        guard let characters = json["d"]?.plainStringBytes else { throw .notBase64("\(name).d") }
        var isScalar = false
        let scalar = SecretBytes(count: P256.scalarLength) {
            isScalar = Base64.urlUnpadded.decode(characters, into: $0)
        }
        guard isScalar else { throw .notBase64("\(name).d") }
        return (scalar, point)
    }

    /// The backup's JSON, members in the order in which the plugin's client writes them.
    func backupJSON() -> [UInt8] {
        var json = JSONWriter()
        func number(_ bytes: ArraySlice<UInt8>) -> String { Base64.urlUnpadded.encode(bytes) }
        func pair(_ json: inout JSONWriter, _ use: KeyUse, _ scalar: SecretBytes, _ point: [UInt8]) {
            json.object(use.rawValue) { json in
                json.array("key_ops") { $0.string(nil, use.operation) }
                json.bool("ext", true)
                json.string("kty", "EC")
                json.string("x", number(point[1..<33]))
                json.string("y", number(point[33...]))
                json.string("crv", "P-256")
                json.string(
                    "d", scalar.withUnsafeBytes { number(Array(UnsafeBufferPointer(start: $0, count: 32))[...]) })
            }
        }
        json.object { json in
            pair(&json, .signing, signingScalar, publicKey.signingPoint)
            pair(&json, .encryption, encryptionScalar, publicKey.encryptionPoint)
            json.int("version", 1)
        }
        return json.bytes
    }
}
