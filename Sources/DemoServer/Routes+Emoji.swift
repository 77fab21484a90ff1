/// An emoji that somebody made. The server also has its picture; this one does not.
struct Emoji: Sendable {
    let id: String
    let name: String
    let creatorID: String
    let createAt: Int64

    var json: String {
        "{\"id\":\"\(id)\",\"create_at\":\(createAt),\"update_at\":\(createAt),\"delete_at\":0"
            + ",\"creator_id\":\"\(creatorID)\",\"name\":\(JSONText.string(name))}"
    }
}

extension WorldState {
    /// From the server's source: 501 where custom emoji are switched off, 60 to a page, at most 200, sorted only if asked.
    static let emojiRoutes = [
        Route("GET", "/api/v4/emoji") { state, call throws(Refusal) in
            guard let all = state.emoji else { throw .noEmoji }
            let sort = call.exchange.query["sort"] ?? ""
            guard sort.isEmpty || sort == "name" else {
                throw Refusal(
                    status: 400, id: "api.context.invalid_url_param.app_error",
                    message: "Invalid or missing sort parameter in request URL.")
            }
            let sorted = sort.isEmpty ? all : all.sorted { $0.name < $1.name }
            let size = min(200, call.exchange.number("per_page", default: 60))
            let page = min(call.exchange.number("page", default: 0), 1 << 32)
            let shown = sorted.dropFirst(page * size).prefix(size)
            return .json("[" + shown.map(\.json).joined(separator: ",") + "]\n")
        }
    ]
}
