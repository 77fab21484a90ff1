internal import CLibArchive
internal import Glibc

/// Packs files into one by libarchive: the same names and bytes in the same order give the same bytes. No time, owner or
/// setting of the machine gets in.
public final class PackWriter {
    private let archive: OpaquePointer
    private let sink: Sink
    private var name = ""
    /// Bytes of the file under way that are still to come.
    private var missing: Int64 = 0
    /// libarchive takes names in the thread's character set: this one takes them as they are.
    private let locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nil)

    /// - Parameter output: must take all it gets.
    /// - Throws: `compression`.
    public convenience init(
        _ format: PackFormat, output: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws(ArchiveError) {
        try self.init(format, isCompressed: true, output)
    }

    /// The tar of a `.tar.zst`, not compressed.
    convenience init(tar output: @escaping (UnsafeRawBufferPointer) throws -> Void) throws(ArchiveError) {
        try self.init(.tarZstd, isCompressed: false, output)
    }

    private init(
        _ format: PackFormat, isCompressed: Bool, _ output: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws(ArchiveError) {
        guard let archive = archive_write_new() else { throw .compression(what: "libarchive is out of memory") }
        self.archive = archive
        sink = Sink(output)
        var isReady: Bool
        switch format {
        case .zip:
            isReady = archive_write_set_format_zip(archive) == ARCHIVE_OK
            let before = uselocale(locale)
            isReady =
                isReady
                && archive_write_set_options(archive, "zip:hdrcharset=UTF-8,zip:compression-level=3") == ARCHIVE_OK
            uselocale(before)
        case .tarZstd:
            isReady =
                archive_write_set_format_pax_restricted(archive) == ARCHIVE_OK
                && (!isCompressed || archive_write_add_filter_zstd(archive) == ARCHIVE_OK)
        }
        archive_write_set_bytes_in_last_block(archive, 1)
        guard isReady else { throw .compression(what: message) }
        let opened = archive_write_open(
            archive, Unmanaged.passUnretained(sink).toOpaque(), nil,
            { _, client, bytes, count in
                guard let client else { return -1 }
                return Unmanaged<Sink>.fromOpaque(client).takeUnretainedValue()
                    .write(UnsafeRawBufferPointer(start: bytes, count: count))
            }, nil)
        guard opened == ARCHIVE_OK else { throw .compression(what: message) }
    }

    deinit {
        // What is left of an unfinished one goes nowhere.
        sink.output = nil
        archive_write_free(archive)
        freelocale(locale)
    }

    /// - Parameters:
    ///   - name: a path without `..`.
    ///   - size: bytes that will follow.
    /// - Throws: `compression`, and what the output throws.
    public func begin(_ name: String, size: Int64) throws {
        try endFile()
        guard let entry = archive_entry_new() else {
            throw ArchiveError.compression(what: "libarchive is out of memory")
        }
        defer { archive_entry_free(entry) }
        let before = uselocale(locale)
        defer { uselocale(before) }
        archive_entry_set_pathname(entry, name)
        archive_entry_set_size(entry, size)
        archive_entry_set_filetype(entry, S_IFREG)
        archive_entry_set_perm(entry, 0o600)
        (self.name, missing) = (name, size)
        try check(archive_write_header(archive, entry) == ARCHIVE_OK)
    }

    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard Int64(bytes.count) <= missing else { throw ArchiveError.compression(what: "\(name) grew") }
        missing -= Int64(bytes.count)
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            let written = archive_write_data(archive, part.baseAddress, part.count)
            try check(written > 0)
            rest = rest.dropFirst(written)
        }
    }

    /// Everything has come; nothing may follow.
    public func finish() throws {
        try endFile()
        try check(archive_write_close(archive) == ARCHIVE_OK)
    }

    private func endFile() throws {
        guard missing == 0 else { throw ArchiveError.compression(what: "\(name) became shorter") }
        try check(true)
    }

    private func check(_ isWell: Bool) throws {
        if let failure = sink.failure { throw failure }
        guard isWell else { throw ArchiveError.compression(what: message) }
    }

    private var message: String {
        archive_error_string(archive).map { String(cString: $0) } ?? "libarchive does not say why"
    }

    /// What C can call. The first error sticks.
    private final class Sink {
        var output: ((UnsafeRawBufferPointer) throws -> Void)?
        private(set) var failure: (any Error)?

        init(_ output: @escaping (UnsafeRawBufferPointer) throws -> Void) { self.output = output }

        func write(_ bytes: UnsafeRawBufferPointer) -> Int {
            guard let output, failure == nil else { return -1 }
            do {
                try output(bytes)
                return bytes.count
            } catch {
                failure = error
                return -1
            }
        }
    }
}
