/// The server's tables. `World` guards them with a lock; nothing here is shared.
struct WorldState {
    let seed: UInt64
    /// Milliseconds since 1970.
    var now: Int64
    var tick: Int64
    var sinceLimit = 1000
    var tiesAreUnstable = false
    var historyLimit: Int64?
    var version = "6.2.0"
    private var generator: SeededGenerator
    /// Apart from `generator`, so that logging in does not shift the ids of posts.
    private var tokenGenerator: SeededGenerator

    var users: [String: User] = [:]
    var teams: [String: Team] = [:]
    var channels: [String: Channel] = [:]
    /// The plugin's current keys by user; a pushed key replaces the one before.
    var keys: [String: PublicKeys] = [:]
    /// The GPG backups of private keys that the plugin keeps, by user.
    var backups: [String: String] = [:]
    /// The custom emoji; nil where they are switched off.
    var emoji: [Emoji]? = []
    /// What people have begun to write; nil where drafts are switched off.
    var drafts: [Draft]? = []
    /// Files that were uploaded and hang on no post yet, with who uploaded them, by id.
    var uploads: [String: (owner: String, file: StoredFile)] = [:]
    /// Users by session token.
    var tokens: [String: String] = [:]
    /// Whose posts keep the `create_at` that they come with.
    var administrators: Set<String> = []
    var hub: LiveHub
    /// Who posts the plugin's notices, once there has been one.
    var botID: String?

    /// The posts, by slot; a purged post leaves a hole.
    private(set) var posts: [Post?] = []
    private var slots: [String: Int] = [:]
    private(set) var timelines: [String: Timeline] = [:]
    /// The entries of everything that has a given `root_id`, by root.
    private(set) var threads: [String: [Timeline.Entry]] = [:]
    /// How many replies are live, by root.
    private(set) var liveReplies: [String: Int] = [:]
    /// Ids of posts by file.
    private(set) var postsOfFiles: [String: String] = [:]

    init(seed: UInt64, startingAt: Int64, tick: Int64) {
        self.seed = seed
        self.tick = tick
        now = startingAt
        generator = SeededGenerator(seed: seed)
        tokenGenerator = SeededGenerator(seed: ~seed)
        hub = LiveHub(seed: seed)
    }

    /// Lets the clock tick and reads it.
    mutating func nextMoment() -> Int64 {
        now += tick
        return now
    }

    mutating func makeID() -> String { Identifier.make(using: &generator) }
    mutating func makeHexName() -> String { Identifier.makeHex(using: &generator) }
    mutating func makeRank() -> UInt64 { generator.next() }

    mutating func makeToken(for userID: String) -> String {
        let token = Identifier.make(using: &tokenGenerator)
        tokens[token] = userID
        return token
    }

    func isMember(_ userID: String, of channelID: String) -> Bool {
        channels[channelID]?.members.contains(userID) ?? false
    }

    func isMember(_ userID: String, ofTeam teamID: String) -> Bool {
        teams[teamID]?.members.contains(userID) ?? false
    }

    mutating func joinTeam(_ userID: String, of channel: Channel) {
        if !channel.teamID.isEmpty && !isMember(userID, ofTeam: channel.teamID) {
            teams[channel.teamID]?.members.append(userID)
        }
    }

    func user(named username: String) -> User? {
        users.values.first { $0.username == username }
    }

    // MARK: Posts

    func post(_ id: String) -> Post? {
        slots[id].flatMap { posts[$0] }
    }

    func slot(of id: String) -> Int? { slots[id] }

    /// Adds a row. An old revision is added as it is: it counts for nothing and moves no root.
    mutating func insert(_ post: Post) {
        let entry = Timeline.Entry(createAt: post.createAt, rank: post.rank, slot: posts.count)
        posts.append(post)
        slots[post.id] = entry.slot
        timelines[post.channelID, default: Timeline()].insert(entry, live: post.isLive)
        if !post.rootID.isEmpty {
            threads[post.rootID, default: []].append(entry)
            if post.isLive { liveReplies[post.rootID, default: 0] += 1 }
        }
        if post.isLive {
            for file in post.files { postsOfFiles[file.id] = post.id }
            channels[post.channelID]?.count(post)
        }
    }

    /// Changes a row in place and keeps the indexes right where it stops being live.
    mutating func change(_ id: String, _ body: (inout Post) -> Void) {
        guard let slot = slots[id], var post = posts[slot] else {
            preconditionFailure("no post has the id \(id)")
        }
        let wasLive = post.isLive
        body(&post)
        posts[slot] = post
        if wasLive && !post.isLive {
            timelines[post.channelID]?.noLongerLive(
                Timeline.Entry(createAt: post.createAt, rank: post.rank, slot: slot))
            if !post.rootID.isEmpty { liveReplies[post.rootID, default: 0] -= 1 }
            for file in post.files { postsOfFiles[file.id] = nil }
        }
    }

    /// Removes a row without a trace.
    mutating func remove(_ id: String) {
        guard let slot = slots[id], posts[slot] != nil else { return }
        change(id) { $0.deleteAt = max($0.deleteAt, 1) }
        guard let post = posts[slot] else { return }
        timelines[post.channelID]?.forget(
            Timeline.Entry(createAt: post.createAt, rank: post.rank, slot: slot))
        threads[post.rootID]?.removeAll { $0.slot == slot }
        posts[slot] = nil
        slots[id] = nil
    }
}
