internal import Archive
internal import Glibc

/// A file that comes to stand in its place whole and on the disk, or not at all; it replaces nothing.
///
/// Until then it has no name, so that nothing is left of it whatever happens to the process. Where the file system
/// knows no such files (FAT, NFS), it has a name of its own, which is nobody else's.
final class NewFile {
    let descriptor: Int32
    private let path: String
    /// The name that it has until it is whole; nil where it has none, or has it no longer.
    private var ownPath: String?

    /// - Parameter mayBeUnnamed: false to try what happens where every file has a name.
    init(_ path: String, mayBeUnnamed: Bool = true) throws(ReaderError) {
        var status = stat()
        guard lstat(path, &status) != 0 else { throw .outputExists(path: path) }
        self.path = path
        if mayBeUnnamed, let file = NewFile.unnamed(beside: path) {
            descriptor = file
            return
        }
        var template = Array("\(path).part-XXXXXX".utf8CString)
        let file = mkstemp(&template)
        guard file >= 0 else { throw .output(path: "\(path).part", operation: "create", errno: errno) }
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        descriptor = file
        // Only now there is something that is ours.
        ownPath = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        close(descriptor)
        if let ownPath { unlink(ownPath) }
    }

    /// - Returns: nil where a file cannot be had without a name, or could not get one later.
    private static func unnamed(beside path: String) -> Int32? {
        guard access("/proc/self/fd", X_OK) == 0 else { return nil }
        let file = open(PrivateFile.directory(of: path), UnnamedFile.flag | O_WRONLY | O_CLOEXEC, 0o600)
        return file >= 0 ? file : nil
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(ReaderError) {
        if let failure = ExportFile.write(bytes, to: descriptor) {
            throw .output(path: path, operation: "write", errno: failure)
        }
    }

    func complete() throws(ReaderError) {
        guard fsync(descriptor) == 0 else { throw .output(path: path, operation: "write", errno: errno) }
        // A link never replaces anything.
        let isLinked =
            if let ownPath { link(ownPath, path) == 0 } else {
                linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0
            }
        if isLinked {
            if let ownPath { unlink(ownPath) }
        } else if errno == EEXIST {
            throw .outputExists(path: path)
        } else {
            // Where there are no links, on FAT, nothing better is to be had than to look first.
            guard let ownPath else { throw .output(path: path, operation: "write", errno: errno) }
            var status = stat()
            guard lstat(path, &status) != 0 else { throw .outputExists(path: path) }
            guard rename(ownPath, path) == 0 else { throw .output(path: path, operation: "write", errno: errno) }
        }
        ownPath = nil
        PrivateFile.synchronizeDirectory(PrivateFile.directory(of: path))
    }
}
