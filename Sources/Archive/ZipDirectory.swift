/// The list of files at the end of a zip (PKWARE APPNOTE, 4.3.12 to 4.3.16), held against the files themselves.
///
/// Who reads a zip from its beginning goes by the files' own headers, and everybody else by this list. So that all see the
/// same, the files must stand in its order, one behind the other from the first byte to the list, with nothing between
/// them, each under the name, by the method and with the CRC and sizes that the list states.
struct ZipDirectory {
    /// Of each file, directories included: its unpacked size, in order.
    private var sizes: [Int64] = []
    private var names: [[UInt8]] = []
    /// Whether everything in it is as `PackWriter` writes it: no extra field, comment or mode that any program might take for
    /// another name, or another kind of file.
    private(set) var isOwn: Bool

    private typealias Bytes = ArraySlice<UInt8>
    /// A list of some hundred thousand files; what is longer was not made by anybody who exports.
    private static let maximumSize = 256 << 20

    /// - Parameters:
    ///   - size: bytes of the whole file.
    ///   - read: bytes at a place; fewer where the file ends.
    /// - Returns: nil where the list, or what it lists, is not so.
    init?(size: Int64, read: (_ start: Int64, _ count: Int) -> [UInt8]) {
        guard let place = ZipDirectory.place(size: size, read: read), place.count <= ZipDirectory.maximumSize else {
            return nil
        }
        var rest = read(place.start, place.count)[...]
        guard rest.count == place.count else { return nil }
        isOwn = place.isPlain
        var end: Int64 = 0
        while !rest.isEmpty {
            guard let entry = Entry(&rest), entry.offset == end,
                let next = ZipDirectory.end(of: entry, limit: place.start, read: read)
            else { return nil }
            isOwn = isOwn && entry.isOwn && ZipDirectory.isOwn(localHeaderOf: entry, read: read)
            end = next
            sizes.append(entry.size)
            names.append(entry.name)
        }
        guard end == place.start, sizes.count == place.entries else { return nil }
    }

    /// The name of a file by its place in the list; nil where there is none, or it is not UTF-8.
    func name(_ place: Int) -> String? {
        names.indices.contains(place) ? String(validating: names[place], as: UTF8.self) : nil
    }

    /// - Parameter read: how many bytes were read of each file; nil where that was not tried.
    func lists(_ read: [Int64?]) -> Bool {
        sizes.count == read.count && zip(sizes, read).allSatisfy { $1 == nil || $0 == $1 }
    }

    /// Where the list stands: right before the record that ends the file, or before the two more of a zip64.
    private static func place(
        size: Int64, read: (Int64, Int) -> [UInt8]
    ) -> (start: Int64, count: Int, entries: Int, isPlain: Bool)? {
        let tailStart = max(0, size - Int64(22 + 0xFFFF))
        let tail = read(tailStart, Int(size - tailStart))
        var found: Int?
        for start in stride(from: tail.count - 22, through: 0, by: -1)
        where tail[start...].starts(with: [80, 75, 5, 6]) {
            if Int(number(tail[(start + 20)...], 2)) == tail.count - start - 22 {
                found = start
                break
            }
        }
        guard let found else { return nil }
        let record = tail[found...]
        var (end, entries) = (tailStart + Int64(found), number(record.dropFirst(10), 2))
        var (count, start) = (number(record.dropFirst(12), 4), number(record.dropFirst(16), 4))
        if entries == 0xFFFF || count == 0xFFFF_FFFF || start == 0xFFFF_FFFF, end >= 76 {
            let more = read(end - 76, 76)[...]
            if more.count == 76, more.starts(with: [80, 75, 6, 6]), more.dropFirst(56).starts(with: [80, 75, 6, 7]) {
                guard number(more.dropFirst(4), 8) == 44, number(more.dropFirst(64), 8) == UInt64(end - 76) else {
                    return nil
                }
                (end, entries) = (end - 76, number(more.dropFirst(32), 8))
                (count, start) = (number(more.dropFirst(40), 8), number(more.dropFirst(48), 8))
            }
        }
        guard let count = Int(exactly: count), let start = Int64(exactly: start), let entries = Int(exactly: entries),
            start <= end, Int64(count) == end - start
        else { return nil }
        // One disk, whose entries are all there are, and no comment.
        let isPlain =
            number(record.dropFirst(4), 4) == 0
            && number(record.dropFirst(8), 2) == number(record.dropFirst(10), 2) && record.count == 22
        return (start, count, entries, isPlain)
    }

