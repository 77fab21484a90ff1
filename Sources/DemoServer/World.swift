import Synchronization

/// Everything a stand-in Mattermost server knows, and what its people do to it.
///
/// Deterministic: the same seed and the same calls give the same ids, times and answers. Methods may be
/// called from anywhere, also while the server serves this world. An id that does not exist is a mistake
/// of the caller's and traps. The semantics are those measured on a 6.2 server, or read in its source.
public final class World: Sendable {
    let state: Mutex<WorldState>

    /// - Parameters:
    ///   - seed: Decides ids, the order of ties and what a cut answer leaves out.
    ///   - startingAt: The clock's first reading, in milliseconds since 1970.
    ///   - tick: Milliseconds that the clock moves with each mutation. With 0, posts written one after the
    ///     other tie on `create_at`.
    public init(seed: UInt64, startingAt: Int64 = 1_700_000_000_000, tick: Int64 = 1) {
        state = Mutex(WorldState(seed: seed, startingAt: startingAt, tick: tick))
    }

    /// The clock, in milliseconds since 1970. It moves only with mutations and `advance(by:)`.
    public var now: Int64 { state.withLock(\.now) }

    /// Milliseconds that the clock moves with each mutation.
    public var tick: Int64 {
        get { state.withLock(\.tick) }
        set { state.withLock { $0.tick = newValue } }
    }

    /// The most rows that a `since` answer is made from; the rest is left out without a word. 1000, as on a real server,
    /// unless a test wants small histories to be cut.
    public var sinceLimit: Int {
        get { state.withLock(\.sinceLimit) }
        set { state.withLock { $0.sinceLimit = newValue } }
    }

    /// Whether posts of one `create_at` come in another order for each size and number of a page, so that pages overlap and
    /// leave posts out: what PostgreSQL may do with `ORDER BY CreateAt` and `OFFSET`. The same question gets the same answer.
    public var tiesAreUnstable: Bool {
        get { state.withLock(\.tiesAreUnstable) }
        set { state.withLock { $0.tiesAreUnstable = newValue } }
    }

    /// Hides posts that were created before this time, as a licence's limit on message history does: lists leave them out and
    /// name the newest that they would have held, single ones are refused. nil for no limit.
    public var historyLimit: Int64? {
        get { state.withLock(\.historyLimit) }
        set { state.withLock { $0.historyLimit = newValue } }
    }

    /// The version that the server says it has: `6.2.0`, the measured one, unless a test wants a newer one. From 7 on it
    /// gives authors the histories of their posts, as newer ones do by their source. Empty: it does not say.
    public var version: String {
        get { state.withLock(\.version) }
        set { state.withLock { $0.version = newValue } }
    }

    /// Moves the clock on.
    public func advance(by milliseconds: Int64) {
        state.withLock { $0.now += milliseconds }
    }

    // MARK: Accounts

    /// - Parameter mfaCode: The six digits that a login must bring as its `token`, if any.
    /// - Returns: The user's id.
    @discardableResult
    public func addUser(
        username: String, firstName: String = "", lastName: String = "", nickname: String = "",
        password: String = "correct horse battery staple", mfaCode: String? = nil
    ) -> String {
        state.withLock { state in
            let user = User(
                id: state.makeID(), username: username, firstName: firstName, lastName: lastName, nickname: nickname,
                password: password, mfaCode: mfaCode, createAt: state.nextMoment())
            state.users[user.id] = user
            state.publish("new_user", "{\"user_id\":\"\(user.id)\"}", to: .everybody)
            return user.id
        }
    }

    /// Calls a user by another first name from now on.
    public func rename(_ userID: String, firstName: String) {
        state.withLock { $0.users[userID]?.firstName = firstName }
    }

    /// Lets a user write posts with times of their choice, as system administrators may.
    public func makeAdministrator(_ userID: String) {
        state.withLock { _ = $0.administrators.insert(userID) }
    }

