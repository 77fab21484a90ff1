internal import Bytes

/// Tells versions of a post apart: the first 16 bytes of a SHA-256 over parts, each behind its length, so that no two
/// different lists of parts give the same bytes. docs/archive-format.md specifies it.
struct VersionDigest {
    private var material: [UInt8] = []

    init() {}

    /// Over the members of `object` by name, without those in `names` and without empty ones: a field that one version of
    /// the server sends empty and another leaves out is the same field.
    init(ofAllBut names: [StaticString], in object: JSONValue) {
        let members = object.namedMembers.filter { member in
            !VersionDigest.isEmpty(member.value) && !names.contains { member.name.elementsEqual($0.bytes) }
        }
        let sorted = members.sorted { left, right in
            if left.name.elementsEqual(right.name) {
                return left.value.range.lowerBound < right.value.range.lowerBound
            }
            return left.name.lexicographicallyPrecedes(right.name)
        }
        for (name, value) in sorted {
            add(name)
            add(value.bytes)
        }
    }

    mutating func add(_ part: some Collection<UInt8>) {
        withUnsafeBytes(of: UInt32(part.count).littleEndian) { material.append(contentsOf: $0) }
        material.append(contentsOf: part)
    }

    var value: [UInt8] { Array(SHA256Digest(of: material).bytes.prefix(16)) }

    /// null, false, 0, "", [] or {}.
    static func isEmpty(_ value: JSONValue) -> Bool {
        switch value.kind {
        case .null, .false: true
        case .true: false
        case .number: value.bytes.elementsEqual([UInt8(ascii: "0")])
        case .string: value.range.count == 2
        case .array, .object: value.bytes.dropFirst().dropLast().allSatisfy { $0 <= 0x20 }
        }
    }
}

extension StaticString {
    fileprivate var bytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}
