import Bytes
import Testing

@testable import E2EE

/// A damage done to Alice's backup, and the error that it must give.
struct KeyDamage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let expected: KeyError

    /// Damage to the armored text.
    init(_ name: String, text: String, _ expected: KeyError) {
        (testDescription, self.text, self.expected) = (name, text, expected)
    }

    /// Damage to the JSON inside: `old` replaced, in the half that `use` names or everywhere.
    init(_ use: KeyUse?, _ old: String, to new: String, _ expected: KeyError) {
        let (sign, encr) = KeyDamage.halves
        let damaged =
            switch use {
            case .signing: sign.replacing(old, with: new) + encr
            case .encryption: sign + encr.replacing(old, with: new)
            case nil: KeyDamage.json.replacing(old, with: new)
            }
        if damaged == KeyDamage.json { fatalError("“\(old)” is not in the key, so that nothing is damaged") }
        testDescription = "\(use?.rawValue ?? "backup"): \(old.prefix(16)) to \(new.prefix(60))"
        text = KeyDamage.armor(damaged)
        self.expected = expected
    }

    static let backup = Fixtures.keys[0].backup
    static let json = String(decoding: Base64.standard.decode(base64) ?? [], as: UTF8.self)
    static let (sign, encr) = (numbers("sign"), numbers("encr"))

    static func armor(_ json: String) -> String {
        "\(KeyBackup.begin)\n\(Base64.standard.encode(Array(json.utf8)))\n\(KeyBackup.end)"
    }

    private static let base64 = backup.split(separator: "\n").dropFirst().dropLast().joined()

    private static let halves: (String, String) = {
        let halves = json.split(separator: ",\"encr\"", maxSplits: 1)
        return (String(halves[0]), ",\"encr\"" + halves[1])
    }()

    private static func numbers(_ use: StaticString) -> (x: String, y: String, d: String) {
        let jwk = Fixtures.keys[0].json["private"]?[use]
        return (jwk?["x"]?.string ?? "", jwk?["y"]?.string ?? "", jwk?["d"]?.string ?? "")
    }

    private static func number(_ hex: String) -> String { Base64.urlUnpadded.encode(Hex.decode(hex) ?? []) }

    private static let zero = number(String(repeating: "00", count: 32))
    private static let ones = number(String(repeating: "ff", count: 32))
    private static let order = number("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
    private static let orderPlusOne = number("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552")
    private static let orderMinusOne = number("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550")

    static let armors: [KeyDamage] = [
        KeyDamage("nothing", text: "", .noArmor),
        KeyDamage("text", text: "good morning", .noArmor),
        KeyDamage("the last line only", text: KeyBackup.end, .noArmor),
        KeyDamage("the JSON without armor", text: json, .noArmor),
        KeyDamage("a GPG backup", text: "-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----", .noArmor),
        KeyDamage("the first line only", text: KeyBackup.begin, .armorNotClosed),
        KeyDamage("cut in the middle", text: String(backup.prefix(300)), .armorNotClosed),
        KeyDamage("cut in the last line", text: String(backup.dropLast(1)), .armorNotClosed),
        KeyDamage("the last line first", text: KeyBackup.end + backup.dropLast(1), .armorNotClosed),
        KeyDamage("a strange character", text: backup.replacing("eyJ", with: "e*J"), .armorNotBase64),
        KeyDamage("a header line", text: backup.replacing("\ney", with: "\nv: 1\ney"), .armorNotBase64),
        KeyDamage("a character missing", text: backup.replacing("eyJ", with: "eJ"), .armorNotBase64),
        KeyDamage("the url alphabet", text: backup.replacing("eyJ", with: "e_J"), .armorNotBase64),
        KeyDamage("an empty armor", text: KeyBackup.begin + KeyBackup.end, .notJSON(offset: 0)),
        KeyDamage("not JSON", text: armor("hello"), .notJSON(offset: 0)),
        KeyDamage("JSON cut", text: armor(String(json.dropLast())), .notJSON(offset: json.utf8.count - 1)),
        KeyDamage("bytes behind", text: armor(json + "x"), .notJSON(offset: json.utf8.count)),
        KeyDamage("an array", text: armor("[\(json)]"), .wrongValue(field: "backup", expected: "an object")),
        KeyDamage("null", text: armor("null"), .wrongValue(field: "backup", expected: "an object")),
    ]

    static let backups: [KeyDamage] = {
        let wrongVersion = KeyError.wrongValue(field: "version", expected: "the number 1")
        let twice = KeyError.wrongValue(field: "backup", expected: "an object that names each field once")
        let versions = ["2", "0", "\"1\"", "1.0", "1e0", "null", "[1]", "18446744073709551617"]
        return versions.map { KeyDamage(nil, "\"version\":1", to: "\"version\":\($0)", wrongVersion) } + [
            KeyDamage(nil, ",\"version\":1", to: "", .missingField("backup.version")),
            KeyDamage(nil, "\"version\":1", to: "\"version\":1,\"more\":0", .unexpectedField("backup.more")),
            KeyDamage(nil, "\"version\":1", to: "\"version\":1,\"version\":1", twice),
            KeyDamage(nil, "{\"sign\":", to: "{\"sigm\":", .missingField("backup.sign")),
            KeyDamage(nil, ",\"encr\":", to: ",\"enc\":", .missingField("backup.encr")),
            KeyDamage(nil, "{\"sign\":", to: "{\"sign\":1,\"sign\":", twice),
            KeyDamage(nil, "{\"sign\":", to: "{\"sign\":1,\"\\u0073ign\":", twice),
        ]
    }()

    /// Damages to one of the two JWKs.
    static func jwks(_ use: KeyUse) -> [KeyDamage] {
        let name = use.rawValue
        let (own, other) = use == .signing ? (sign, encr) : (encr, sign)
        func damage(_ old: String, _ new: String, _ expected: KeyError) -> KeyDamage {
            KeyDamage(use, old, to: new, expected)
        }
        func wrong(_ field: String, _ expected: String) -> KeyError { .wrongValue(field: field, expected: expected) }

        let operation = use.operation
        let operations = "\"key_ops\":[\"\(operation)\"]"
        let swapped = use == .signing ? "deriveBits" : "sign"
        var damages = [
            "[]", "[\"verify\"]", "[\"\(operation)\",\"verify\"]", "[\"verify\",\"\(operation)\"]", "[\"\(swapped)\"]",
            "[\"\(operation)\",\"\(operation)\"]", "\"\(operation)\"", "[\"deriveKey\"]", "[null]", "null",
        ].map { damage(operations, "\"key_ops\":\($0)", wrong("\(name).key_ops", "exactly [\"\(operation)\"]")) }
        damages += ["P-384", "p-256", "secp256r1", ""].map {
            damage("\"crv\":\"P-256\"", "\"crv\":\"\($0)\"", wrong("\(name).crv", "“P-256”"))
        }
        damages += ["\"OKP\"", "\"ec\"", "null"].map { damage("\"EC\"", $0, wrong("\(name).kty", "“EC”")) }
        damages += ["\"true\"", "1", "null"].map {
            damage("\"ext\":true", "\"ext\":\($0)", wrong("\(name).ext", "true or false"))
        }
        damages += [
            damage("\"ext\":true,", "", .missingField("\(name).ext")),
            damage(operations + ",", "", .missingField("\(name).key_ops")),
            damage("\"kty\":\"EC\",", "", .missingField("\(name).kty")),
            damage("\"crv\":\"P-256\",", "", .missingField("\(name).crv")),
            damage("\"x\":\"\(own.x)\",", "", .missingField("\(name).x")),
            damage("\"y\":\"\(own.y)\",", "", .missingField("\(name).y")),
            damage(",\"d\":\"\(own.d)\"", "", .missingField("\(name).d")),
            damage("\"ext\":true", "\"ext\":true,\"alg\":\"ES\"", .unexpectedField("\(name).alg")),
            damage("\"ext\":true", "\"ext\":true,\"ext\":true", wrong(name, "an object that names each field once")),
        ]
        for (field, value) in [("x", own.x), ("y", own.y), ("d", own.d)] {
            let spoilt = [
                value + "=", value + "A", value + "AA", "", String(value.dropLast()), String(value.dropFirst(4)),
                "+/" + value.dropFirst(2), "\\u0041" + value.dropFirst(), " " + value, value + "\\n",
                String(value.dropLast()) + "_",
            ]
            damages += spoilt.map { damage(value, $0, .notBase64("\(name).\(field)")) }
            damages.append(damage("\"\(field)\":\"\(value)\"", "\"\(field)\":7", .notBase64("\(name).\(field)")))
        }
        damages += [zero, order, orderPlusOne, ones].map { damage(own.d, $0, .scalarOutOfRange(use)) }
        damages += [orderMinusOne, other.d].map { damage(own.d, $0, .scalarDoesNotMatchPoint(use)) }
        damages += [own.y, zero, ones, other.x].map { damage(own.x, $0, .pointNotOnCurve(use)) }
        return damages
    }
}
