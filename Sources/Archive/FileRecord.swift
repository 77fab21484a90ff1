public import Bytes
internal import GRDB

/// What became of a file that a post names: its content is held, or why not. A document of kind `files` is a list of
/// these, and they are the archive's own words: the server says nothing about a file that would identify its content.
public struct FileRecord: Equatable, Sendable {
    public let fileID: String
    public let postID: String
    public let channelID: String
    public let outcome: Outcome
    /// What its sender called it, where nothing but the export that it came in says so.
    public let name: String?

    public enum Outcome: Equatable, Sendable {
        case held(FileContent)
        case missing(Absence)
    }

    /// Why a file could not be had.
    public struct Absence: Equatable, Sendable {
        public let reason: Reason
        /// Of HTTP; 0 where the server did not refuse.
        public let status: Int

        public init(_ reason: Reason, status: Int = 0) {
            self.reason = reason
            self.status = status
        }
    }

    /// The words are part of the format.
    public enum Reason: String, Sendable, CaseIterable {
        /// The server has it no longer: with a post go its files.
        case gone
        /// The server does not hand it out to this account.
        case refused
        /// It is larger than the user wanted to fetch.
        case tooLarge = "too-large"
        /// No usable answer after all attempts.
        case failed
        /// The export in which its post came does not have it.
        case notInExport = "not-in-export"

        /// For a person.
        public var words: String {
            switch self {
            case .gone: "the server has it no longer"
            case .refused: "the server does not hand it out"
            case .tooLarge: "larger than was wanted"
            case .failed: "the server gave no usable answer"
            case .notInExport: "the export does not have it"
            }
        }
    }

    public init(fileID: String, postID: String, channelID: String, outcome: Outcome, name: String? = nil) {
        self.fileID = fileID
        self.postID = postID
        self.channelID = channelID
        self.outcome = outcome
        self.name = name
    }

    public var content: FileContent? { if case .held(let content) = outcome { content } else { nil } }
    public var absence: Absence? { if case .missing(let absence) = outcome { absence } else { nil } }

    /// Reads what `write` wrote; nil for anything else.
    public init?(_ json: JSONValue) {
        guard let file = json["file_id"]?.string, ImportID.isIdentifier(file),
            let post = json["post_id"]?.string, ImportID.isIdentifier(post),
            let channel = json["channel_id"]?.string, ImportID.isIdentifier(channel)
        else { return nil }
        if let hash = json["sha256"]?.string {
            guard let digest = Hex.decode(hash).flatMap(SHA256Digest.init(bytes:)), digest.description == hash,
                let size = json["size"]?.int, size >= 0
            else { return nil }
            outcome = .held(FileContent(sha256: digest, size: size))
        } else {
            guard let reason = (json["reason"]?.string).flatMap(Reason.init(rawValue:)),
                let status = json["status"]?.int.flatMap(Int.init(exactly:))
            else { return nil }
            outcome = .missing(Absence(reason, status: status))
        }
        (fileID, postID, channelID, name) = (file, post, channel, json["name"]?.string)
    }

    init?(json: String) {
        guard let root = try? JSONDocument(Array(json.utf8)).root else { return nil }
        self.init(root)
    }

    private func write(to json: inout JSONWriter) {
        json.object { json in
            json.string("file_id", fileID)
            json.string("post_id", postID)
            json.string("channel_id", channelID)
            if let name { json.string("name", name) }
            switch outcome {
            case .held(let content):
                json.int("size", content.size)
                json.string("sha256", content.sha256.description)
            case .missing(let absence):
                json.int("status", absence.status)
                json.string("reason", absence.reason.rawValue)
            }
        }
    }

    /// The document that says what became of some files.
    ///
    /// - Parameters:
    ///   - channelID: of all of them; nil where they are of several.
    ///   - request: `import SHA256 -` where they came in an export.
    public static func document(
        _ records: [FileRecord], channelID: String?, at time: Timestamp, request: String = "-"
    ) -> ReceivedDocument {
        var json = JSONWriter()
        json.array { json in for record in records { record.write(to: &json) } }
        return ReceivedDocument(
            kind: .files, request: request, channelID: channelID, receivedAt: time, body: json.bytes)
    }
}

/// What a file holds, without its name: two files with the same content are one.
public struct FileContent: Hashable, Sendable {
    public let sha256: SHA256Digest
    /// Bytes.
    public let size: Int64

