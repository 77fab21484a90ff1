internal import Bytes

/// The columns of a table of a legal hold, found by the names in its first row (mattermost-plugin-legal-hold,
/// server/model/export.go).
struct LegalHoldColumns: Sendable {
    private let places: [String: Int]

    private static let needed = [
        "TeamName", "ChannelName", "ChannelDisplayName", "ChannelType", "UserUsername", "PostId", "PostCreateAt",
        "PostUpdateAt", "PostDeleteAt", "PostRootId", "PostOriginalId", "PostMessage", "PostType", "PostProps",
        "PostFileIds",
    ]

    /// - Throws: `badExport` with what is wrong.
    init(_ row: ArraySlice<UInt8>) throws(ArchiveError) {
        // A byte order mark says nothing about UTF-8 (RFC 3629, section 6).
        let row = row.starts(with: [0xEF, 0xBB, 0xBF]) ? row.dropFirst(3) : row
        guard let names = CSVRow.fields(row) else {
            throw .badExport(file: nil, what: "it is not CSV as RFC 4180 has it")
        }
        guard Set(names).count == names.count else { throw .badExport(file: nil, what: "it names a column twice") }
        places = Dictionary(uniqueKeysWithValues: zip(names, 0...))
        let missing = LegalHoldColumns.needed.filter { places[$0] == nil }
        guard missing.isEmpty else {
            throw .badExport(file: nil, what: "it has no column \(missing.joined(separator: ", "))")
        }
    }

    /// - Throws: `badExport` with what is wrong.
    func row(_ bytes: ArraySlice<UInt8>) throws(ArchiveError) -> LegalHoldRow {
        guard let fields = CSVRow.fields(bytes) else {
            throw .badExport(file: nil, what: "it is not CSV in UTF-8 as RFC 4180 has it")
        }
        guard fields.count == places.count else {
            throw .badExport(file: nil, what: "it has \(fields.count) columns, and the first row \(places.count)")
        }
        return LegalHoldRow(fields: fields, places: places)
    }
}

/// A row of such a table: one version of a post.
struct LegalHoldRow {
    fileprivate let fields: [String]
    fileprivate let places: [String: Int]

    /// Empty where there is no such column.
    subscript(column: String) -> String { places[column].map { fields[$0] } ?? "" }

    /// - Parameter range: where the row stands.
    /// - Throws: `badExport` with what is wrong.
    func post(at range: Range<Int>) throws(ArchiveError) -> ImportedPost {
        func identifier(_ column: String, mayBeEmpty: Bool) throws(ArchiveError) -> String {
            let id = self[column]
            guard PostHeader.isIdentifier(id) || mayBeEmpty && id.isEmpty else {
                throw .badExport(file: nil, what: "\(column) is no id")
            }
            return id
        }
        func time(_ column: String) throws(ArchiveError) -> Int64 {
            guard let time = Int64(self[column]), PostHeader.times.contains(time) else {
                throw .badExport(file: nil, what: "\(column) is no time")
            }
            return time
        }
        func json(_ column: String, _ kind: JSONKind) throws(ArchiveError) -> ArraySlice<UInt8> {
            guard !self[column].isEmpty else { return [] }
            guard let root = try? JSONDocument(Array(self[column].utf8)).root, root.kind == kind || root.isNull else {
                throw .badExport(file: nil, what: "\(column) is not JSON of its kind")
            }
            return VersionDigest.isEmpty(root) ? [] : root.bytes
        }
        guard !self["UserUsername"].isEmpty else { throw .badExport(file: nil, what: "UserUsername is empty") }
        return ImportedPost(
            place: nil, username: self["UserUsername"], type: self["PostType"], createAt: try time("PostCreateAt"),
            updateAt: try time("PostUpdateAt"), editAt: 0, deleteAt: try time("PostDeleteAt"), isReply: false,
            message: self["PostMessage"].isEmpty ? [] : LegalHoldRow.quoted(self["PostMessage"])[...],
            props: try json("PostProps", .object), fileIDs: try json("PostFileIds", .array),
            attachments: [],
            id: try identifier("PostId", mayBeEmpty: false),
            rootID: try identifier("PostRootId", mayBeEmpty: true),
            originalID: try identifier("PostOriginalId", mayBeEmpty: true), range: range)
    }

    /// As the server's own encoder writes a string (Go, encoding/json): so that what it says by its API and in a hold
    /// is, byte by byte, the same.
    static func quoted(_ text: String) -> [UInt8] {
        var result = [UInt8(ascii: "\"")]
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += [UInt8(ascii: "\\"), UInt8(scalar.value)]
            case "\n": result += Array("\\n".utf8)
            case "\r": result += Array("\\r".utf8)
            case "\t": result += Array("\\t".utf8)
            case "<", ">", "&", "\u{0}"..<"\u{20}":
                result += Array("\\u00".utf8) + Array(Hex.encode([UInt8(scalar.value)]).utf8)
            case "\u{2028}": result += Array("\\u2028".utf8)
            case "\u{2029}": result += Array("\\u2029".utf8)
            default: result += Array(scalar.utf8)
            }
        }
        return result + [UInt8(ascii: "\"")]
    }
}

extension ImportedPost {
    /// What a reader of posts needs, as JSON.
    var json: [UInt8] {
        let members = [("message", message), ("props", props), ("file_ids", fileIDs)].filter { !$0.1.isEmpty }
        let written = members.map { Array("\"\($0.0)\":".utf8) + $0.1 }
        return Array("{".utf8) + Array(written.joined(separator: [UInt8(ascii: ",")])) + Array("}".utf8)
    }
}
