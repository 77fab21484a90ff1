import ArgumentParser
import Glibc
import Reader

/// The program. Its commands are one file each; each ends by returning, or with an error that `Failure` knows.
@main
struct Mmvault: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mmvault",
        abstract: "Keep, verify and read your end-to-end-encrypted Mattermost history.",
        discussion: """
            After losing a device, one command does it all:
              mmvault recover https://chat.example.org

            Step by step:
              mmvault login https://chat.example.org
              mmvault pull
              mmvault key restore backup.eml
              mmvault verify
              mmvault read town-square
              mmvault export markdown ~/chat

            --vault DIR (or MMVAULT_DIR) says where the vault is, before or after any
            command; without it, ~/.local/share/mmvault.
            Where docs/… is named, it is a file in mmvault's source.
            “mmvault demo” shows all of it on a server of its own.
            “mmvault --generate-completion-script bash” (zsh, fish) prints completions.
            """,
        version: version,
        subcommands: [
            Recover.self, Login.self, Pull.self, Import.self, Key.self, Trust.self, Channels.self, Read.self,
            Search.self, Verify.self, Audit.self, Export.self, Status.self, Check.self, Head.self, Demo.self,
        ])

    private static let version = "0.1.0"
    static let program = "mmvault \(version)"

    static func main() async {
        ProcessLimits.keepMemoryPrivate()
        ProcessLimits.boundHeap()
        Terminal.occupyClosedStreams()
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
        let interruption = interruption
        let signals = InterruptHandler(interruption) { work.cancel() }
        defer { withExtendedLifetime(signals) {} }
        do {
            try await work.value
            end(.success)
        } catch let code as ArgumentParser.ExitCode {
            end(ExitCode(rawValue: code.rawValue) ?? .failure)
        } catch  where isParsers(error) {
            end(parsing: error)
        } catch {
            let failure = work.isCancelled ? interruption : Failure(error)
            // Where a second signal is faster, the program is ending already.
            if !signals.mayTell() { try? await Task.sleep(for: .seconds(60)) }
            Terminal.fail(failure)
            end(failure.code)
        }
    }

    /// What is left of the command where it is interrupted.
    private static var interruption: Failure {
        switch commandWords.first {
        case Import._commandName: .interruptedImport
        case Export._commandName: .interruptedExport
        case Check._commandName, Verify._commandName, Audit._commandName: .interruptedReading
        case Trust._commandName where commandWords.last == Trust.Signers._commandName: .interruptedReading
        default: .interrupted
        }
    }

    private static func end(_ code: ExitCode) -> Never {
        Terminal.clearProgress()
        Terminal.flush()
        Glibc.exit(code.rawValue)
    }

    /// Whether an error is the parser's own: a request for help, which it raises on running, or a bad value.
    private static func isParsers(_ error: any Error) -> Bool {
        let code = exitCode(for: error)
        return code == .success || code == .validationFailure
    }

    /// Help and versions are no errors; for what is one, the program's own voice.
    private static func end(parsing error: any Error) -> Never {
        guard exitCode(for: error) != .success else {
            Terminal.print(fullMessage(for: error))
            end(.success)
        }
        let lines = message(for: error).split(separator: "\n", omittingEmptySubsequences: false)
        let first = lines.first.map(String.init) ?? "the command line is not understood"
        let help = (["mmvault"] + commandWords + ["--help"]).joined(separator: " ")
        Terminal.fail(
            Failure(
                .usage, SafeText.line(first.prefix(1).lowercased() + first.dropFirst()),
                hint: "“\(help)” shows how it is used"))
        end(.usage)
    }

    /// The command that was meant, as far as it can be told.
    private static var commandWords: [String] {
        var words: [String] = []
        var candidates = configuration.subcommands
        for argument in VaultOptions.movedBehindCommand(Array(CommandLine.arguments.dropFirst())) {
            guard let command = candidates.first(where: { $0._commandName == argument }) else { break }
            words.append(argument)
            candidates = command.configuration.subcommands
        }
        return words
    }
}