    private struct Entry {
        let flags: UInt64
        let method: UInt64
        let crc: UInt64
        let packed: Int64
        let size: Int64
        let offset: Int64
        let name: [UInt8]
        /// Its extra fields but those of zip64; nil where there are others than `PackWriter` makes.
        let ownFields: [UInt8]?
        /// The version of zip that a reader must know, and when the file was changed, by MS-DOS.
        let needed: UInt64
        let moment: UInt64
        private let hasOwnForm: Bool

        init?(_ bytes: inout Bytes) {
            guard bytes.count >= 46, bytes.starts(with: [80, 75, 1, 2]) else { return nil }
            func field(_ offset: Int, _ count: Int) -> UInt64 { number(bytes.dropFirst(offset), count) }
            let (nameLength, extraLength) = (Int(field(28, 2)), Int(field(30, 2)))
            let length = 46 + nameLength + extraLength + Int(field(32, 2))
            guard bytes.count >= length else { return nil }
            name = Array(bytes.dropFirst(46).prefix(nameLength))
            var wide = ZipDirectory.extra(1, in: bytes.dropFirst(46 + nameLength).prefix(extraLength)) ?? []
            // What does not fit into four bytes stands in eight, in this order (APPNOTE, 4.5.3).
            func value(_ offset: Int) -> Int64? {
                let short = field(offset, 4)
                guard short == 0xFFFF_FFFF, wide.count >= 8 else { return Int64(short) }
                defer { wide = wide.dropFirst(8) }
                return Int64(exactly: number(wide, 8))
            }
            (flags, method, crc) = (field(8, 2), field(10, 2), field(16, 4))
            guard let size = value(24), let packed = value(20), let offset = value(42) else { return nil }
            (self.size, self.packed, self.offset) = (size, packed, offset)
            ownFields = ZipDirectory.ownFields(bytes.dropFirst(46 + nameLength).prefix(extraLength))
            // No comment, one disk, a text or not, mode 0600 of a file by Unix.
            (needed, moment) = (field(6, 2), field(12, 4))
            hasOwnForm =
                field(5, 1) == 3 && field(4, 1) == needed && moment == ZipDirectory.noMoment && field(32, 2) == 0
                && field(34, 2) == 0 && field(36, 2) == 0
                && field(38, 4) == 0x8180_0000
            bytes = bytes.dropFirst(length)
        }

        /// Whether CRC and sizes stand behind the file instead of before it.
        var hasDescriptor: Bool { flags & 8 != 0 }

        /// Whether it is as `PackWriter` writes it. A name that is not ASCII must be marked as UTF-8: others would read it by
        /// a character set of their own.
        var isOwn: Bool {
            hasOwnForm && ownFields != nil && (method == 0 || method == 8) && flags & ~0x808 == 0
                && (flags & 0x800 != 0) == name.contains { $0 >= 0x80 }
        }
    }

    /// 1980-01-01, 00:00, the first moment that MS-DOS has: `PackWriter` states no times.
    private static let noMoment: UInt64 = 0x0021_0000

    /// Whether a file's own header has no other extra fields than the list, and says nothing else of time, CRC and sizes.
    private static func isOwn(localHeaderOf entry: Entry, read: (Int64, Int) -> [UInt8]) -> Bool {
        let header = read(entry.offset, 30)
        guard header.count == 30, let expected = entry.ownFields else { return false }
        // What the descriptor behind the file has, stands before it as zero, or as it is.
        func isSame(_ offset: Int, _ value: UInt64) -> Bool {
            let stated = number(header[offset...], 4)
            return stated == value || entry.hasDescriptor && stated == 0 || stated == 0xFFFF_FFFF
        }
        guard number(header[4...], 2) == entry.needed, number(header[10...], 4) == entry.moment,
            isSame(14, entry.crc), isSame(18, UInt64(entry.packed)), isSame(22, UInt64(entry.size))
        else { return false }
        let start = entry.offset + 30 + Int64(number(header[26...], 2))
        return ownFields(read(start, Int(number(header[28...], 2)))[...]) == expected
    }

