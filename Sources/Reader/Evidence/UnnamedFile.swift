internal import Archive
internal import Bytes
internal import CLinux
internal import Glibc

/// A file without a name, for what has to be known whole before it can be passed on: whatever happens to the process,
/// nothing is left of it.
final class UnnamedFile {
    enum Place {
        /// On the disk nowhere.
        case memory
        /// Where the file of that name lies, or will lie: there, what it holds may be.
        case beside(String)
        /// There, too, but hidden under a key that is in memory only: for what is to be sealed.
        case hidden(beside: String)
    }

    /// An open file.
    struct Handle {
        /// For reading and writing, the owner's to close.
        let descriptor: Int32
        /// What hides all that it holds.
        let cipher: EphemeralCipher?
    }

    private(set) var size = 0
    private let handle: Handle

    /// O_TMPFILE (open(2)), which Swift's Glibc module leaves out.
    static let flag: Int32 = 0o20_000_000 | O_DIRECTORY

    init(_ place: Place) throws(ReaderError) {
        handle = try UnnamedFile.open(place)
    }

    deinit { close(handle.descriptor) }

    static func open(_ place: Place) throws(ReaderError) -> Handle {
        switch place {
        case .memory: break
        // Not every file system has them, and not every folder can be written to.
        case .beside(let path):
            if let file = onDisk(path) { return Handle(descriptor: file, cipher: nil) }
        case .hidden(let path):
            if let file = onDisk(path) { return Handle(descriptor: file, cipher: EphemeralCipher()) }
        }
        let file = memory_file()
        guard file >= 0 else { throw .output(path: "memory", operation: "make a file in", errno: errno) }
        return Handle(descriptor: file, cipher: nil)
    }

    private static func onDisk(_ path: String) -> Int32? {
        let file = Glibc.open(PrivateFile.directory(of: path), flag | O_RDWR | O_CLOEXEC, 0o600)
        return file < 0 ? nil : file
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(ReaderError) {
        if let failure = write(bytes) {
            throw .output(path: "a temporary file", operation: "write to", errno: failure)
        }
        size += bytes.count
    }

    private func write(_ bytes: UnsafeRawBufferPointer) -> Int32? {
        guard let cipher = handle.cipher else { return ExportFile.write(bytes, to: handle.descriptor) }
        var hidden = Array(bytes)
        return hidden.withUnsafeMutableBytes {
            cipher.apply(to: $0, at: size)
            return ExportFile.write(UnsafeRawBufferPointer($0), to: handle.descriptor)
        }
    }

    /// Appends what another file holds from its beginning.
    func append(contentsOf other: Handle, count: Int) throws(ReaderError) {
        try UnnamedFile.read(other, 0..<count) { chunk throws(ReaderError) in
            try chunk.withUnsafeBufferPointer { (chunk) throws(ReaderError) in try append(UnsafeRawBufferPointer(chunk))
            }
        }
    }

    func read(_ range: Range<Int>, _ consume: ([UInt8]) throws -> Void) throws {
        try UnnamedFile.read(handle, range, consume)
    }

    /// Fills a buffer from a place on; gives how many bytes came.
    func fill(_ start: Int64, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = pread(handle.descriptor, buffer.baseAddress, buffer.count, Int(start))
        guard count > 0 else { return count }
        handle.cipher?.apply(to: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), at: Int(start))
        return count
    }

    func bytes(_ range: Range<Int>) throws -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        try read(range) { result += $0 }
        return result
    }

    private static func read<Failure: Error>(
        _ handle: Handle, _ range: Range<Int>, _ consume: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        var start = range.lowerBound
        while start < range.upperBound {
            let wanted = min(range.upperBound - start, 1 << 18)
            let chunk = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
                count = max(0, pread(handle.descriptor, buffer.baseAddress, wanted, start))
                let bytes = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count)
                handle.cipher?.apply(to: bytes, at: start)
            }
            // Nobody else can have shortened it. An error shows as a hash that does not fit.
            if chunk.isEmpty { return }
            try consume(chunk)
            start += chunk.count
        }
    }
}
