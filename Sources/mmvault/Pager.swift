@preconcurrency import Glibc
import Reader
import Synchronization

/// Shows a long result through the user's pager, where there is a terminal.
///
/// While it is open, what goes to standard output goes to the pager. Whoever quits the pager early has seen enough: the
/// program then ends, and nothing is wrong.
enum Pager {
    private struct Open {
        let process: pid_t
        let command: String
        /// The terminal, to be standard output again.
        let terminal: Int32
    }

    private static let open = Mutex<Open?>(nil)

    static var isOpen: Bool { open.withLock { $0 != nil } }

    /// Runs `body`, whose output goes through the pager if one is wanted, there is one, and somebody looks.
    static func show(unless isUnwanted: Bool, _ body: () async throws -> Void) async throws {
        _ = Terminal.textWidth
        if !isUnwanted, Terminal.outputIsTerminal, Terminal.isCapable, let command { start(command) }
        do {
            try await body()
            Terminal.flush()
        } catch {
            close()
            throw error
        }
        try close()?.requireStart()
    }

    /// Where the pager has gone, ends the program as the user wished.
    static func endIfLeft() {
        guard let ended = close() else { return }
        do { try ended.requireStart() } catch {
            Terminal.fail(Failure(error))
            _exit(Failure(error).code.rawValue)
        }
        _exit(ExitCode.success.rawValue)
    }

    private struct Ended {
        let command: String
        let status: Int32

        /// 127 and 126 are a shell's words for a command that it did not find or could not run (POSIX, XCU 2.8.2).
        func requireStart() throws {
            guard status & 0x7F == 0, [126, 127].contains(status >> 8 & 0xFF) else { return }
            throw Failure(
                .failure, "the pager “\(SafeText.line(command))” does not start", hint: "--no-pager does without")
        }
    }

    /// The pager's command line; nil where output is to stay plain, or the pager is not installed.
    private static var command: String? {
        let command = getenv("PAGER").map { String(cString: $0).trimmed } ?? "less"
        guard !command.isEmpty, command != "cat" else { return nil }
        let words = command.split(separator: " ").map(String.init)
        // What a shell would first have to think about is for the shell to find.
        guard let program = words.first, program.allSatisfy({ $0.isLetter || $0.isNumber || "/._-+".contains($0) })
        else { return command }
        if program.contains("/") { return access(program, X_OK) == 0 ? command : nil }
        let folders = (VaultOptions.environment("PATH") ?? "/usr/bin:/bin").split(separator: ":")
        return folders.contains { access("\($0)/\(program)", X_OK) == 0 } ? command : nil
    }

    /// What the pager is told. less ends by itself where all fits on the screen, leaves it there, and lets colours
    /// through; and it writes down nowhere what was searched for.
    private static var environment: [String] {
        var variables: [String] = []
        var next = environ
        while let variable = next.pointee {
            variables.append(String(cString: variable))
            next += 1
        }
        variables.removeAll { $0.hasPrefix("LESSHISTFILE=") }
        variables.append("LESSHISTFILE=-")
        if getenv("LESS") == nil { variables.append("LESS=FRX") }
        if getenv("LESSCHARSET") == nil { variables.append("LESSCHARSET=utf-8") }
        return variables
    }

    /// Starts the pager with a pipe that takes the place of standard output. Where that fails, output stays plain.
    private static func start(_ command: String) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return }
        defer { for end in ends { Glibc.close(end) } }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        // This program takes signals in its own way; the pager is to take them in the usual one.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        func copies(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] { texts.map { strdup($0) } + [nil] }
        let arguments = copies(["sh", "-c", command])
        let variables = copies(environment)
        defer { for text in arguments + variables { free(text) } }
        Terminal.flush()
        let terminal = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
        var process: pid_t = 0
        guard terminal >= 0,
            posix_spawn(&process, "/bin/sh", &actions, &attributes, arguments, variables) == 0
        else {
            Glibc.close(terminal)
            return
        }
        dup2(ends[1], STDOUT_FILENO)
        open.withLock { $0 = Open(process: process, command: command, terminal: terminal) }
    }

    /// Lets the pager see the end, and waits until its user has seen enough.
    @discardableResult
    private static func close() -> Ended? {
        guard let pager = open.withLock({ $0 }) else { return nil }
        // What the pager did not take is not for the terminal either.
        if fflush(stdout) != 0 {
            let nowhere = Glibc.open("/dev/null", O_WRONLY | O_CLOEXEC)
            dup2(nowhere, STDOUT_FILENO)
            fflush(stdout)
            Glibc.close(nowhere)
        }
        dup2(pager.terminal, STDOUT_FILENO)
        Glibc.close(pager.terminal)
        var status: Int32 = 0
        while waitpid(pager.process, &status, 0) == -1, errno == EINTR {}
        open.withLock { $0 = nil }
        return Ended(command: pager.command, status: status)
    }
}
