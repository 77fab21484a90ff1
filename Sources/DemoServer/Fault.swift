/// A request as the server saw it come in.
public struct ServerRequest: Sendable, Equatable {
    /// 0 for the first request that the server got, counting all.
    public let sequence: Int
    public let method: String
    /// Without the query: `/api/v4/users/me`.
    public let path: String
    /// What follows the `?`, or "".
    public let query: String
    /// Whether it brought an `Authorization` header. The token itself is not kept.
    public let hasAuthorization: Bool
    /// The header `Range`, where it came.
    public let range: String?

    public init(
        sequence: Int, method: String, path: String, query: String = "", hasAuthorization: Bool = false,
        range: String? = nil
    ) {
        self.sequence = sequence
        self.method = method
        self.path = path
        self.query = query
        self.hasAuthorization = hasAuthorization
        self.range = range
    }

    /// Path and query as they were asked for.
    public var target: String { query.isEmpty ? path : path + "?" + query }
}

/// What can go wrong with one request.
public enum Fault: Sendable {
    /// Another answer than the true one, `text/plain` unless the headers say otherwise.
    case status(Int, body: String = "", headers: [(String, String)] = [])
    /// The head and the first half of the true answer; then the connection closes. The request has had its effect.
    case cutBody
    /// The head and so many bytes of the true answer, if it has more; then the connection closes.
    case cutBodyAfter(Int)
    /// The true answer, cut or filled with zeros to a length that differs from the true one by so many bytes, under a
    /// matching Content-Length.
    case wrongLength(Int)
    /// The connection closes without an answer, and nothing was done.
    case reset
    /// Status 200 and JSON that ends too early, under a matching Content-Length.
    case garbled
    /// The true answer, but late.
    case stall(Duration)
    /// The true answer, a byte at a time, with a pause behind each.
    case trickle(Duration)
    /// The true answer, as it was when it was asked for, once this returns.
    case hold(@Sendable () async -> Void)
    /// 302 to another address.
    case redirect(String)
}

/// How often each fault happens: shares of all requests, of which the rest is answered truly.
public struct Faults: Sendable {
    public var tooManyRequests = 0.06
    public var serverError = 0.06
    public var badGateway = 0.04
    public var cutBody = 0.06
    public var reset = 0.03
    public var garbled = 0.02
    public var stall = 0.01
    public var stallDuration: Duration = .milliseconds(50)
    /// Seconds that a 429 asks to wait.
    public var retryAfter = 0

    public init() {}

    /// An interceptor that makes things go wrong at these rates.
    ///
    /// What happens to a request depends on the seed and its number alone, so that a run can be repeated.
    public func interceptor(seed: UInt64) -> @Sendable (ServerRequest) -> Fault? {
        let shares: [(Double, Fault)] = [
            (
                tooManyRequests,
                .status(
                    429, body: "limit exceeded",
                    headers: [
                        ("Retry-After", "\(retryAfter)"), ("X-Ratelimit-Limit", "10"), ("X-Ratelimit-Remaining", "0"),
                        ("X-Ratelimit-Reset", "\(retryAfter)"),
                    ])
            ),
            (
                serverError,
                .status(
                    500,
                    body: "{\"id\":\"store.sql.app_error\",\"message\":\"We encountered an error.\""
                        + ",\"detailed_error\":\"\",\"request_id\":\"\",\"status_code\":500}",
                    headers: [("Content-Type", "application/json")])
            ),
            (badGateway, .status(502, body: "<html>bad gateway</html>", headers: [("Content-Type", "text/html")])),
            (cutBody, .cutBody), (reset, .reset), (garbled, .garbled), (stall, .stall(stallDuration)),
        ]
        return { request in
            var generator = SeededGenerator(seed: SeededGenerator.scramble(seed) &+ UInt64(request.sequence))
            var roll = Double.random(in: 0..<1, using: &generator)
            for (share, fault) in shares {
                if roll < share { return fault }
                roll -= share
            }
            return nil
        }
    }

    /// The usual rates: about one request in four goes wrong.
    public static func random(seed: UInt64) -> @Sendable (ServerRequest) -> Fault? {
        Faults().interceptor(seed: seed)
    }
}
