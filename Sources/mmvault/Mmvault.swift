import ArgumentParser
import Dispatch
import Glibc

/// The program. Its commands are one file each; each ends by returning, or with an error that `Failure` knows.
@main
struct Mmvault: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mmvault",
        abstract: "Keep, verify and read your end-to-end-encrypted Mattermost history.",
        discussion: """
            A newcomer's way:
              mmvault login https://chat.example.org
              mmvault pull
              mmvault key restore backup.eml
              mmvault verify
              mmvault export markdown ~/chat

            --vault DIR (or MMVAULT_DIR) says where the vault is, before or after any
            command; without it, ~/.local/share/mmvault.
            “mmvault demo” shows all of it on a server of its own.
            “mmvault --generate-completion-script bash” (zsh, fish) prints completions.
            """,
        version: "0.1.0",
        subcommands: [
            Login.self, Pull.self, Key.self, Verify.self, Export.self, Status.self, Check.self, Demo.self,
        ])

    static func main() async {
        let arguments = VaultOptions.movedBehindCommand(Array(CommandLine.arguments.dropFirst()))
        let work = Task {
            let parsed: any ParsableCommand
            do { parsed = try parseAsRoot(arguments) } catch { end(parsing: error) }
            if var command = parsed as? any AsyncParsableCommand {
                try await command.run()
            } else {
                var command = parsed
                try command.run()
            }
        }
        let signals = InterruptHandler { work.cancel() }
        defer { withExtendedLifetime(signals) {} }
        do {
            try await work.value
            Terminal.clearProgress()
        } catch let code as ArgumentParser.ExitCode {
            Terminal.clearProgress()
            Glibc.exit(code.rawValue)
        } catch  where error is CleanExit || error is ValidationError {
            end(parsing: error)
        } catch {
            let failure = work.isCancelled ? Failure.interrupted : Failure(error)
            Terminal.fail(failure)
            Glibc.exit(failure.code.rawValue)
        }
        Glibc.exit(ExitCode.success.rawValue)
    }

    /// Help and versions are no errors; for what is one, the program's own voice.
    private static func end(parsing error: any Error) -> Never {
        guard exitCode(for: error) != .success else { exit(withError: error) }
        let lines = message(for: error).split(separator: "\n", omittingEmptySubsequences: false)
        let first = lines.first.map(String.init) ?? "the command line is not understood"
        let command = CommandLine.arguments.dropFirst().first { word in
            configuration.subcommands.contains { $0._commandName == word }
        }
        let help = command.map { "“mmvault \($0) --help”" } ?? "“mmvault --help”"
        Terminal.fail(Failure(.usage, first, hint: "\(help) shows how it is used"))
        Glibc.exit(ExitCode.usage.rawValue)
    }
}

/// Turns the first SIGINT, SIGTERM or SIGHUP into a cancellation, so that a command ends between two steps; a second one
/// ends the program at once, which costs no more than the page under way.
private final class InterruptHandler {
    private var sources: [any DispatchSourceSignal] = []

    init(_ cancel: @escaping @Sendable () -> Void) {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            nonisolated(unsafe) var isSecond = false
            source.setEventHandler {
                if isSecond { _exit(ExitCode.interrupted.rawValue) }
                isSecond = true
                cancel()
            }
            source.resume()
            sources.append(source)
        }
    }
}
