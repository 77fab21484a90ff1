internal import Bytes
internal import CLibArchive
internal import Glibc

/// How much an export may unpack to. A zip of some megabytes can promise petabytes.
public struct ImportLimits: Sendable {
    /// Bytes of all files in the zip, unpacked.
    public var unpacked: Int64
    /// How many times its packed size one file may unpack to; nil for any. Deflate can do 1032; lines of JSON come to
    /// 10, and to 50 where they repeat each other.
    public var ratio: Int64?

    public init(unpacked: Int64 = 256 << 30, ratio: Int64? = 200) {
        self.unpacked = unpacked
        self.ratio = ratio
    }

    /// The longest line of an export, or row of a table, in bytes: a thread is one line.
    static let line = 64 << 20
    /// A file that is small enough for any ratio.
    static let small: Int64 = 64 << 20
}

/// How files are packed into one.
public enum PackFormat: Sendable {
    /// PKWARE APPNOTE.
    case zip
    /// POSIX pax, compressed with Zstandard (RFC 8878).
    case tarZstd

    /// The format of a file that begins as one of these does; nil for anything else.
    public init?(_ source: PackSource) {
        guard let format = [PackFormat.zip, .tarZstd].first(where: { source.begins(with: $0.magic) }) else {
            return nil
        }
        self = format
    }

    /// The bytes that such a file begins with.
    fileprivate var magic: [UInt8] { self == .zip ? Array("PK".utf8) : [0x28, 0xB5, 0x2F, 0xFD] }
    fileprivate var name: String { self == .zip ? "zip" : "tar.zst" }
}

/// The bytes of a file that files are packed into, which can be read at any place.
public struct PackSource {
    public let size: Int64
    /// For errors.
    let path: String
    private let fill: Fill

    /// Fills a buffer with the bytes from a place on, fewer only at the end, and gives how many; -1 where they cannot be read.
    public typealias Fill = (_ start: Int64, _ buffer: UnsafeMutableRawBufferPointer) -> Int

    public init(_ path: String, size: Int64, fill: @escaping Fill) {
        (self.path, self.size, self.fill) = (path, size, fill)
    }

    /// - Throws: `file`.
    public init(_ path: String) throws(ArchiveError) {
        // Not to wait for whoever would write to a pipe, which is no package anyway.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .file(path: path, operation: "read", errno: errno) }
        let file = Descriptor(number: descriptor)
        self.init(path, size: Int64(max(lseek(descriptor, 0, SEEK_END), 0))) { start, buffer in
            pread(file.number, buffer.baseAddress, buffer.count, Int(start))
        }
    }

    private final class Descriptor {
        let number: Int32
        init(number: Int32) { self.number = number }
        deinit { close(number) }
    }

    func begins(with bytes: [UInt8]) -> Bool { self.bytes(0, bytes.count) == bytes }

    /// - Returns: -1 where they cannot be read.
    func read(_ start: Int64, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = fill(start + Int64(filled), UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count < 0 ? -1 : filled }
            filled += count
        }
        return filled
    }

    /// Bytes at a place; fewer where it ends.
    func bytes(_ start: Int64, _ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, read(start, UnsafeMutableRawBufferPointer(buffer)))
        }
    }
}

