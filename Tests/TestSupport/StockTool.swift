import Foundation
import Subprocess
import SystemPackage

/// Programs that others wrote, which the tests hold this one against: sh, sqlite3, python3, openssl, age.
///
/// By swift-subprocess, and not by Foundation's `Process`: that one lists /proc/self/fd before each start and copies 256
/// bytes for every name, also where fewer are left in the buffer that the directory was read into. With some 1365
/// descriptors open it reads past the buffer's end, and the tests, which are one process and run side by side, died of it.
public enum StockTool {
    /// A tool that failed, with what it said about that.
    public struct Failure: Error, CustomStringConvertible {
        /// The program and its arguments.
        public let command: String
        /// As a shell counts: 128 and the signal's number where a signal ended it.
        public let code: Int32
        /// What it printed on standard error.
        public let errors: String

        public var description: String { "\(command): exit code \(code)\n\(errors)" }
    }

    private static let folders = ["/usr/local/bin", "/usr/bin", "/bin"]
    private static let limit = 32 << 20

    /// Whether there is such a program, for tests that are left out where there is none.
    public static func isInstalled(_ name: String) -> Bool {
        folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }

    /// Runs a program to its end.
    ///
    /// - Parameters:
    ///   - name: one that PATH leads to, or a path.
    ///   - input: what it reads from standard input.
    ///   - folder: where it is run; nil for where this process is.
    ///   - environment: all of its environment; nil for this process's.
    /// - Returns: what it printed on standard output, up to 32 MiB.
    /// - Throws: `Failure` for every exit code but 0, or what kept it from being started.
    @discardableResult
    public static func run(
        _ name: String, _ arguments: [String], input: [UInt8] = [], in folder: String? = nil,
        environment: [String: String]? = nil
    ) async throws -> [UInt8] {
        let result = try await Subprocess.run(
            name.contains("/") ? .path(FilePath(name)) : .name(name), arguments: Arguments(arguments),
            environment: environment.map(variables) ?? .inherit, workingDirectory: folder.map { FilePath($0) },
            input: .array(input), output: .bytes(limit: limit), error: .bytes(limit: limit))
        let code: Int32 =
            switch result.terminationStatus {
            case .exited(let code): code
            case .signaled(let signal): 128 + signal
            }
        guard code == 0 else {
            throw Failure(
                command: ([name] + arguments).joined(separator: " "), code: code,
                errors: String(decoding: result.standardError, as: UTF8.self))
        }
        return result.standardOutput
    }

    /// What a line of shell prints. It stops at the first command that fails, and knows nothing of its user's settings.
    @discardableResult
    public static func shell(_ line: String, in folder: String? = nil) async throws -> String {
        let output = try await run(
            "sh", ["-euc", line], in: folder,
            environment: ["PATH": folders.joined(separator: ":"), "LC_ALL": "C.UTF-8"])
        return String(decoding: output, as: UTF8.self)
    }

    private static func variables(_ values: [String: String]) -> Environment {
        .custom(Dictionary(uniqueKeysWithValues: values.map { (Environment.Key(stringLiteral: $0), $1) }))
    }
}
