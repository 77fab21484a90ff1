/// Why a payload is not a message of version 1. Holds names and lengths, never text or key bytes.
public enum MessageError: Error, Equatable, Sendable {
    case unsupportedVersion(Int64)
    case malformed(Reason)

    public enum Field: String, Sendable {
        case version, iv, pubECDHE, encryptedKey, encryptedData, signature
    }

    public enum Reason: Equatable, Sendable, CustomStringConvertible {
        case notAnObject
        case duplicateField
        case missing(Field)
        case wrongType(Field)
        case notBase64(Field)
        case wrongLength(Field, Int)
        case pointNotOnCurve

        public var description: String {
            switch self {
            case .notAnObject: "the payload is not an object"
            case .duplicateField: "the payload names a field twice"
            case .missing(let field): "\(field.rawValue) is missing"
            case .wrongType(let field): "\(field.rawValue) has the wrong type"
            case .notBase64(let field): "\(field.rawValue) is not standard base64"
            case .wrongLength(let field, let count): "\(field.rawValue) has \(count) bytes"
            case .pointNotOnCurve: "pubECDHE is not a point of the curve P-256"
            }
        }
    }
}
