@preconcurrency import Glibc
import Synchronization

/// The program's voice. Results go to standard output, everything else to standard error. Text that somebody else chose
/// has been through `SafeText` before it comes here.
enum Terminal {
    static let errorIsTerminal = isatty(STDERR_FILENO) == 1
    static let inputIsTerminal = isatty(STDIN_FILENO) == 1
    /// Whether it was when the program began: under a pager, it is still a terminal that shows the result.
    static let outputIsTerminal = isatty(STDOUT_FILENO) == 1

    /// Columns of the terminal that shows progress; 80 where it does not tell.
    static var width: Int { columns(of: STDERR_FILENO) ?? 80 }

    static func columns(of descriptor: Int32) -> Int? {
        var size = winsize()
        let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        return isKnown ? Int(size.ws_col) : nil
    }

    /// Whether a terminal is there that can do more than show lines.
    static var isCapable: Bool { VaultOptions.environment("TERM").map { $0 != "dumb" } ?? false }

    static var wantsColour: Bool { isCapable && VaultOptions.environment("NO_COLOR") == nil }

    /// Columns that results keep to: 80 wherever they go, and fewer where a narrower terminal shows them. Measured once:
    /// before a pager takes the terminal's place.
    static let textWidth = columns(ofResults: STDOUT_FILENO)
    private static let messageWidth = columns(ofResults: STDERR_FILENO)

    private static func columns(ofResults descriptor: Int32) -> Int {
        max(40, min(80, columns(of: descriptor) ?? 80))
    }

    private static let progress = Mutex("")

    static func print(_ line: String = "") { write(Array((line + "\n").utf8)) }

    /// A line of JSON, which holds names and texts as they are. At a terminal, what could disturb it is escaped once more: to
    /// a reader of JSON it is the same.
    static func write(json line: [UInt8]) {
        guard outputIsTerminal else { return write(line) }
        write(Array(escaped(json: String(decoding: line, as: UTF8.self)).utf8))
    }

    static func escaped(json: String) -> String {
        // An array: to append several scalars to a view copies all of it.
        var result: [Unicode.Scalar] = []
        for scalar in json.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control where scalar != "\n", .format:
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    let zeros = String(repeating: "0", count: 4 - digits.count)
                    result.append(contentsOf: "\\u\(zeros)\(digits)".unicodeScalars)
                }
            default: result.append(scalar)
            }
        }
        return String(String.UnicodeScalarView(result))
    }

    static func write(_ bytes: [UInt8]) {
        clearProgress()
        let written = bytes.withUnsafeBufferPointer { fwrite($0.baseAddress, 1, $0.count, stdout) }
        if written < bytes.count { outputFailed(errno) }
    }

    /// Sends what was printed on its way, so that a pipe shows it in time and it comes before what follows on standard
    /// error.
    static func flush() {
        if fflush(stdout) != 0 { outputFailed(errno) }
    }

    /// A result that nobody can take is no result. Where its reader has gone (`| head`), end as any filter does.
    private static func outputFailed(_ errno: Int32) -> Never {
        if errno == EPIPE {
            Pager.endIfLeft()
            signal(SIGPIPE, SIG_DFL)
            raise(SIGPIPE)
        }
        let failure = Failure(.failure, "cannot write to standard output: \(describe(errno: errno))")
        say(styled("error:", .red), "error:", failure.message)
        _exit(failure.code.rawValue)
    }

    /// A line about what is going on; never part of a result.
    static func note(_ line: String) {
        flush()
        writeError(line.wrapped(indent: 2, width: messageWidth))
    }

    static func warn(_ line: String) {
        flush()
        say(styled("warning:", .yellow), "warning:", line)
    }

    static func fail(_ failure: Failure) {
        flush()
        // What a terminal shows of the interrupting key is no part of the message.
        if errorIsTerminal, isCapable { fputs("\r\u{1B}[K", stderr) }
        say(styled("error:", .red), "error:", failure.message)
        if let hint = failure.hint { say("hint:", "hint:", hint) }
    }

    private static func say(_ label: String, _ plainLabel: String, _ text: String) {
        let lines = "\(plainLabel) \(text)".wrapped(indent: plainLabel.count + 1, width: messageWidth)
        writeError(label + lines.dropFirst(plainLabel.count))
    }

    /// Shows `line` in place of the progress shown before; only on a terminal.
    static func showProgress(_ line: String) {
        guard errorIsTerminal, isCapable else { return }
        let shown = line.prefix(columns: max(20, width - 1))
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

    private static func writeError(_ text: String) {
        clearProgress()
        fputs(text + "\n", stderr)
    }

    /// SGR parameters (ECMA-48, 8.3.117).
    enum Colour: String {
        case red = "31"
        case yellow = "33"
    }

    private static func styled(_ text: String, _ colour: Colour) -> String {
        errorIsTerminal && wantsColour ? "\u{1B}[1;\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// For results: the same text where nobody sees colours.
    static func strong(_ text: String) -> String { styledResult(text, "1") }
    static func highlighted(_ text: String) -> String { styledResult(text, "1;7") }
    static func alarming(_ text: String) -> String { styledResult(text, "1;31") }

    private static func styledResult(_ text: String, _ parameters: String) -> String {
        outputIsTerminal && wantsColour ? "\u{1B}[\(parameters)m\(text)\u{1B}[0m" : text
    }

    /// Puts something in the place of standard streams that were closed, so that no file or pipe gets their numbers; to
    /// read or write there fails as it did before.
    static func occupyClosedStreams() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) == -1 {
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    static func describe(errno: Int32) -> String { String(cString: strerror(errno)) }
}
