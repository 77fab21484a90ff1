/// What both a world's owner and a request to its server can do.
extension WorldState {
    // MARK: Posts

    mutating func write(
        in channelID: String, by userID: String, message: String, type: String = "", props: String = "{}",
        root: String = "", files: [Attachment] = [], uploaded: [StoredFile] = [], at time: Int64? = nil,
        isImport: Bool = false
    ) -> String {
        precondition(channels[channelID] != nil, "no channel has the id \(channelID)")
        precondition(props.hasPrefix("{") && props.hasSuffix("}"), "props are a JSON object")
        let moment = time ?? nextMoment()
        var post = Post(
            id: makeID(), channelID: channelID, userID: userID, createAt: moment, updateAt: moment,
            rootID: root, message: message, type: type, props: props, rank: makeRank())
        post.files = uploaded + files.map { StoredFile(id: makeID(), attachment: $0) }
        insert(post)
        // Without a condition: a back-dated reply moves its root's update_at backwards.
        if !root.isEmpty { change(root) { $0.updateAt = moment } }
        if !isImport { publishPosted(post) }
        return post.id
    }

    /// Changes a live post and leaves an old revision behind, as an edit and a pin do.
    mutating func revise(_ id: String, _ body: (inout Post, _ moment: Int64) -> Void) {
        guard let old = post(id), old.isLive else { preconditionFailure("no live post has the id \(id)") }
        let moment = nextMoment()
        insert(old.oldRevision(id: makeID(), at: moment, rank: makeRank()))
        change(id) { post in
            body(&post, moment)
            post.updateAt = moment
        }
        // Unlike a new reply, an edited one only moves its root forwards.
        if post(old.rootID) != nil {
            change(old.rootID) { $0.updateAt = max($0.updateAt, moment) }
        }
        publishEdited(id)
    }

    /// - Parameters:
    ///   - message: the new text; nil leaves it, and with it `edit_at`.
    ///   - props: the new props; nil leaves them.
    mutating func edit(_ id: String, message: String?, props: String?) {
        revise(id) { post, moment in
            if let message, post.message != message {
                post.editAt = moment
                post.message = message
            }
            if let props { post.props = props }
        }
    }

    /// Deletes a live post; a root takes its replies with it, a reply leaves its root as it is.
    mutating func delete(_ id: String, by deleter: String) {
        guard let post = post(id), post.isLive else { preconditionFailure("no live post has the id \(id)") }
        let moment = nextMoment()
        // With the text, and without a word of the replies.
        publishDeleted(post, by: deleter)
        // By its source the server does this to every row of the thread: what was deleted before and old
        // revisions of replies are dated anew as well.
        let replies = threads[id, default: []].compactMap { posts[$0.slot]?.id }
        for row in [id] + replies {
            change(row) { post in
                post.updateAt = moment
                post.deleteAt = moment
                post.message = ""
                post.props = JSONText.setting("deleteBy", to: JSONText.string(deleter), in: post.props)
            }
        }
    }

    // MARK: Channels

    /// - Parameter members: the first is the creator, unless it is a group channel.
    mutating func addChannel(
        team: String, type: ChannelType, name: String, displayName: String, members: [String]
    ) -> Channel {
        let moment = nextMoment()
        let channel = Channel(
            id: makeID(), teamID: team, type: type, name: name, displayName: displayName,
            creatorID: type == .group ? "" : members.first ?? "", createAt: moment, updateAt: moment,
            members: members)
        channels[channel.id] = channel
        for member in members { joinTeam(member, of: channel) }
        switch type {
        case .direct: publish("direct_added", "{}", to: .channel(channel.id))
        case .group: publish("group_added", "{}", to: .channel(channel.id))
        case .open, .private: for member in members { publishAdded(member, to: channel) }
        }
        return channel
    }

    mutating func addDirectChannel(_ one: String, _ other: String) -> Channel {
        let name = [one, other].sorted().joined(separator: "__")
        return addChannel(
            team: "", type: .direct, name: name, displayName: "", members: one == other ? [one] : [one, other])
    }

    mutating func addGroupChannel(_ members: [String]) -> Channel {
        let usernames = members.compactMap { users[$0]?.username }.sorted()
        return addChannel(
            team: "", type: .group, name: makeHexName(), displayName: usernames.joined(separator: ", "),
            members: members)
    }

    mutating func join(_ userID: String, _ channelID: String) {
        _ = nextMoment()
        guard let channel = channels[channelID], !channel.members.contains(userID) else { return }
        channels[channelID]?.members.append(userID)
        joinTeam(userID, of: channel)
        publishAdded(userID, to: channel)
    }

    mutating func archiveChannel(_ channelID: String) {
        let moment = nextMoment()
        channels[channelID]?.updateAt = moment
        channels[channelID]?.deleteAt = moment
        publish("channel_deleted", "{\"channel_id\":\"\(channelID)\"}", to: .channel(channelID))
    }

    // MARK: The plugin

    /// Switches encryption and posts the bot's notice, whose id is the result; nil where nothing changes.
    @discardableResult
    mutating func setEncryption(_ channelID: String, on: Bool, by userID: String?) -> String? {
        guard let channel = channels[channelID] else { preconditionFailure("no channel has the id \(channelID)") }
        if channel.isEncrypted == on { return nil }
        channels[channelID]?.isEncrypted = on
        publish(
            "custom_com.quarkslab.e2ee_channelStateChanged",
            "{\"chanID\":\"\(channelID)\",\"method\":\"\(on ? "p2p" : "none")\"}", to: .channel(channelID))
        let username = (userID ?? channel.members.first).flatMap { users[$0]?.username } ?? ""
        return write(
            in: channelID, by: bot(), message: on ? switchedOn(channel, by: username) : switchedOff(by: username),
            props: "{\"from_bot\":\"true\",\"mentionHighlightDisabled\":true}")
    }

    /// The plugin's words, to the letter.
    private func switchedOn(_ channel: Channel, by username: String) -> String {
        let notice =
            "@all: message on this channel are now encrypted. Set by @\(username). "
            + "Please note that **people not in this channel won't be able to read the backlog**."
        let keyless = channel.members.filter { keys[$0] == nil }.compactMap { users[$0]?.username }
        if keyless.isEmpty { return notice }
        return notice + "\n**WARNING**: these people in the channel do not have setup an encryption key, "
            + "and therefore won't be able to read messages:" + keyless.map { " @\($0)" }.joined()
    }

    private func switchedOff(by username: String) -> String {
        "@all: messages on this channel **aren't encrypted anymore**. Set by @\(username)"
    }

    private mutating func bot() -> String {
        if let botID { return botID }
        let bot = User(
            id: makeID(), username: "e2ee", firstName: "E2EE", lastName: "", nickname: "", password: "", mfaCode: nil,
            createAt: now, isBot: true)
        users[bot.id] = bot
        botID = bot.id
        return bot.id
    }
}
