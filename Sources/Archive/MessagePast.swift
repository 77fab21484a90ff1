/// What the archive knows of the encrypted message in a version of a post, besides the version itself: what the suspicions
/// of docs/trust-rules.md are told from.
public struct MessagePast: Sendable {
    /// Between when the message was written, as the server says: `edit_at`, or else `create_at`, of the version with which
    /// the archive first held it in this post. Of a revision that bears the time of the edit that ended it, nothing but
    /// these two times is known: its `create_at`, and its end. Milliseconds.
    public let written: ClosedRange<Int64>
    /// The document with that version.
    public let firstDocument: Int64
    /// Whether it came back as the post's live version after another message.
    public let isRolledBack: Bool
    /// Whether another post holds it, too, and this one is not the original.
    public let isRepeated: Bool
    /// Whether the message first came in this post with another channel, thread, author or time of creation.
    public let isMoved: Bool
    let passes: [Pass]

    /// A time at which the whole of the post's channel, as it was then, was in the archive.
    struct Pass: Sendable {
        let document: Int64
        let at: Int64
    }

    /// When the archive last had everything in the post's channel, before a document and before it had this message: what
    /// was there before that time would have come with it.
    public func lastPass(before document: Int64) -> Timestamp? {
        let end = min(document, firstDocument)
        var (low, high) = (0, passes.count)
        while low < high {
            let middle = (low + high) / 2
            if passes[middle].document < end { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : Timestamp(milliseconds: passes[low - 1].at)
    }
}

/// One version of a post with the message that it holds, as the order of a post's versions is told from.
struct MessageVersion {
    let sequence: Int64
    let document: Int64
    let digest: [UInt8]
    let isRevision: Bool
    /// Since when the post said this: of an old revision, unknown.
    let began: Int64
    /// The latest time at which it may have begun to say it.
    let beganBy: Int64
    /// Until when the post said this: of the post as it is, unknown.
    let ended: Int64
    let site: Site

    /// Where a post stands, and whose it is: what no edit changes.
    struct Site: Equatable {
        let channelID: String
        let rootID: String
        let userID: String
        let createAt: Int64
    }

    init(
        sequence: Int64, document: Int64, digest: [UInt8], isRevision: Bool, site: Site, updateAt: Int64,
        editAt: Int64, deleteAt: Int64
    ) {
        (self.sequence, self.document, self.digest, self.isRevision) = (sequence, document, digest, isRevision)
        self.site = site
        let createAt = site.createAt
        ended = deleteAt > 0 ? deleteAt : max(updateAt, editAt, createAt)
        // Older servers give a revision the time of the edit that ended it.
        let bearsEnd = isRevision && deleteAt > 0 && editAt + 1 >= deleteAt
        began = editAt > 0 && !bearsEnd ? editAt : createAt
        beganBy = bearsEnd ? max(began, ended) : began
    }
}

/// The messages of one post in the order in which the archive got them.
struct MessageHistory {
    let versions: [MessageVersion]
    /// The numbers of the versions that brought an earlier message back.
    let rolledBack: Set<Int64>

    init(_ versions: [MessageVersion]) {
        self.versions = versions
        rolledBack = MessageHistory.rolledBack(versions)
    }

    /// The first version with a message.
    func first(_ digest: [UInt8]) -> MessageVersion? { versions.first { $0.digest == digest } }

    /// The times that one edit leaves in a post and in its old revision differ by some milliseconds.
    private static let slack: Int64 = 1000

    /// The live versions whose message was the post's before, with another one between. Live versions follow each other as
    /// they arrived; where an old revision stands, nothing but its times tell.
    private static func rolledBack(_ versions: [MessageVersion]) -> Set<Int64> {
        guard versions.contains(where: { $0.digest != versions[0].digest }) else { return [] }
        let revisions = Revisions(versions.filter(\.isRevision))
        var result: Set<Int64> = []
        var firstLive: [[UInt8]: (place: Int, began: Int64)] = [:]
        // Of the live versions so far, the last place of each of two messages, and the latest beginning of each of two: of
        // two, one is of another message than the one that is asked about.
        var places = LastTwo()
        var beginnings = LastTwo()
        // The latest ends of the revisions so far: whatever time a later version claims, these came before it.
        var ends = LastTwo()
        for (place, version) in versions.enumerated() {
            let digest = version.digest
            guard !version.isRevision else {
                ends.note(digest, version.ended)
                continue
            }
            let live = firstLive[digest]
            let ended = revisions.firstEnd(of: digest)
            let isBehindLive =
                live.map { first in places.other(than: digest).map { $0 > first.place } ?? false } ?? false
            let isBehindRevision =
                ended.map { ended in beginnings.other(than: digest).map { $0 + slack >= ended } ?? false } ?? false
            let since = [live?.began, ended].compactMap(\.self).min()
            let another = [
                revisions.lastEnd(ofOtherThan: digest, until: version.began + slack), ends.other(than: digest),
            ].compactMap(\.self).max()
            let hasRevisionBetween = since.map { since in another.map { $0 > since + slack } ?? false } ?? false
            if isBehindLive || isBehindRevision || hasRevisionBetween { result.insert(version.sequence) }
            if live == nil { firstLive[digest] = (place, version.began) }
            places.note(digest, Int64(place))
            beginnings.note(digest, version.began)
        }
        return result
    }

    /// The highest value of each of the two messages that have the highest.
    private struct LastTwo {
        private var entries: [(digest: [UInt8], value: Int64)] = []

        mutating func note(_ digest: [UInt8], _ value: Int64) {
            if let known = entries.firstIndex(where: { $0.digest == digest }) {
                entries[known].value = max(entries[known].value, value)
            } else {
                entries.append((digest, value))
            }
            entries.sort { $0.value > $1.value }
            entries = Array(entries.prefix(2))
        }

        func other(than digest: [UInt8]) -> Int64? { entries.first { $0.digest != digest }?.value }
    }

    /// Old revisions by when they ended.
    private struct Revisions {
        private let sorted: [MessageVersion]
        /// For each of them, the last one before it with another message.
        private let otherBefore: [Int?]
        private let firstEnds: [[UInt8]: Int64]

        init(_ versions: [MessageVersion]) {
            let sorted = versions.sorted { $0.ended < $1.ended }
            self.sorted = sorted
            firstEnds = Dictionary(sorted.map { ($0.digest, $0.ended) }, uniquingKeysWith: { first, _ in first })
            var others: [Int?] = []
            for (place, version) in sorted.enumerated() {
                let isSame = place > 0 && sorted[place - 1].digest == version.digest
                others.append(place == 0 ? nil : isSame ? others[place - 1] : place - 1)
            }
            otherBefore = others
        }

        func firstEnd(of digest: [UInt8]) -> Int64? { firstEnds[digest] }

        /// When the last revision with another message ended, of those that had ended by then.
        func lastEnd(ofOtherThan digest: [UInt8], until time: Int64) -> Int64? {
            var (low, high) = (0, sorted.count)
            while low < high {
                let middle = (low + high) / 2
                if sorted[middle].ended <= time { low = middle + 1 } else { high = middle }
            }
            guard low > 0 else { return nil }
            let place = sorted[low - 1].digest == digest ? otherBefore[low - 1] : low - 1
            return place.map { sorted[$0].ended }
        }
    }
}
