@preconcurrency import Glibc
import Synchronization

/// The program's voice. Results go to standard output, everything else to standard error. Text that somebody else chose
/// has been through `SafeText` before it comes here.
enum Terminal {
    static let outputIsTerminal = isatty(STDOUT_FILENO) == 1
    static let errorIsTerminal = isatty(STDERR_FILENO) == 1
    static let inputIsTerminal = isatty(STDIN_FILENO) == 1

    /// Columns of the terminal that shows progress; 80 where it does not tell.
    static var width: Int {
        var size = winsize()
        let isKnown = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        return isKnown ? Int(size.ws_col) : 80
    }

    private static let progress = Mutex("")

    static func print(_ line: String = "") { write(line + "\n", to: stdout) }

    static func write(_ bytes: [UInt8]) {
        clearProgress()
        _ = bytes.withUnsafeBufferPointer { fwrite($0.baseAddress, 1, $0.count, stdout) }
    }

    /// A line about what is going on; never part of a result.
    static func note(_ line: String) { write(line + "\n", to: stderr) }

    static func warn(_ line: String) { write(styled("warning:", .yellow) + " \(line)\n", to: stderr) }

    static func fail(_ failure: Failure) {
        fflush(stdout)
        write(styled("error:", .red) + " \(failure.message)\n", to: stderr)
        if let hint = failure.hint { write("hint: \(hint)\n", to: stderr) }
    }

    /// Shows `line` in place of the progress shown before; only on a terminal.
    static func showProgress(_ line: String) {
        guard errorIsTerminal else { return }
        let shown = String(line.prefix(max(20, width - 1)))
        progress.withLock { current in
            current = shown
            fputs("\r\u{1B}[K\(shown)", stderr)
            fflush(stderr)
        }
    }

    static func clearProgress() {
        progress.withLock { current in
            guard !current.isEmpty else { return }
            current = ""
            fputs("\r\u{1B}[K", stderr)
            fflush(stderr)
        }
    }

    private static func write(_ text: String, to stream: UnsafeMutablePointer<FILE>?) {
        clearProgress()
        fputs(text, stream)
    }

    /// SGR parameters (ECMA-48, 8.3.117).
    enum Colour: String {
        case red = "31"
        case yellow = "33"
    }

    private static func styled(_ text: String, _ colour: Colour) -> String {
        errorIsTerminal && getenv("NO_COLOR") == nil ? "\u{1B}[1;\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    static func describe(errno: Int32) -> String { String(cString: strerror(errno)) }

    /// Reads one line without showing it.
    static func readSecret(_ prompt: String) -> String? {
        fputs(prompt, stderr)
        fflush(stderr)
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
            fputs("\n", stderr)
        }
        return readLine()
    }

    static func readAnswer(_ prompt: String) -> String? {
        fputs(prompt, stderr)
        fflush(stderr)
        return readLine()
    }
}

extension String {
    /// Cut or filled up to `width` columns. Wide characters count as one; a table with them is a little uneven.
    func padded(to width: Int) -> String {
        count > width ? String(prefix(width - 1)) + "…" : self + String(repeating: " ", count: width - count)
    }

    func rightAligned(in width: Int) -> String { String(repeating: " ", count: Swift.max(0, width - count)) + self }
}

extension Int {
    /// `12,345`
    var grouped: String {
        var digits = Array(String(magnitude))
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: place)
            place -= 3
        }
        return (self < 0 ? "-" : "") + String(digits)
    }

    /// `3 posts`, `1 post`
    func of(_ noun: String, _ plural: String? = nil) -> String {
        "\(grouped) \(self == 1 ? noun : plural ?? noun + "s")"
    }
}
