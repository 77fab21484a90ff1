import Foundation

/// What a client writes: enough of it that a test can write to this server as to a real one.
extension WorldState {
    static let writingRoutes = [
        Route("POST", "/api/v4/channels") { state, call throws(Refusal) in try state.makeChannel(call) },
        Route("POST", "/api/v4/channels/direct") { state, call throws(Refusal) in
            try state.openPrivateChannel(.direct, call)
        },
        Route("POST", "/api/v4/channels/group") { state, call throws(Refusal) in
            try state.openPrivateChannel(.group, call)
        },
        Route("POST", "/api/v4/channels/*/members") { state, call throws(Refusal) in try state.addMember(call) },
        Route("DELETE", "/api/v4/channels/*") { state, call throws(Refusal) in
            state.archiveChannel(try state.readableChannel(call).id)
            return .ok
        },
        Route("POST", "/api/v4/files") { state, call throws(Refusal) in try state.takeFile(call) },
        Route("POST", "/api/v4/posts") { state, call throws(Refusal) in try state.takePost(call) },
        Route("PUT", "/api/v4/posts/*/patch") { state, call throws(Refusal) in
            let post = try state.ownPost(call)
            let patch: PostBody = try call.body("post")
            state.edit(post.id, message: patch.message, props: patch.props?.text)
            return .json(state.post(post.id)?.json ?? "")
        },
        Route("DELETE", "/api/v4/posts/*") { state, call throws(Refusal) in
            state.delete(try state.ownPost(call).id, by: call.caller)
            return .ok
        },
    ]

    // MARK: Channels

    private struct ChannelBody: Decodable {
        var teamID: String
        var name: String
        var displayName: String
        var type: String

        enum CodingKeys: String, CodingKey {
            case teamID = "team_id"
            case name
            case displayName = "display_name"
            case type
        }
    }

    private mutating func makeChannel(_ call: Call) throws(Refusal) -> Answer {
        let body: ChannelBody = try call.body("channel")
        guard let type = ChannelType(rawValue: body.type), type == .open || type == .private, !body.name.isEmpty else {
            throw .badParameter("channel")
        }
        guard isMember(call.caller, ofTeam: body.teamID) else { throw .noPermission }
        guard !channels.values.contains(where: { $0.teamID == body.teamID && $0.name == body.name }) else {
            throw .channelExists
        }
        let channel = addChannel(
            team: body.teamID, type: type, name: body.name, displayName: body.displayName, members: [call.caller])
        return .json(channel.json, status: 201)
    }

    /// The direct or group channel of these people, which is made where there is none yet.
    private mutating func openPrivateChannel(_ type: ChannelType, _ call: Call) throws(Refusal) -> Answer {
        let ids: [String] = try call.body("user_ids")
        let members = Set(ids).union(type == .group ? [call.caller] : [])
        guard members.allSatisfy({ users[$0] != nil }),
            type == .direct ? ids.count == 2 : (3...8).contains(members.count)
        else { throw .badParameter("user_ids") }
        guard members.contains(call.caller) else { throw .noPermission }
        let known = channels.values.first { $0.type == type && Set($0.members) == members }
        let channel = known ?? (type == .direct ? addDirectChannel(ids[0], ids[1]) : addGroupChannel(members.sorted()))
        return .json(channel.json, status: 201)
    }

    private struct MemberBody: Decodable {
        var userID: String

        enum CodingKeys: String, CodingKey {
            case userID = "user_id"
        }
    }

    private mutating func addMember(_ call: Call) throws(Refusal) -> Answer {
        let channel = try readableChannel(call)
        let body: MemberBody = try call.body("user_id")
        guard isMember(body.userID, ofTeam: channel.teamID) else { throw .noPermission }
        join(body.userID, channel.id)
        return .json((channels[channel.id] ?? channel).memberJSON(body.userID), status: 201)
    }

    // MARK: Files

    /// The simple form of an upload: the body is the file, and the query says its name and its channel.
    private mutating func takeFile(_ call: Call) throws(Refusal) -> Answer {
        guard isMember(call.caller, of: call.exchange.query["channel_id"] ?? "") else { throw .noPermission }
        guard let name = call.exchange.query["filename"], !name.isEmpty else { throw .badParameter("filename") }
        let moment = nextMoment()
        let file = StoredFile(id: makeID(), attachment: Attachment(name: name, content: call.exchange.body))
        uploads[file.id] = (call.caller, file)
        return .json(
            "{\"file_infos\":[\(file.json(of: call.caller, at: moment))],\"client_ids\":[]}", status: 201)
    }

    // MARK: Posts

    /// A post as a client sends it; a patch has only some of it.
    private struct PostBody: Decodable {
        var channelID: String?
        var rootID: String?
        var message: String?
        var type: String?
        var props: JSONObject?
        var fileIDs: [String]?
        var createAt: Int64?

        enum CodingKeys: String, CodingKey {
            case channelID = "channel_id"
            case rootID = "root_id"
            case message
            case type
            case props
            case fileIDs = "file_ids"
            case createAt = "create_at"
        }
    }

    private mutating func takePost(_ call: Call) throws(Refusal) -> Answer {
        let body: PostBody = try call.body("post")
        guard let channel = channels[body.channelID ?? ""], channel.members.contains(call.caller) else {
            throw .noPermission
        }
        let type = body.type ?? ""
        if channel.isEncrypted && type != "custom_e2ee" { throw .clearText }
        if let root = body.rootID, !root.isEmpty {
            guard post(root)?.channelID == channel.id else { throw .badParameter("root_id") }
        }
        let files = (body.fileIDs ?? []).compactMap { uploads[$0] }.filter { $0.owner == call.caller }.map(\.file)
        for file in files { uploads[file.id] = nil }
        let id = write(
            in: channel.id, by: call.caller, message: body.message ?? "", type: type, props: body.props?.text ?? "{}",
            root: body.rootID ?? "", uploaded: files,
            at: body.createAt.flatMap { $0 != 0 && administrators.contains(call.caller) ? $0 : nil })
        return .json(post(id)?.json ?? "", status: 201)
    }

    /// The live post of the path, for its author.
    private func ownPost(_ call: Call) throws(Refusal) -> Post {
        guard let post = post(try call.id("post_id")), post.isLive else { throw .noPost }
        guard post.userID == call.caller, isMember(call.caller, of: post.channelID) else { throw .noPermission }
        return post
    }
}

extension Call {
    /// The body's JSON.
    /// - Parameter name: what the refusal calls it.
    func body<Body: Decodable>(_ name: String) throws(Refusal) -> Body {
        guard let body = try? JSONDecoder().decode(Body.self, from: Data(exchange.body)) else {
            throw .badParameter(name)
        }
        return body
    }
}

extension Answer {
    fileprivate static let ok = Answer.json(#"{"status":"OK"}"#)
}
