internal import Archive
internal import Bytes
internal import Glibc

/// The folder that an export goes to. Every file is made through the folder's own handle, new, and never through a link,
/// so that whatever else happens on the disk, nothing is written elsewhere.
final class ExportDirectory {
    let path: String
    private let descriptor: Int32
    /// By the bytes of their names: to a dictionary, two ways to encode an accent are one string.
    private var folders: [[UInt8]: Int32] = [:]

    /// Stands there while the export is not complete.
    static let marker = "INCOMPLETE"

    /// - Throws: `outputExists` where the folder holds something already.
    init(_ path: String) throws(ReaderError) {
        self.path = path
        do { try PrivateFile.makeDirectory(path) } catch {
            guard case .file(let path, _, let errno) = error else { throw .archive(error) }
            throw errno == ENOTDIR || errno == EEXIST
                ? .outputExists(path: path) : .output(path: path, operation: "make the folder", errno: errno)
        }
        guard PrivateFile.names(in: path).isEmpty else { throw .outputExists(path: path) }
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .output(path: path, operation: "open", errno: errno) }
        try makeFile(ExportDirectory.marker).close()
    }

    deinit {
        for folder in folders.values { close(folder) }
        close(descriptor)
    }

    /// - Parameter name: at most one folder deep, made of components that `ExportName` has passed.
    func makeFile(_ name: String) throws(ReaderError) -> ExportFile {
        let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
        let parent = parts.count == 2 ? try folder(parts[0]) : descriptor
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = openat(parent, parts[parts.count - 1], flags, 0o600)
        guard file >= 0 else { throw .output(path: "\(path)/\(name)", operation: "create", errno: errno) }
        return ExportFile(descriptor: file, name: name, directory: path)
    }

    private func folder(_ name: String) throws(ReaderError) -> Int32 {
        if let known = folders[Array(name.utf8)] { return known }
        guard mkdirat(descriptor, name, 0o700) == 0 || errno == EEXIST else {
            throw .output(path: "\(path)/\(name)", operation: "make the folder", errno: errno)
        }
        let folder = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard folder >= 0 else { throw .output(path: "\(path)/\(name)", operation: "open", errno: errno) }
        folders[Array(name.utf8)] = folder
        return folder
    }

    /// Takes the marker away: everything is written and on the disk.
    func complete() throws(ReaderError) {
        for folder in folders.values { fsync(folder) }
        guard unlinkat(descriptor, ExportDirectory.marker, 0) == 0, fsync(descriptor) == 0 else {
            throw .output(path: "\(path)/\(ExportDirectory.marker)", operation: "remove", errno: errno)
        }
    }
}

/// A file that is written once, from beginning to end. The first error sticks: renderers write on without looking, and
/// `close` tells.
final class ExportFile {
    let name: String
    private let descriptor: Int32
    private let directory: String
    private var buffer: [UInt8] = []
    private var hash: SHA256Stream? = SHA256Stream()
    private var size = 0
    private var failure: Int32?
    private var isOpen = true

    /// What the manifest says of a file.
    struct Entry: Sendable {
        let name: String
        /// Bytes.
        let size: Int
        let sha256: String
    }

    init(descriptor: Int32, name: String, directory: String) {
        self.descriptor = descriptor
        self.name = name
        self.directory = directory
        buffer.reserveCapacity(1 << 17)
    }

    deinit { if isOpen { Glibc.close(descriptor) } }

    func write(_ text: String) { write(text.utf8) }

    func write(_ bytes: some Collection<UInt8>) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= 1 << 16 { flush() }
    }

    /// - Throws: `output` with the first error that any write met.
    @discardableResult
    func close() throws(ReaderError) -> Entry {
        flush()
        if failure == nil, fsync(descriptor) != 0 { failure = errno }
        if Glibc.close(descriptor) != 0, failure == nil { failure = errno }
        isOpen = false
        if let failure { throw .output(path: "\(directory)/\(name)", operation: "write", errno: failure) }
        return Entry(name: name, size: size, sha256: hash.take()?.finalize().description ?? "")
    }

    private func flush() {
        defer { buffer.removeAll(keepingCapacity: true) }
        guard failure == nil else { return }
        hash?.update(buffer)
        size += buffer.count
        var start = 0
        while start < buffer.count {
            let written = buffer[start...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                failure = errno
                return
            }
            start += written
        }
    }
}
