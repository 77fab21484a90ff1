internal import Bytes

/// Tells versions of a post apart: the first 16 bytes of a SHA-256 over parts, each behind its length, so that no two
/// different lists of parts give the same bytes. docs/archive-format.md specifies it.
struct VersionDigest {
    private var material: [UInt8] = []

    init() {}

    /// Over the members of `object` by name, without those in `names` and without empty ones: a field that one version of
    /// the server sends empty and another leaves out is the same field.
    init(ofAllBut names: Set<String>, in object: JSONValue) {
        let members = object.members.filter { !names.contains($0.key) && !VersionDigest.isEmpty($0.value) }
        let sorted = members.sorted { left, right in
            if left.key.utf8.elementsEqual(right.key.utf8) {
                return left.value.range.lowerBound < right.value.range.lowerBound
            }
            return left.key.utf8.lexicographicallyPrecedes(right.key.utf8)
        }
        for (key, value) in sorted {
            add(key.utf8)
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
