internal import Archive
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
    private let directory: ExportDirectory
    private let request: ExportRequest
    private var paths: [String: String] = [:]
    private var entries: [ExportFile.Entry] = []

    static let folder = "files"

    init(_ archive: Archive, _ directory: ExportDirectory, _ request: ExportRequest) {
        self.archive = archive
        self.directory = directory
        self.request = request
        store = FileStore(archive.directory)
    }

    func show(_ attached: AttachedFile) throws -> ShownFile {
        guard let record = try record(of: attached) else {
            return ShownFile(
                attached: attached, state: request.includesFiles ? .missing("it was never fetched") : .leftOut)
        }
        // A legal hold's posts name ids alone.
        let named = AttachedFile(
            id: attached.id, name: attached.name ?? record.name, size: attached.size,
            mimeType: attached.mimeType)
        return ShownFile(attached: named, state: try state(named, record))
    }

    private func record(of attached: AttachedFile) throws -> FileRecord? {
        guard request.includesFiles, ImportID.isIdentifier(attached.id) else { return nil }
        return try archive.fileRecord(attached.id)
    }

    private func state(_ attached: AttachedFile, _ record: FileRecord) throws -> ShownFile.State {
        guard let content = record.content else {
            return .missing(record.absence?.reason.words ?? "it was never fetched")
        }
        if let path = paths[attached.id] { return .held(content, path: path) }
        switch store.state(of: content) {
        case .whole: break
        case .missing: return .missing("its content has gone from the vault")
        case .damaged: return .missing("its content is damaged")
        case .unreadable: return .missing("its content cannot be read")
        }
        guard request.format != .mbox else { return .held(content, path: nil) }
        let path = "\(ExportFiles.folder)/\(ExportName.file(attached.id, name: attached.name ?? ""))"
        let copy = try directory.makeFile(path)
        try store.read(content.sha256) { chunk throws(ArchiveError) in copy.write(chunk) }
        entries.append(try copy.close())
        paths[attached.id] = path
        return .held(content, path: path)
    }

    /// What was copied since the last time, for the manifest.
    func takeEntries() -> [ExportFile.Entry] {
        defer { entries = [] }
        return entries
    }
}
