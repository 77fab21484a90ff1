/// A channel's posts by `create_at`, kept in order as they come.
///
/// A post's `create_at` never changes, so edits leave this alone and a page costs a binary search.
struct Timeline {
    /// Where a post stands: by time, then by its arbitrary rank.
    struct Entry: Comparable {
        let createAt: Int64
        let rank: UInt64
        /// The post's index in the world's table.
        let slot: Int

        static func < (one: Entry, other: Entry) -> Bool {
            (one.createAt, one.rank) < (other.createAt, other.rank)
        }
    }

    /// The live posts, oldest first.
    private(set) var live: [Entry] = []
    /// Everything: tombstones and old revisions too, in no useful order.
    private(set) var all: [Entry] = []

    mutating func insert(_ entry: Entry, live isLive: Bool) {
        all.append(entry)
        if isLive { live.insert(entry, at: live.partition { $0 < entry }) }
    }

    mutating func noLongerLive(_ entry: Entry) {
        let index = live.partition { $0 < entry }
        if index < live.count && live[index] == entry { live.remove(at: index) }
    }

    mutating func forget(_ entry: Entry) {
        noLongerLive(entry)
        all.removeAll { $0.slot == entry.slot }
    }

    /// The number of live posts that are strictly older than `time`.
    func liveCount(before time: Int64) -> Int { live.partition { $0.createAt < time } }

    /// The number of live posts that are as old as `time` or older.
    func liveCount(upTo time: Int64) -> Int { live.partition { $0.createAt <= time } }
}

extension [Timeline.Entry] {
    /// The first index whose entry does not precede; the entries that precede come first.
    fileprivate func partition(precedes: (Timeline.Entry) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if precedes(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
