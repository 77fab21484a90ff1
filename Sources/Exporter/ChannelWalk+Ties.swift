internal import Archive

/// Groups of posts with one `create_at` that are larger than a page: see `TiedPosts`.
extension ChannelWalk {
    /// Reads the whole group below an anchor in one way after the other until no post of it is missing; what stays missing is
    /// noted in the walk's state.
    ///
    /// - Parameter position: the place from which the first page shows posts of the group, and nothing older.
    /// - Returns: the place behind the group.
    mutating func walkTied(
        _ position: WalkState.Position, at createAt: Int64, anchorTime: Int64?
    ) async throws(ExporterError) -> WalkState.Position {
        var (group, member): (TiedPosts, String?)
        while true {
            do throws(ExporterError) {
                (group, member) = try await settle(
                    createAt, below: position.anchor, anchorTime: anchorTime, ways: ways)
                break
            } catch .tooLong where pageSize > 1 { pageSize /= 2 }
        }
        try note(group)
        return WalkState.Position(anchor: member ?? position.anchor, page: 0, reached: createAt)
    }

    /// Asks again for what was missing of such groups when the channel was last walked: in few ways, since most will give
    /// the same as before. Where a group cannot be read now, what is noted of it stays.
    mutating func askForTied() async throws(ExporterError) {
        for tie in state.ties {
            do throws(ExporterError) {
                let few = Array(ways.prefix(5))
                let anchor = try await younger(than: tie.createAt)
                let group = try await settle(tie.createAt, below: anchor, anchorTime: nil, ways: few).group
                if group.rows == 0, try await isShown(tie.createAt) { continue }
                try note(group)
            } catch .unsettledHistory {
                continue
            } catch .tooLong {
                continue
            }
        }
        if !state.ties.isEmpty || !former.ties.isEmpty { try await note(.now) }
    }

    /// The next younger post that the server still shows; nil where there is none.
    private func younger(than createAt: Int64) async throws(ExporterError) -> String? {
        let known: [(id: String, createAt: Int64)]
        do throws(ArchiveError) {
            known = try archive.livePosts(channelID: channelID, after: createAt, limit: 20)
        } catch { throw .archive(error) }
        for post in known { if try await isHere(post.id) { return post.id } }
        return nil
    }

    /// Whether the server still shows one of the archived posts of a time, or hides that time.
    private func isShown(_ createAt: Int64) async throws(ExporterError) -> Bool {
        if let hidden = state.hiddenUntil, createAt <= hidden { return true }
        let known: [String]
        do throws(ArchiveError) {
            known = try archive.livePosts(channelID: channelID, at: createAt, limit: 10)
        } catch { throw .archive(error) }
        for id in known { if try await isHere(id) { return true } }
        return false
    }

    private mutating func note(_ group: TiedPosts) throws(ExporterError) {
        state.ties.removeAll { $0.createAt == group.createAt }
        staleTies.remove(group.createAt)
        guard let missing = group.missing, missing > 0 else { return }
        state.heldUntil = state.heldUntil.map { min($0, group.createAt - 1) }
        guard state.ties.count < WalkState.mostTies else { throw .unsettledHistory(channelID: channelID) }
        state.ties.append(WalkState.Tie(createAt: group.createAt, missing: missing))
    }

    /// One way through a group's pages, of so many posts each.
    private enum Way {
        /// From a younger post.
        case down(Int)
        /// From an older one: the server sorts anew.
        case up(Int)
    }

    /// The usual one twice, as it is enough where the server keeps to one order; then upwards, which on real servers showed
    /// what the first way did not; then sizes that share no edge with the usual one.
    private var ways: [Way] {
        let usual = pageSize
        let others = [1, 3, 7, 13, 19, 29, 41, 53, 61, 71, 79, 89, 97].map { usual - $0 }.filter { 2 * $0 > usual }
        return [.down(usual), .down(usual), .up(usual)] + others.flatMap { [.down($0), .up($0)] }
            + Array(repeating: .down(usual), count: max(0, 6 - others.count))
    }

    /// How often a group may change while it is read.
    private static let mostChanges = 8
    /// Threads and posts asked for one by one.
    private static let mostThreads = 200
    private static let mostPosts = 1000

