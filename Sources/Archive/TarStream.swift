internal import Bytes

/// The tar in a `.tar.zst` that `PackWriter` made, read from its beginning to its end: ustar headers (POSIX.1-2017, pax), and a
/// pax header where a name or a size needs one.
///
/// The tar is made again as it is read, and must be the same to the byte. Then every program that unpacks it gives the same
/// files: a pax header that holds for all of them, a second name, or something between two of them would have another program
/// give others.
final class TarStream {
    /// Whether all that was read is as `PackWriter` makes it.
    private(set) var isOwn = true
    private let source: Source
    private let writer: PackWriter
    private let made = Sum()
    private let found = Sum()
    /// Bytes of the file under way that are still to come, and zeros behind it.
    private var rest: Int64 = 0
    private var padding = 0

    /// Fills a buffer, but at the end; gives how many bytes came.
    typealias Source = (UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int

    private static let block = 512
    /// The longest name and size come to far less.
    private static let longestHeader: Int64 = 64 << 10

    init(_ source: @escaping Source) throws(ArchiveError) {
        self.source = source
        let made = made
        writer = try PackWriter(tar: { made.add($0) })
    }

    /// - Returns: the next file's name; nil behind the last one.
    /// - Throws: `badExport` where nothing that `PackWriter` writes stands there.
    func next() throws(ArchiveError) -> String? {
        while rest > 0 { _ = try skip() }
        _ = try take(padding)
        padding = 0
        var header = try take(TarStream.block)
        if header.allSatisfy({ $0 == 0 }) {
            try finish()
            return nil
        }
        var fields: [String: [UInt8]] = [:]
        if header[156] == UInt8(ascii: "x") {
            guard let size = TarStream.octal(header[124..<136]), size <= TarStream.longestHeader,
                let found = TarStream.records(try take(TarStream.padded(Int(size)))[..<Int(size)])
            else { throw PackReader.foreign(nil) }
            fields = found
            header = try take(TarStream.block)
        }
        guard header[156] == UInt8(ascii: "0"), let short = TarStream.name(header),
            let name = String(validating: fields["path"] ?? short, as: UTF8.self),
            let size = fields["size"].map(TarStream.decimal) ?? TarStream.octal(header[124..<136])
        else { throw PackReader.foreign(nil) }
        (rest, padding) = (
            size, TarStream.padded(Int(size % Int64(TarStream.block))) - Int(size % Int64(TarStream.block))
        )
        compare { try writer.begin(name, size: size) }
        return name
    }

    /// - Returns: how many bytes of the file under way came; 0 behind its last one.
    func read(_ buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        let wanted = Int(min(Int64(buffer.count), rest))
        guard wanted > 0 else { return 0 }
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
        try fill(part)
        rest -= Int64(wanted)
        compare { try writer.write(UnsafeRawBufferPointer(part)) }
        return wanted
    }

    private func skip() throws(ArchiveError) -> Int {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var count = 0
        var failure: ArchiveError?
        buffer.withUnsafeMutableBytes { bytes in
            do throws(ArchiveError) { count = try read(bytes) } catch { failure = error }
        }
        if let failure { throw failure }
        return count
    }

    /// Two blocks of zeros end it, and nothing follows.
    private func finish() throws(ArchiveError) {
        var end = try take(TarStream.block)
        compare { try writer.finish() }
        var failure: ArchiveError?
        let more = end.withUnsafeMutableBytes { bytes -> Int in
            do throws(ArchiveError) { return try source(bytes) } catch { failure = error }
            return 0
        }
        if let failure { throw failure }
        isOwn = isOwn && more == 0 && made.count == found.count && made.digest == found.digest
    }

    private func compare(_ body: () throws -> Void) {
        guard isOwn else { return }
        do { try body() } catch { isOwn = false }
    }

    private func take(_ count: Int) throws(ArchiveError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var failure: ArchiveError?
        bytes.withUnsafeMutableBytes { bytes in
            do throws(ArchiveError) { try fill(bytes) } catch { failure = error }
        }
        if let failure { throw failure }
        return bytes
    }

    private func fill(_ bytes: UnsafeMutableRawBufferPointer) throws(ArchiveError) {
        guard try source(bytes) == bytes.count else { throw .badExport(file: nil, what: "it was cut") }
        found.add(UnsafeRawBufferPointer(bytes))
    }

    // MARK: Headers

    private static func padded(_ count: Int) -> Int { (count + block - 1) / block * block }

    private static func text(_ field: ArraySlice<UInt8>) -> [UInt8] { Array(field.prefix { $0 != 0 }) }

    private static func name(_ header: [UInt8]) -> [UInt8]? {
        let (name, prefix) = (text(header[0..<100]), text(header[345..<500]))
        guard !name.isEmpty else { return nil }
        return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }

    private static func octal(_ field: ArraySlice<UInt8>) -> Int64? { number(text(field).prefix { $0 != 0x20 }, 8) }
    private static func decimal(_ field: [UInt8]) -> Int64? { number(field[...], 10) }

    private static func number(_ digits: ArraySlice<UInt8>, _ radix: Int) -> Int64? {
        guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(String(decoding: digits, as: UTF8.self), radix: radix)
    }

    /// The records of a pax header, `LENGTH KEY=VALUE\n` each.
    private static func records(_ bytes: ArraySlice<UInt8>) -> [String: [UInt8]]? {
        var (rest, fields): (ArraySlice<UInt8>, [String: [UInt8]]) = (bytes, [:])
        while !rest.isEmpty {
            let digits = rest.prefix { $0 != 0x20 }
            guard let length = number(digits, 10).flatMap(Int.init(exactly:)), length > digits.count + 1,
                length <= rest.count, rest.dropFirst(length - 1).first == UInt8(ascii: "\n")
            else { return nil }
            let record = rest.dropFirst(digits.count + 1).prefix(length - digits.count - 2)
            let key = String(decoding: record.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
            guard ["path", "size"].contains(key), fields[key] == nil else { return nil }
            fields[key] = Array(record.dropFirst(key.utf8.count + 1))
            rest = rest.dropFirst(length)
        }
        return fields
    }

    /// What has passed by.
    private final class Sum {
        private(set) var count: Int64 = 0
        private var hash: SHA256Stream? = SHA256Stream()

        func add(_ bytes: UnsafeRawBufferPointer) {
            hash?.update(bytes)
            count += Int64(bytes.count)
        }

        /// To be asked for once, behind the last byte.
        var digest: SHA256Digest? { hash.take()?.finalize() }
    }
}

/// A file of Zstandard (RFC 8878), which may consist of several frames, some of which are skipped.
enum ZstdFile {
    /// Whether the file is one frame from its first byte to its last (RFC 8878, 3.1.1).
    ///
    /// - Parameter read: bytes at a place of it; fewer where it ends.
    static func isOneFrame(size: Int64, read: (_ start: Int64, _ count: Int) -> [UInt8]) -> Bool {
        let head = read(0, 5)
        guard head.count == 5, head.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) else { return false }
        let descriptor = Int(head[4])
        let isSingle = descriptor & 0x20 != 0
        let contentSize = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]
        // A dictionary would have to come from elsewhere; one bit is reserved.
        guard descriptor & 3 == 0, descriptor & 8 == 0 else { return false }
        var place = Int64(5 + (isSingle ? 0 : 1) + contentSize)
        while true {
            let block = read(place, 3)
            guard block.count == 3 else { return false }
            let header = Int(block[0]) | Int(block[1]) << 8 | Int(block[2]) << 16
            let kind = header >> 1 & 3
            guard kind != 3 else { return false }
            // One byte stands for a block of equal ones.
            place += 3 + Int64(kind == 1 ? 1 : header >> 3)
            guard header & 1 == 1 else { continue }
            return place + (descriptor & 4 != 0 ? 4 : 0) == size
        }
    }
}
