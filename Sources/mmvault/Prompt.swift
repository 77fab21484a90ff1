@preconcurrency import Glibc
import Synchronization

/// Questions at the terminal. While one is open the program waits in the kernel, where no cancellation reaches it; an
/// interrupt then ends the program at once, with the terminal as it was.
enum Prompt {
    private struct Open: Sendable {
        /// The terminal's settings to give back, where they were changed.
        let settings: termios?
    }

    private static let open = Mutex<Open?>(nil)

    /// Reads one line.
    static func answer(_ question: String) -> String? {
        ask(question)
        return reading { readLine() }
    }

    /// Reads one line without showing it.
    static func secret(_ question: String) -> String? {
        ask(question)
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        return reading(restoring: settings) {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
            defer {
                tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
                fputs("\n", stderr)
            }
            return readLine()
        }
    }

    /// Runs a read that nothing but input, or the program's end, can end.
    static func reading<T>(restoring settings: termios? = nil, _ body: () throws -> T) rethrows -> T {
        open.withLock { $0 = Open(settings: settings) }
        defer { open.withLock { $0 = nil } }
        return try body()
    }

    /// Gives the terminal back where a question is open.
    ///
    /// - Returns: whether one is.
    static func abandon() -> Bool {
        open.withLock { open in
            guard let question = open else { return false }
            if var settings = question.settings { tcsetattr(STDIN_FILENO, TCSANOW, &settings) }
            fputs("\n", stderr)
            return true
        }
    }

    private static func ask(_ question: String) {
        Terminal.flush()
        fputs(question, stderr)
        fflush(stderr)
    }
}
