public import Bytes
internal import Glibc

/// The contents of files, each stored once: `files/ab/abcdef…`, under its SHA-256 in hexadecimal. A file comes to stand
/// there whole and on the disk, or not at all.
public struct FileStore: Sendable {
    let path: String

    public init(_ directory: AccountDirectory) { path = directory.filesPath }

    func path(of content: SHA256Digest) -> String {
        let name = content.description
        return "\(path)/\(name.prefix(2))/\(name)"
    }

    /// Whether the content is there, as far as its size tells; `check` reads it.
    public func holds(_ content: FileContent) -> Bool {
        PrivateFile.size(path(of: content.sha256)).map(Int64.init) == content.size
    }

    /// Reads a content from beginning to end and compares it with its name.
    public func state(of content: FileContent) -> ContentState {
        var size: Int64 = 0
        var hash = SHA256Stream()
        do throws(ArchiveError) {
            try read(content.sha256) { chunk throws(ArchiveError) in
                size += Int64(chunk.count)
                hash.update(chunk)
            }
        } catch {
            guard case .file(_, _, let errno) = error, errno == ENOENT else { return .unreadable(error) }
            return .missing
        }
        return size == content.size && hash.current() == content.sha256 ? .whole : .damaged
    }

    /// How it is with a stored content.
    public enum ContentState: Equatable, Sendable {
        case whole, missing
        /// Its bytes are not those that came from the server.
        case damaged
        case unreadable(ArchiveError)
    }

    /// Hands a content over, a piece at a time.
    ///
    /// - Throws: `file` where it cannot be read, and what `consume` throws.
    public func read(
        _ content: SHA256Digest, _ consume: ([UInt8]) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        let path = path(of: content)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .file(path: path, operation: "read", errno: errno) }
        defer { close(descriptor) }
        try FileStore.read(descriptor, path: path, consume)
    }

    static func read(
        _ descriptor: Int32, path: String, _ consume: ([UInt8]) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        while true {
            var failure: Int32 = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 18) { buffer, count in
                repeat {
                    count = max(-1, Glibc.read(descriptor, buffer.baseAddress, buffer.count))
                } while count < 0
                    && errno == EINTR
                if count < 0 {
                    failure = errno
                    count = 0
                }
            }
            guard failure == 0 else { throw .file(path: path, operation: "read", errno: failure) }
            if chunk.isEmpty { return }
            try consume(chunk)
        }
    }

    /// What lies in the store's directory.
    enum Entry {
        case content(SHA256Digest)
        /// A file that is being fetched, or whose fetching was interrupted.
        case partial
        case foreign
    }

    /// Every name below `files`, one folder at a time.
    func forEachEntry(_ body: (_ name: String, Entry) -> Void) {
        for name in PrivateFile.names(in: path) {
            guard name.utf8.count == 2, Hex.decode(name) != nil, name == name.lowercased(),
                PrivateFile.isDirectory("\(path)/\(name)")
            else {
                body(name, PartialFile.isOwn(name) ? .partial : .foreign)
                continue
            }
            for file in PrivateFile.names(in: "\(path)/\(name)") {
                let digest = Hex.decode(file).flatMap(SHA256Digest.init(bytes:))
                let isContent = digest?.description == file && file.hasPrefix(name)
                body("\(name)/\(file)", isContent ? digest.map(Entry.content) ?? .foreign : .foreign)
            }
        }
    }
}
