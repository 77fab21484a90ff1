import Foundation

/// Texts that were begun and not sent. Measured on 11.2 and 11.6; what a plugin forbids to post, a draft may hold.
extension WorldState {
    static let draftRoutes = [
        Route("POST", "/api/v4/drafts") { state, call throws(Refusal) in try state.takeDraft(call) }
    ]

    private struct DraftBody: Decodable {
        var channelID: String
        var message: String

        enum CodingKeys: String, CodingKey {
            case channelID = "channel_id"
            case message
        }
    }

    private mutating func takeDraft(_ call: Call) throws(Refusal) -> Answer {
        guard let body = try? JSONDecoder().decode(DraftBody.self, from: Data(call.exchange.body)) else {
            throw .badParameter("draft")
        }
        guard isMember(call.caller, of: body.channelID) else { throw .noPermission }
        let moment = nextMoment()
        return .json(
            "{\"create_at\":\(moment),\"update_at\":\(moment),\"delete_at\":0,\"user_id\":\"\(call.caller)\""
                + ",\"channel_id\":\"\(body.channelID)\",\"root_id\":\"\",\"message\":\(JSONText.string(body.message))"
                + ",\"type\":\"\",\"props\":{},\"metadata\":{}}", status: 201)
    }
}