    /// - Returns: what is known of the group, and one of its posts.
    private mutating func settle(
        _ createAt: Int64, below anchor: String?, anchorTime: Int64?, ways: [Way]
    ) async throws(ExporterError) -> (group: TiedPosts, member: String?) {
        let channelID = channelID
        var group = TiedPosts(createAt: createAt)
        var member: String?
        var older: String?
        var roots: Set<String> = []
        for way in ways {
            let pass: (pass: TiedPosts.Pass, beyond: String?)
            switch way {
            case .down(let size):
                let path = { WalkPath.page(channelID, .init(anchor: anchor, page: $0, reached: 0), size: size) }
                pass = try await read(
                    createAt, size, anchorTime: anchorTime, roots: &roots, path: path, isBeyond: { $0 < createAt })
                older = pass.beyond ?? older
            case .up(let size):
                // Without an older post there is nothing to go up from.
                guard let start = older else { continue }
                let path = { WalkPath.after(channelID, start, page: $0, size: size) }
                pass = try await read(
                    createAt, size, anchorTime: nil, roots: &roots, path: path, isBeyond: { $0 > createAt })
            }
            group.add(pass.pass)
            member = pass.pass.last ?? member
            if group.missing == 0 { return (group, member) }
            guard group.changes < ChannelWalk.mostChanges else { throw .unsettledHistory(channelID: channelID) }
        }
        guard group.missing != nil else { throw .unsettledHistory(channelID: channelID) }
        if group.missing != 0 { try await askForChanges(&group) }
        if group.missing != 0 { try await askForThreads(roots, &group) }
        if group.missing != 0 { try await askForKnown(&group) }
        return (group, member)
    }

    /// One pass over the group's pages.
    ///
    /// - Parameter isBeyond: whether a time is that of a post on the other side of the group, where the pass ends.
    /// - Returns: also the first such post.
    private mutating func read(
        _ createAt: Int64, _ size: Int, anchorTime: Int64?, roots: inout Set<String>, path: (Int) -> String,
        isBeyond: (Int64) -> Bool
    ) async throws(ExporterError) -> (pass: TiedPosts.Pass, beyond: String?) {
        var pass = TiedPosts.Pass()
        var number = 0
        while true {
            let (answer, page) = try await fetch(path(number)) { $0.isOlder(than: anchorTime) }
            try await keep(answer, page)
            pass.add(page.rows(at: createAt), ofPageWith: page.order.count)
            for post in page.posts where post.createAt == createAt && !post.rootID.isEmpty { roots.insert(post.rootID) }
            if let beyond = page.listed.first(where: { isBeyond($0.createAt) }) { return (pass, beyond.id) }
            if page.order.isEmpty { return (pass, nil) }
            guard !pass.repeatsItself(pageSize: size) else { throw .unsettledHistory(channelID: channelID) }
            number += 1
        }
    }

    // MARK: By other questions

    private mutating func askForChanges(_ group: inout TiedPosts) async throws(ExporterError) {
        do throws(ExporterError) {
            let (answer, page) = try await fetch(WalkPath.since(channelID, max(1, group.createAt - 1)))
            try await keep(answer, page)
            group.add(page)
        } catch .tooLong {
            // It does not help.
        }
    }

    private mutating func askForThreads(_ roots: Set<String>, _ group: inout TiedPosts) async throws(ExporterError) {
        for root in roots.sorted().prefix(ChannelWalk.mostThreads) where group.missing != 0 {
            do throws(ExporterError) {
                let (answer, page) = try await fetch("/api/v4/posts/\(root)/thread")
                try await keep(answer, page)
                group.add(page)
            } catch .refused {
                // The root has gone.
            } catch .tooLong {
                // It does not help.
            }
        }
    }

    /// What the archive has from elsewhere.
    private mutating func askForKnown(_ group: inout TiedPosts) async throws(ExporterError) {
        let known: [String]
        do throws(ArchiveError) {
            known = try archive.livePosts(channelID: channelID, at: group.createAt, limit: 100_000)
        } catch { throw .archive(error) }
        let unseen = Array(known.filter { !group.holds($0) }.prefix(ChannelWalk.mostPosts))
        guard !unseen.isEmpty else { return }
        let shown = try await askForPosts(unseen) ?? []
        group.add(shown)
        let others = Set(unseen).subtracting(shown.map(\.id))
        for id in others.sorted() where group.missing != 0 {
            if try await absence(of: id) == nil { group.add([id]) }
        }
    }
}

extension TiedPosts {
    fileprivate mutating func add(_ page: PostsPage) { add(page.posts) }

    fileprivate mutating func add(_ posts: [PostHeader]) {
        add(posts.filter { $0.createAt == createAt && $0.deleteAt == 0 && $0.originalID.isEmpty }.map(\.id))
    }
}

extension PostsPage {
    /// The posts of one `create_at` that it lists, each as often as it does.
    fileprivate func rows(at createAt: Int64) -> [String] {
        let members = Set(posts.filter { $0.createAt == createAt }.map(\.id))
        return order.filter(members.contains)
    }

    /// Whether every post that it lists is older than a time; any is where there is none.
    func isOlder(than time: Int64?) -> Bool { time.map { time in listed.allSatisfy { $0.createAt < time } } ?? true }
}
