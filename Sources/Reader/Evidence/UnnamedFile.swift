internal import CLinux
internal import Glibc

/// A file without a name, for what has to be known whole before it can be passed on: whatever happens to the process,
/// nothing is left of it.
final class UnnamedFile {
    enum Place {
        /// On the disk nowhere: for what is to be sealed.
        case memory
        /// Where the file of that name lies, or will lie: there, what it holds may be.
        case beside(String)
    }

    private(set) var size = 0
    private let descriptor: Int32

    /// O_TMPFILE (open(2)), which Swift's Glibc module leaves out.
    static let flag: Int32 = 0o20_000_000 | O_DIRECTORY

    init(_ place: Place) throws(ReaderError) {
        descriptor = try UnnamedFile.open(place)
    }

    deinit { close(descriptor) }

    /// - Returns: a descriptor for reading and writing, the caller's to close.
    static func open(_ place: Place) throws(ReaderError) -> Int32 {
        if case .beside(let path) = place {
            // Not every file system has them, and not every folder can be written to.
            let file = Glibc.open(folder(of: path), flag | O_RDWR | O_CLOEXEC, 0o600)
            if file >= 0 { return file }
        }
        let file = memory_file()
        guard file >= 0 else { throw .output(path: "memory", operation: "make a file in", errno: errno) }
        return file
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(ReaderError) {
        if let failure = ExportFile.write(bytes, to: descriptor) {
            throw .output(path: "a temporary file", operation: "write to", errno: failure)
        }
        size += bytes.count
    }

    /// Appends what another file holds from its beginning.
    func append(contentsOf other: Int32, count: Int) throws(ReaderError) {
        try UnnamedFile.read(other, 0..<count) { chunk throws(ReaderError) in
            try chunk.withUnsafeBufferPointer { (chunk) throws(ReaderError) in try append(UnsafeRawBufferPointer(chunk))
            }
        }
    }

    func read(_ range: Range<Int>, _ consume: ([UInt8]) throws -> Void) throws {
        try UnnamedFile.read(descriptor, range, consume)
    }

    func bytes(_ range: Range<Int>) throws -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        try read(range) { result += $0 }
        return result
    }

    private static func read<Failure: Error>(
        _ descriptor: Int32, _ range: Range<Int>, _ consume: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        var start = range.lowerBound
        while start < range.upperBound {
            let wanted = min(range.upperBound - start, 1 << 18)
            let chunk = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
                count = max(0, pread(descriptor, buffer.baseAddress, wanted, start))
            }
            // Nobody else can have shortened it. An error shows as a hash that does not fit.
            if chunk.isEmpty { return }
            try consume(chunk)
            start += chunk.count
        }
    }
}
