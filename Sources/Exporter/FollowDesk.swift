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

    private struct State {
        var frames: [Frame] = []
        var size = 0
        /// Whether frames may be archived.
        var isOpen = false
        var agenda = Agenda()
        /// Channels in which something happened since they were last walked.
        var active: Set<String> = []
        /// The channels that are followed; nil until the first pull has their list.
        var chosen: Set<String>?
        var sequence = EventSequence()
        var isAccepted = false
        var lastHeard = ContinuousClock.now
    }

    /// Bytes of frames that wait. Beyond that, they are dropped, and the channels walked instead.
    private static let room = 64 << 20
    /// Bytes, more or less, and number of frames that go into one document.
    private static let batch = (bytes: 4 << 20, frames: 1000)

    private let state = Mutex(State())
    /// Whether only some channels are followed, so that a channel that is not known is none of them.
    private let isSelective: Bool
    /// Rings when there is something to archive.
    let frames: AsyncStream<Void>
    /// Rings when there is something to ask.
    let questions: AsyncStream<Void>
    private let framesBell: AsyncStream<Void>.Continuation
    private let questionsBell: AsyncStream<Void>.Continuation

    init(isSelective: Bool) {
        self.isSelective = isSelective
        (frames, framesBell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (questions, questionsBell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    // MARK: Listening

    /// What a message means for the connection.
    enum Effect: Equatable {
        case none
        /// The server knows who is listening. `isResumed`: nothing was missed.
        case accepted(isResumed: Bool)
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

    func heard() { state.withLock { $0.lastHeard = .now } }

    /// Do not ask for a replay again.
    func forgetConnection() { state.withLock { $0.sequence.forget() } }

    /// Takes a message of the WebSocket.
    func take(_ message: [UInt8], at time: Timestamp) -> Effect {
        guard let event = try? ServerEvent(message) else {
            // What it was to say is asked for.
            state.withLock { $0.sequence.skip() }
            add(Agenda(everything: true))
            return .gap
        }
        if event.kind == .reply(isOK: false) { return .refused }
        let (effect, agenda, hasFrame) = state.withLock { state in
            var agenda = Agenda()
            var effect = Effect.none
            let canResume = state.sequence.connectionID != nil
            let finding = state.sequence.follow(event)
            if finding != .inOrder { agenda.everything = true }
            if finding == .gap { effect = .gap }
            if !state.isAccepted {
                switch event.kind {
                case .hello:
                    state.isAccepted = true
                    effect = .accepted(isResumed: finding == .inOrder)
                case .reply where canResume:
                    state.isAccepted = true
                    effect = .accepted(isResumed: true)
                default: break
                }
            }
            let size = state.frames.count
            note(event, message, time, &state, &agenda)
            return (effect, agenda, state.frames.count > size)
        }
        if hasFrame { framesBell.yield() }
        add(agenda)
        return effect
    }

    private func note(
        _ event: ServerEvent, _ message: [UInt8], _ time: Timestamp, _ state: inout State, _ agenda: inout Agenda
    ) {
        func isFollowed(_ channelID: String) -> Bool { state.chosen?.contains(channelID) ?? true }
        switch event.kind {
        case .post(let channelID, let isDeleted):
            if !isFollowed(channelID) {
                if isSelective { return }
                agenda.lists = true
            }
            // Of a deleted root's replies nothing is said, and of a deletion not when it was: the tombstones tell.
            if isDeleted { agenda.channels.insert(channelID) }
            state.active.insert(channelID)
            guard state.size + message.count <= FollowDesk.room else {
                agenda.everything = true
                return
            }
            state.size += message.count
            state.frames.append(Frame(channelID: channelID, bytes: message, receivedAt: time))
        case .activity(let channelID): if isFollowed(channelID) { state.active.insert(channelID) }
        case .members(let channelID):
            if isFollowed(channelID) {
                agenda.members.insert(channelID)
            } else {
                agenda.lists = true
            }
        case .key(let userID?): agenda.keys.insert(userID)
        case .key(nil): agenda.people = true
        case .user(let userID): agenda.users.insert(userID)
        case .lists: agenda.lists = true
        case .hello, .reply, .ephemeral, .other: break
        }
    }

    // MARK: Writing

    /// Frames that may be archived now, in the order in which they came; empty where there are none.
    func takeFrames() -> [Frame] {
        state.withLock { state in
            guard state.isOpen else { return [] }
            var bytes = 0
            let taken = Array(
                state.frames.prefix(FollowDesk.batch.frames).prefix { frame in
                    defer { bytes += frame.bytes.count }
                    return bytes < FollowDesk.batch.bytes
                })
            state.frames.removeFirst(taken.count)
            state.size -= taken.reduce(0) { $0 + $1.bytes.count }
            return taken
        }
    }

    /// Takes note of where a pull is.
    func observe(_ event: PullEvent) {
        switch event {
        case .stage(.lists): if !isSelective { open() }
        case .channels(let channels):
            choose(channels.map(\.id))
            open()
        case .started(let channel): state.withLock { _ = $0.active.remove(channel.id) }
        default: break
        }
    }

    private func open() {
        state.withLock { $0.isOpen = true }
        framesBell.yield()
    }

    // MARK: Asking

    func add(_ agenda: Agenda) {
        guard agenda != Agenda() else { return }
        state.withLock { $0.agenda.add(agenda) }
        questionsBell.yield()
    }

    /// What is to be asked; asked for once more, it is nothing.
    func takeAgenda() -> Agenda {
        state.withLock { state in
            defer { state.agenda = Agenda() }
            return state.agenda
        }
    }

    /// Asks what became of channels in which something happened.
    func askForActive() { add(Agenda(channels: state.withLock(\.active))) }

    /// - Returns: those of the channels that were not followed before.
    @discardableResult
    func choose(_ channels: [String]) -> Set<String> {
        let (new, agenda) = state.withLock { state in
            let new = Set(channels).subtracting(state.chosen ?? [])
            let isFirst = state.chosen == nil
            state.chosen = (state.chosen ?? []).union(channels)
            return (new, isFirst ? sort(&state) : Agenda())
        }
        add(agenda)
        return new
    }

    /// Applies the list of channels to what came before it.
    private func sort(_ state: inout State) -> Agenda {
        let chosen = state.chosen ?? []
        // The list may have been made before a channel was.
        guard isSelective else { return Agenda(lists: !state.active.isSubset(of: chosen)) }
        state.frames.removeAll { !chosen.contains($0.channelID) }
        state.size = state.frames.reduce(0) { $0 + $1.bytes.count }
        state.active.formIntersection(chosen)
        state.agenda.channels.formIntersection(chosen)
        state.agenda.members.formIntersection(chosen)
        return Agenda()
    }
}
