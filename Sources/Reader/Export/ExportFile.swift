internal import Bytes
internal import Glibc

/// A file that is written once, from beginning to end. The first error sticks: renderers write on without looking, and
/// `close` tells.
final class ExportFile {
    let name: String
    private let descriptor: Int32?
    private let cipher: EphemeralCipher?
    private let directory: String
    private let finish: Finish
    private var buffer: [UInt8] = []
    private var hash: SHA256Stream? = SHA256Stream()
    private var size = 0
    private var failure: Int32?
    private var isOpen = true

    /// What is done with a file once everything is in it.
    ///
    /// - Parameter descriptor: open for reading and writing where it was when the file was made; closed afterwards.
    typealias Finish = (_ descriptor: Int32?, _ entry: Entry) throws(ReaderError) -> Void

    /// What the manifest says of a file.
    struct Entry: Equatable, Sendable {
        let name: String
        /// Bytes.
        let size: Int
        let sha256: String

        /// Names are compared by their bytes, as a file system compares them.
        static func == (left: Entry, right: Entry) -> Bool {
            left.name.utf8.elementsEqual(right.name.utf8) && left.size == right.size && left.sha256 == right.sha256
        }
    }

    /// - Parameters:
    ///   - descriptor: nil to count and hash what is written, and keep nothing of it.
    ///   - cipher: hides what is on the disk, from the file's beginning; size and hash are those of what is written.
    ///   - directory: for errors.
    init(
        descriptor: Int32?, cipher: EphemeralCipher? = nil, name: String, directory: String,
        finish: @escaping Finish = { _, _ in }
    ) {
        self.descriptor = descriptor
        self.cipher = cipher
        self.name = name
        self.directory = directory
        self.finish = finish
        buffer.reserveCapacity(1 << 17)
    }

    deinit { if isOpen, let descriptor { Glibc.close(descriptor) } }

    func write(_ text: String) { write(text.utf8) }

    func write(_ bytes: some Collection<UInt8>) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= 1 << 16 { flush() }
    }

    /// - Throws: `output` with the first error that any write met.
    @discardableResult
    func close() throws(ReaderError) -> Entry {
        flush()
        defer {
            if isOpen, let descriptor { Glibc.close(descriptor) }
            isOpen = false
        }
        if let failure { throw .output(path: "\(directory)/\(name)", operation: "write", errno: failure) }
        let entry = Entry(name: name, size: size, sha256: hash.take()?.finalize().description ?? "")
        try finish(descriptor, entry)
        isOpen = false
        if let descriptor, Glibc.close(descriptor) != 0 {
            throw .output(path: "\(directory)/\(name)", operation: "write", errno: errno)
        }
        return entry
    }

    private func flush() {
        defer { buffer.removeAll(keepingCapacity: true) }
        guard failure == nil else { return }
        hash?.update(buffer)
        if let cipher { buffer.withUnsafeMutableBytes { cipher.apply(to: $0, at: size) } }
        size += buffer.count
        guard let descriptor else { return }
        failure = buffer.withUnsafeBytes { ExportFile.write($0, to: descriptor) }
    }

    /// - Returns: what went wrong; nil where everything is written.
    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            let written = Glibc.write(descriptor, part.baseAddress, part.count)
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { return errno }
            rest = rest.dropFirst(written)
        }
        return nil
    }
}
