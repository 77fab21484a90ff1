/// What is known of the posts that share one `create_at`, when they are more than a page holds.
///
/// Servers order pages by `create_at` alone. Inside such a group PostgreSQL may cut each page out of another order, so that
/// pages overlap and leave posts out, in the same way each time they are asked for: two passes that agree prove nothing.
/// But each row of the group stands on some page, so the rows of a pass count the group; and whether as many different
/// posts were seen tells whether any is missing.
///
/// A post that vanishes while a pass goes on moves those behind it one place up, and one of them across the edge between a
/// page that was read and one that was not. So the first pass of those that count equally many rows does not count: if
/// something vanished, it was then, or the next count differs.
struct TiedPosts {
    let createAt: Int64
    /// How many posts the last pass counted; nil before the first.
    private(set) var rows: Int?
    /// Passes that counted anew because the one before counted otherwise.
    private(set) var changes = 0
    /// The posts seen since it was known how many there are, by the hashes of their ids. Swift's hashes are keyed anew in
    /// each process: no server can aim at them.
    private var seen: Set<Int> = []

    init(createAt: Int64) { self.createAt = createAt }

    /// How many are known to be there and were not seen; nil while it is not known how many there are.
    private(set) var missing: Int?

    /// Takes note of a whole pass, from the first page with posts of the group to the last.
    mutating func add(_ pass: Pass) {
        guard pass.rows == rows else {
            changes += rows == nil ? 0 : 1
            (rows, missing) = (pass.rows, nil)
            seen = []
            return
        }
        seen.formUnion(pass.seen)
        missing = max(0, pass.rows - seen.count)
    }

    /// Takes note of posts of the group that came in another way.
    mutating func add(_ ids: some Sequence<String>) {
        guard let rows else { return }
        for id in ids { seen.insert(id.hashValue) }
        missing = max(0, rows - seen.count)
    }

    func holds(_ id: String) -> Bool { seen.contains(id.hashValue) }

    /// The pages of the group, one after the other.
    struct Pass {
        /// How many posts of the group its pages listed, each as often as it was listed.
        private(set) var rows = 0
        /// One of the group's posts.
        private(set) var last: String?
        fileprivate var seen: Set<Int> = []
        private var listed = 0

        /// - Parameters:
        ///   - ids: the posts of the group that one page lists.
        ///   - count: how many posts the page lists in all.
        mutating func add(_ ids: [String], ofPageWith count: Int) {
            rows += ids.count
            listed += count
            last = ids.last ?? last
            for id in ids { seen.insert(id.hashValue) }
        }

        /// Whether the pages repeat themselves: a server that ignores their numbers never comes to an end.
        func repeatsItself(pageSize: Int) -> Bool { listed > 4 * seen.count + 10 * pageSize }
    }
}
