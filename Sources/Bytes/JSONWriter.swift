/// Writes one compact JSON text, members in the order in which they are given, so that equal data gives equal bytes.
///
///     var json = JSONWriter()
///     json.object { $0.string("id", id); $0.int("create_at", time) }
public struct JSONWriter {
    public private(set) var bytes: [UInt8] = []
    private var needsComma = false

    public init() {}

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    public mutating func object(_ key: String? = nil, _ members: (inout JSONWriter) throws -> Void) rethrows {
        try nest("{", "}", key, members)
    }

    public mutating func array(_ key: String? = nil, _ elements: (inout JSONWriter) throws -> Void) rethrows {
        try nest("[", "]", key, elements)
    }

    public mutating func string(_ key: String? = nil, _ value: String?) {
        guard let value else { return null(key) }
        begin(key)
        quote(value)
    }

    public mutating func int(_ key: String? = nil, _ value: some BinaryInteger) {
        begin(key)
        bytes.append(contentsOf: String(value).utf8)
    }

    public mutating func bool(_ key: String? = nil, _ value: Bool) {
        begin(key)
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    public mutating func null(_ key: String? = nil) {
        begin(key)
        bytes.append(contentsOf: "null".utf8)
    }

    private mutating func nest(
        _ opening: Character, _ closing: Character, _ key: String?, _ content: (inout JSONWriter) throws -> Void
    ) rethrows {
        begin(key)
        bytes.append(contentsOf: String(opening).utf8)
        needsComma = false
        try content(&self)
        bytes.append(contentsOf: String(closing).utf8)
        needsComma = true
    }

    private mutating func begin(_ key: String?) {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
        guard let key else { return }
        quote(key)
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func quote(_ string: String) {
        bytes.append(UInt8(ascii: "\""))
        var string = string
        string.withUTF8 { text in
            // What needs no escape, which is nearly everything, is copied in runs.
            var start = 0
            for (place, byte) in text.enumerated() {
                guard let escape = JSONWriter.escape(byte, behind: text[max(start, place - 2)..<place]) else {
                    continue
                }
                bytes.append(contentsOf: text[start..<place - escape.before])
                bytes.append(contentsOf: escape.text.utf8)
                start = place + 1
            }
            bytes.append(contentsOf: text[start...])
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// What to write instead of a character that ends with `byte`, and how many bytes of it stand before that one.
    ///
    /// U+0085, U+2028 and U+2029 end a line for some readers of JSON Lines.
    private static func escape(
        _ byte: UInt8, behind before: Slice<UnsafeBufferPointer<UInt8>>
    ) -> (text: String, before: Int)? {
        switch byte {
        case UInt8(ascii: "\""): ("\\\"", 0)
        case UInt8(ascii: "\\"): ("\\\\", 0)
        case 0x0A: ("\\n", 0)
        case 0x0D: ("\\r", 0)
        case 0x09: ("\\t", 0)
        case 0..<0x20, 0x7F: ("\\u00\(Hex.encode([byte]))", 0)
        case 0x85 where before.last == 0xC2: ("\\u0085", 1)
        case 0xA8 where before.elementsEqual([0xE2, 0x80]): ("\\u2028", 2)
        case 0xA9 where before.elementsEqual([0xE2, 0x80]): ("\\u2029", 2)
        default: nil
        }
    }
}
