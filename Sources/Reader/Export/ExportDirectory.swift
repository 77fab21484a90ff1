internal import Archive
internal import Glibc

/// The folder that an export goes to. Every file is made through the folder's own handle, new, and never through a link,
/// so that whatever else happens on the disk, nothing is written elsewhere.
final class ExportDirectory: ExportDestination {
    let path: String
    private let descriptor: Int32
    /// By the bytes of their names: to a dictionary, two ways to encode an accent are one string.
    private var folders: [[UInt8]: Int32] = [:]
    private(set) var entries: [ExportFile.Entry] = []

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
        entries = []
    }

    deinit {
        for folder in folders.values { close(folder) }
        close(descriptor)
    }

    func makeFile(_ name: String) throws(ReaderError) -> ExportFile {
        let parts = name.split(separator: "/").map(String.init)
        var parent = descriptor
        for depth in 1..<max(parts.count, 1) {
            parent = try folder(parts[..<depth].joined(separator: "/"), parts[depth - 1], in: parent)
        }
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = openat(parent, parts[parts.count - 1], flags, 0o600)
        guard file >= 0 else { throw .output(path: "\(path)/\(name)", operation: "create", errno: errno) }
        return ExportFile(descriptor: file, name: name, directory: path) {
            [weak self, path] descriptor, entry throws(ReaderError) in
            guard descriptor.map(fsync) == 0 else {
                throw .output(path: "\(path)/\(name)", operation: "write", errno: errno)
            }
            self?.entries.append(entry)
        }
    }

    func add(_ entry: ExportFile.Entry, from source: @escaping ExportSource) throws {
        let copy = try makeFile(entry.name)
        try source { copy.write($0) }
        guard try copy.close() == entry else { throw ReaderError.changedMeanwhile(file: entry.name) }
    }

    private func folder(_ path: String, _ name: String, in parent: Int32) throws(ReaderError) -> Int32 {
        if let known = folders[Array(path.utf8)] { return known }
        guard mkdirat(parent, name, 0o700) == 0 || errno == EEXIST else {
            throw .output(path: "\(self.path)/\(path)", operation: "make the folder", errno: errno)
        }
        let folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard folder >= 0 else {
            throw .output(path: "\(self.path)/\(path)", operation: "open", errno: errno)
        }
        folders[Array(path.utf8)] = folder
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
