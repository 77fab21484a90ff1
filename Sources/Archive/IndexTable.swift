internal import Bytes
internal import Foundation
internal import GRDB

/// A table of the index, read from its first row to its last, one document's rows at a time: rows come in the order of
/// their documents, so that no search is needed, and a row out of that order is seen.
struct IndexTable<Content: Sendable> {
    struct Entry: Sendable {
        let sequence: Int64
        let document: Int64
        /// nil where a column holds what it must not.
        let content: Content?
    }

    let name: String
    /// The number of the last row that was taken.
    private(set) var last = Int64.min
    /// Why the rest of the table cannot be read.
    private(set) var failure: String?
    private let sql: String
    private let decode: (Row) throws -> Content?
    private var buffer: ArraySlice<Entry> = []
    private var fetched = Int64.min

    init(_ name: String, _ columns: String, _ decode: @escaping (Row) throws -> Content?) {
        self.name = name
        self.decode = decode
        sql = "SELECT seq, document, \(columns) FROM \(name) WHERE seq > ? ORDER BY seq LIMIT 500"
    }

    /// The rows up to those of `document`. Rows of documents before it, if there are any, did not come with theirs.
    mutating func take(upTo document: Int64, _ database: Database) -> [Entry] {
        var result: [Entry] = []
        while true {
            if buffer.isEmpty { fill(database) }
            guard let first = buffer.first, first.document <= document else { return result }
            result.append(first)
            last = first.sequence
            buffer.removeFirst()
        }
    }

    private mutating func fill(_ database: Database) {
        guard failure == nil else { return }
        do {
            let rows = try Row.fetchCursor(try database.cachedStatement(sql: sql), arguments: [fetched])
            while let row = try rows.next() {
                let sequence = try row.decode(Int64.self, forColumn: "seq")
                // In a damaged tree SQLite may come upon a row again, and again.
                guard sequence > fetched else {
                    failure = "its rows are not in the order of their numbers"
                    return
                }
                // A row whose document cannot be told belongs to none.
                let document = (try? row.decode(Int64.self, forColumn: "document")) ?? Int64.min
                buffer.append(Entry(sequence: sequence, document: document, content: (try? decode(row)) ?? nil))
                fetched = sequence
            }
        } catch let error as DatabaseError {
            failure = error.message ?? "\(error.resultCode)"
        } catch {
            failure = "a row has no number"
        }
    }
}

/// A row of the table `object`.
struct ObjectRow: Equatable, Sendable {
    let kind: String
    let id: String
    let start: Int
    let at: Int64
    let json: [UInt8]

    init(_ json: JSONValue, kind: ObjectKind, id: String, at: Timestamp) {
        self.kind = kind.rawValue
        self.id = id
        start = json.range.lowerBound
        self.at = at.milliseconds
        self.json = Array(json.bytes)
    }

    init?(_ row: Row) throws {
        kind = try row.decode(forColumn: "kind")
        id = try row.decode(forColumn: "id")
        start = try row.decode(forColumn: "start")
        at = try row.decode(forColumn: "at")
        json = Array(try row.decode(String.self, forColumn: "json").utf8)
        guard try row.decode(Int.self, forColumn: "length") == json.count else { return nil }
    }
}

/// A row of the table `attachment`: a file that a version of a post names.
struct AttachmentRow: Equatable, Sendable {
    let postID: String
    let channelID: String
    let fileID: String
    /// Bytes, as far as the post says.
    let size: Int64?

    static let columns = "post_id, channel_id, file_id, size"

    init(postID: String, channelID: String, fileID: String, size: Int64?) {
        self.postID = postID
        self.channelID = channelID
        self.fileID = fileID
        self.size = size
    }

    init(_ row: Row) throws {
        postID = try row.decode(forColumn: "post_id")
        channelID = try row.decode(forColumn: "channel_id")
        fileID = try row.decode(forColumn: "file_id")
        size = try row.decode(Int64?.self, forColumn: "size")
    }
}

/// A file that a version of a post names, with where the post stands in its document.
typealias PlacedAttachment = (postStart: Int, row: AttachmentRow)

extension PostHeader {
    /// The files that the post names.
    ///
    /// - Parameter post: what the header was read from.
    func attachments(in post: JSONValue) -> [PlacedAttachment] {
        AttachedFile.all(in: post).filter { PostHeader.isIdentifier($0.id) }.map { file in
            (range.lowerBound, AttachmentRow(postID: id, channelID: channelID, fileID: file.id, size: file.size))
        }
    }
}

/// A row of the table `ciphertext`.
struct CiphertextRow: Equatable, Sendable {
    let postID: String
    let digest: [UInt8]

    init(_ row: Row) throws {
        postID = try row.decode(forColumn: "post_id")
        digest = Array(try row.decode(Data.self, forColumn: "digest"))
    }
}

/// A row of the table `keyless`.
struct KeylessRow: Equatable, Sendable {
    let userID: String
    let at: Int64

    init(userID: String, at: Timestamp) { (self.userID, self.at) = (userID, at.milliseconds) }

    init(_ row: Row) throws {
        userID = try row.decode(forColumn: "user_id")
        at = try row.decode(forColumn: "at")
    }
}

/// A row of the table `walk`.
struct WalkRow: Equatable, Sendable {
    let channelID: String
    let at: Int64
    let state: String

    init(channelID: String, at: Timestamp, state: String) {
        self.channelID = channelID
        self.at = at.milliseconds
        self.state = state
    }

    init(_ row: Row) throws {
        channelID = try row.decode(forColumn: "channel_id")
        at = try row.decode(forColumn: "at")
        state = try row.decode(forColumn: "state")
    }
}

extension PostHeader {
    static let columns = """
        start, length, post_id, channel_id, user_id, root_id, original_id, type, create_at, update_at, edit_at, delete_at,
        said, identity
        """

    init?(_ row: Row) throws {
        let start: Int = try row.decode(forColumn: "start")
        let length: Int = try row.decode(forColumn: "length")
        guard start >= 0, length >= 0, !start.addingReportingOverflow(length).overflow else { return nil }
        self.init(
            id: try row.decode(forColumn: "post_id"), channelID: try row.decode(forColumn: "channel_id"),
            userID: try row.decode(forColumn: "user_id"), rootID: try row.decode(forColumn: "root_id"),
            originalID: try row.decode(forColumn: "original_id"), type: try row.decode(forColumn: "type"),
            createAt: try row.decode(forColumn: "create_at"), updateAt: try row.decode(forColumn: "update_at"),
            editAt: try row.decode(forColumn: "edit_at"), deleteAt: try row.decode(forColumn: "delete_at"),
            range: start..<start + length, said: Array(try row.decode(Data.self, forColumn: "said")),
            identity: Array(try row.decode(Data.self, forColumn: "identity")))
    }
}

extension KeySighting {
    static let columns = "user_id, key_id, source, at, encr, sign"

    init?(_ row: Row) throws {
        guard let source = Source(rawValue: try row.decode(forColumn: "source")) else { return nil }
        self.init(
            userID: try row.decode(forColumn: "user_id"), keyID: try row.decode(forColumn: "key_id"), source: source,
            at: Timestamp(milliseconds: try row.decode(forColumn: "at")),
            encryptionPoint: Array(try row.decode(Data.self, forColumn: "encr")),
            signingPoint: Array(try row.decode(Data.self, forColumn: "sign")))
    }
}
