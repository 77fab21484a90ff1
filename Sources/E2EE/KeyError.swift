/// What is wrong with a key or a backup of one. Never holds key bytes.
public enum KeyError: Error, Equatable, Sendable, CustomStringConvertible {
    case noArmor
    case armorNotClosed
    case armorNotBase64
    case notJSON(offset: Int)
    case missingField(String)
    case unexpectedField(String)
    case wrongValue(field: String, expected: String)
    case notBase64(String)
    case pointNotOnCurve(KeyUse)
    case scalarOutOfRange(KeyUse)
    case scalarDoesNotMatchPoint(KeyUse)

    public var description: String {
        switch self {
        case .noArmor: "there is no “-----BEGIN MM E2EE PRIVATE KEY-----” line"
        case .armorNotClosed: "the backup is cut: its “-----END MM E2EE PRIVATE KEY-----” line is missing"
        case .armorNotBase64: "the backup is damaged: between its two lines stands something that is not base64"
        case .notJSON(let offset): "the backup is damaged: it does not hold JSON (byte \(offset))"
        case .missingField(let field): "the field “\(field)” is missing"
        case .unexpectedField(let field): "there is a field that the plugin does not write: “\(field)”"
        case .wrongValue(let field, let expected): "the field “\(field)” is not \(expected)"
        case .notBase64(let field): "the field “\(field)” is not the base64 of a 32-byte number or a 65-byte point"
        case .pointNotOnCurve(let use): "the public point of “\(use.rawValue)” is not on the curve P-256"
        case .scalarOutOfRange(let use): "the private number d of “\(use.rawValue)” is out of range"
        case .scalarDoesNotMatchPoint(let use):
            "the private number d of “\(use.rawValue)” does not belong to its public point (x, y)"
        }
    }
}
