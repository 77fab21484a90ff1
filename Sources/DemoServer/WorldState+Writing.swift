/// What both a world's owner and a request to its server can do.
extension WorldState {
    mutating func write(
        in channelID: String, by userID: String, message: String, type: String = "", props: String = "{}",
        root: String = "", files: [Attachment] = [], at time: Int64? = nil, isImport: Bool = false
    ) -> String {
        precondition(channels[channelID] != nil, "no channel has the id \(channelID)")
        precondition(props.hasPrefix("{") && props.hasSuffix("}"), "props are a JSON object")
        let moment = time ?? nextMoment()
        var post = Post(
            id: makeID(), channelID: channelID, userID: userID, createAt: moment, updateAt: moment,
            rootID: root, message: message, type: type, props: props, rank: makeRank())
        post.files = files.map { StoredFile(id: makeID(), attachment: $0) }
        insert(post)
        // Without a condition: a back-dated reply moves its root's update_at backwards.
        if !root.isEmpty { change(root) { $0.updateAt = moment } }
        if !isImport { publishPosted(post) }
        return post.id
    }

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
