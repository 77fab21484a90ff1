/// The bodies of the documents used last: neighbours in time are neighbours in a document. However large the archive, no
/// more than `room` bytes are kept, or one body where that alone is more.
final class DocumentCache {
    private var bodies: [Int64: (body: [UInt8], used: Int)] = [:]
    private(set) var size = 0
    private var clock = 0
    private let room: Int

    /// - Parameter room: bytes; a page is some hundred kilobytes.
    init(room: Int = 24 << 20) { self.room = room }

    func body(of sequence: Int64, fetch: () throws -> DocumentRow?) throws -> [UInt8] {
        clock += 1
        if let found = bodies[sequence]?.body {
            bodies[sequence]?.used = clock
            return found
        }
        guard let row = try fetch() else {
            throw ArchiveError.damagedDocument(sequence: sequence, what: "it is missing")
        }
        let body = try row.body()
        while size + body.count > room, let oldest = bodies.min(by: { $0.value.used < $1.value.used }) {
            size -= oldest.value.body.count
            bodies[oldest.key] = nil
        }
        bodies[sequence] = (body, clock)
        size += body.count
        return body
    }
}