    /// Extra fields without those of zip64 (1), which both headers need in different form.
    ///
    /// - Returns: nil where there are others than times ("UT") and owners ("ux"), one of them twice, or what is no field.
    private static func ownFields(_ fields: Bytes) -> [UInt8]? {
        var (rest, seen, own): (Bytes, Set<UInt64>, [UInt8]) = (fields, [], [])
        while !rest.isEmpty {
            guard rest.count >= 4 else { return nil }
            let (id, length) = (number(rest, 2), 4 + Int(number(rest.dropFirst(2), 2)))
            guard [1, 0x5455, 0x7875].contains(id), seen.insert(id).inserted, rest.count >= length else { return nil }
            if id != 1 { own += rest.prefix(length) }
            rest = rest.dropFirst(length)
        }
        return own
    }

    /// - Returns: where the file ends, its descriptor included; nil where its own header says something else.
    private static func end(of entry: Entry, limit: Int64, read: (Int64, Int) -> [UInt8]) -> Int64? {
        let header = read(entry.offset, 30)[...]
        guard header.count == 30, header.starts(with: [80, 75, 3, 4]) else { return nil }
        func field(_ offset: Int, _ count: Int) -> UInt64 { number(header.dropFirst(offset), count) }
        let (nameLength, extraLength) = (Int(field(26, 2)), Int(field(28, 2)))
        let names = read(entry.offset + 30, nameLength + extraLength)[...]
        guard Array(names.prefix(nameLength)) == entry.name, field(6, 2) == entry.flags, field(8, 2) == entry.method,
            entry.packed <= limit
        else { return nil }
        let end = entry.offset + Int64(30 + nameLength + extraLength) + entry.packed
        guard end <= limit else { return nil }
        guard entry.hasDescriptor else {
            var wide = extra(1, in: names.dropFirst(nameLength)) ?? []
            func value(_ offset: Int) -> UInt64 {
                let short = field(offset, 4)
                guard short == 0xFFFF_FFFF, wide.count >= 8 else { return short }
                defer { wide = wide.dropFirst(8) }
                return number(wide, 8)
            }
            let isSame =
                field(14, 4) == entry.crc && value(22) == UInt64(entry.size) && value(18) == UInt64(entry.packed)
            return isSame ? end : nil
        }
        // Where a file that is not compressed ends, a reader from the beginning could only guess.
        guard entry.method != 0 || entry.packed == 0 || field(18, 4) == UInt64(entry.packed) else { return nil }
        // With or without a signature; sizes of four bytes or of eight.
        let descriptor = read(end, 24)[...]
        let hasSignature = descriptor.starts(with: [80, 75, 7, 8])
        let fields = descriptor.dropFirst(hasSignature ? 4 : 0)
        guard fields.count >= 12, number(fields, 4) == entry.crc else { return nil }
        let start = end + (hasSignature ? 4 : 0)
        for width in [4, 8] where fields.count >= 4 + 2 * width {
            let sizes = fields.dropFirst(4)
            if number(sizes, width) == UInt64(entry.packed), number(sizes.dropFirst(width), width) == UInt64(entry.size)
            {
                let next = read(start + Int64(4 + 2 * width), 4)
                if next.starts(with: [80, 75]) { return start + Int64(4 + 2 * width) }
            }
        }
        return nil
    }

    /// The content of an extra field (APPNOTE, 4.5).
    private static func extra(_ id: UInt64, in fields: Bytes) -> Bytes? {
        var rest = fields
        while rest.count >= 4 {
            let length = Int(number(rest.dropFirst(2), 2))
            guard rest.count >= 4 + length else { return nil }
            if number(rest, 2) == id { return rest.dropFirst(4).prefix(length) }
            rest = rest.dropFirst(4 + length)
        }
        return nil
    }
}

/// A number of `count` bytes, little-endian.
private func number(_ bytes: some Collection<UInt8>, _ count: Int) -> UInt64 {
    bytes.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
}
