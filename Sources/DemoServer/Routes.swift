/// A request that has found its route.
struct Call {
    let exchange: Exchange
    /// The caller's user id; "" on the routes that need no session.
    let caller: String
    /// What stands in the path where the route's pattern has `*`.
    let captured: [String]

    /// A captured identifier, refused where it has not an identifier's form.
    func id(_ parameter: String) throws(Refusal) -> String {
        guard let id = captured.first, Identifier.isValid(id) else { throw .badPathID(parameter) }
        return id
    }
}

/// One endpoint: a method, a path with `*` for what varies, and what answers it.
struct Route: Sendable {
    typealias Handler = @Sendable (inout WorldState, Call) throws(Refusal) -> Answer

    let method: String
    let pattern: [Substring]
    let needsSession: Bool
    let handler: Handler

    init(_ method: String, _ pattern: String, needsSession: Bool = true, _ handler: @escaping Handler) {
        self.method = method
        self.pattern = pattern.split(separator: "/")
        self.needsSession = needsSession
        self.handler = handler
    }

    /// What the path has in place of each `*`, or nil where it is another path.
    func match(_ path: [Substring]) -> [String]? {
        guard path.count == pattern.count else { return nil }
        var captured: [String] = []
        for (part, expected) in zip(path, pattern) {
            if expected == "*" {
                captured.append(String(part))
            } else if part != expected {
                return nil
            }
        }
        return captured
    }
}

extension WorldState {
    private static let api =
        userRoutes + channelRoutes + postRoutes + writingRoutes + draftRoutes + emojiRoutes
        + commandRoutes

    /// Answers a request as the server would, in its present state.
    mutating func answer(_ exchange: Exchange) -> Answer {
        let caller = exchange.token.flatMap { tokens[$0] }
        var path = exchange.path.split(separator: "/")
        if path.first == "plugins" { return answerPlugin(exchange, path, caller) }
        // `me` is another word for the caller's own id.
        if path.count > 3, path[2] == "users", let caller, path[3] == caller { path[3] = "me" }
        for route in Self.api where route.method == exchange.method {
            guard let captured = route.match(path) else { continue }
            do throws(Refusal) {
                if route.needsSession && caller == nil { throw .noSession }
                let call = Call(exchange: exchange, caller: caller ?? "", captured: captured)
                var answer = try route.handler(&self, call)
                answer.headers += headers(exchange)
                return answer
            } catch {
                var answer = error.answer(to: exchange)
                answer.headers += headers(exchange)
                return answer
            }
        }
        // The server calls this text although it is JSON, and a wrong method is an unknown route.
        return Answer(
            status: 404, contentType: "text/plain; charset=utf-8",
            body: Array(
                ("{\"id\":\"api.context.404.app_error\",\"message\":\"Sorry, we could not find the page.\""
                    + ",\"detailed_error\":\"There doesn't appear to be an api call for the url='\(exchange.path)'."
                    + "  Typo? are you missing a team_id or user_id as part of the url?\",\"status_code\":404}").utf8))
    }

    private func headers(_ exchange: Exchange) -> [(name: String, value: String)] {
        var headers = [
            (name: "Vary", value: "Accept-Encoding"), (name: "X-Request-Id", value: exchange.requestID),
        ]
        if !version.isEmpty {
            headers.append((name: "X-Version-Id", value: "\(version)..863006eac2bb3d48c5a0710dce544d7e.false"))
        }
        if exchange.method == "GET" { headers.append((name: "Expires", value: "0")) }
        return headers
    }
}
