internal import Glibc

/// Files and directories that only their owner may read: 0600 and 0700, whatever the umask.
public enum PrivateFile {
    /// Makes `path` and its missing parents; directories made here get mode 0700.
    public static func makeDirectory(_ path: String) throws(ArchiveError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST {
            guard isDirectory(path) else { throw .file(path: path, operation: "make the directory", errno: ENOTDIR) }
            return
        }
        let parent = directory(of: path)
        guard errno == ENOENT, parent != path else {
            throw .file(path: path, operation: "make the directory", errno: errno)
        }
        try makeDirectory(parent)
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .file(path: path, operation: "make the directory", errno: errno)
        }
    }

    /// Puts `bytes` in place of whatever `path` held, all or nothing: a new file, fsync, rename, fsync of the
    /// directory.
    public static func replace(_ path: String, with bytes: [UInt8]) throws(ArchiveError) {
        let temporary = "\(path).new.\(getpid())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .file(path: temporary, operation: "create", errno: errno) }
        do throws(ArchiveError) {
            try write(bytes, to: descriptor, path: temporary)
            guard fchmod(descriptor, 0o600) == 0, fsync(descriptor) == 0 else {
                throw .file(path: temporary, operation: "write", errno: errno)
            }
        } catch {
            close(descriptor)
            unlink(temporary)
            throw error
        }
        close(descriptor)
        guard rename(temporary, path) == 0 else {
            let failure = errno
            unlink(temporary)
            throw .file(path: path, operation: "write", errno: failure)
        }
        synchronizeDirectory(directory(of: path))
    }

    /// Makes a file that was not there.
    public static func create(_ path: String, with bytes: [UInt8]) throws(ArchiveError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file(path: path, operation: "create", errno: errno) }
        defer { close(descriptor) }
        do throws(ArchiveError) {
            try write(bytes, to: descriptor, path: path)
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Removes a file, if it is there. What is not removed does no harm.
    public static func remove(_ path: String) { unlink(path) }

    /// Removes a folder of ours with everything in it.
    public static func removeDirectory(_ path: String) {
        for name in names(in: path) where unlink("\(path)/\(name)") != 0 { removeDirectory("\(path)/\(name)") }
        rmdir(path)
    }

    /// - Returns: nil where there is no such file.
    public static func read(_ path: String) throws(ArchiveError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .file(path: path, operation: "read", errno: errno)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .file(path: path, operation: "read", errno: errno) }
            bytes += chunk[..<count]
        }
    }

    /// The names in a directory, sorted; empty where it does not exist.
    public static func names(in path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Whether there is a directory, or a link to one.
    public static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Why somebody else may have changed what lies there; nil where only the user could.
    static func exposure(_ path: String) -> FolderExposure? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        if status.st_mode & S_IFMT == S_IFLNK { return .link }
        if status.st_uid != geteuid() { return .owner(Int(status.st_uid)) }
        return status.st_mode & (S_IWGRP | S_IWOTH) == 0 ? nil : .writable
    }

    /// Bytes; nil where there is no regular file.
    public static func size(_ path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    /// Whether there is anything of that name, links followed.
    public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(ArchiveError) {
        var start = 0
        while start < bytes.count {
            let written = bytes[start...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw .file(path: path, operation: "write", errno: errno) }
            start += written
        }
    }

    /// Lets what was renamed or linked in a directory survive a power cut, as far as the file system can.
    public static func synchronizeDirectory(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// The directory in which a file of this path lies.
    public static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
