internal import Archive
internal import NIOHTTP1

/// Fetches the files that the posts of a channel name and the archive does not hold: first those that were never asked
/// for, since with its post a file goes for good, then those that could not be had before.
struct FileFetch {
    let client: MattermostClient
    let archive: Archive
    let writer: ArchiveWriter
    let channel: Channel
    let limit: Int64?
    /// Whether the contents that are held are read again: a damaged one of the right size shows in no other way.
    let isThorough: Bool
    let onEvent: @Sendable (PullEvent) -> Void
    private let store: FileStore

    /// Files fetched at a time for one channel.
    private static let width = 2
    /// Files and bytes after which what has come is noted: what a kill costs is that these are fetched again.
    private static let mostRecords = 64
    private static let mostBytes: Int64 = 64 << 20

    init(
        _ client: MattermostClient, archive: Archive, writer: ArchiveWriter, channel: Channel, limit: Int64?,
        isThorough: Bool = false,
        onEvent: @escaping @Sendable (PullEvent) -> Void
    ) {
        self.client = client
        self.archive = archive
        self.writer = writer
        self.channel = channel
        self.limit = limit
        self.isThorough = isThorough
        self.onEvent = onEvent
        store = FileStore(writer.directory)
    }

    /// - Throws: what ends the whole pull. What keeps one file from coming is in the report.
    func run() async throws(ExporterError) -> FileReport {
        var report = FileReport()
        let end = try archived { () throws(ArchiveError) in try archive.lastFileRecord() }
        for isKnown in [false, true] {
            var last: Int64 = 0
            while true {
                let after = last
                let named = try archived { () throws(ArchiveError) in
                    try archive.namedFiles(channelID: channel.id, after: after, isKnown: isKnown)
                }
                guard let next = named.last?.sequence else { break }
                last = next
                try await fetch(named.filter { $0.recordSequence <= end && isWanted($0) }, &report)
            }
        }
        return report
    }

    /// A file whose stored content has gone or been cut short is fetched again, too.
    private func isWanted(_ file: Archive.NamedFile) -> Bool {
        // Of those that only an export tells of, no server knows.
        guard PostHeader.isIdentifier(file.fileID) else { return false }
        guard let content = file.record?.content else { return true }
        return isThorough ? store.state(of: content) != .whole : !store.holds(content)
    }

    private func fetch(_ files: [Archive.NamedFile], _ report: inout FileReport) async throws(ExporterError) {
        var waiting = files[...]
        while !waiting.isEmpty {
            var fatal: ExporterError?
            // Noted together, a batch at a time: a transaction costs as much as a small file.
            let results = await withTaskGroup(of: Result.self) { group in
                var results: [Result] = []
                var bytes: Int64 = 0
                func start() {
                    guard fatal == nil, bytes < FileFetch.mostBytes, !Task.isCancelled,
                        let file = waiting.popFirst()
                    else { return }
                    group.addTask { await fetch(file) }
                }
                for _ in 0..<FileFetch.width { start() }
                for await result in group {
                    results.append(result)
                    bytes += result.content?.size ?? 0
                    if case .failed(let error, _) = result.end, FileFetch.endsAll(error) {
                        fatal = fatal ?? error
                        group.cancelAll()
                    }
                    if results.count < FileFetch.mostRecords { start() }
                }
                return results
            }
            for result in results { report.add(result) }
            let records = results.compactMap(\.record)
            if !records.isEmpty {
                do {
                    try await writer.append(
                        FileRecord.document(records, channelID: channel.id, at: .now), objects: .file)
                } catch { throw .archive(error) }
            }
            if let fatal { throw fatal }
            if Task.isCancelled { throw .cancelled }
        }
    }

    /// How it ended for one file.
    struct Result: Sendable {
        let file: Archive.NamedFile
        let end: End

        enum End: Sendable {
            case held(FileContent)
            case tooLarge
            case failed(ExporterError, FileRecord.Absence?)
        }

        var content: FileContent? { if case .held(let content) = end { content } else { nil } }

        var record: FileRecord? {
            let outcome: FileRecord.Outcome
            switch end {
            case .held(let content): outcome = .held(content)
            case .tooLarge: outcome = .missing(FileRecord.Absence(.tooLarge))
            case .failed(_, let absence?): outcome = .missing(absence)
            case .failed(_, nil): return nil
            }
            // That a file came once stays true, whatever became of its content here.
            if file.record?.content != nil, content == nil { return nil }
            return FileRecord(
                fileID: file.fileID, postID: file.postID, channelID: file.channelID, outcome: outcome)
        }
    }

    private func fetch(_ file: Archive.NamedFile) async -> Result {
        if let limit, let size = file.size, size > limit { return Result(file: file, end: .tooLarge) }
        do throws(ExporterError) {
            let part = try archived { () throws(ArchiveError) in try PartialFile(store, fileID: file.fileID) }
            do throws(ExporterError) {
                let download = FileDownload(
                    client: client, fileID: file.fileID, part: part, expectedSize: file.size, limit: limit,
                    onBytes: { [channel, onEvent] in onEvent(.fileBytes(channel, $0)) })
                guard let content = try await download.run() else {
                    part.discard()
                    return Result(file: file, end: .tooLarge)
                }
                onEvent(.file(channel))
                return Result(file: file, end: .held(content))
            } catch {
                // What has come of it is worth keeping for the next time, unless there will be none.
                if part.size == 0 || FileFetch.absence(error)?.reason == .gone { part.discard() }
                throw error
            }
        } catch {
            return Result(file: file, end: .failed(error, FileFetch.absence(error)))
        }
    }

    private static func endsAll(_ error: ExporterError) -> Bool {
        // One file may lie elsewhere.
        if case .redirected = error { return false }
        return PullReport.endsAll(error)
    }

    /// What to note of a failure; nil where it says nothing about the file.
    private static func absence(_ error: ExporterError) -> FileRecord.Absence? {
        switch error {
        case .refused(let status, _, _, _):
            FileRecord.Absence(status == 404 || status == 410 ? .gone : .refused, status: status)
        case .noAnswer, .badAnswer, .foreignError, .tooLong, .redirected: FileRecord.Absence(.failed)
        default: nil
        }
    }

    private func archived<T>(_ body: () throws(ArchiveError) -> T) throws(ExporterError) -> T {
        do { return try body() } catch { throw .archive(error) }
    }
}

extension FileReport {
    mutating func add(_ result: FileFetch.Result) {
        switch result.end {
        case .held(let content):
            fetched += 1
            bytes += content.size
        case .tooLarge: missing[.tooLarge, default: 0] += 1
        case .failed(let error, let absence):
            guard let absence else { return }
            missing[absence.reason, default: 0] += 1
            if absence.reason == .failed { failures.append((result.file.fileID, error)) }
        }
    }
}
