import Foundation

extension WorldState {
    static let commandRoutes = [
        Route("POST", "/api/v4/commands/execute") { state, call throws(Refusal) in try state.execute(call) }
    ]

    private struct Command: Decodable {
        var channelID: String?
        var teamID: String?
        var command: String?

        enum CodingKeys: String, CodingKey {
            case channelID = "channel_id"
            case teamID = "team_id"
            case command
        }
    }

    /// The plugin's command answers at once and with nothing; what it has to say comes over the WebSocket.
    private mutating func execute(_ call: Call) throws(Refusal) -> Answer {
        guard let body = try? JSONDecoder().decode(Command.self, from: Data(call.exchange.body)),
            let command = body.command, command.hasPrefix("/")
        else { throw .badParameter("command") }
        let channelID = body.channelID ?? ""
        guard let channel = channels[channelID], isMember(call.caller, of: channelID) else { throw .noPermission }
        // Real servers want a system permission there, which only administrators have: in a direct channel without a
        // team, and, on 6.7, in a group.
        let teamID = channel.teamID.isEmpty ? body.teamID ?? "" : channel.teamID
        guard channel.type != .group, isMember(call.caller, ofTeam: teamID) else { throw .noPermission }
        guard command.split(separator: " ") == ["/e2ee", "show_backup"] else { throw .noCommand }
        // An error that the plugin makes without a name or a status.
        guard let backup = backups[call.caller] else { throw Refusal(status: 500, id: "", message: "") }
        publishEphemeral(backup, in: channelID, to: call.caller)
        return .json(
            #"{"response_type":"","text":"","username":"","channel_id":"","icon_url":"","type":"","props":null,"#
                + #""goto_location":"","trigger_id":"","skip_slack_parsing":false,"attachments":null,"#
                + #""extra_responses":null}"#)
    }
}
