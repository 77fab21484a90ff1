import Dispatch
import Glibc

/// Turns the first SIGINT, SIGTERM or SIGHUP into a cancellation, so that a command ends between two steps; a second one,
/// or one at a prompt, ends the program at once, which costs no more than the page under way.
final class InterruptHandler {
    private var sources: [any DispatchSourceSignal] = []

    init(_ cancel: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "signals")
        nonisolated(unsafe) var isSecond = false
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                // Under a pager the interrupting key is the pager's: it ends a search there, and not the reading.
                if number == SIGINT, Pager.isOpen { return }
                if Prompt.abandon() || isSecond {
                    // Without a hint: what is under way may be of the kind that is kept, or of the other.
                    Terminal.fail(Failure(.interrupted, "interrupted"))
                    _exit(ExitCode.interrupted.rawValue)
                }
                isSecond = true
                cancel()
            }
            source.resume()
            sources.append(source)
        }
        // gpg may end before it has read all; what becomes of standard output is for `Terminal` to see.
        signal(SIGPIPE, SIG_IGN)
    }
}
