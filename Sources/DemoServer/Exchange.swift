/// A request as the server's routes see it: its session has not been looked at yet.
struct Exchange {
    let method: String
    /// Percent-decoding is left out: no path or query that the server knows needs it.
    let path: String
    let query: [String: String]
    /// The token of the session, from the cookie or else from the `Authorization` header.
    let token: String?
    let body: [UInt8]
    /// The headers `Range` and `If-Range`, where they came.
    var range: String?
    var ifRange: String?
    /// What the answer calls this request.
    let requestID: String

    /// Reads a non-negative number out of the query, as the server does: nonsense is as good as nothing.
    func number(_ name: String, default fallback: Int) -> Int {
        query[name].flatMap { Int($0) }.flatMap { $0 < 0 ? nil : $0 } ?? fallback
    }
}

/// An answer of the server, before anything goes wrong with it.
struct Answer: Sendable {
    var status = 200
    var contentType: String? = "application/json"
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []

    static func json(_ text: String, status: Int = 200) -> Answer {
        Answer(status: status, body: Array(text.utf8))
    }

    static func text(_ text: String, status: Int) -> Answer {
        Answer(
            status: status, contentType: "text/plain; charset=utf-8", headers: [("X-Content-Type-Options", "nosniff")],
            body: Array(text.utf8))
    }

    /// An answer of no bytes, and so of no type.
    static func empty(status: Int = 200) -> Answer {
        Answer(status: status, contentType: nil)
    }
}

/// The server's refusals. Their ids are what clients go by.
struct Refusal: Error {
    let status: Int
    let id: String
    let message: String

    func answer(to exchange: Exchange) -> Answer {
        .json(
            "{\"id\":\(JSONText.string(id)),\"message\":\(JSONText.string(message)),\"detailed_error\":\"\""
                + ",\"request_id\":\"\(exchange.requestID)\",\"status_code\":\(status)}", status: status)
    }

    static let noSession = Refusal(
        status: 401, id: "api.context.session_expired.app_error",
        message: "Invalid or expired session, please login again.")
    static let noPermission = Refusal(
        status: 403, id: "api.context.permissions.app_error", message: "You do not have the appropriate permissions.")
    static let badLogin = Refusal(
        status: 401, id: "api.user.login.invalid_credentials_email_username",
        message: "Enter a valid email or username and/or password.")
    static let missingMFA = Refusal(
        status: 401, id: "mfa.validate_token.authenticate.app_error", message: "Invalid MFA token.")
    static let wrongMFA = Refusal(
        status: 401, id: "api.user.check_user_mfa.bad_code.app_error", message: "Invalid MFA token.")
    static let noChannel = Refusal(
        status: 404, id: "app.channel.get.existing.app_error", message: "Unable to find the existing channel.")
    static let noPost = Refusal(status: 404, id: "app.post.get.app_error", message: "Unable to get the post.")
    static let noCommand = Refusal(
        status: 404, id: "api.command.execute_command.not_found.app_error", message: "Command is not found.")
    static let noFile = Refusal(status: 404, id: "app.file_info.get.app_error", message: "Unable to get the file info.")
    static let noUser = Refusal(status: 404, id: "app.user.missing_account.const", message: "Unable to find the user.")
    static let noUsername = Refusal(
        status: 404, id: "app.user.get_by_username.app_error",
        message: "Unable to find an existing account matching your username for this team. "
            + "This team may require an invite from the team owner to join.")

    static let noRoute = Refusal(
        status: 404, id: "api.context.404.app_error", message: "Sorry, we could not find the page.")
    static let noEmoji = Refusal(
        status: 501, id: "api.emoji.disabled.app_error",
        message: "Custom emoji have been disabled by the system admin.")

    static let noDrafts = Refusal(
        status: 501, id: "api.drafts.disabled.app_error", message: "Drafts feature is disabled.")

    static let noTeam = Refusal(
        status: 404, id: "app.team.get_by_name.missing.app_error", message: "Unable to find the existing team.")
    static let channelExists = Refusal(
        status: 400, id: "store.sql_channel.save_channel.exists.app_error",
        message: "A channel with that name already exists on the same team.")
    /// What the plugin makes of a clear text in an encrypted channel; its words are the refusal's id, too.
    static let clearText: Refusal = {
        let words = "Post rejected by plugin. Unencrypted messages can't be sent on an encrypted channel."
        return Refusal(status: 400, id: words, message: words)
    }()

    static func badPathID(_ parameter: String) -> Refusal {
        Refusal(
            status: 400, id: "api.context.invalid_url_param.app_error",
            message: "Invalid or missing \(parameter) parameter in request URL.")
    }

    /// The server says "body" of a bad parameter in the query too.
    static func badParameter(_ parameter: String) -> Refusal {
        Refusal(
            status: 400, id: "api.context.invalid_body_param.app_error",
            message: "Invalid or missing \(parameter) in request body.")
    }
}
