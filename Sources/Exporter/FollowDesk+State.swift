internal import Archive

extension FollowDesk {
    /// What lies on the desk.
    struct State {
        /// Whether only some channels are followed, so that one that is not known is none of them.
        let isSelective: Bool
        var frames: [Frame] = []
        private var size = 0
        /// Whether frames may be archived.
        var isOpen = false
        var agenda = Agenda()
        /// Whether something may have been missed, which only a whole pull brings.
        var hasMissed = false
        /// Channels in which something happened since they were last walked.
        var active: Set<String> = []
        /// Those of them in which something was deleted, and the tombstones are still to be asked for.
        var deleted: Set<String> = []
        /// The channels that are followed; nil until the first pull has their list.
        private var chosen: Set<String>?
        /// The events that tell of other keys, since these were last asked for.
        var keyEvents: [KeyEvent] = []
        /// Since when no events come; nil while they do.
        var cutOffSince: ContinuousClock.Instant? = .now
        /// Whether it was told that it asks instead.
        var isPolling = false
        /// Whether there was a connection once.
        var wasConnected = false
        var sequence = EventSequence()
        var isAccepted = false
        var lastHeard = ContinuousClock.now

        /// Bytes of frames that wait. Beyond that, they are dropped, and the channels walked instead.
        private static let room = 64 << 20
        /// Bytes of an event that tells of a key, and how many of them wait. All keys are asked for where there is more.
        private static let keyEvents = (bytes: 4 << 10, count: 10_000)
        /// Bytes, more or less, and number of frames that go into one document.
        private static let batch = (bytes: 4 << 20, frames: 1000)

        init(isSelective: Bool) { self.isSelective = isSelective }

        /// What an event says about the connection.
        mutating func follow(_ event: ServerEvent) -> Effect {
            let canResume = sequence.connectionID != nil
            let finding = sequence.follow(event)
            if finding != .inOrder { hasMissed = true }
            if !isAccepted {
                switch event.kind {
                case .hello: return accept(isResumed: finding == .inOrder)
                case .reply where canResume: return accept(isResumed: true)
                default: break
                }
            }
            return finding == .gap ? .gap : .none
        }

        private mutating func accept(isResumed: Bool) -> Effect {
            defer { (isAccepted, cutOffSince, isPolling, wasConnected) = (true, nil, false, true) }
            let gap = wasConnected ? cutOffSince.map { .now - $0 } : nil
            return .accepted(isResumed: isResumed, after: gap)
        }

        private func isFollowed(_ channelID: String) -> Bool { chosen?.contains(channelID) ?? true }

        /// What an event says about channels and people.
        mutating func note(_ event: ServerEvent, _ message: [UInt8], _ time: Timestamp) {
            switch event.kind {
            case .post(let channelID, let isDeleted):
                if !isFollowed(channelID) {
                    if isSelective { return }
                    agenda.lists = true
                }
                // Of a deleted root's replies nothing is said, and of a deletion not when it was: the tombstones tell.
                if isDeleted { deleted.insert(channelID) }
                active.insert(channelID)
                guard size + message.count <= State.room else {
                    hasMissed = true
                    return
                }
                size += message.count
                frames.append(Frame(channelID: channelID, bytes: message, receivedAt: time))
            case .activity(let channelID): if isFollowed(channelID) { active.insert(channelID) }
            case .members(let channelID):
                if isFollowed(channelID) {
                    agenda.members.insert(channelID)
                } else {
                    agenda.lists = true
                }
            case .key:
                guard keyEvents.count < State.keyEvents.count, message.count < State.keyEvents.bytes,
                    let event = KeyEvent(frame: message, receivedAt: time)
                else {
                    agenda.people = true
                    return
                }
                keyEvents.append(event)
            case .user(let userID): agenda.users.insert(userID)
            case .lists: agenda.lists = true
            case .hello, .reply, .ephemeral, .other: break
            }
        }

        mutating func takeFrames() -> [Frame] {
            guard isOpen else { return [] }
            var bytes = 0
            let taken = Array(
                frames.prefix(State.batch.frames).prefix { frame in
                    defer { bytes += frame.bytes.count }
                    return bytes < State.batch.bytes
                })
            frames.removeFirst(taken.count)
            size -= taken.reduce(0) { $0 + $1.bytes.count }
            return taken
        }

        /// What a poll asks for: which channels there are, the posts of all, and all keys.
        mutating func addAll() {
            guard let chosen else { return }
            agenda.lists = true
            agenda.people = true
            agenda.channels.formUnion(chosen)
        }

        /// A walk that begins now asks for whatever was told of its channel until now.
        mutating func forget(_ channelID: String) {
            active.remove(channelID)
            deleted.remove(channelID)
            agenda.channels.remove(channelID)
            agenda.files.remove(channelID)
        }

        /// - Returns: those of the channels that were not followed before.
        mutating func choose(_ channels: [String]) -> Set<String> {
            let new = Set(channels).subtracting(chosen ?? [])
            let isFirst = chosen == nil
            chosen = (chosen ?? []).union(channels)
            if isFirst { sort() }
            return new
        }

        /// Applies the list of channels to what came before it.
        private mutating func sort() {
            let chosen = chosen ?? []
            // The list may have been made before a channel was.
            guard isSelective else {
                agenda.lists = agenda.lists || !active.isSubset(of: chosen)
                return
            }
            frames.removeAll { !chosen.contains($0.channelID) }
            size = frames.reduce(0) { $0 + $1.bytes.count }
            active.formIntersection(chosen)
            deleted.formIntersection(chosen)
            agenda.channels.formIntersection(chosen)
            agenda.files.formIntersection(chosen)
            agenda.members.formIntersection(chosen)
        }
    }
}
