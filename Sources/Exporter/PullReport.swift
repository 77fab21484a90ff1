public import Archive

/// What happens during a pull, for whoever shows it.
public enum PullEvent: Sendable {
    /// The channels that will be asked about, once they are known.
    case channels([Channel])
    case started(Channel)
    /// A page was committed: how many posts it had, and how many versions among them are new.
    case page(Channel, posts: Int, added: Int)
    case finished(ChannelOutcome)
    /// A piece of a file came: how many bytes.
    case fileBytes(Channel, Int)
    /// A file is whole.
    case file(Channel)
    /// A request failed and will be tried again.
    case retrying(request: String, why: String, seconds: Double)
    case stage(Stage)

    /// What is fetched around the posts.
    public enum Stage: Sendable { case lists, members, keys }
}

/// How it ended for one channel.
public struct ChannelOutcome: Sendable {
    public let channel: Channel
    /// Versions of posts that the archive did not have before.
    public let added: Int
    /// Archived posts that a full walk did not come upon, and that the server does not give, without a tombstone.
    public let absent: AbsentPosts
    public let result: Result
    /// Whether more had changed than the server tells, so that what edited posts said before may never come.
    public var mayLackRevisions = false
    public var files = FileReport()

    /// How far the archive has got with the channel.
    public enum Result: Sendable {
        /// Everything the server shows is in the archive.
        case complete
        /// The walk has come to the beginning of history, and something is missing.
        case partial([HistoryGap])
        /// Everything down to the time that was asked for; older posts are still to come.
        case narrowed
        /// The server lists the channel and does not give its posts.
        case closed(isNew: Bool)
        case failed(ExporterError)
    }
}

/// How many posts are absent, by what the server says of them.
public struct AbsentPosts: Equatable, Sendable {
    /// As this walk found out.
    public var new: [Absence.Reason: Int] = [:]
    /// As an earlier walk had found out already.
    public var known: [Absence.Reason: Int] = [:]
    /// Posts about which the server gave no usable answer.
    public var unknown = 0

    public var count: Int { new.values.reduce(0, +) + known.values.reduce(0, +) }
}

/// What became of the files that posts name.
public struct FileReport: Sendable {
    public var fetched = 0
    /// Bytes of the files fetched.
    public var bytes: Int64 = 0
    public var missing: [FileRecord.Reason: Int] = [:]
    /// Those for which the server had no usable answer, by their ids.
    public var failures: [(fileID: String, error: ExporterError)] = []

    static func += (left: inout FileReport, right: FileReport) {
        left.fetched += right.fetched
        left.bytes += right.bytes
        left.missing.merge(right.missing, uniquingKeysWith: +)
        left.failures += right.failures
    }
}

/// The server showed another key for a user than before.
public struct KeyChange: Equatable, Sendable {
    public let userID: String
    public let username: String
    public let oldKeyID: String
    public let newKeyID: String
    /// The old key was last seen then, so that the change lies between this and now.
    public let oldLastSeen: Timestamp
    /// The first key ever seen for the user, and when.
    public let pinnedKeyID: String
    public let pinnedSince: Timestamp
}

/// What came of a pull.
public struct PullReport: Sendable {
    public var outcomes: [ChannelOutcome] = []
    public var keyChanges: [KeyChange] = []
    public var nameChanges: [NameChange] = []
    /// Channels that the archive knows and the server no longer lists: kept as they are.
    public var frozen: [Channel] = []
    /// Why names or keys could not be fetched, where the plugin does not answer. The posts are worth having all the
    /// same.
    public var keysFailure: ExporterError?
    /// Why the names of custom emoji could not be fetched, where the server did not just say that it has none.
    public var emojiFailure: ExporterError?
    /// Why the account's drafts could not be fetched, where the server did not just refuse them.
    public var draftsFailure: ExporterError?
    public var membersFailures: [(channel: Channel, error: ExporterError)] = []

    public var files: FileReport { outcomes.reduce(into: FileReport()) { $0 += $1.files } }

    /// Channels that are listed, and whose posts the server does not give: kept as they are.
    public var closed: [(channel: Channel, isNew: Bool)] {
        outcomes.compactMap { if case .closed(let isNew) = $0.result { ($0.channel, isNew) } else { nil } }
    }

    /// Channels that were walked through, and of which something is missing.
    public var partial: [(channel: Channel, gaps: [HistoryGap])] {
        outcomes.compactMap { if case .partial(let gaps) = $0.result { ($0.channel, gaps) } else { nil } }
    }

    public var failures: [ChannelOutcome] {
        outcomes.filter { if case .failed = $0.result { true } else { false } }
    }
}
