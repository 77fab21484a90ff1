public import Archive

/// Why something could not be had from a server. What the server wrote is foreign text: whoever prints it neutralises it.
public enum ExporterError: Error, Equatable, Sendable {
    case badAddress(String, why: String)
    /// `http://` to another machine, and nobody said that this is wanted.
    case insecureAddress(String)
    /// A file or folder of certificates that cannot be used; `from` is the option or the variable that names it.
    case badAuthority(String, from: String, why: String)
    /// A proxy that cannot be used. What the variable holds may be a password, and is not repeated.
    case badProxy(variable: String, why: String)
    case notLoggedIn(account: String)
    case sessionExpired(server: String)
    case loginRefused(message: String)
    case mfaRequired
    /// The token belongs to another user than the archive.
    case otherUser(expected: String, found: String)
    /// The server answers with another address instead of an answer. It is not followed: the token stays where it is.
    case redirected(from: String, to: String)
    /// A definite no: 4xx.
    case refused(status: Int, id: String, message: String, request: String)
    /// No usable answer after all attempts. `obstacle`: where a setting may be what helps.
    case noAnswer(request: String, why: String, attempts: Int, obstacle: Obstacle? = nil)
    /// The answer is whole and not what such an answer must be. To ask again does not help.
    case badAnswer(request: String, why: String)
    /// An error that Mattermost did not write, but a proxy, say: it says nothing about what was asked.
    case foreignError(request: String, status: Int)
    /// The answer is longer than any that is taken.
    case tooLong(request: String)
    /// The walk through a channel's history cannot be trusted to have come to its end.
    case unsettledHistory(channelID: String)
    case noSuchChannel(String)
    /// A command is given in a channel, and the account is in none.
    case noChannelToAskIn
    case archive(ArchiveError)
    case cancelled
}

extension ExporterError {
    /// Whether it says something about what was asked, and nothing about the next question.
    var isAboutOneQuestion: Bool {
        switch self {
        case .refused(let status, _, _, _): status != 401 && status != 429
        case .badAnswer, .foreignError, .tooLong: true
        default: false
        }
    }
}
