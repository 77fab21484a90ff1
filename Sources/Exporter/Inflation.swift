internal import CZlib

/// Inflates a body that came compressed (gzip or zlib), a piece at a time: a few bytes may stand for thousands of times as
/// many, and whoever asks for the next piece has had room for the last.
final class Inflation {
    /// The bytes are not compressed, or damaged.
    struct Damaged: Error, CustomStringConvertible {
        var description: String { "the compressed answer is damaged" }
    }

    private static let pieceSize = 64 << 10

    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var input: UnsafeMutableBufferPointer<UInt8>?
    private(set) var isAtEnd = false

    init() throws {
        stream.initialize(to: z_stream())
        guard inflate_begin(stream) == Z_OK else {
            stream.deallocate()
            throw Damaged()
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        input?.deallocate()
    }

    /// Gives it the next bytes, when `next` has nothing more to give.
    func feed(_ bytes: some Collection<UInt8>) {
        input?.deallocate()
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = buffer.initialize(fromContentsOf: bytes)
        input = buffer
        stream.pointee.next_in = buffer.baseAddress
        stream.pointee.avail_in = UInt32(buffer.count)
    }

    /// - Returns: the next piece; nil where more bytes are needed, or the body has ended.
    func next() throws -> [UInt8]? {
        guard !isAtEnd else { return nil }
        var result = Z_OK
        let piece = [UInt8](unsafeUninitializedCapacity: Inflation.pieceSize) { buffer, count in
            stream.pointee.next_out = buffer.baseAddress
            stream.pointee.avail_out = UInt32(buffer.count)
            result = inflate(stream, Z_NO_FLUSH)
            count = buffer.count - Int(stream.pointee.avail_out)
            stream.pointee.next_out = nil
        }
        isAtEnd = result == Z_STREAM_END
        // Z_BUF_ERROR says that there was nothing to do.
        guard [Z_OK, Z_STREAM_END, Z_BUF_ERROR].contains(result) else { throw Damaged() }
        return piece.isEmpty ? nil : piece
    }
}
