internal import Archive
internal import CLinux
internal import Glibc
internal import Subprocess
internal import SystemPackage

/// What gpg does for packages: sealing one, signing its list of hashes, and judging such a signature.
extension Gpg {
    /// What `ReaderError.gpgFailed` says that it was doing.
    public static let sealing = "encrypt the package"
    public static let signing = "sign the package"

    /// Encrypts what `write` writes, on its way to a file.
    ///
    /// - Parameters:
    ///   - output: a descriptor to write to.
    ///   - write: called once, with a descriptor that leads to gpg.
    func seal(
        to recipient: Key, output: Int32, _ write: (_ input: Int32) throws -> Void
    ) async throws {
        var ends: [Int32] = [-1, -1]
        guard private_pipe(&ends) == 0 else {
            throw ReaderError.output(path: "gpg", operation: "make a pipe to", errno: errno)
        }
        let input = PipeEnd(ends[1])
        var failure: (any Error)?
        // Compressed already.
        let arguments = arguments(["--compress-algo", "none"] + Gpg.encryption(to: recipient))
        do {
            let result = try await Subprocess.run(
                .name("gpg"), arguments: Arguments(arguments), environment: environment,
                input: .fileDescriptor(FileDescriptor(rawValue: ends[0]), closeAfterSpawningProcess: true),
                output: .fileDescriptor(FileDescriptor(rawValue: output), closeAfterSpawningProcess: false),
                error: .string(limit: 1 << 20)
            ) { _ in
                do { try write(input.descriptor) } catch { failure = error }
                input.close()
            }
            guard result.terminationStatus.isSuccess else {
                throw ReaderError.gpgFailed(
                    doing: Gpg.sealing, message: Gpg.lastWords(result.standardError))
            }
        } catch let error as SubprocessError where error.code == .executableNotFound {
            throw ReaderError.gpgMissing
        }
        if let failure { throw failure }
    }

    /// - Returns: an ASCII-armored detached signature, by that key alone.
    func sign(_ text: [UInt8], as key: Key) async throws -> [UInt8] {
        let answer = try await ask(
            Gpg.plainArmor + ["--status-fd", "2", "--local-user", key.fingerprint, "--output", "-", "--detach-sign"],
            about: text)
        guard answer.isSuccess else {
            throw ReaderError.gpgFailed(doing: Gpg.signing, message: Gpg.lastWords(answer.errors))
        }
        // A line “local-user” in gpg.conf signs, too.
        guard Gpg.statusLines(in: answer.errors).filter({ $0.keyword == "SIG_CREATED" }).count == 1 else {
            throw ReaderError.refusedGpgKey(.notAlone(key, .signing))
        }
        return Array(answer.output.utf8)
    }

    /// Without lines of the user's own in it.
    private static let plainArmor = ["--armor", "--no-comments", "--no-emit-version"]

    /// Whether bytes are ASCII armor and nothing else: gpg passes over whatever stands before it, behind it, and in its headers,
    /// where people read it.
    ///
    /// - Parameter kind: `SIGNATURE`, `PUBLIC KEY BLOCK`.
    static func isPlainArmor(_ bytes: [UInt8], _ kind: String) -> Bool {
        guard let text = String(validating: bytes, as: UTF8.self) else { return false }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count > 4, lines[0] == "-----BEGIN PGP \(kind)-----", lines[1].isEmpty,
            lines.popLast() == "", lines.popLast() == "-----END PGP \(kind)-----"
        else { return false }
        return lines.dropFirst(2).allSatisfy { line in
            (1...76).contains(line.utf8.count)
                && line.utf8.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                    default: "+/=".utf8.contains(byte)
                    }
                }
        }
    }

    /// - Returns: the public key, ASCII-armored, without what others signed of it.
    func publicKey(_ key: Key) async throws -> [UInt8] {
        let answer = try await ask(
            Gpg.plainArmor + ["--export-options", "export-minimal", "--output", "-", "--export", key.fingerprint],
            about: [])
        guard answer.isSuccess, !answer.output.isEmpty else {
            throw ReaderError.gpgFailed(doing: Gpg.signing, message: Gpg.lastWords(answer.errors))
        }
        return Array(answer.output.utf8)
    }

    /// Runs gpg on what is no secret, from a file in memory: gpg may end before it has read all of it, and a pipe would
    /// break then.
    func ask(
        _ arguments: [String], about text: [UInt8]
    ) async throws -> (isSuccess: Bool, output: String, errors: String) {
        let input = try UnnamedFile.open(.memory).descriptor
        if let failure = text.withUnsafeBytes({ ExportFile.write($0, to: input) }) {
            close(input)
            throw ReaderError.output(path: "memory", operation: "write to", errno: failure)
        }
        lseek(input, 0, SEEK_SET)
        do {
            let result = try await Subprocess.run(
                .name("gpg"), arguments: Arguments(self.arguments(arguments)), environment: environment,
                input: .fileDescriptor(FileDescriptor(rawValue: input), closeAfterSpawningProcess: true),
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            return (result.terminationStatus.isSuccess, result.standardOutput, result.standardError)
        } catch let error as SubprocessError where error.code == .executableNotFound {
            throw ReaderError.gpgMissing
        }
    }
}

/// The writing end of a pipe, closed once.
private final class PipeEnd {
    let descriptor: Int32
    private var isOpen = true

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close() }

    func close() {
        if isOpen { Glibc.close(descriptor) }
        isOpen = false
    }
}
