internal import Archive
internal import NIOHTTP1

/// How often and how long a request is tried again.
public struct Patience: Sendable {
    let attempts: Int
    /// Seconds before the second attempt; each further wait is twice as long, up to `longestDelay`.
    let firstDelay: Double
    let longestDelay: Double
    /// A server that asks for more than this many seconds is not waited for.
    let longestRequestedDelay: Double
    /// Seconds without a byte after which an answer is given up.
    let longestSilence: Double
    /// Seconds that one answer may take, however steadily it trickles.
    let longestAnswer: Double

    /// For a pull, which nobody watches: about two minutes of failures in a row.
    public static let long = Patience(attempts: 12, firstDelay: 0.25, longestDelay: 20, longestRequestedDelay: 600)
    /// For a person who waits at a prompt.
    public static let short = Patience(attempts: 4, firstDelay: 0.25, longestDelay: 2, longestRequestedDelay: 15)

    public init(
        attempts: Int, firstDelay: Double, longestDelay: Double, longestRequestedDelay: Double,
        longestSilence: Double = 60,
        longestAnswer: Double = 600
    ) {
        self.attempts = attempts
        self.firstDelay = firstDelay
        self.longestDelay = longestDelay
        self.longestRequestedDelay = longestRequestedDelay
        self.longestSilence = longestSilence
        self.longestAnswer = longestAnswer
    }

    /// Seconds to wait after the `attempt`th failure, or nil to give up.
    ///
    /// What the server asks for is honoured; otherwise the wait doubles, with jitter, so that clients which were turned
    /// away together do not come back together.
    func delay(after attempt: Int, requested: Double?) -> Double? {
        guard attempt < attempts else { return nil }
        if let requested {
            guard requested <= longestRequestedDelay else { return nil }
            return requested + .random(in: 0...min(0.2, longestDelay))
        }
        let full = min(longestDelay, firstDelay * Double(1 << min(attempt - 1, 20)))
        return full * .random(in: 0.5...1)
    }

    /// Seconds that a 429 asks for: `Retry-After` (RFC 9110, section 10.2.3), else Mattermost's `X-Ratelimit-Reset`.
    static func requestedDelay(_ headers: HTTPHeaders) -> Double? {
        for name in ["Retry-After", "X-Ratelimit-Reset"] {
            guard let value = headers.first(name: name) else { continue }
            if let seconds = Double(value), seconds >= 0, seconds.isFinite { return seconds }
            if let date = HTTPDate.parse(value) {
                return max(0, Double(date.milliseconds - Timestamp.now.milliseconds) / 1000)
            }
        }
        return nil
    }
}
