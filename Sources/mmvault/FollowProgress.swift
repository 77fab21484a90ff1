import Archive
import Exporter
import Reader
import Synchronization

/// Shows how a following goes: one line that changes, on a terminal; elsewhere a plain line for each batch of events, with
/// the time, as a service's log wants it.
final class FollowProgress: Sendable {
    private struct State {
        var isFollowing = false
        var added = 0
        var since = Timestamp.now
    }

    private let state = Mutex(State())
    private let directory: AccountDirectory
    private let pull: PullProgress
    private let summarize: @Sendable (PullReport) -> Void

    init(
        _ directory: AccountDirectory, _ pull: PullProgress, summarize: @escaping @Sendable (PullReport) -> Void
    ) {
        self.directory = directory
        self.pull = pull
        self.summarize = summarize
    }

    func show(_ event: FollowEvent) {
        switch event {
        case .pull(let event):
            // What a later pull finds is told when it has ended.
            if !state.withLock(\.isFollowing) { pull.show(event) }
        case .pulled(let report):
            Terminal.clearProgress()
            summarize(report)
            showQuestions()
            Terminal.flush()
            state.withLock { $0.isFollowing = true }
        case .connected(isResumed: true, _): tell("connected again; nothing was missed")
        case .connected(isResumed: false, nil): tell("connected")
        case .connected(isResumed: false, let gap?):
            tell(
                "connected again after \(gap.inWords); plain text that was written, and then changed or deleted, within that "
                    + "time is lost")
        case .polling(let seconds):
            tell(
                "the server sends no events (does a proxy block WebSockets?); asking every \(Int(seconds)) s instead. "
                    + "Plain text that is written, and then changed or deleted, in between is lost")
        case .keysUnseen(let userID, let count):
            tell(
                "the server told of \(count.of("change")) of the key of \(name(of: userID)) that mmvault could not see; messages "
                    + "signed with a missed key stay unverified")
        case .gap: tell("something was missed; asking for it")
        case .kept(let channels, let added): if added > 0 { tell(added, channels.keys.sorted()) }
        case .asked(let added, let keyChanges):
            if !keyChanges.isEmpty {
                try? Pull.warn(keyChanges, Archive(directory))
                showQuestions()
            }
            if added > 0 { tell(added, []) }
        case .waiting(let why, let seconds):
            tell("\(SafeText.line(why)); again in \(Int(seconds.rounded(.up))) s")
        }
    }

    /// Beside what goes on: an archive may be read while it is written.
    private func showQuestions() {
        let directory = directory
        Task {
            try? await Pull.showQuestions(directory)
            Terminal.flush()
        }
    }

    private func tell(_ added: Int, _ channelIDs: [String]) {
        state.withLock { $0.added += added }
        guard !Terminal.errorIsTerminal else { return showState() }
        // A channel may be new, or the first pull yet to tell of it.
        let labels = channelIDs.isEmpty ? [] : labels(channelIDs)
        tell("\(added) new\(labels.isEmpty ? "" : " in \(labels.joined(separator: ", "))")")
    }

    private func tell(_ text: String) {
        guard !Terminal.errorIsTerminal else { return showState(text) }
        Terminal.print("\(Timestamp.now.iso8601.prefix(19))Z  \(text)")
        Terminal.flush()
    }

    private func showState(_ text: String? = nil) {
        let state = state.withLock { $0 }
        // The first pull has the line.
        guard state.isFollowing || text != nil else { return }
        let what = text ?? "following"
        Terminal.showProgress("\(what): \(state.added.of("new post version")) since \(state.since.minute) UTC")
    }

    private func name(of userID: String) -> String {
        let users = (try? Archive(directory).users()) ?? []
        return users.first { $0.id == userID }.map { "@\(SafeText.name($0.username))" } ?? SafeText.line(userID)
    }

    private func labels(_ channelIDs: [String]) -> [String] {
        guard let archive = try? Archive(directory), let channels = try? archive.channels(),
            let names = try? ChannelNames(archive)
        else { return [] }
        let wanted = Set(channelIDs)
        // Of a channel that is new, only a post has told as yet.
        return Set(
            channels.filter { wanted.contains($0.id) }
                .map { $0.kind == nil ? "a new channel" : SafeText.name(names.label($0)) }
        ).sorted()
    }
}

extension Duration {
    /// `40 s`, `3 min`, `2 h`.
    fileprivate var inWords: String {
        let seconds = components.seconds
        return seconds < 120 ? "\(seconds) s" : seconds < 7200 ? "\(seconds / 60) min" : "\(seconds / 3600) h"
    }
}
