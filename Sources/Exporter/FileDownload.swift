internal import Archive
internal import AsyncHTTPClient
internal import Bytes
internal import NIOCore
internal import NIOHTTP1

/// Fetches one file, from where an earlier attempt was cut. The body goes to the disk as it comes.
struct FileDownload {
    let client: MattermostClient
    let fileID: String
    let part: PartialFile
    /// Bytes that the post says it has.
    let expectedSize: Int64?
    /// The most bytes that are wanted.
    let limit: Int64?
    /// Called with the bytes of each piece.
    let onBytes: (Int) -> Void

    /// Whether the file is larger than wanted, and nothing of it was fetched.
    struct TooLarge: Error {}

    /// More than this, and an attempt that was cut has been worth it: the next one is the first again.
    private static let worthwhile: Int64 = 1 << 20
    /// Answers of a length that the post contradicts, before it is believed that the server means it.
    private static let mostContradictions = 3

    /// - Returns: nil where the file is larger than wanted.
    func run() async throws(ExporterError) -> FileContent? {
        let request = Request(.GET, "/api/v4/files/\(fileID)")
        var contradictions = 0
        while true {
            let isWhole = try await client.insist(request.name) { () async throws -> Bool? in
                if let origin = part.origin, part.size == origin.length { return true }
                let before = part.size
                do {
                    try await attempt(request, &contradictions)
                    return true
                } catch is TooLarge {
                    return nil
                } catch {
                    try part.save()
                    // An answer that began from the start again has less than before.
                    guard !(error is CancellationError), !(error is ExporterError),
                        part.size - before >= FileDownload.worthwhile
                    else { throw error }
                    return false
                }
            }
            guard let isWhole else { return nil }
            guard isWhole else { continue }
            do { return try part.finish() } catch { throw .archive(error) }
        }
    }

    private func attempt(_ request: Request, _ contradictions: inout Int) async throws {
        // A length of compressed bytes would say nothing, and ranges of them could not be joined.
        var headers: HTTPHeaders = ["Accept-Encoding": "identity"]
        if let origin = part.origin, part.size > 0 {
            headers.add(name: "Range", value: "bytes=\(part.size)-")
            if !origin.lastModified.isEmpty { headers.add(name: "If-Range", value: origin.lastModified) }
        }
        let (response, deadline) = try await client.open(request, headers: headers)
        switch response.status.code {
        case 200:
            let origin = try origin(of: response, length: response.headers.first(name: "Content-Length"))
            try admit(origin, &contradictions)
            try part.begin(origin)
        case 206 where part.size > 0:
            let range = ContentRange(response.headers.first(name: "Content-Range") ?? "")
            let origin = try origin(of: response, length: range.map { String($0.total) })
            guard let range, range.start == part.size, origin == part.origin else {
                try start()
                throw MattermostClient.Failure(why: "the rest is of another file than the beginning")
            }
        case 416:
            try start()
            throw MattermostClient.Failure(why: "the server has less of the file than came before")
        default:
            throw await client.error(of: response, until: deadline, request)
        }
        guard let length = part.origin?.length else { return }
        for try await chunk in response.body {
            guard part.size + Int64(chunk.readableBytes) <= length else {
                try start()
                throw MattermostClient.Failure(why: "more came than was announced")
            }
            guard ContinuousClock.now < deadline else {
                throw MattermostClient.Failure(why: "the answer did not end in time")
            }
            if Task.isCancelled { throw CancellationError() }
            try part.append(Array(chunk.readableBytesView))
            onBytes(chunk.readableBytes)
        }
        guard part.size == length else { throw MattermostClient.Failure(why: "the file was cut") }
    }

    private func start() throws { try part.begin(PartialFile.Origin(length: -1, lastModified: "")) }

    private func origin(of response: HTTPClientResponse, length: String?) throws -> PartialFile.Origin {
        let encoding = response.headers.first(name: "Content-Encoding") ?? "identity"
        guard encoding == "identity", let length = length.flatMap({ Int64($0) }), length >= 0 else {
            throw MattermostClient.Failure(why: "the server does not say how long the file is")
        }
        return PartialFile.Origin(
            length: length, lastModified: response.headers.first(name: "Last-Modified") ?? "")
    }

    /// Whether the answer's body is to be read at all.
    private func admit(_ origin: PartialFile.Origin, _ contradictions: inout Int) throws {
        if let limit, origin.length > limit { throw TooLarge() }
        if let expectedSize, origin.length != expectedSize {
            contradictions += 1
            throw MattermostClient.Failure(
                why: "it has \(origin.length) bytes, and the post says \(expectedSize)",
                isFinal: contradictions == FileDownload.mostContradictions)
        }
    }
}

/// `bytes 100-199/200` (RFC 9110, section 14.4).
private struct ContentRange {
    let start: Int64
    let total: Int64

    init?(_ text: String) {
        guard text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(whereSeparator: { $0 == "-" || $0 == "/" })
        guard parts.count == 3, let start = Int64(parts[0]), let end = Int64(parts[1]), let total = Int64(parts[2]),
            start <= end, end == total - 1
        else { return nil }
        self.start = start
        self.total = total
    }
}
