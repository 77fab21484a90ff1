internal import Archive
internal import Synchronization

/// What those who listen, write and ask hand to one another: frames that wait to be archived, and what is to be asked.
///
/// While a channel is walked, its frames are held back: an answer of the walk that is older than a frame must not be
/// archived after it, since the order of arrival decides which version of a post is the newest.
final class FollowDesk: Sendable {
    struct Frame: Sendable {
        let channelID: String
        let bytes: [UInt8]
        let receivedAt: Timestamp
    }

    /// What is to be asked of the server.
    struct Agenda: Equatable, Sendable {
        /// All of it, as a pull does.
        var everything = false
        /// Which channels there are; those that are new are walked.
        var lists = false
        /// Every name and key.
        var people = false
        var channels: Set<String> = []
        var members: Set<String> = []
        var users: Set<String> = []
        var keys: Set<String> = []

        mutating func add(_ other: Agenda) {
            everything = everything || other.everything
            lists = lists || other.lists
            people = people || other.people
            channels.formUnion(other.channels)
            members.formUnion(other.members)
            users.formUnion(other.users)
            keys.formUnion(other.keys)
        }
    }

    private struct State {
        var frames: [Frame] = []
        var size = 0
        var held: Set<String> = []
        var agenda = Agenda()
        /// Channels in which something happened since they were last walked.
        var active: Set<String> = []
        /// The channels that are followed; nil before the first pull.
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
            var taken: [Frame] = []
            var rest: [Frame] = []
            var bytes = 0
            for frame in state.frames {
                if state.held.contains(frame.channelID) || bytes >= FollowDesk.batch.bytes
                    || taken.count >= FollowDesk.batch.frames
                {
                    rest.append(frame)
                } else {
                    bytes += frame.bytes.count
                    taken.append(frame)
                }
            }
            state.frames = rest
            state.size -= bytes
            return taken
        }
    }

    /// Takes note of where a pull is.
    func observe(_ event: PullEvent) {
        switch event {
        case .started(let channel):
            state.withLock { state in
                state.held.insert(channel.id)
                state.active.remove(channel.id)
            }
        case .finished(let outcome):
            state.withLock { _ = $0.held.remove(outcome.channel.id) }
            framesBell.yield()
        default: break
        }
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
        state.withLock { state in
            let new = Set(channels).subtracting(state.chosen ?? [])
            state.chosen = (state.chosen ?? []).union(channels)
            return new
        }
    }
}
