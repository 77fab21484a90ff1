/// The bodies of the documents used last: neighbours in time are neighbours in a document. However large the archive, no
/// more than `room` bytes are kept, or one body where that alone is more.
final class DocumentCache {
    /// What is remembered of messages, beside the bodies.
    let pasts = MessagePasts()
    private var bodies: [Int64: (body: [UInt8], part: Part?, used: Int)] = [:]
    private(set) var size = 0
    private var clock = 0
    private let room: Int

    /// What is known of a part of an import beside its bytes.
    struct Part {
        let source: ImportSource
        /// By where they stand.
        let posts: [Int: PostHeader]

        init(_ body: [UInt8]) throws(ArchiveError) {
            let part = try ImportPart(body)
            source = part.source
            posts = Dictionary(part.posts.map { ($0.range.lowerBound, $0) }, uniquingKeysWith: { first, _ in first })
        }
    }

    /// - Parameter room: bytes; a page is some hundred kilobytes.
    init(room: Int = 24 << 20) { self.room = room }

    func body(of sequence: Int64, fetch: () throws -> DocumentRow?) throws -> [UInt8] {
        try content(of: sequence, fetch: fetch).body
    }

    /// The body, and which export it is a part of where it is one.
    func content(
        of sequence: Int64, fetch: () throws -> DocumentRow?
    ) throws -> (body: [UInt8], part: Part?) {
        clock += 1
        if let found = bodies[sequence] {
            bodies[sequence]?.used = clock
            return (found.body, found.part)
        }
        guard let row = try fetch() else {
            throw ArchiveError.damagedDocument(sequence: sequence, what: "it is missing")
        }
        let body = try row.body()
        let isImport = DocumentRecord(text: row.record)?.kind == DocumentKind.imported.rawValue
        let part: Part?
        do throws(ArchiveError) { part = isImport ? try Part(body) : nil } catch {
            throw ArchiveError.damagedDocument(sequence: sequence, what: "it is no part of an export")
        }
        while size + body.count > room, let oldest = bodies.min(by: { $0.value.used < $1.value.used }) {
            size -= oldest.value.body.count
            bodies[oldest.key] = nil
        }
        bodies[sequence] = (body, part, clock)
        size += body.count
        return (body, part)
    }
}
