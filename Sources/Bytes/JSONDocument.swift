/// A JSON text (RFC 8259), parsed once, over bytes that stay exactly as received.
///
/// Decoding and encoding again would change numbers and escapes, so nothing here ever re-encodes: each value knows the
/// range of bytes it was read from, and a post cut out of a page is that very range.
public struct JSONDocument: Sendable {
    public let bytes: [UInt8]
    let nodes: [Node]

    /// Deeper nesting is refused. Anybody can write a post whose props are nested as deep as the server reads them, which
    /// is 10,000 levels (Go's `encoding/json`), and an answer has some around it: with a lower limit, one such post would
    /// keep a channel from ever being fetched. Nothing that walks a tree may recurse.
    public static let maximumDepth = 10_240
    /// More values than the largest answer has; a text of nothing but commas would take eight times its size in memory.
    static let maximumNodes = 1 << 24

    /// One value, or one key of an object. A container's children follow it; `next` is the node after the last of them.
    struct Node: Sendable {
        var kind: JSONKind
        var hasEscapes = false
        var start: UInt32
        var end: UInt32
        var next: UInt32
    }

    /// - Parameter name: of members whose values are checked, and of which nothing is kept but where they stand: what such
    ///   an object or array holds is not to be asked for. A post's props may be 800 kB of numbers, and a page holds two
    ///   hundred posts.
    /// - Throws: `JSONError` with the offset of the first byte that is not as RFC 8259 demands.
    public init(_ bytes: [UInt8], passingOver name: StaticString? = nil) throws(JSONError) {
        guard bytes.count < Int(UInt32.max) else { throw JSONError(reason: .tooLarge, offset: 0) }
        var parser = JSONParser(byteCount: bytes.count, passingOver: name)
        var failure: JSONError?
        bytes.withUnsafeBufferPointer { buffer in
            do throws(JSONError) { try parser.parse(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
        self.bytes = bytes
        self.nodes = parser.nodes
    }

    public var root: JSONValue { JSONValue(document: self, index: 0) }
}

public enum JSONKind: UInt8, Sendable {
    case object, array, string, number, `true`, `false`, null
}

/// Why and where a text is not JSON.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    public enum Reason: String, Sendable {
        case tooLarge = "too large"
        case unexpectedEnd = "ends too early"
        case unexpectedByte = "unexpected byte"
        case trailingBytes = "bytes after the value"
        case invalidNumber = "invalid number"
        case invalidEscape = "invalid escape"
        case controlCharacter = "control character in a string"
        case invalidUTF8 = "invalid UTF-8"
        case tooDeep = "nested too deep"
    }
    public let reason: Reason
    /// Byte offset from the start of the text.
    public let offset: Int

    public var description: String { "not valid JSON at byte \(offset): \(reason.rawValue)" }
}
