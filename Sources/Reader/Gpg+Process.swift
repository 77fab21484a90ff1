internal import Bytes
internal import CLinux
internal import Glibc
internal import Subprocess
internal import SystemPackage

/// How gpg is run.
extension Gpg {
    /// - Parameter arguments: of the command, behind those that every one gets.
    func arguments(_ arguments: [String]) -> [String] {
        ["--batch", "--yes", "--quiet", "--no-tty"] + (mayAsk ? [] : ["--pinentry-mode", "error"]) + arguments
    }

    var environment: Environment {
        // gpg's input is a pipe, so that it cannot see by itself at which terminal the user sits.
        guard mayAsk, let terminal = ttyname(STDIN_FILENO) else { return .inherit }
        return Environment.inherit.updating(["GPG_TTY": String(cString: terminal)])
    }

    func run(
        _ arguments: [String], input: [UInt8], doing: String
    ) async throws(ReaderError) -> [UInt8] {
        let answer = try await attempt(arguments, input: input, doing: doing)
        guard answer.isSuccess else { throw .gpgFailed(doing: doing, message: Gpg.lastWords(answer.errors)) }
        return answer.output
    }

    func attempt(
        _ arguments: [String], input: [UInt8], doing: String
    ) async throws(ReaderError) -> (isSuccess: Bool, output: [UInt8], errors: String) {
        let pipe = try Gpg.pipe(holding: input, doing: doing)
        do {
            let result = try await Subprocess.run(
                .name("gpg"), arguments: Arguments(self.arguments(arguments)), environment: environment,
                input: .fileDescriptor(FileDescriptor(rawValue: pipe), closeAfterSpawningProcess: true),
                output: .bytes(limit: 16 << 20), error: .string(limit: 1 << 20))
            return (result.terminationStatus.isSuccess, result.standardOutput, result.standardError)
        } catch let error as SubprocessError where error.code == .executableNotFound {
            throw .gpgMissing
        } catch {
            throw .gpgFailed(doing: doing, message: "\(error)")
        }
    }

    /// Runs gpg on a file, and hands over what it writes, a piece at a time: before gpg has said that all of it is good.
    ///
    /// - Parameter input: closed here.
    func stream(
        _ arguments: [String], input: Int32, _ consume: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) async throws -> (isSuccess: Bool, errors: String) {
        var ends: [Int32] = [-1, -1]
        guard private_pipe(&ends) == 0 else {
            throw ReaderError.output(path: "gpg", operation: "make a pipe to", errno: errno)
        }
        var output = ends[0]
        defer { if output >= 0 { close(output) } }
        var failure: (any Error)?
        do {
            let result = try await Subprocess.run(
                .name("gpg"), arguments: Arguments(self.arguments(arguments)), environment: environment,
                input: .fileDescriptor(FileDescriptor(rawValue: input), closeAfterSpawningProcess: true),
                output: .fileDescriptor(FileDescriptor(rawValue: ends[1]), closeAfterSpawningProcess: true),
                error: .string(limit: 1 << 20)
            ) { _ in
                var buffer = [UInt8](repeating: 0, count: 1 << 16)
                defer { wipe(&buffer) }
                while true {
                    let count = read(output, &buffer, buffer.count)
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else { return }
                    do {
                        try buffer.withUnsafeBytes { try consume(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                    } catch {
                        failure = error
                        // gpg ends when nobody reads what it writes.
                        close(output)
                        output = -1
                        return
                    }
                }
            }
            if let failure { throw failure }
            return (result.terminationStatus.isSuccess, result.standardError)
        } catch let error as SubprocessError where error.code == .executableNotFound {
            throw ReaderError.gpgMissing
        }
    }

    /// A pipe with all of its input in it: gpg may end before it has read that, and nobody must be writing then.
    ///
    /// - Returns: the end to read from.
    private static func pipe(holding input: [UInt8], doing: String) throws(ReaderError) -> Int32 {
        var ends: [Int32] = [-1, -1]
        guard private_pipe(&ends) == 0 else {
            throw .output(path: "gpg", operation: "make a pipe to", errno: errno)
        }
        defer { close(ends[1]) }
        // As much as Linux lets anybody have (F_SETPIPE_SZ), which is many times more than any backup of a key.
        if input.count > 1 << 12 { _ = fcntl(ends[1], 1031, 1 << 20) }
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        if let failure = input.withUnsafeBytes({ ExportFile.write($0, to: ends[1]) }) {
            close(ends[0])
            guard failure == EAGAIN else { throw .output(path: "gpg", operation: "write to", errno: failure) }
            throw .gpgFailed(doing: doing, message: "it is too large")
        }
        return ends[0]
    }
}