    public init(sha256: SHA256Digest, size: Int64) {
        self.sha256 = sha256
        self.size = size
    }
}

extension Archive {
    /// A file that a post of the archive names, and what is known of it.
    public struct NamedFile: Sendable {
        /// The place in the order of arrival.
        public let sequence: Int64
        public let fileID: String
        public let postID: String
        public let channelID: String
        /// Bytes, as far as the post says.
        public let size: Int64?
        /// nil where it was never asked for.
        public let record: FileRecord?
        /// The record's place in the order of arrival; 0 where there is none.
        public let recordSequence: Int64
    }

    /// The place of the newest record about a file.
    public func lastFileRecord() throws(ArchiveError) -> Int64 {
        try read { try Int64.fetchOne($0, sql: "SELECT max(seq) FROM object") ?? 0 }
    }

    /// What became of a file; nil where it was never asked for.
    public func fileRecord(_ fileID: String) throws(ArchiveError) -> FileRecord? {
        let sql = "SELECT json FROM object WHERE kind = 'file' AND id = ? ORDER BY seq DESC LIMIT 1"
        return try read { try String.fetchOne($0, sql: sql, arguments: [fileID]) }.flatMap(FileRecord.init(json:))
    }

    /// The files that posts name, each once, in the order in which they came to be known.
    ///
    /// - Parameters:
    ///   - channelID: only those of this channel; nil for all.
    ///   - after: the `sequence` of the last one before.
    ///   - isKnown: those about which there is a record already, or those about which there is none; nil for all.
    public func namedFiles(
        channelID: String? = nil, after: Int64 = 0, isKnown: Bool? = nil, limit: Int = 500
    ) throws(ArchiveError) -> [NamedFile] {
        let channel = channelID == nil ? "" : "AND a.channel_id = ?2"
        let known = isKnown.map { $0 ? "AND o.seq IS NOT NULL" : "AND o.seq IS NULL" } ?? ""
        let sql = """
            SELECT a.seq, a.file_id, a.post_id, a.channel_id, a.size, o.json, coalesce(o.seq, 0) AS record
            FROM attachment a LEFT JOIN object o
              ON o.seq = (SELECT max(seq) FROM object WHERE kind = 'file' AND id = a.file_id)
            WHERE a.seq > ?1 \(channel) \(known)
              AND NOT EXISTS (SELECT 1 FROM attachment b WHERE b.file_id = a.file_id AND b.seq < a.seq)
            ORDER BY a.seq LIMIT \(limit)
            """
        let arguments: StatementArguments = channelID.map { [after, $0] } ?? [after]
        return try read { db in
            var last = after
            return try Row.fetchAll(db, sql: sql, arguments: arguments).map { row in
                // In a damaged tree SQLite may come upon a row again, and whoever asks for the next ones would never end.
                let sequence: Int64 = try row.decode(forColumn: "seq")
                guard sequence > last else {
                    throw ArchiveError.damagedDatabase(
                        path: directory.archivePath, what: "files are not in the order of their numbers")
                }
                last = sequence
                return NamedFile(
                    sequence: sequence, fileID: try row.decode(forColumn: "file_id"),
                    postID: try row.decode(forColumn: "post_id"), channelID: try row.decode(forColumn: "channel_id"),
                    size: try row.decode(Int64?.self, forColumn: "size"),
                    record: try row.decode(String?.self, forColumn: "json").flatMap(FileRecord.init(json:)),
                    recordSequence: try row.decode(forColumn: "record"))
            }
        }
    }

    /// How many of the files that posts name are held.
    public func fileCounts() throws(ArchiveError) -> FileCounts {
        var counts = FileCounts()
        var last: Int64 = 0
        while true {
            let files = try namedFiles(after: last)
            guard let end = files.last else { return counts }
            last = end.sequence
            for file in files { counts.count(file.record) }
        }
    }
}

public struct FileCounts: Equatable, Sendable {
    public var held = 0
    /// Bytes of the files held; content that two files share counts twice.
    public var bytes: Int64 = 0
    public var missing: [FileRecord.Reason: Int] = [:]
    /// Named by posts, and never asked for.
    public var unasked = 0

    /// All of them.
    public var named: Int { held + unasked + missing.values.reduce(0, +) }

    mutating func count(_ record: FileRecord?) {
        switch record?.outcome {
        case .held(let content):
            held += 1
            bytes += content.size
        case .missing(let absence): missing[absence.reason, default: 0] += 1
        case nil: unasked += 1
        }
    }
}
