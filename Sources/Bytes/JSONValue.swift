/// A value inside a `JSONDocument`: a view, not a copy.
public struct JSONValue: Sendable {
    let document: JSONDocument
    let index: Int

    private var node: JSONDocument.Node { document.nodes[index] }

    public var kind: JSONKind { node.kind }

    /// Where the value stands in the document's bytes.
    public var range: Range<Int> { Int(node.start)..<Int(node.end) }

    /// The value's bytes as received.
    public var bytes: ArraySlice<UInt8> { document.bytes[range] }

    public var isNull: Bool { kind == .null }

    public var bool: Bool? {
        switch kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    /// The number, where it is written as an integer (no fraction, no exponent) that fits.
    public var int: Int64? {
        guard kind == .number else { return nil }
        var magnitude: UInt64 = 0
        var digits = bytes
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        for byte in digits {
            guard (0x30...0x39).contains(byte) else { return nil }
            let (shifted, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = shifted.addingReportingOverflow(UInt64(byte - 0x30))
            guard !overflow, !carry else { return nil }
            magnitude = sum
        }
        guard isNegative else { return Int64(exactly: magnitude) }
        return magnitude <= Int64.min.magnitude ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
    }

    /// The bytes between the quotes, where the string is written without escapes.
    public var plainStringBytes: ArraySlice<UInt8>? {
        guard kind == .string, !node.hasEscapes else { return nil }
        return document.bytes[Int(node.start) + 1..<Int(node.end) - 1]
    }

    /// The string with its escapes resolved. A lone surrogate (`\ud800`) becomes U+FFFD, as in Go and in browsers.
    public var string: String? {
        guard kind == .string else { return nil }
        let inner = document.bytes[Int(node.start) + 1..<Int(node.end) - 1]
        guard node.hasEscapes else { return String(decoding: inner, as: UTF8.self) }
        return JSONValue.unescape(inner)
    }

    /// The member named `key`. Of duplicate names the last counts, as for every client of Mattermost; a reader that
    /// must not be fooled asks `hasDuplicateKeys`.
    public subscript(key: StaticString) -> JSONValue? {
        guard kind == .object else { return nil }
        var found: JSONValue?
        var child = index + 1
        let end = Int(node.next)
        while child < end {
            if document.matches(key, at: child) { found = JSONValue(document: document, index: child + 1) }
            child = Int(document.nodes[child + 1].next)
        }
        return found
    }

    /// The members of an object in document order, duplicates included; empty for any other value.
    public var members: [(key: String, value: JSONValue)] {
        namedMembers.map { (String(decoding: $0.name, as: UTF8.self), $0.value) }
    }

    /// The same with each name as its UTF-8 bytes, escapes resolved: most are not copied.
    public var namedMembers: [(name: ArraySlice<UInt8>, value: JSONValue)] {
        guard kind == .object else { return [] }
        var result: [(ArraySlice<UInt8>, JSONValue)] = []
        var child = index + 1
        let end = Int(node.next)
        while child < end {
            let key = JSONValue(document: document, index: child)
            let name = key.plainStringBytes ?? Array((key.string ?? "").utf8)[...]
            result.append((name, JSONValue(document: document, index: child + 1)))
            child = Int(document.nodes[child + 1].next)
        }
        return result
    }

    /// Whether an object names a member twice. Names are compared by their bytes once escapes are resolved, never by
    /// what Unicode holds to be equivalent, so this and the subscript agree on which names are the same.
    public var hasDuplicateKeys: Bool {
        guard kind == .object else { return false }
        return document.repeatsName(in: index)
    }

    /// The elements of an array; empty for any other value.
    public var elements: [JSONValue] {
        guard kind == .array else { return [] }
        var result: [JSONValue] = []
        var child = index + 1
        while child < Int(node.next) {
            result.append(JSONValue(document: document, index: child))
            child = Int(document.nodes[child].next)
        }
        return result
    }

    private static func unescape(_ bytes: ArraySlice<UInt8>) -> String {
        var units: [UInt16] = []
        var result = ""
        var plain: [UInt8] = []
        func flushUnits() {
            // Decoding UTF-16 puts U+FFFD where a surrogate stands alone.
            if !units.isEmpty { result += String(decoding: units, as: UTF16.self) }
            units.removeAll(keepingCapacity: true)
        }
        func flushPlain() {
            if !plain.isEmpty { result += String(decoding: plain, as: UTF8.self) }
            plain.removeAll(keepingCapacity: true)
        }
        var position = bytes.startIndex
        while position < bytes.endIndex {
            guard bytes[position] == UInt8(ascii: "\\") else {
                flushUnits()
                plain.append(bytes[position])
                position += 1
                continue
            }
            flushPlain()
            let code = bytes[position + 1]
            if code == UInt8(ascii: "u") {
                units.append((2...5).reduce(0) { $0 << 4 | UInt16(Hex.digit(bytes[position + $1]) ?? 0) })
                position += 6
                continue
            }
            flushUnits()
            switch code {
            case UInt8(ascii: "b"): plain.append(0x08)
            case UInt8(ascii: "f"): plain.append(0x0C)
            case UInt8(ascii: "n"): plain.append(0x0A)
            case UInt8(ascii: "r"): plain.append(0x0D)
            case UInt8(ascii: "t"): plain.append(0x09)
            default: plain.append(code)
            }
            position += 2
        }
        flushPlain()
        flushUnits()
        return result
    }
}

extension JSONDocument {
    /// Whether the string at `index` is `key`, byte by byte.
    fileprivate func matches(_ key: StaticString, at index: Int) -> Bool {
        let node = nodes[index]
        if node.hasEscapes { return unescapedName(at: index).elementsEqual(key.description.utf8) }
        let start = Int(node.start) + 1
        let count = Int(node.end) - 1 - start
        guard count == key.utf8CodeUnitCount else { return false }
        return bytes.withUnsafeBufferPointer { text in
            for offset in 0..<count where text[start + offset] != key.utf8Start[offset] { return false }
            return true
        }
    }

    /// Few names without escapes, which is every object that Mattermost or the plugin writes, are compared where they
    /// stand; the rest goes through a set, so that a hostile object of a million members costs no more than its length.
    fileprivate func repeatsName(in object: Int) -> Bool {
        var names: [Int] = []
        var child = object + 1
        while child < Int(nodes[object].next) {
            names.append(child)
            child = Int(nodes[child + 1].next)
        }
        guard names.count <= 16, !names.contains(where: { nodes[$0].hasEscapes }) else {
            var seen: Set<[UInt8]> = []
            return !names.allSatisfy { seen.insert(unescapedName(at: $0)).inserted }
        }
        return bytes.withUnsafeBufferPointer { text in
            for (place, name) in names.enumerated() {
                for earlier in names[..<place] where isEqual(nodes[earlier], nodes[name], in: text) { return true }
            }
            return false
        }
    }

    private func isEqual(_ left: Node, _ right: Node, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard left.end - left.start == right.end - right.start else { return false }
        return text[Int(left.start)..<Int(left.end)].elementsEqual(text[Int(right.start)..<Int(right.end)])
    }

    private func unescapedName(at index: Int) -> [UInt8] {
        Array((JSONValue(document: self, index: index).string ?? "").utf8)
    }
}
