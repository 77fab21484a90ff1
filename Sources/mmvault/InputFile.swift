import Glibc
import Reader

/// A file named on the command line, or standard input for `-`.
enum InputFile {
    /// More than any backup, mail or token has.
    static let maximumSize = 8 << 20

    static func name(_ path: String) -> String { path == "-" ? "standard input" : path }

    /// - Parameter limit: bytes that the file may have at most, if it is what it should be.
    static func read(_ path: String, limit: Int = maximumSize) throws -> [UInt8] {
        if path == "-" { return try Prompt.reading { try read(STDIN_FILENO, path, limit) } }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        defer { close(descriptor) }
        return try read(descriptor, path, limit)
    }

    /// - Throws: what `read` would throw for a file that is not there or cannot be opened.
    static func requireReadable(_ path: String) throws {
        guard path != "-" else { return }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        close(descriptor)
    }

    private static func read(_ descriptor: Int32, _ path: String, _ limit: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw unreadable(path, errno) }
            bytes += chunk[..<count]
            guard bytes.count <= limit else {
                throw Failure(.usage, "\(SafeText.line(name(path))) is too large to be what it should be")
            }
        }
    }

    private static func unreadable(_ path: String, _ errno: Int32) -> Failure {
        if errno == ENOENT { return Failure(.usage, "there is no file \(SafeText.line(path))") }
        return Failure(.usage, "cannot read \(SafeText.line(name(path))): \(Terminal.describe(errno: errno))")
    }

    /// The one line of a file that holds a secret.
    static func readLine(_ path: String) throws -> String {
        let text = String(decoding: try read(path), as: UTF8.self)
        let lines = text.split(whereSeparator: \.isNewline)
        guard let line = lines.first, lines.count == 1 else {
            throw Failure(.usage, "\(SafeText.line(name(path))) does not hold one line")
        }
        return String(line)
    }
}
