import Foundation

extension WorldState {
    static let userRoutes = [
        Route("GET", "/api/v4/system/ping", needsSession: false) { _, _ throws(Refusal) in
            .json(
                #"{"AndroidLatestVersion":"","AndroidMinVersion":"","IosLatestVersion":"","IosMinVersion":"","status":"OK"}"#
            )
        },
        Route("GET", "/api/v4/config/client", needsSession: false) { _, _ throws(Refusal) in
            .json(
                #"{"BuildNumber":"","DiagnosticId":"41z693a6jfdbbghe9i7m44zgtc","EnableMultifactorAuthentication":"true","#
                    + #""EnableUserAccessTokens":"true","ExperimentalViewArchivedChannels":"true","MaxPostSize":"16383","#
                    + #""PluginsEnabled":"true","SiteName":"Mattermost","SiteURL":"","TeammateNameDisplay":"username","#
                    + #""Version":"6.2.0"}"#)
        },
        Route("POST", "/api/v4/users/login", needsSession: false) { state, call throws(Refusal) in
            try state.logIn(call)
        },
        Route("GET", "/api/v4/users/me") { state, call throws(Refusal) in
            guard let user = state.users[call.caller] else { throw .noUser }
            return .json(user.ownJSON + "\n")
        },
        Route("GET", "/api/v4/users/*") { state, call throws(Refusal) in
            guard let user = state.users[try call.id("user_id")] else { throw .noUser }
            return .json(user.publicJSON + "\n")
        },
        Route("GET", "/api/v4/users/username/*") { state, call throws(Refusal) in
            guard let user = state.user(named: call.captured[0]) else { throw .noUsername }
            return .json(user.publicJSON + "\n")
        },
        Route("POST", "/api/v4/users/ids") { state, call throws(Refusal) in
            guard let ids = try? JSONDecoder().decode([String].self, from: Data(call.exchange.body)), !ids.isEmpty
            else {
                throw .badParameter("user_ids")
            }
            // Ids that are unknown, or no ids at all, are dropped.
            let found = ids.compactMap { state.users[$0]?.publicJSON }
            return .json("[" + found.joined(separator: ",") + "]")
        },
    ]

    private struct Credentials: Decodable {
        var login: String?
        var password: String?
        /// The code of a second factor.
        var token: String?

        enum CodingKeys: String, CodingKey {
            case login = "login_id"
            case password
            case token
        }
    }

    private mutating func logIn(_ call: Call) throws(Refusal) -> Answer {
        let body = try? JSONDecoder().decode(Credentials.self, from: Data(call.exchange.body))
        guard let body, let login = body.login,
            let user = users.values.first(where: { $0.username == login || $0.email == login }),
            !user.isBot, user.password == body.password
        else { throw .badLogin }
        if let code = user.mfaCode {
            guard let given = body.token, given.utf8.count == code.utf8.count else { throw .missingMFA }
            guard given == code else { throw .wrongMFA }
        }
        var answer = Answer.json(user.ownJSON + "\n")
        answer.headers.append(("Token", makeToken(for: user.id)))
        return answer
    }
}
