internal import Archive

/// Which answers about posts an archive holds and a package does not. The chain names the kind and the channel of each: so
/// a reader can be told how far the package shows what became of a post.
struct EvidenceCoverage {
    /// Documents that are not in the package, in order, by the channel that was asked about.
    private var absent: [String: [Int64]] = [:]
    /// Those that may be about any channel: the server's events.
    private var absentEvents: [Int64] = []
    /// Documents in the archive.
    private var end: Int64 = 0
    /// By channel: the newest state of the walk through it, as its record has it.
    private var walks: [String: String] = [:]

    /// Adds the next record of the chain.
    mutating func add(_ record: DocumentRecord, isIncluded: Bool) {
        end = record.sequence
        if let channelID = record.channelID, let walk = record.walk { walks[channelID] = walk }
        guard !isIncluded, DocumentKind(rawValue: record.kind)?.isOfPosts == true else { return }
        if let channelID = record.channelID {
            absent[channelID, default: []].append(record.sequence)
        } else {
            absentEvents.append(record.sequence)
        }
    }

    /// Up to which document the package shows what became of a post of a channel that stands in a document: the last one
    /// before an answer that could say otherwise and is not there.
    func shownUntil(channelID: String, document: Int64) -> Int64 {
        let next = [absent[channelID] ?? [], absentEvents].compactMap { list in
            EvidenceCoverage.first(in: list, after: document).map { list[$0] }
        }
        return next.min().map { $0 - 1 } ?? end
    }

    /// How many answers about a channel came after a document and are not there.
    func absentCount(channelID: String, after document: Int64) -> Int {
        [absent[channelID] ?? [], absentEvents].reduce(0) { count, list in
            count + (EvidenceCoverage.first(in: list, after: document).map { list.count - $0 } ?? 0)
        }
    }

    /// A channel with the gaps in its history that the chain's records tell of.
    func withGaps(_ channel: Channel) -> Channel {
        let walk = walks[channel.id].flatMap(WalkState.init(json:))
        var channel = channel
        channel.hiddenUntil = walk?.hiddenUntil.map(Timestamp.init(milliseconds:))
        channel.gaps = walk?.gaps ?? []
        channel.mayLackRevisions = walk?.mayLackRevisions ?? false
        return channel
    }

    private static func first(in list: [Int64], after document: Int64) -> Int? {
        var (low, high) = (0, list.count)
        while low < high {
            let middle = (low + high) / 2
            if list[middle] > document { high = middle } else { low = middle + 1 }
        }
        return low < list.count ? low : nil
    }
}

extension DocumentKind {
    /// Whether a document of this kind may show a post as it was when it came. What tells only of former texts, or comes from
    /// an export, takes back nothing that the server showed.
    var isOfPosts: Bool {
        switch self {
        case .posts, .latePosts, .events: true
        default: false
        }
    }
}

/// Which posts of the chosen channels a package holds, as its manifest says: all of the people and times that it names.
struct EvidenceFilter: Equatable {
    /// Ids of authors; nil for all.
    var userIDs: [String]?
    /// Times of creation, in milliseconds.
    var createAt: Range<Int64> = Int64.min..<Int64.max

    func takes(_ post: PostHeader) -> Bool { takes(userID: post.userID, createAt: post.createAt) }

    func takes(userID: String, createAt: Int64) -> Bool {
        self.createAt.contains(createAt) && userIDs?.contains(userID) != false
    }
}
