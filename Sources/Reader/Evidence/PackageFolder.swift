internal import Archive
internal import Glibc

/// A package that is a folder, read as hostile as any other: no link is followed, and what is neither file nor folder is
/// no package's.
struct PackageFolder {
    let path: String

    /// Hands over every file below the folder, a piece at a time, in no particular order.
    ///
    /// - Parameter empty: takes the folders in which there is nothing.
    /// - Throws: `badExport` for what has no place in a package, `file`.
    func forEachFile(
        _ begin: (_ name: String) throws -> Void, _ consume: (_ name: String, UnsafeRawBufferPointer) throws -> Void,
        empty: (_ folder: String) -> Void
    ) throws {
        let root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { throw ArchiveError.file(path: path, operation: "read", errno: errno) }
        defer { close(root) }
        try visit(root, "", depth: 0, begin, consume, empty)
    }

    private func visit(
        _ folder: Int32, _ prefix: String, depth: Int, _ begin: (String) throws -> Void,
        _ consume: (String, UnsafeRawBufferPointer) throws -> Void, _ empty: (String) -> Void
    ) throws {
        guard depth < 16 else { throw ArchiveError.badExport(file: prefix, what: "its folders are too deep") }
        let names = try names(in: folder, prefix)
        if names.isEmpty, depth > 0 { empty(prefix) }
        for bytes in names {
            let name = prefix + bytes
            let descriptor = openat(folder, bytes, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            guard descriptor >= 0 else {
                guard errno != ELOOP else {
                    throw ArchiveError.badExport(file: name, what: "it is a link, not a file")
                }
                throw ArchiveError.file(path: "\(path)/\(name)", operation: "read", errno: errno)
            }
            defer { close(descriptor) }
            var status = stat()
            guard fstat(descriptor, &status) == 0 else {
                throw ArchiveError.file(path: "\(path)/\(name)", operation: "read", errno: errno)
            }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try visit(descriptor, "\(name)/", depth: depth + 1, begin, consume, empty)
            case S_IFREG:
                try Task.checkCancellation()
                try begin(name)
                try read(descriptor, name, consume)
            default: throw ArchiveError.badExport(file: name, what: "it is a device, not a file")
            }
        }
    }

    private func names(in folder: Int32, _ prefix: String) throws -> [String] {
        let copy = dup(folder)
        guard let stream = fdopendir(copy) else {
            close(copy)
            throw ArchiveError.file(path: "\(path)/\(prefix)", operation: "read", errno: errno)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            guard let name else {
                throw ArchiveError.badExport(file: prefix, what: "the name of a file in it is not UTF-8")
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private func read(
        _ descriptor: Int32, _ name: String, _ consume: (String, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw ArchiveError.file(path: "\(path)/\(name)", operation: "read", errno: errno)
            }
            try buffer.withUnsafeBytes { try consume(name, UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }
}
