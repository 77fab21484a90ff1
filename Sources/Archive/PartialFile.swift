internal import Bytes
internal import Glibc

/// A file that is being fetched: `files/FILEID.part`, and beside it `FILEID.part.json`, which says of which file it is
/// the beginning, how many bytes of it were surely on the disk, and their SHA-256. Whatever interrupts the fetching, the
/// beginning is used again only if it still has that hash.
public final class PartialFile {
    /// What the server says of a file; all that tells one from another there.
    public struct Origin: Equatable, Sendable {
        /// Bytes.
        public let length: Int64
        /// The header, as it stands there.
        public let lastModified: String

        public init(length: Int64, lastModified: String) {
            self.length = length
            self.lastModified = lastModified
        }
    }

    /// nil before anything has come.
    public private(set) var origin: Origin?
    /// Bytes that have come.
    public private(set) var size: Int64 = 0
    private let store: FileStore
    private let path: String
    private let descriptor: Int32
    private var hash: SHA256Stream? = SHA256Stream()
    private var safeSize: Int64 = 0
    private var isDone = false

    /// Bytes after which what has come is made safe.
    private static let stride: Int64 = 16 << 20
    private static let suffix = ".part"

    static func isOwn(_ name: String) -> Bool {
        let bare = name.prefix { $0 != "." }
        return PostHeader.isIdentifier(String(bare))
            && (name.dropFirst(bare.count) == suffix || name.dropFirst(bare.count).hasPrefix("\(suffix).json"))
    }

    /// Takes up what an earlier attempt left, if it is sound.
    ///
    /// - Parameter fileID: of the server; 26 letters and digits.
    public init(_ store: FileStore, fileID: String) throws(ArchiveError) {
        guard PostHeader.isIdentifier(fileID) else { throw .notAPage(what: "\(fileID) is no file's id") }
        self.store = store
        path = "\(store.path)/\(fileID)\(PartialFile.suffix)"
        try PrivateFile.makeDirectory(store.path)
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .file(path: path, operation: "create", errno: errno) }
        guard fchmod(descriptor, 0o600) == 0 else { throw .file(path: path, operation: "create", errno: errno) }
        if let note = (try? PrivateFile.read(notePath)).flatMap({ $0 }), let note = Note(note), holds(note) {
            origin = note.origin
            size = note.size
            safeSize = note.size
            guard ftruncate(descriptor, Int(size)) == 0, lseek(descriptor, 0, SEEK_END) == Int(size) else {
                throw .file(path: path, operation: "write", errno: errno)
            }
        } else {
            try empty()
        }
    }

    deinit { close(descriptor) }

    private var notePath: String { "\(path).json" }

    /// Whether the file begins with what the note says; hashes it on the way.
    private func holds(_ note: Note) -> Bool {
        var left = note.size
        do throws(ArchiveError) {
            try FileStore.read(descriptor, path: path) { chunk throws(ArchiveError) in
                let count = min(Int64(chunk.count), left)
                hash?.update(count == chunk.count ? chunk : Array(chunk[..<Int(count)]))
                left -= count
            }
        } catch { return false }
        return left == 0 && hash?.current() == note.sha256
    }

    /// Begins anew.
    public func begin(_ origin: Origin) throws(ArchiveError) {
        try empty()
        self.origin = origin
        try save()
    }

    private func empty() throws(ArchiveError) {
        origin = nil
        size = 0
        safeSize = 0
        hash = SHA256Stream()
        PrivateFile.remove(notePath)
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw .file(path: path, operation: "write", errno: errno)
        }
    }

    public func append(_ bytes: [UInt8]) throws(ArchiveError) {
        try PrivateFile.write(bytes, to: descriptor, path: path)
        hash?.update(bytes)
        size += Int64(bytes.count)
        if size - safeSize >= PartialFile.stride { try save() }
    }

    /// Makes what has come safe, to go on from there another time.
    public func save() throws(ArchiveError) {
        guard !isDone, let origin, let sha256 = hash?.current() else { return }
        guard fsync(descriptor) == 0 else { throw .file(path: path, operation: "write", errno: errno) }
        try PrivateFile.replace(notePath, with: Note(origin: origin, size: size, sha256: sha256).json)
        safeSize = size
    }

    /// Puts the whole file in its place, on the disk, under its hash. What stands there already has the same bytes, or is
    /// damaged.
    public func finish() throws(ArchiveError) -> FileContent {
        guard let sha256 = hash?.current() else { throw .file(path: path, operation: "write", errno: EBADF) }
        guard fsync(descriptor) == 0 else { throw .file(path: path, operation: "write", errno: errno) }
        let place = store.path(of: sha256)
        let folder = PrivateFile.directory(of: place)
        let isNew = !PrivateFile.exists(folder)
        try PrivateFile.makeDirectory(folder)
        guard rename(path, place) == 0 else { throw .file(path: place, operation: "write", errno: errno) }
        PrivateFile.synchronizeDirectory(folder)
        if isNew {
            PrivateFile.synchronizeDirectory(store.path)
            PrivateFile.synchronizeDirectory(PrivateFile.directory(of: store.path))
        }
        PrivateFile.remove(notePath)
        isDone = true
        return FileContent(sha256: sha256, size: size)
    }

    /// Gives up what has come: it is no file's beginning any more.
    public func discard() {
        isDone = true
        PrivateFile.remove(notePath)
        PrivateFile.remove(path)
    }

    private struct Note {
        let origin: Origin
        let size: Int64
        let sha256: SHA256Digest

        init(origin: Origin, size: Int64, sha256: SHA256Digest) {
            self.origin = origin
            self.size = size
            self.sha256 = sha256
        }

        init?(_ bytes: [UInt8]) {
            guard let root = try? JSONDocument(bytes).root, let length = root["length"]?.int,
                let lastModified = root["last_modified"]?.string, let size = root["size"]?.int, size >= 0,
                let hash = root["sha256"]?.string.flatMap(Hex.decode).flatMap(SHA256Digest.init(bytes:))
            else { return nil }
            self.init(
                origin: Origin(length: length, lastModified: lastModified), size: size, sha256: hash)
        }

        var json: [UInt8] {
            var json = JSONWriter()
            json.object {
                $0.int("length", origin.length)
                $0.string("last_modified", origin.lastModified)
                $0.int("size", size)
                $0.string("sha256", sha256.description)
            }
            return json.bytes
        }
    }
}
