import Dispatch
import Glibc
import Synchronization

/// Turns the first SIGINT, SIGTERM or SIGHUP into a cancellation, so that a command ends between two steps; a second one,
/// or one at a prompt, ends the program at once, which costs no more than the page under way.
final class InterruptHandler {
    private var sources: [any DispatchSourceSignal] = []
    private let ending = Ending()

    /// A second signal may come just as the work ends by the first: one of both says so.
    private final class Ending: Sendable {
        private let hasBegun = Mutex(false)

        func begin() -> Bool {
            hasBegun.withLock { hasBegun in
                defer { hasBegun = true }
                return !hasBegun
            }
        }
    }

    /// Whether it is for the caller to say how the program ends; else that is being said.
    func mayTell() -> Bool { ending.begin() }

    /// - Parameter interruption: what to say where the program ends at once.
    init(_ interruption: Failure, _ cancel: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "signals")
        nonisolated(unsafe) var isSecond = false
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { [ending] in
                // Under a pager the interrupting key is the pager's: it ends a search there, and not the reading.
                if number == SIGINT, Pager.isOpen { return }
                let isAsking = Prompt.abandon()
                if isAsking || isSecond {
                    guard ending.begin() else { return }
                    Terminal.fail(isAsking ? .interruptedQuestion : interruption)
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