/// A file that files are packed into, read once from its first byte to its last by libarchive's streaming reader. Of a zip
/// it goes by the files' own headers and checks the CRC of each. Nothing is ever unpacked to disk.
public final class PackReader {
    /// Of the whole file, once it has been read to its end.
    private(set) var digest: SHA256Digest?
    /// Bytes of the zip that were read so far.
    var bytesRead: Int64 { input.bytesRead }
    let size: Int64
    private let format: PackFormat
    private let archive: OpaquePointer
    private let source: PackSource
    private let input: Input
    private let limits: ImportLimits
    /// nil for a zip.
    private var tar: TarStream?
    /// The list of files of a zip; nil where it is none.
    private var directory: ZipDirectory?
    private var last = ""
    /// Whether it is as `PackWriter` packs, once it has been read to its end. What is not may be unpacked to other files by
    /// other programs.
    public private(set) var isOwn = true
    private var unpacked: Int64 = 0
    /// Bytes that each file unpacked to, in order; nil for directories, and for what was not read.
    private var sizes: [Int64?] = []
    /// libarchive shows names in the thread's character set: this one shows them as they are.
    private let locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nil)

    /// - Throws: `file`, `badExport` where it is not of that format.
    public convenience init(
        _ path: String, _ format: PackFormat = .zip, _ limits: ImportLimits
    ) throws(ArchiveError) {
        try self.init(try PackSource(path), format, limits)
    }

    /// - Throws: `file`, `badExport` where it is not of that format.
    public init(_ source: PackSource, _ format: PackFormat, _ limits: ImportLimits) throws(ArchiveError) {
        self.source = source
        input = Input(source)
        size = source.size
        self.format = format
        self.limits = limits
        guard let archive = archive_read_new() else { throw .compression(what: "libarchive is out of memory") }
        self.archive = archive
        guard source.begins(with: format.magic) else {
            throw .badExport(file: nil, what: "it is not a \(format.name) file")
        }
        let before = uselocale(locale)
        switch format {
        case .zip:
            archive_read_support_format_zip_streamable(archive)
            archive_read_set_format_option(archive, "zip", "hdrcharset", "UTF-8")
        case .tarZstd:
            archive_read_support_filter_zstd(archive)
            archive_read_support_format_raw(archive)
        }
        uselocale(before)
        let opened = archive_read_open(
            archive, Unmanaged.passUnretained(input).toOpaque(), nil,
            { _, client, buffer in
                guard let client, let buffer else { return -1 }
                return Unmanaged<Input>.fromOpaque(client).takeUnretainedValue().read(buffer)
            }, nil)
        guard opened == ARCHIVE_OK else { throw .badExport(file: nil, what: message) }
        switch format {
        case .zip: directory = ZipDirectory(size: size, read: source.bytes)
        case .tarZstd:
            var entry: OpaquePointer?
            guard archive_read_next_header(archive, &entry) == ARCHIVE_OK else {
                throw .badExport(file: nil, what: "it is damaged or was cut: \(message)")
            }
            tar = try TarStream { [unowned self] buffer throws(ArchiveError) in
                var count = 0
                while count < buffer.count {
                    let read = archive_read_data(archive, buffer.baseAddress.map { $0 + count }, buffer.count - count)
                    guard read >= 0 else {
                        throw .badExport(file: nil, what: "it is damaged or was cut: \(message)")
                    }
                    if read == 0 { break }
                    count += read
                }
                return count
            }
        }
    }

    deinit {
        archive_read_free(archive)
        freelocale(locale)
    }

    /// The next file's name; nil behind the last one, when the whole zip has been read. Directories are left out.
    ///
    /// - Throws: `badExport`.
    public func next() throws(ArchiveError) -> String? {
        if let tar { return try next(tar) }
        while true {
            var entry: OpaquePointer?
            let before = uselocale(locale)
            let result = archive_read_next_header(archive, &entry)
            let shown = entry.flatMap { archive_entry_pathname($0) }.flatMap { String(validatingCString: $0) }
            uselocale(before)
            // libarchive composes accents; what stands there counts.
            let stored = directory?.name(sizes.count)
            let name = stored == shown ? stored : shown
            if result == ARCHIVE_EOF {
                try finish()
                return nil
            }
            guard result == ARCHIVE_OK, let entry else {
                // A name that is no text is a warning only.
                if result == ARCHIVE_WARN { throw .badExport(file: nil, what: "the name of a file in it is not UTF-8") }
                throw .badExport(file: nil, what: "it is damaged or was cut: \(message)")
            }
            sizes.append(nil)
            guard let name else { throw .badExport(file: nil, what: "the name of a file in it is not UTF-8") }
            guard PackReader.isHarmless(name) else {
                throw outside(name)
            }
            guard archive_entry_is_encrypted(entry) == 0 else {
                throw .badExport(file: name, what: "it is encrypted; unpack the zip, and pack it without a password")
            }
            let type = archive_entry_filetype(entry)
            isOwn = isOwn && type == S_IFREG && isInOrder(name)
            if type == S_IFDIR { continue }
            guard type == S_IFREG, archive_entry_hardlink(entry) == nil else {
                throw .badExport(file: name, what: "it is a link or a device, not a file")
            }
            return name
        }
    }

    private func next(_ tar: TarStream) throws(ArchiveError) -> String? {
        guard let name = try tar.next() else {
            try input.drain()
            digest = input.digest()
            isOwn = isOwn && tar.isOwn && ZstdFile.isOneFrame(size: size, read: source.bytes)
            return nil
        }
        guard PackReader.isHarmless(name) else { throw outside(name) }
        isOwn = isOwn && isInOrder(name)
        sizes.append(nil)
        return name
    }

    private func isInOrder(_ name: String) -> Bool {
        defer { last = name }
        return last.utf8.lexicographicallyPrecedes(name.utf8)
    }

    /// What `PackWriter` did not make.
    static func foreign(_ name: String?) -> ArchiveError { .badExport(file: name, what: foreignWords) }

    public static let foreignWords =
        "it is not packed as mmvault packs, so that other programs may unpack other files than mmvault reads here"

    private func outside(_ name: String) -> ArchiveError {
        .badExport(file: name, what: "its name leads out of the \(format.name), or is no name at all")
    }

    /// Reads the file that `next` came to, a piece at a time.
    ///
    /// - Throws: `badExport` where its bytes are not those that were packed, or more than the limits allow.
    public func read(
        _ name: String, _ consume: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        let packed = input.bytesRead
        var count: Int64 = 0
        sizes[sizes.count - 1] = 0
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let length = try read(&buffer)
            if length == 0 { return }
            // A wrong CRC is a warning to libarchive; here it is the end.
            guard length > 0 else {
                throw .badExport(file: name, what: "it is damaged: \(message)")
            }
            count += Int64(length)
            unpacked += Int64(length)
            sizes[sizes.count - 1] = count
            guard unpacked <= limits.unpacked else {
                throw .badExport(
                    file: name,
                    what: "the \(format.name) unpacks to more than \(limits.unpacked >> 30) GiB, which no export should"
                )
            }
            if let ratio = limits.ratio, count > ImportLimits.small,
                count / ratio > input.bytesRead - packed + Int64(Input.capacity)
            {
                throw .badExport(file: name, what: "it unpacks to more than \(ratio) times its size, as no export does")
            }
            let failure = buffer.withUnsafeBytes { bytes -> ArchiveError? in
                do throws(ArchiveError) {
                    try consume(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
                    return nil
                } catch { return error }
            }
            if let failure { throw failure }
        }
    }

    private func read(_ buffer: inout [UInt8]) throws(ArchiveError) -> Int {
        guard let tar else { return archive_read_data(archive, &buffer, buffer.count) }
        var failure: ArchiveError?
        let count = buffer.withUnsafeMutableBytes { bytes -> Int in
            do throws(ArchiveError) { return try tar.read(bytes) } catch { failure = error }
            return 0
        }
        if let failure { throw failure }
        return count
    }

    /// libarchive stops where the list of files begins, at the end of the zip, and does not look at it.
    private func finish() throws(ArchiveError) {
        try input.drain()
        digest = input.digest()
        guard input.hasEndOfZip else {
            throw .badExport(file: nil, what: "its end is missing, or something stands behind it")
        }
        guard let directory, input.bytesRead == size, directory.lists(sizes) else {
            throw .badExport(
                file: nil, what: "its list of files is not that of the files in it; unpack it, and pack it anew")
        }
        isOwn = isOwn && directory.isOwn
    }

    private var message: String {
        archive_error_string(archive).map { String(cString: $0) } ?? "libarchive does not say why"
    }

    /// Nothing is written under these names; but what has such names in it was not made by Mattermost.
    private static func isHarmless(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix("/") && name.utf8.count <= 4096
            && !name.utf8.contains { $0 < 0x20 || $0 == 0x7F }
            && !name.split(separator: "/", omittingEmptySubsequences: false).contains("..")
    }

    /// The file's bytes on their way to libarchive, hashed as they pass.
    private final class Input {
        static let capacity = 1 << 18
        private(set) var bytesRead: Int64 = 0
        private let source: PackSource
        private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
        private var hash: SHA256Stream? = SHA256Stream()
        private var tail: [UInt8] = []

        init(_ source: PackSource) { self.source = source }

        deinit { buffer.deallocate() }

        func read(_ output: UnsafeMutablePointer<UnsafeRawPointer?>) -> Int {
            let count = source.read(bytesRead, buffer)
            guard count >= 0 else { return -1 }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            hash?.update(bytes)
            bytesRead += Int64(count)
            // The end of central directory record, with the longest comment.
            tail = Array((tail + bytes).suffix(22 + 0xFFFF))
            output.pointee = UnsafeRawPointer(buffer.baseAddress)
            return count
        }

        func drain() throws(ArchiveError) {
            var pointer: UnsafeRawPointer?
            while true {
                let count = read(&pointer)
                if count == 0 { return }
                guard count > 0 else { throw .file(path: source.path, operation: "read", errno: errno) }
            }
        }

        /// Whether the file ends with an end of central directory record.
        var hasEndOfZip: Bool {
            stride(from: tail.count - 22, through: 0, by: -1).contains { start in
                tail[start...].starts(with: [0x50, 0x4B, 0x05, 0x06])
                    && Int(tail[start + 20]) | Int(tail[start + 21]) << 8 == tail.count - start - 22
            }
        }

        func digest() -> SHA256Digest? { hash.take()?.finalize() }
    }
}