    /// Gives a user another username from now on, whoever else bears or bore it: what a hostile server does.
    public func rename(_ userID: String, username: String) {
        state.withLock { $0.users[userID]?.username = username }
    }

    /// Takes a user's keys away from the plugin: it says null of them then.
    public func removeKey(_ userID: String) {
        state.withLock { $0.keys[userID] = nil }
    }

    /// Everybody's ids, those of bots too.
    public var userIDs: [String] { state.withLock { $0.users.keys.sorted() } }

    /// A session token for a user, as a login would answer it.
    public func issueToken(for userID: String) -> String {
        state.withLock { $0.makeToken(for: userID) }
    }

    /// Ends a session: its token answers 401 from now on.
    public func revoke(_ token: String) {
        state.withLock { $0.tokens[token] = nil }
    }

    /// Gives the plugin a user's public keys, in base64; the keys before are gone.
    /// - Parameter backup: the private key as a GPG message, which replaces the backup that the plugin has; nil takes that
    ///   away (by its source).
    public func pushKey(_ userID: String, encr: String, sign: String, backup: String? = nil) {
        state.withLock { state in
            _ = state.nextMoment()
            state.keys[userID] = PublicKeys(encr: encr, sign: sign)
            state.backups[userID] = backup
            state.publishKey(of: userID)
        }
    }

    /// Adds a custom emoji.
    /// - Returns: its id.
    @discardableResult
    public func addEmoji(_ name: String, by userID: String) -> String {
        state.withLock { state in
            let emoji = Emoji(id: state.makeID(), name: name, creatorID: userID, createAt: state.nextMoment())
            state.emoji?.append(emoji)
            return emoji.id
        }
    }

    /// Switches custom emoji off, as the server's owner can: then it refuses to list them.
    public func disableEmoji() {
        state.withLock { $0.emoji = nil }
    }

    // MARK: Teams and channels

    /// - Returns: The team's id.
    public func addTeam(name: String, displayName: String, members: [String] = []) -> String {
        state.withLock { state in
            let team = Team(
                id: state.makeID(), name: name, displayName: displayName, createAt: state.nextMoment(),
                inviteID: state.makeID(), members: members)
            state.teams[team.id] = team
            return team.id
        }
    }

    /// An open or private channel of a team; its members join the team too. The first is its creator.
    ///
    /// Nothing is posted about who joined: post of type `system_join_channel` to have that.
    /// - Returns: The channel's id.
    public func addChannel(
        team: String, name: String, displayName: String, type: ChannelType, members: [String]
    ) -> String {
        state.withLock {
            $0.addChannel(team: team, type: type, name: name, displayName: displayName, members: members).id
        }
    }

    /// The channel of two people, or of one with themselves.
    /// - Returns: The channel's id.
    public func addDirectChannel(_ one: String, _ other: String) -> String {
        state.withLock { $0.addDirectChannel(one, other).id }
    }

    /// A group channel: its name is 40 hexadecimal digits, its display name the usernames.
    /// - Returns: The channel's id.
    public func addGroupChannel(_ members: [String]) -> String {
        state.withLock { $0.addGroupChannel(members).id }
    }

    /// Makes a user a member of a channel, and of its team.
    public func join(_ userID: String, _ channelID: String) {
        state.withLock { $0.join(userID, channelID) }
    }

    /// Ends a user's membership of a channel; they stay in its team.
    public func leave(_ userID: String, _ channelID: String) {
        state.withLock { state in
            _ = state.nextMoment()
            state.publish("user_removed", "{\"user_id\":\"\(userID)\"}", to: .channel(channelID))
            state.channels[channelID]?.members.removeAll { $0 == userID }
        }
    }

    /// Archives a channel: it is listed only where deleted channels are asked for, and can still be read.
    public func archiveChannel(_ channelID: String) {
        state.withLock { $0.archiveChannel(channelID) }
    }
}
