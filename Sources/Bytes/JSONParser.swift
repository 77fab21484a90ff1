/// The parser behind `JSONDocument`: one pass, no recursion, no copies; it appends nodes in document order.
struct JSONParser {
    private(set) var nodes: [JSONDocument.Node] = []
    private var position = 0
    /// The containers that are open, by node index.
    private var open: [Int] = []

    private let passedOver: StaticString?
    private let maximumNodes: Int

    init(
        byteCount: Int, passingOver name: StaticString? = nil, maximumNodes: Int = JSONDocument.maximumNodes
    ) {
        passedOver = name
        self.maximumNodes = maximumNodes
        // A page of posts has a value about every 25 bytes; one reservation instead of a dozen regrowths.
        nodes.reserveCapacity(byteCount / 24 + 8)
    }

    mutating func parse(_ text: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        try value(text)
        while let container = open.last {
            skipSpace(text)
            guard position < text.count else { throw fail(.unexpectedEnd) }
            let isObject = nodes[container].kind == .object
            let isEmpty = nodes.count == container + 1
            if text[position] == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                position += 1
                nodes[container].end = UInt32(position)
                if isPassedOver(container, text) { nodes.removeLast(nodes.count - container - 1) }
                nodes[container].next = UInt32(nodes.count)
                open.removeLast()
                continue
            }
            if !isEmpty {
                guard text[position] == UInt8(ascii: ",") else { throw fail(.unexpectedByte) }
                position += 1
                skipSpace(text)
            }
            if isObject {
                guard position < text.count else { throw fail(.unexpectedEnd) }
                guard text[position] == UInt8(ascii: "\"") else { throw fail(.unexpectedByte) }
                try string(text)
                skipSpace(text)
                guard position < text.count else { throw fail(.unexpectedEnd) }
                guard text[position] == UInt8(ascii: ":") else { throw fail(.unexpectedByte) }
                position += 1
            }
            try value(text)
        }
        skipSpace(text)
        guard position == text.count else { throw fail(.trailingBytes) }
    }

    /// Whether a container, the innermost one that is open, is a member of the name of which nothing is kept.
    private func isPassedOver(_ container: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let passedOver, open.count > 1, nodes[open[open.count - 2]].kind == .object else { return false }
        // Its key stands right before it.
        let key = nodes[container - 1]
        let length = passedOver.utf8CodeUnitCount
        guard Int(key.end - key.start) == length + 2 else { return false }
        return (0..<length).allSatisfy { text[Int(key.start) + 1 + $0] == passedOver.utf8Start[$0] }
    }

    private func fail(_ reason: JSONError.Reason) -> JSONError { JSONError(reason: reason, offset: position) }

    private mutating func skipSpace(_ text: UnsafeBufferPointer<UInt8>) {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func append(_ kind: JSONKind, from start: Int, hasEscapes: Bool = false) {
        nodes.append(
            .init(
                kind: kind, hasEscapes: hasEscapes, start: UInt32(start), end: UInt32(position),
                next: UInt32(nodes.count + 1)))
    }

    /// A scalar whole, or the opening of a container.
    private mutating func value(_ text: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        skipSpace(text)
        guard position < text.count else { throw fail(.unexpectedEnd) }
        guard nodes.count < maximumNodes else { throw fail(.tooLarge) }
        let start = position
        switch text[position] {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard open.count < JSONDocument.maximumDepth else { throw fail(.tooDeep) }
            let kind: JSONKind = text[position] == UInt8(ascii: "{") ? .object : .array
            position += 1
            append(kind, from: start)
            open.append(nodes.count - 1)
        case UInt8(ascii: "\""): try string(text)
        case UInt8(ascii: "t"): try literal("true", .true, text)
        case UInt8(ascii: "f"): try literal("false", .false, text)
        case UInt8(ascii: "n"): try literal("null", .null, text)
        default:
            try number(text)
            append(.number, from: start)
        }
    }

    private mutating func literal(
        _ word: StaticString, _ kind: JSONKind, _ text: UnsafeBufferPointer<UInt8>
    ) throws(JSONError) {
        let start = position
        for offset in 0..<word.utf8CodeUnitCount {
            guard position < text.count else { throw fail(.unexpectedEnd) }
            guard text[position] == word.utf8Start[offset] else { throw fail(.unexpectedByte) }
            position += 1
        }
        append(kind, from: start)
    }

    private mutating func digits(_ text: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        let start = position
        while position < text.count, (0x30...0x39).contains(text[position]) { position += 1 }
        guard position > start else { throw fail(position < text.count ? .invalidNumber : .unexpectedEnd) }
    }

    private mutating func number(_ text: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        if text[position] == UInt8(ascii: "-") { position += 1 }
        guard position < text.count else { throw fail(.unexpectedEnd) }
        let first = text[position]
        guard (0x30...0x39).contains(first) else { throw fail(.unexpectedByte) }
        if first == 0x30 { position += 1 } else { try digits(text) }
        if position < text.count, text[position] == UInt8(ascii: ".") {
            position += 1
            try digits(text)
        }
        if position < text.count, text[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < text.count, text[position] == UInt8(ascii: "+") || text[position] == UInt8(ascii: "-") {
                position += 1
            }
            try digits(text)
        }
    }

    private mutating func string(_ text: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        let start = position
        var hasEscapes = false
        position += 1
        while position < text.count {
            let byte = text[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                append(.string, from: start, hasEscapes: hasEscapes)
                return
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try escape(text)
            case 0..<0x20: throw fail(.controlCharacter)
            case 0x20..<0x80: position += 1
            default:
                let length = UTF8Sequence.length(in: text, at: position)
                guard length > 0 else { throw fail(.invalidUTF8) }
                position += length
            }
        }
        throw fail(.unexpectedEnd)
    }

    private mutating func escape(_ text: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        guard position + 1 < text.count else { throw fail(.unexpectedEnd) }
        switch text[position + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 2
        case UInt8(ascii: "u"):
            guard position + 5 < text.count else { throw fail(.unexpectedEnd) }
            for offset in 2...5 where Hex.digit(text[position + offset]) == nil { throw fail(.invalidEscape) }
            position += 6
        default: throw fail(.invalidEscape)
        }
    }
}

/// Well-formed UTF-8 after table 3-7 of the Unicode standard.
enum UTF8Sequence {
    /// The number of bytes of the multi-byte sequence at `position`, or 0 where it is not well formed.
    static func length(in text: UnsafeBufferPointer<UInt8>, at position: Int) -> Int {
        let rest = text.count - position
        func continues(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            offset < rest && range.contains(text[position + offset])
        }
        switch text[position] {
        case 0xC2...0xDF: return continues(1) ? 2 : 0
        case 0xE0: return continues(1, 0xA0...0xBF) && continues(2) ? 3 : 0
        case 0xED: return continues(1, 0x80...0x9F) && continues(2) ? 3 : 0
        case 0xE1...0xEF: return continues(1) && continues(2) ? 3 : 0
        case 0xF0: return continues(1, 0x90...0xBF) && continues(2) && continues(3) ? 4 : 0
        case 0xF1...0xF3: return continues(1) && continues(2) && continues(3) ? 4 : 0
        case 0xF4: return continues(1, 0x80...0x8F) && continues(2) && continues(3) ? 4 : 0
        default: return 0
        }
    }
}
