extension WorldState {
    static let channelRoutes = [
        Route("GET", "/api/v4/users/me/teams") { state, call throws(Refusal) in
            let own = state.teams.values.filter { $0.members.contains(call.caller) }.sorted { $0.id < $1.id }
            return .json("[" + own.map(\.json).joined(separator: ",") + "]")
        },
        Route("GET", "/api/v4/teams/name/*") { state, call throws(Refusal) in
            guard let team = state.teams.values.first(where: { $0.name == call.captured[0] }) else { throw .noTeam }
            guard team.members.contains(call.caller) else { throw .noPermission }
            return .json(team.json + "\n")
        },
        Route("GET", "/api/v4/users/me/teams/*/channels") { state, call throws(Refusal) in
            let team = try call.id("team_id")
            guard state.isMember(call.caller, ofTeam: team) else { throw .noPermission }
            let own = state.channels(of: call) { $0.teamID == team || $0.teamID.isEmpty }
                .sorted { ($0.displayName, $0.id) < ($1.displayName, $1.id) }
            return .json("[" + own.map(\.json).joined(separator: ",") + "]\n")
        },
        Route("GET", "/api/v4/users/me/channels") { state, call throws(Refusal) in
            let own = state.channels(of: call) { _ in true }.sorted { $0.id < $1.id }
            return .json("[" + own.map { $0.json + "\n" }.joined(separator: ",") + "]")
        },
        Route("GET", "/api/v4/channels/*") { state, call throws(Refusal) in
            guard let channel = state.channels[try call.id("channel_id")] else { throw .noChannel }
            guard state.mayPeek(call.caller, channel) else { throw .noPermission }
            return .json(channel.json + "\n")
        },
        Route("GET", "/api/v4/channels/*/stats") { state, call throws(Refusal) in
            let channel = try state.readableChannel(call)
            let pinned = (state.timelines[channel.id]?.live ?? []).count { state.posts[$0.slot]?.isPinned ?? false }
            return .json(
                "{\"channel_id\":\"\(channel.id)\",\"member_count\":\(channel.members.count),\"guest_count\":0"
                    + ",\"pinnedpost_count\":\(pinned)}\n")
        },
        Route("GET", "/api/v4/channels/*/members") { state, call throws(Refusal) in
            let channel = try state.readableChannel(call)
            let perPage = min(200, call.exchange.number("per_page", default: 60))
            let (start, overflow) = call.exchange.number("page", default: 0).multipliedReportingOverflow(by: perPage)
            let members = overflow ? [] : channel.members.dropFirst(start).prefix(perPage)
            return .json("[" + members.map(channel.memberJSON).joined(separator: ",") + "]\n")
        },
    ]

    /// The caller's channels; archived ones only where the query says `include_deleted=true`.
    private func channels(of call: Call, where condition: (Channel) -> Bool) -> [Channel] {
        let archivedToo = call.exchange.query["include_deleted"] == "true"
        return channels.values.filter { channel in
            channel.members.contains(call.caller) && (archivedToo || channel.deleteAt == 0) && condition(channel)
        }
    }

    /// The channel of the path, for its members: to others, missing and forbidden look the same.
    func readableChannel(_ call: Call) throws(Refusal) -> Channel {
        guard let channel = channels[try call.id("channel_id")], channel.members.contains(call.caller) else {
            throw .noPermission
        }
        return channel
    }

    /// Whether a user may see the channel itself and single posts of it: members of the team may, in an open
    /// channel that they have not joined or have left.
    func mayPeek(_ userID: String, _ channel: Channel) -> Bool {
        channel.members.contains(userID) || (channel.type == .open && isMember(userID, ofTeam: channel.teamID))
    }
}
