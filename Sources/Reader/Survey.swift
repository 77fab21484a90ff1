public import Archive
internal import Bytes
public import E2EE

/// What can be told about a channel without any private key: how much of it is encrypted, and for which keys.
public struct ChannelSurvey: Sendable {
    public let channel: Channel
    public var posts = 0
    public var plain = 0
    /// Encrypted posts that have the form that the protocol demands.
    public var encrypted = 0
    /// Posts, of all kinds, that were deleted on the server.
    public var deleted = 0
    /// Encrypted posts that no key can open, by what is wrong with them.
    public var unusable: [Content: Int] = [:]
    public var first: Timestamp?
    public var last: Timestamp?
    /// By month (`2026-11`): how many posts there are, and how many of them each key would open.
    public var months: [String: Month] = [:]

    /// What was written in one month.
    public struct Month: Equatable, Sendable {
        public var posts = 0
        public var openableBy: [KeyID: Int] = [:]
        /// Encrypted posts that none of the keys at hand would open.
        public var closed = 0
        /// How many of these each key would open.
        public var closedFor: [KeyID: Int] = [:]
    }

    /// How many posts each key would open in all.
    public var openableBy: [KeyID: Int] {
        months.values.reduce(into: [:]) { $0.merge($1.openableBy, uniquingKeysWith: +) }
    }

    /// How many posts that none of the keys at hand would open each key would.
    public var closedFor: [KeyID: Int] {
        months.values.reduce(into: [:]) { $0.merge($1.closedFor, uniquingKeysWith: +) }
    }

    public var closed: Int { months.values.reduce(0) { $0 + $1.closed } }
}

/// Counts the posts of channels, and whom they are encrypted for.
public struct Survey: Sendable {
    private let archive: Archive
    private let atHand: Set<KeyID>

    private static let batch = 512

    /// - Parameter atHand: the ids of the restored keys; nothing but their ids is needed.
    public init(_ archive: Archive, atHand: [KeyID]) {
        self.archive = archive
        self.atHand = Set(atHand)
    }

    /// Counts every post once, by its newest version; old revisions are left out.
    public func run(_ channel: Channel) async throws -> ChannelSurvey {
        var survey = ChannelSurvey(channel: channel)
        let plan = try archive.plan(PostQuery(channelID: channel.id))
        var batches = PlaceBatches(0..<plan.count, of: Survey.batch)
        try await OrderedPipeline.run(
            next: { try batches.next().map(plan.load) },
            work: { batch in
                batch.filter { $0.state == .live || $0.state == .deleted }.map { ($0.header, Survey.look(at: $0)) }
            },
            consume: { looks in for (header, look) in looks { survey.count(header, look, atHand) } })
        return survey
    }

    fileprivate enum Look: Sendable {
        case plain
        case encrypted(for: [KeyID])
        case unusable(Content)
    }

    private static func look(at version: StoredVersion) -> Look {
        // What it holds decides, and not its type alone: see `EncryptedPost`.
        guard version.header.type == EncryptedPost.type || version.past != nil else { return .plain }
        guard let root = try? JSONDocument(version.json).root else { return .unusable(.malformed) }
        return switch EncryptedPost(root) {
        case .message(let message): .encrypted(for: message.recipients.map(\.keyID))
        case .missingPayload: .unusable(.missingPayload)
        case .malformed: .unusable(.malformed)
        case .unsupportedVersion: .unusable(.unsupportedVersion)
        }
    }
}

extension ChannelSurvey {
    fileprivate mutating func count(_ header: StoredVersion.Header, _ look: Survey.Look, _ atHand: Set<KeyID>) {
        let time = Timestamp(milliseconds: header.createAt)
        posts += 1
        if header.deleteAt > 0 { deleted += 1 }
        if time.isPlausible {
            first = first.map { min($0, time) } ?? time
            last = last.map { max($0, time) } ?? time
        }
        months[time.month, default: Month()].posts += 1
        switch look {
        case .plain: plain += 1
        case .unusable(let content): unusable[content, default: 0] += 1
        case .encrypted(let keys):
            encrypted += 1
            for key in Set(keys) { months[time.month, default: Month()].openableBy[key, default: 0] += 1 }
            guard atHand.isDisjoint(with: keys) else { return }
            months[time.month, default: Month()].closed += 1
            for key in Set(keys) { months[time.month, default: Month()].closedFor[key, default: 0] += 1 }
        }
    }
}
