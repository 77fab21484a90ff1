/// JSON written as the server writes it, so that equal data gives equal bytes.
enum JSONText {
    /// A quoted string, escaped as Go's encoder does: `<`, `>`, `&`, U+2028 and U+2029 as `\u` too.
    static func string(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\u{0}"..<" ", "<", ">", "&", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// An array of strings.
    static func strings(_ texts: [String]) -> String {
        "[" + texts.map(string).joined(separator: ",") + "]"
    }

    /// `object` with one top-level member set, every other member byte for byte as it was.
    ///
    /// The server keeps props sorted by key and sets `deleteBy` among them when a post is deleted.
    /// - Parameters:
    ///   - key: A plain key: nothing in it needs escaping.
    ///   - value: The member's value, already JSON.
    ///   - object: A valid JSON object without white space around its members.
    static func setting(_ key: String, to value: String, in object: String) -> String {
        var members = topLevelMembers(of: object).filter { !$0.hasPrefix("\"\(key)\":") }
        let place = members.firstIndex { $0 > "\"\(key)\"" } ?? members.endIndex
        members.insert("\"\(key)\":\(value)", at: place)
        return "{" + members.joined(separator: ",") + "}"
    }

    /// The raw text of each member of a JSON object, `"key":value`.
    private static func topLevelMembers(of object: String) -> [String] {
        var members: [String] = []
        var member: [UInt8] = []
        var depth = 0
        var inString = false
        var escaped = false
        for byte in object.utf8 {
            if inString {
                inString = escaped || byte != UInt8(ascii: "\"")
                escaped = !escaped && byte == UInt8(ascii: "\\")
                member.append(byte)
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                if depth == 1 { continue }
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            if depth == 0 || (depth == 1 && byte == UInt8(ascii: ",")) {
                if !member.isEmpty { members.append(String(decoding: member, as: UTF8.self)) }
                member = []
            } else {
                member.append(byte)
            }
        }
        return members
    }
}

/// A JSON object that a client sent, as the server writes it from then on: sorted by key, without white space, and its
/// numbers no longer what they were.
struct JSONObject: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
        text = try JSONObject.text(of: [String: Value](from: decoder))
    }

    private static func text(of object: [String: Value]) -> String {
        let members = object.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        return "{" + members.map { JSONText.string($0) + ":" + $1.text }.joined(separator: ",") + "}"
    }

    private struct Value: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if value.decodeNil() {
                text = "null"
            } else if let flag = try? value.decode(Bool.self) {
                text = flag ? "true" : "false"
            } else if let number = try? value.decode(Double.self) {
                // The server reads every number as a double: 2^53+1 becomes 2^53, and 1.0 becomes 1.
                text = Int64(exactly: number).map { String($0) } ?? String(number)
            } else if let string = try? value.decode(String.self) {
                text = JSONText.string(string)
            } else if let array = try? value.decode([Value].self) {
                text = "[" + array.map(\.text).joined(separator: ",") + "]"
            } else {
                text = JSONObject.text(of: try value.decode([String: Value].self))
            }
        }
    }
}
