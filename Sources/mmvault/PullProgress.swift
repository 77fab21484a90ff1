import Archive
import Exporter
import Reader
import Synchronization

/// Shows how a pull goes: one line that changes, on a terminal; elsewhere a plain line per channel.
final class PullProgress: Sendable {
    private struct State {
        var total = 0
        var finished = 0
        var expected = 0
        var posts: [String: Int] = [:]
        var names: ChannelNames
        var startedAt = ContinuousClock.now
        var current = ""
        var files = 0
        var fileBytes: Int64 = 0
        /// A number of bytes at which the line is shown anew.
        var shownBytes: Int64 = 0
    }

    private let state: Mutex<State>
    private let names: @Sendable () -> ChannelNames

    /// - Parameter names: the names known by now; those of direct channels are their users'.
    init(names: @escaping @Sendable () -> ChannelNames) {
        self.names = names
        state = Mutex(State(names: names()))
    }

    func show(_ event: PullEvent) {
        state.withLock { state in
            switch event {
            case .stage(let stage):
                state.current =
                    switch stage {
                    case .lists: "asking for teams and channels"
                    case .members: "asking for members"
                    case .keys: "asking for public keys"
                    }
                Terminal.showProgress(state.current)
            case .channels(let channels):
                state.total = channels.count
                state.expected = channels.reduce(0) { $0 + Int(clamping: $1.totalMessageCount) }
            case .started(let channel):
                if state.posts.isEmpty {
                    state.names = names()
                    state.startedAt = .now
                }
                state.posts[channel.id] = 0
            case .page(let channel, let posts, _):
                state.posts[channel.id, default: 0] += posts
                Terminal.showProgress(PullProgress.line(state, channel))
            case .fileBytes(let channel, let bytes):
                state.fileBytes += Int64(bytes)
                guard state.fileBytes - state.shownBytes >= 1 << 18 else { return }
                state.shownBytes = state.fileBytes
                Terminal.showProgress(PullProgress.line(state, channel))
            case .file(let channel):
                state.files += 1
                Terminal.showProgress(PullProgress.line(state, channel))
            case .finished(let outcome):
                state.finished += 1
                // Of an interruption the command itself tells.
                if case .failed(.cancelled) = outcome.result { return }
                Terminal.print(PullProgress.line(outcome, state.names))
                Terminal.flush()
            case .retrying(_, let why, let seconds):
                let wait = seconds < 1 ? "" : ", again in \(Int(seconds.rounded(.up))) s"
                Terminal.showProgress("\(SafeText.line(why))\(wait)")
            }
        }
    }

    private static func line(_ state: State, _ channel: Channel) -> String {
        let done = state.posts.values.reduce(0, +)
        let elapsed = Double((ContinuousClock.now - state.startedAt).components.seconds)
        let rate = elapsed > 0 ? Double(done) / elapsed : 0
        var parts = ["\(state.finished + 1) of \(state.total)", done.of("post")]
        if state.fileBytes > 0 { parts.append("\(state.files.of("file")), \(state.fileBytes.asBytes)") }
        if rate >= 1 { parts.append("\(Int(rate).grouped) posts/s") }
        // Deleted posts are counted by the server and not served, so that this is a guess, and never less than nothing.
        if rate >= 1, state.expected > done {
            let left = Int(Double(state.expected - done) / rate)
            parts.append("about \(left / 60):\(left % 60 < 10 ? "0" : "")\(left % 60) left")
        }
        return "\(SafeText.name(state.names.label(channel)).padded(to: 24)) \(parts.joined(separator: ", "))"
    }

    private static func line(_ outcome: ChannelOutcome, _ names: ChannelNames) -> String {
        let label = SafeText.name(names.label(outcome.channel)).padded(to: 32)
        let result =
            switch outcome.result {
            case .complete: "complete"
            case .partial: "NOT complete"
            case .narrowed: "complete since the day asked for"
            case .closed: "closed to you"
            case .failed: "NOT complete"
            }
        return "\(label) \(outcome.added.grouped.rightAligned(in: 9)) new  \(result)"
    }
}
