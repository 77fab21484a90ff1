internal import Archive
internal import Glibc

/// A file that comes to stand in its place whole and on the disk, or not at all; it replaces nothing.
final class NewFile {
    let descriptor: Int32
    private let path: String
    private let partPath: String
    private var isComplete = false

    init(_ path: String) throws(ReaderError) {
        (self.path, partPath) = (path, "\(path).part")
        var status = stat()
        guard lstat(path, &status) != 0 else { throw .outputExists(path: path) }
        descriptor = open(partPath, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw errno == EEXIST
                ? .outputExists(path: partPath) : .output(path: partPath, operation: "create", errno: errno)
        }
    }

    deinit {
        close(descriptor)
        if !isComplete { unlink(partPath) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(ReaderError) {
        if let failure = ExportFile.write(bytes, to: descriptor) {
            throw .output(path: partPath, operation: "write", errno: failure)
        }
    }

    func complete() throws(ReaderError) {
        guard fsync(descriptor) == 0 else { throw .output(path: partPath, operation: "write", errno: errno) }
        // A link never replaces anything. Where there are none, on FAT, nothing better is to be had than to look first.
        if link(partPath, path) == 0 {
            unlink(partPath)
        } else if errno == EEXIST {
            throw .outputExists(path: path)
        } else {
            var status = stat()
            guard lstat(path, &status) != 0 else { throw .outputExists(path: path) }
            guard rename(partPath, path) == 0 else { throw .output(path: path, operation: "write", errno: errno) }
        }
        isComplete = true
        let folder = open(UnnamedFile.folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }
}
