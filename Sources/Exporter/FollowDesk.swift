internal import Archive
internal import Synchronization

/// What those who listen, write and ask hand to one another: frames that wait to be archived, and what is to be asked.
///
/// Frames wait for nothing but the beginning of the first pull: until the server has said whose token it is and, where only
/// some channels are followed, which these are.
final class FollowDesk: Sendable {
    struct Frame: Sendable {
        let channelID: String
        let bytes: [UInt8]
        let receivedAt: Timestamp
    }

    private let state: Mutex<State>
    /// Rings when there is something to archive.
    let frames = Bell()
    /// Rings when there is something to ask.
    let questions = Bell()
    /// Rings when a key is another one.
    let keyEvents = Bell()
    /// Rings when something was deleted.
    let deletions = Bell()
    /// Rings when something may have been missed.
    let gaps = Bell()
    /// Rings when it is known whether there is a connection.
    let attempts = Bell()

    /// - Parameter isSelective: whether only some channels are followed, so that one that is not known is none of them.
    init(isSelective: Bool) { state = Mutex(State(isSelective: isSelective)) }

    // MARK: Listening

    /// What a message means for the connection.
    enum Effect: Equatable {
        case none
        /// The server knows who is listening. `isResumed`: nothing was missed.
        /// `after`: for how long no events had come, where some had before.
        case accepted(isResumed: Bool, after: Duration?)
        case gap
        case refused
    }

    var path: String { state.withLock(\.sequence.path) }
    var isAccepted: Bool { state.withLock(\.isAccepted) }
    var sinceHeard: Duration { state.withLock { .now - $0.lastHeard } }

    func beginConnection() {
        state.withLock { state in
            state.isAccepted = false
            state.lastHeard = .now
        }
    }

    func endConnection() {
        state.withLock { state in
            // The machine may have slept since.
            if state.isAccepted { state.cutOffSince = state.lastHeard }
        }
        attempts.ring()
    }

    func heard() { state.withLock { $0.lastHeard = .now } }

    /// Do not ask for a replay again.
    func forgetConnection() { state.withLock { $0.sequence.forget() } }

    /// Something came that cannot be read, and that a replay would bring again.
    func missed() {
        state.withLock { state in
            state.sequence.forget()
            state.hasMissed = true
        }
        gaps.ring()
    }

    /// Takes a message of the WebSocket.
    func take(_ message: [UInt8], at time: Timestamp) -> Effect {
        guard let event = try? ServerEvent(message) else {
            // What it was to say is asked for.
            return state.withLock { state in
                state.sequence.skip()
                // Of many in a row, it is said once.
                defer { state.hasMissed = true }
                gaps.ring()
                return state.hasMissed ? .none : .gap
            }
        }
        if event.kind == .reply(isOK: false) { return .refused }
        return state.withLock { state in
            let effect = state.follow(event)
            state.note(event, message, time)
            if !state.frames.isEmpty { frames.ring() }
            if !state.keyEvents.isEmpty { keyEvents.ring() }
            if !state.deleted.isEmpty { deletions.ring() }
            if state.hasMissed { gaps.ring() }
            if state.agenda != Agenda() { questions.ring() }
            if case .accepted = effect { attempts.ring() }
            return effect
        }
    }

    // MARK: Writing

    /// Frames that may be archived now, in the order in which they came; empty where there are none.
    func takeFrames() -> [Frame] { state.withLock { $0.takeFrames() } }

    /// Takes note of where a pull is.
    func observe(_ event: PullEvent) {
        switch event {
        case .stage(.lists): if !state.withLock(\.isSelective) { open() }
        case .channels(let channels):
            choose(channels.map(\.id))
            open()
        case .started(let channel): state.withLock { $0.forget(channel.id) }
        default: break
        }
    }

    private func open() {
        state.withLock { $0.isOpen = true }
        frames.ring()
        keyEvents.ring()
    }

    // MARK: Asking

    func add(_ agenda: Agenda) {
        guard agenda != Agenda() else { return }
        state.withLock { $0.agenda.add(agenda) }
        questions.ring()
    }

    /// What is to be asked; asked for once more, it is nothing.
    func takeAgenda() -> Agenda {
        state.withLock { state in
            defer { state.agenda = Agenda() }
            return state.agenda
        }
    }

    /// The events that tell of other keys, in the order in which they came, those taken before left out. None until it is
    /// known whose token it is.
    func takeKeyEvents() -> [KeyEvent] {
        state.withLock { state in
            guard state.isOpen else { return [] }
            defer { state.keyEvents = [] }
            return state.keyEvents
        }
    }

    /// Asks for everything where no events have come for so many seconds.
    ///
    /// - Returns: whether it does for the first time since they came no more.
    func poll(after seconds: Double) -> Bool {
        state.withLock { state in
            guard let since = state.cutOffSince, .now - since >= .seconds(seconds) else { return false }
            defer { state.isPolling = true }
            state.addAll()
            questions.ring()
            return !state.isPolling
        }
    }

    /// A pull that begins now asks for whatever was to be asked until now.
    func beginPull() {
        state.withLock { state in
            state.agenda = Agenda()
            state.hasMissed = false
        }
    }

    /// Asks what became of channels in which something happened.
    func askForActive() { add(Agenda(channels: state.withLock(\.active))) }

    /// Asks for the tombstones of what was deleted since its channel was last walked.
    ///
    /// - Returns: whether there is any such channel.
    func askForDeleted() -> Bool {
        let isAny = state.withLock { state in
            defer { state.deleted = [] }
            state.agenda.channels.formUnion(state.deleted)
            return !state.deleted.isEmpty
        }
        if isAny { questions.ring() }
        return isAny
    }

    /// Asks for everything where something may have been missed since that was last done.
    ///
    /// - Returns: whether it is so.
    func askForMissed() -> Bool {
        let hasMissed = state.withLock { state in
            defer { state.hasMissed = false }
            state.agenda.everything = state.agenda.everything || state.hasMissed
            return state.hasMissed
        }
        if hasMissed { questions.ring() }
        return hasMissed
    }

    /// - Returns: those of the channels that were not followed before.
    @discardableResult
    func choose(_ channels: [String]) -> Set<String> {
        let new = state.withLock { $0.choose(channels) }
        questions.ring()
        return new
    }
}
