public import Archive
internal import Bytes

/// A file of a post, as an export shows it.
struct ShownFile {
    let attached: AttachedFile
    let state: State

    enum State: Equatable {
        /// Files were not asked for.
        case leftOut
        /// - Parameter path: below the export's folder; nil where the file stands in the text itself.
        case held(FileContent, path: String?)
        /// Why it is not there.
        case missing(String)
    }

    /// What its sender called it; the id where that is nothing.
    var name: String { attached.name.flatMap { $0.isEmpty ? nil : $0 } ?? attached.id }

    var content: FileContent? { if case .held(let content, _) = state { content } else { nil } }
}

/// The files that go with an export: each is read from the archive, compared with its hash, and, unless the format takes
/// it into the text itself, copied below `files/`, a piece at a time.
final class ExportFiles {
    let store: FileStore
    private let archive: Archive
    private let destination: any ExportDestination
    private let request: ExportRequest
    private var paths: [String: String] = [:]
    private var entries: [ExportFile.Entry] = []

    static let folder = "files"
    private static let neverFetched = "it was never fetched"
    /// Why a file that was fetched may be missing.
    static let damages = [
        "its content has gone from the vault", "its content is damaged", "its content cannot be read",
    ]
    init(_ archive: Archive, _ destination: any ExportDestination, _ request: ExportRequest) {
        self.archive = archive
        self.destination = destination
        self.request = request
        store = FileStore(archive.directory)
    }

    func show(_ attached: AttachedFile) throws -> ShownFile {
        guard let record = try record(of: attached) else {
            return ShownFile(
                attached: attached, state: request.includesFiles ? .missing(ExportFiles.why(nil)) : .leftOut)
        }
        // A legal hold's posts name ids alone.
        let named = AttachedFile(
            id: attached.id, name: attached.name ?? record.name, size: attached.size,
            mimeType: attached.mimeType)
        return ShownFile(attached: named, state: try state(named, record))
    }

    private func record(of attached: AttachedFile) throws -> FileRecord? {
        guard request.includesFiles, ImportID.isIdentifier(attached.id) else { return nil }
        guard let record = try archive.fileRecord(attached.id) else { return nil }
        // Two posts may name one file. Nothing is told of what a redacted one had.
        return try request.redaction.covers(record, in: archive) ? nil : record
    }

    private func state(_ attached: AttachedFile, _ record: FileRecord) throws -> ShownFile.State {
        guard let content = record.content else {
            return .missing(ExportFiles.why(record))
        }
        if let path = paths[attached.id] { return .held(content, path: path) }
        switch store.state(of: content) {
        case .whole: break
        case .missing: return .missing(ExportFiles.damages[0])
        case .damaged: return .missing(ExportFiles.damages[1])
        case .unreadable: return .missing(ExportFiles.damages[2])
        }
        guard request.format != .mbox else { return .held(content, path: nil) }
        let path = ExportFiles.path(of: attached)
        let entry = ExportFile.Entry(name: path, size: Int(content.size), sha256: content.sha256.description)
        try destination.add(entry) { [store] in try store.copy(content, to: $0) }
        entries.append(entry)
        paths[attached.id] = path
        return .held(content, path: path)
    }

    /// - Parameter record: of a file without content; nil where there is none.
    static func why(_ record: FileRecord?) -> String { record?.absence?.reason.words ?? neverFetched }

    /// Below the export's folder.
    static func path(of attached: AttachedFile) -> String {
        "\(folder)/\(ExportName.file(attached.id, name: attached.name ?? ""))"
    }

    /// What was copied since the last time, for the manifest.
    func takeEntries() -> [ExportFile.Entry] {
        defer { entries = [] }
        return entries
    }
}

extension Archive {
    /// Why a file of a post is not in the archive, in words; nil where it is. Its content is not read.
    public func reasonMissing(_ attached: AttachedFile) throws(ArchiveError) -> String? {
        let record = ImportID.isIdentifier(attached.id) ? try fileRecord(attached.id) : nil
        return record?.content == nil ? ExportFiles.why(record) : nil
    }
}

extension FileStore {
    /// Hands a content to whoever may refuse it.
    func copy(_ content: FileContent, to consume: ([UInt8]) throws -> Void) throws {
        var failure: (any Error)?
        try read(content.sha256) { chunk throws(ArchiveError) in
            guard failure == nil else { return }
            do { try consume(chunk) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
