internal import CLibArchive
internal import Glibc

// The only file that calls libarchive. Handles live within one call.

/// gzip (RFC 1952) in memory, by libarchive.
enum Gzip {
    /// More than any answer of a server may hold; a body that grows past it is refused instead of filling the memory.
    static let maximumSize = 512 << 20

    static func compress(_ bytes: [UInt8]) throws(ArchiveError) -> [UInt8] {
        guard bytes.count <= maximumSize else { throw .compression(what: "the body has \(bytes.count) bytes") }
        guard let archive = archive_write_new() else { throw .compression(what: "libarchive is out of memory") }
        defer { archive_write_free(archive) }
        guard let entry = archive_entry_new() else { throw .compression(what: "libarchive is out of memory") }
        defer { archive_entry_free(entry) }
        // Level 6 costs three times as much here and saves nothing on base64 of ciphertext. Without a time stamp equal
        // bodies compress to equal bytes.
        let options = "gzip:compression-level=2,gzip:!timestamp"
        guard archive_write_add_filter_gzip(archive) == ARCHIVE_OK, archive_write_set_format_raw(archive) == ARCHIVE_OK,
            archive_write_set_options(archive, options) == ARCHIVE_OK
        else { throw .compression(what: "libarchive has no gzip") }
        archive_write_set_bytes_in_last_block(archive, 1)
        archive_entry_set_filetype(entry, S_IFREG)
        let room = bytes.count + bytes.count / 8 + 1024
        var used = 0
        var didWrite = false
        let output = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            guard archive_write_open_memory(archive, buffer.baseAddress, room, &used) == ARCHIVE_OK,
                archive_write_header(archive, entry) == ARCHIVE_OK,
                archive_write_data(archive, bytes, bytes.count) == bytes.count,
                archive_write_close(archive) == ARCHIVE_OK
            else { return }
            didWrite = true
            count = used
        }
        guard didWrite else { throw .compression(what: message(archive)) }
        return output
    }

    /// - Parameter size: how many bytes the record promises; anything else is damage, as is anything behind the stream.
    static func decompress(_ bytes: [UInt8], size: Int) throws(ArchiveError) -> [UInt8] {
        guard (0...maximumSize).contains(size) else { throw .compression(what: "the body claims \(size) bytes") }
        guard let archive = archive_read_new() else { throw .compression(what: "libarchive is out of memory") }
        defer { archive_read_free(archive) }
        archive_read_support_filter_gzip(archive)
        archive_read_support_format_raw(archive)
        // Without this one libarchive calls a stream of no bytes an error of the format.
        archive_read_support_format_empty(archive)
        let result = bytes.withUnsafeBytes { input -> [UInt8]? in
            var entry: OpaquePointer?
            // libarchive passes on as it is what is not compressed at all.
            guard archive_read_open_memory(archive, input.baseAddress, input.count) == ARCHIVE_OK,
                archive_filter_code(archive, 0) == ARCHIVE_FILTER_GZIP
            else { return nil }
            let header = archive_read_next_header(archive, &entry)
            if header == ARCHIVE_EOF { return size == 0 && isAllRead(archive, input) ? [] : nil }
            guard header == ARCHIVE_OK else { return nil }
            let output = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                while count < size {
                    let read = archive_read_data(archive, buffer.baseAddress.map { $0 + count }, size - count)
                    if read <= 0 { break }
                    count += read
                }
            }
            var spare: UInt8 = 0
            let isWhole = output.count == size && archive_read_data(archive, &spare, 1) == 0
            return isWhole && isAllRead(archive, input) ? output : nil
        }
        guard let result else {
            throw .compression(what: archive_errno(archive) == 0 ? "the body has another length" : message(archive))
        }
        return result
    }

    private static func isAllRead(_ archive: OpaquePointer, _ input: UnsafeRawBufferPointer) -> Bool {
        archive_filter_bytes(archive, -1) == Int64(input.count)
    }

    private static func message(_ archive: OpaquePointer) -> String {
        archive_error_string(archive).map { String(cString: $0) } ?? "unknown error"
    }
}
