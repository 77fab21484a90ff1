internal import Archive

/// The numbered pages of posts that all tie on `create_at`.
///
/// A post that vanishes while such pages are read moves those behind it one place up, and one of them across the edge
/// between a page that was read and one that was not. So the pages are read until two passes have seen the same posts:
/// then nothing vanished during the former, and that one missed nothing.
struct TiedPages {
    enum Step: Equatable {
        case goOn
        /// Read the group once more, from its first page.
        case again
        /// The group does not come to rest.
        case hopeless
    }

    private var group: Group?

    private struct Group {
        /// What this pass has seen, and what the pass before it saw.
        var pass = Fingerprint()
        var passBefore: Fingerprint?
        var passes = 1
        /// Whether a post can have crossed an edge: not on a single short page.
        var needsProof: Bool
        var isBeginningAgain = false
        /// A page to which later ones are compared: a server that goes round in circles comes to it again.
        var landmark = Fingerprint()
    }

    private static let mostPasses = 8

    init() {}

    /// - Parameter isLarge: whether the group has, or may have, more than one page.
    init(resumedAt isLarge: Bool) { group = Group(needsProof: isLarge) }

    /// Takes note of the answer at `position`.
    mutating func follow(
        _ position: WalkState.Position, _ listed: [(id: String, createAt: Int64)], isFull: Bool
    ) -> Step {
        let isTied = !listed.isEmpty && listed.allSatisfy { $0.createAt == listed[0].createAt }
        let page = Fingerprint(listed)
        guard position.page > 0, var group else {
            guard position.page == 0, isTied else {
                group = nil
                return .goOn
            }
            var next = group.flatMap { $0.isBeginningAgain ? $0 : nil } ?? Group(needsProof: false)
            next.isBeginningAgain = false
            next.needsProof = next.needsProof || isFull
            next.pass = page
            next.landmark = page
            group = next
            return .goOn
        }
        if isTied {
            group.needsProof = true
            if page != group.landmark {
                group.pass.add(page)
                // At page numbers that are powers of two, so that a circle of any length is noticed.
                if position.page & (position.page - 1) == 0 { group.landmark = page }
                self.group = group
                return .goOn
            }
        }
        // Here the group ends, or the server repeats itself.
        if !isTied, !group.needsProof || group.pass == group.passBefore {
            self.group = nil
            return .goOn
        }
        guard group.passes < TiedPages.mostPasses else { return .hopeless }
        group.passes += 1
        group.passBefore = isTied ? nil : group.pass
        group.pass = Fingerprint()
        group.isBeginningAgain = true
        self.group = group
        return .again
    }
}

/// Tells sets of posts apart without keeping them, however many they are.
struct Fingerprint: Equatable {
    private var count = 0
    private var sum: UInt64 = 0

    init() {}

    init(_ posts: [(id: String, createAt: Int64)]) {
        count = posts.count
        // Swift's hashes are keyed anew in each process: no server can aim at them.
        for post in posts { sum &+= UInt64(bitPattern: Int64(post.id.hashValue)) }
    }

    mutating func add(_ other: Fingerprint) {
        count += other.count
        sum &+= other.sum
    }
}
