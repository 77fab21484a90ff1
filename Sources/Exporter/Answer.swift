internal import Archive
internal import Bytes
internal import NIOHTTP1

/// A request as the archive's records name it, with the body where it has one.
struct Request: Sendable {
    let method: HTTPMethod
    /// Path and query below the server's address.
    let path: String
    let body: [UInt8]?

    init(_ method: HTTPMethod, _ path: String, body: [UInt8]? = nil) {
        self.method = method
        self.path = path
        self.body = body
    }

    var name: String { "\(method.rawValue) \(path)" }
}

/// What a server answered with status 200, whole.
struct Answer: Sendable {
    let request: String
    let headers: HTTPHeaders
    let body: [UInt8]
    let receivedAt: Timestamp
    /// The archive's last document when it was asked for, where that is of interest: the answer is not older than that.
    var askedAt = Int64.max

    /// The server's own clock, in whole seconds; nil where it does not tell.
    var date: Timestamp? { headers.first(name: "Date").flatMap(HTTPDate.parse) }

    func json() throws(ExporterError) -> JSONDocument {
        do { return try JSONDocument(body) } catch { throw cut(error.description) }
    }

    /// The error that makes the client ask again: what came is no JSON, since the server failed while it wrote it, say.
    private func cut(_ why: String) -> ExporterError {
        .noAnswer(request: request, why: "garbled answer: \(why)", attempts: 1)
    }

    /// What came is not what such an answer must be. Where it is whole, the same will come again.
    func garbled(_ why: String) -> ExporterError {
        guard (try? JSONDocument(body, passingOver: "props")) != nil else { return cut(why) }
        return .badAnswer(request: request, why: why)
    }

    func document(_ kind: DocumentKind, channelID: String? = nil) -> ReceivedDocument {
        ReceivedDocument(kind: kind, request: request, channelID: channelID, receivedAt: receivedAt, body: body)
    }
}

/// `Mon, 23 Nov 2026 08:31:05 GMT` (RFC 9110, section 5.6.7, the only form that is still written).
enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    static func parse(_ text: String) -> Timestamp? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let day = Int(parts[1]),
            let month = months.firstIndex(of: String(parts[2])), let year = Int(parts[3]),
            let midnight = Timestamp(year: year, month: month + 1, day: day)
        else { return nil }
        let clock = parts[4].split(separator: ":").compactMap { Int64($0) }
        guard clock.count == 3, (0..<24).contains(clock[0]), (0..<60).contains(clock[1]), (0...60).contains(clock[2])
        else { return nil }
        return Timestamp(milliseconds: midnight.milliseconds + (clock[0] * 3600 + clock[1] * 60 + clock[2]) * 1000)
    }
}
