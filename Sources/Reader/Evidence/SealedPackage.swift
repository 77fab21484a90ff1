internal import Age
internal import Archive
internal import Bytes
internal import Glibc

/// The keys in a file of age identities, as `age-keygen` writes it: a line each, and comments.
public struct AgeIdentities: Sendable {
    fileprivate let all: [AgeIdentity]

    /// - Returns: nil where a line is something else, a plugin's identity say, and where there is none.
    public init?(_ file: [UInt8]) {
        var all: [AgeIdentity] = []
        for line in file.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })
        where line.first != UInt8(ascii: "#") {
            guard let identity = AgeIdentity(Array(line)) else { return nil }
            all.append(identity)
        }
        guard !all.isEmpty else { return nil }
        self.all = all
    }
}

/// A sealed package, opened with its reader's own key. What it holds is on the disk nowhere in the clear.
struct SealedPackage {
    let path: String
    /// `age` or `gpg`.
    let sealing: String

    /// - Throws: `sealed`, and what gpg says.
    func open(_ identities: AgeIdentities?) async throws -> UnnamedFile {
        let opened = try UnnamedFile(.hidden(beside: path))
        if sealing == "gpg" {
            try await Gpg().open(path, into: opened)
        } else {
            try openAge(identities, into: opened)
        }
        return opened
    }

    private func openAge(_ identities: AgeIdentities?, into opened: UnnamedFile) throws {
        guard let identities else { throw ReaderError.sealed(path: path, .noIdentity) }
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw ArchiveError.file(path: path, operation: "read", errno: errno) }
        defer { close(file) }
        let size = Int(max(0, lseek(file, 0, SEEK_END)))
        func read(_ range: Range<Int>) -> [UInt8] {
            [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
                count = max(0, pread(file, buffer.baseAddress, range.count, range.lowerBound))
            }
        }
        do {
            try AgeFile.decrypt(size: size, identities: identities.all, read: read) { text in
                try Task.checkCancellation()
                try opened.append(text)
            }
        } catch AgeError.noIdentityMatches {
            throw ReaderError.sealed(path: path, .otherIdentity)
        } catch is AgeError {
            throw ReaderError.sealed(path: path, .damaged)
        }
    }
}

extension Gpg {
    public static let unsealing = "decrypt the package"

    /// Decrypts a file. It may be larger than memory: what it holds goes where nobody reads it.
    ///
    /// - Throws: `sealed`, `gpgMissing`, `gpgFailed`; then what was written is worth nothing.
    fileprivate func open(_ path: String, into opened: UnnamedFile) async throws {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw ArchiveError.file(path: path, operation: "read", errno: errno) }
        var status = stat()
        guard fstat(file, &status) == 0 else {
            close(file)
            throw ArchiveError.file(path: path, operation: "read", errno: errno)
        }
        // What is packed well packs no better: more is what somebody made to fill a disk.
        let limit = 2 * Int(status.st_size) + 64 << 20
        let answer = try await stream(["--status-fd", "2", "--output", "-", "--decrypt"], input: file) { bytes in
            try Task.checkCancellation()
            guard opened.size + bytes.count <= limit else { throw ReaderError.sealed(path: path, .damaged) }
            try opened.append(bytes)
        }
        let lines = Set(Gpg.statusLines(in: answer.errors).map(\.keyword))
        // With the key at hand, only a change of the file keeps gpg from decrypting it.
        guard answer.isSuccess || !lines.contains("DECRYPTION_INFO") && !lines.contains("NODATA") else {
            throw ReaderError.sealed(path: path, .damaged)
        }
        guard answer.isSuccess else {
            throw ReaderError.gpgFailed(doing: Gpg.unsealing, message: Gpg.lastWords(answer.errors))
        }
        guard lines.contains("DECRYPTION_OKAY") else { throw ReaderError.sealed(path: path, .notEncrypted) }
    }
}
