internal import Glibc

/// The right to write to one archive, or to what is made from it, held by one process at a time (flock(2)), and given
/// back when the process ends in whatever way.
public final class ArchiveLock: Sendable {
    private let descriptor: Int32

    /// - Parameter path: the lock's file, which stays.
    /// - Throws: `inUse` with the process that holds it.
    public init(path: String) throws(ArchiveError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .file(path: path, operation: "open", errno: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let failure = errno
            close(descriptor)
            guard failure == EWOULDBLOCK else { throw .file(path: path, operation: "lock", errno: failure) }
            let holder = (try? PrivateFile.read(path)).flatMap { $0 }.map { String(decoding: $0, as: UTF8.self) }
            throw .inUse(process: holder.flatMap { Int32($0.prefix { $0.isNumber }) }, path: path)
        }
        self.descriptor = descriptor
        ftruncate(descriptor, 0)
        try PrivateFile.write(Array("\(getpid())\n".utf8), to: descriptor, path: path)
    }

    deinit {
        // Whoever reads this before the next holder has written its own number must not be told of a process long gone.
        ftruncate(descriptor, 0)
        // Closing is not enough: a child process that is just being started holds the same open file until it execs.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
