import Archive
import E2EE
import Glibc
import Subprocess
import SystemPackage

/// Where the demo plays: a folder with a vault and a gpg home of its own, and the commands that run in it.
struct DemoStage {
    let folder: String
    private let environment: Environment

    init(folder: String) {
        self.folder = folder
        environment = Environment.inherit.updating([
            "MMVAULT_DIR": "\(folder)/vault", "GNUPGHOME": "\(folder)/gnupg",
        ])
    }

    func say(_ text: String) {
        Terminal.print()
        Terminal.print(text)
    }

    /// Shows a command as a person would type it, and runs it: this very program, with the terminal as it is.
    ///
    /// - Parameter mayEnd: an exit code that belongs to the story.
    func run(_ arguments: [String], mayEnd: ExitCode? = nil) async throws {
        Terminal.print()
        Terminal.print("$ mmvault \(arguments.joined(separator: " "))")
        fflush(nil)
        let result = try await Subprocess.run(
            .path("/proc/self/exe"),
            arguments: Arguments(executablePathOverride: "mmvault", remainingValues: arguments),
            environment: environment, input: .none, output: .currentStandardOutput, error: .currentStandardError)
        switch result.terminationStatus {
        case .exited(0): return
        case .exited(let code) where code == mayEnd?.rawValue:
            Terminal.print("(exit code \(code): \(mayEnd?.meaning ?? ""))")
        default:
            throw Failure(.failure, "“mmvault \(arguments[0])” ended with \(result.terminationStatus)")
        }
    }

    func write(_ name: String, _ text: String) throws {
        try PrivateFile.replace("\(folder)/\(name)", with: Array(text.utf8))
    }

    /// Prints the beginning of an exported file.
    func show(_ directory: String, named name: String, lines: Int) throws {
        guard let file = DemoStage.files(below: directory).first(where: { $0.contains(name) && $0.hasSuffix(".md") }),
            let bytes = try PrivateFile.read(file)
        else { return }
        Terminal.print()
        Terminal.print("$ head -n \(lines) \(file)")
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .prefix(lines)
        {
            Terminal.print("  \(line)")
        }
    }

    private static func files(below directory: String) -> [String] {
        PrivateFile.names(in: directory).flatMap { name in
            let path = "\(directory)/\(name)"
            return PrivateFile.isDirectory(path) ? files(below: path) : [path]
        }
    }

    // MARK: Alice's gpg

    /// A key without a passphrase, in the demo's own keyring.
    func makeGpgKey(for name: String) async throws {
        try PrivateFile.makeDirectory("\(folder)/gnupg")
        _ = try await gpg(
            [
                "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key", name,
                "default", "default", "never",
            ], input: [])
    }

    /// The mail that the server sends when a key is made: the backup, encrypted to the user's OpenPGP key.
    func writeBackupMail(_ key: PrivateKey) async throws {
        let armored = try await gpg(
            ["--batch", "--quiet", "--armor", "--trust-model", "always", "--default-recipient-self", "--encrypt"],
            input: Array(KeyBackup.text(of: key).utf8))
        let text = String(decoding: armored, as: UTF8.self).replacing("=", with: "=3D")
        let boundary = "demo-boundary-7f3a"
        let mail = """
            From: "Mattermost" <mattermost@harbour.invalid>
            To: alice@harbour.invalid
            Subject: Mattermost E2EE private key backup
            MIME-Version: 1.0
            Content-Type: multipart/alternative;
             boundary=\(boundary)

            --\(boundary)
            Content-Transfer-Encoding: quoted-printable
            Content-Type: text/plain; charset=UTF-8

            \(text)
            --\(boundary)
            Content-Transfer-Encoding: quoted-printable
            Content-Type: text/html; charset=UTF-8

            <pre>\(text)</pre>
            --\(boundary)--

            """
        try write("backup-mail.eml", mail)
    }

    /// Ends the agent that gpg left running.
    func close() async {
        _ = try? await Subprocess.run(
            .name("gpgconf"), arguments: ["--kill", "all"], environment: environment, output: .discarded)
    }

    private func gpg(_ arguments: [String], input: [UInt8]) async throws -> [UInt8] {
        do {
            let result = try await Subprocess.run(
                .name("gpg"), arguments: Arguments(arguments), environment: environment, input: .array(input),
                output: .bytes(limit: 1 << 20), error: .string(limit: 1 << 16))
            guard result.terminationStatus.isSuccess else {
                throw Failure(.key, "gpg could not play its part: \(result.standardError)")
            }
            return result.standardOutput
        } catch let error as SubprocessError where error.code == .executableNotFound {
            throw Failure(.key, "gpg is not installed", hint: "install GnuPG (on Debian: apt install gnupg)")
        }
    }
}
