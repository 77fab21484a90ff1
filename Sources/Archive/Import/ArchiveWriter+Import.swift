internal import Bytes
internal import GRDB

/// What came of an import.
public struct ImportReport: Sendable {
    /// Posts and old revisions in the export.
    public var posts = 0
    /// Those that the archive did not have.
    public var added = 0
    public var newUsers = 0
    public var newChannels = 0
    /// Files of posts that the archive did not hold.
    public var files = 0
    /// Their bytes.
    public var fileBytes: Int64 = 0
}

extension Archive {
    /// When this very export was imported; nil where it was not.
    public func imported(sha256: String) throws(ArchiveError) -> Timestamp? {
        try read { db in
            let sql = "SELECT record FROM document WHERE instr(record, ?) > 0 ORDER BY seq LIMIT 1"
            return try String.fetchOne(db, sql: sql, arguments: ["\nrequest import \(sha256) "])
        }.flatMap(DocumentRecord.init(text:)).flatMap { Timestamp(iso8601: $0.receivedAt) }
    }

    /// Whether the server has listed the account's channels. Before, none of them can be recognised in an export.
    public func knowsChannels() throws(ArchiveError) -> Bool {
        let sql = """
            SELECT EXISTS (SELECT 1 FROM document WHERE instr(record, char(10) || 'kind channels' || char(10)) > 0)
            """
        return try read { try Bool.fetchOne($0, sql: sql) ?? false }
    }

    /// The ids of each channel's members, as far as the server listed them.
    func members() throws(ArchiveError) -> [String: Set<String>] {
        let ids = try read { try String.fetchAll($0, sql: "SELECT DISTINCT id FROM object WHERE kind = 'member'") }
        return Dictionary(grouping: ids.map { $0.split(separator: ":").map(String.init) }.filter { $0.count == 2 }) {
            $0[0]
        }
        .mapValues { Set($0.map { $0[1] }) }
    }
}

extension ArchiveWriter {
    /// Adds what an export has and the archive has not, in one transaction: all of it, or nothing.
    ///
    /// - Parameter survey: of this file. Where the file is another one by now, nothing is added.
    public func add(
        _ file: ImportFile, _ survey: ImportFile.Survey, at time: Timestamp = .now,
        progress: (Int64, Int64) -> Void = { _, _ in }
    ) throws(ArchiveError) -> ImportReport {
        let archive = try Archive(directory)
        let index = survey.index.flatMap { try? JSONDocument($0).root }
        let names = ImportNames(
            account: try archive.account(), users: try archive.users(), channels: try archive.channels(),
            teams: try archive.teams(), members: try archive.members(), index: index)
        return try transaction { db, head throws(ArchiveError) in
            var importing = try Importing(db, head, names, file.name, survey, time, index, directory)
            let digest = try file.walk(nil, progress) { part throws(ArchiveError) in
                switch part {
                case .line(let line, _): try importing.add(line: line)
                case .row(let row, let channelID, let number):
                    try importing.add(row: row, channelID: channelID, isFirst: number == 1)
                case .began(.attachment, let name):
                    try importing.flush()
                    try importing.begin(file: name)
                case .bytes(let bytes): try importing.files.append(bytes)
                case .ended: try importing.files.end()
                case .began, .text, .mac: try importing.flush()
                }
                if case .began(_, let name) = part { importing.fileName = name }
            }
            try importing.flush()
            guard digest.description == survey.sha256 else {
                throw .badExport(file: nil, what: "it changed while it was read")
            }
            try importing.close()
            return (importing.report, importing.head)
        }
    }
}
