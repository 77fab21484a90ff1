internal import Bytes
internal import Foundation
internal import GRDB

/// Finds the posts that an archive holds already among those of an export.
struct KnownPosts {
    private let database: Database
    private let cache = DocumentCache()

    init(_ database: Database) { self.database = database }

    /// A post of a bulk export, which has no ids: the same place, author and time, and the same words or payload.
    func id(of post: ImportedPost, userID: String, channelID: String) throws -> String? {
        let sql = """
            SELECT * FROM version WHERE channel_id = ? AND create_at = ? AND user_id = ? AND original_id = '' ORDER BY seq
            """
        let rows = try Row.fetchAll(database, sql: sql, arguments: [channelID, post.createAt, userID])
        for row in rows where try agrees(row, post, byWords: false) { return try row.decode(forColumn: "post_id") }
        return nil
    }

    /// What the archive has of a post of a legal hold, which has its server's id.
    ///
    /// - Returns: nil where it does not know the post.
    /// - Throws: `badExport` where it knows it, or what it is a revision of, in another channel: a server never moves a post.
    func standing(of post: ImportedPost, channelID: String) throws -> Standing? {
        for id in [post.id, post.originalID] { try requireNotElsewhere(id, channelID) }
        let sql =
            "SELECT v.*, \(Archive.isFromServer("v")) AS is_from_server FROM version v WHERE post_id = ? OR post_id IN "
            + "(SELECT post_id FROM version WHERE channel_id = ? AND create_at = ? AND original_id = ?) ORDER BY seq"
        let rows = try Row.fetchAll(database, sql: sql, arguments: [post.id, channelID, post.createAt, post.id])
        let own = try rows.filter { try $0.decode(String.self, forColumn: "post_id") == post.id }
        guard let newest = try own.last.map(StoredVersion.Header.init) else { return nil }
        return Standing(
            userID: newest.userID, isSaid: try rows.contains { try agrees($0, post, byWords: true) },
            isFromServer: try own.contains { try $0.decode(forColumn: "is_from_server") },
            isSuperseded: newest.updateAt > post.updateAt || newest.deleteAt > 0 && post.deleteAt == 0)
    }

    private func requireNotElsewhere(_ id: String, _ channelID: String) throws {
        // Earlier builds let an import move a post; then the server's word counts.
        let sql = """
            SELECT channel_id FROM version v WHERE post_id = ? ORDER BY \(Archive.isFromServer("v")) DESC, seq DESC LIMIT 1
            """
        guard let place = try String.fetchOne(database, sql: sql, arguments: [id]), place != channelID else { return }
        throw ArchiveError.badExport(file: nil, what: "the archive has its post, \(id), in another channel, \(place)")
    }

    struct Standing {
        let userID: String
        /// Whether some version says just what this one does.
        let isSaid: Bool
        /// Whether the server itself told of the post, in whatever version.
        let isFromServer: Bool
        /// Whether the newest one came about after this one.
        let isSuperseded: Bool
    }

    /// - Parameter byWords: all that a post says must be the same; else it is enough that the encrypted payload is, or the
    ///   text of one that is not encrypted.
    private func agrees(_ row: Row, _ post: ImportedPost, byWords: Bool) throws -> Bool {
        let header = try StoredVersion.Header(row)
        guard header.type == post.type, header.createAt == post.createAt else { return false }
        if byWords {
            // A deletion is news, and so is another place in the conversation.
            guard (header.deleteAt > 0) == (post.deleteAt > 0) || !header.originalID.isEmpty,
                header.rootID == post.rootID
            else { return false }
        }
        // A digest is at hand; the document that holds the post must be unpacked.
        let said = PostHeader.said(
            [header.id, header.channelID, header.userID, header.rootID, header.originalID, header.type],
            [header.createAt, header.editAt, header.deleteAt], post.content)
        if Array(try row.decode(Data.self, forColumn: "said")) == said { return true }
        guard let known = try? JSONDocument(Array(try StoredVersion.content(row, database, cache).json)).root else {
            return false
        }
        func value(_ bytes: ArraySlice<UInt8>) -> JSONValue? { try? JSONDocument(Array(bytes)).root }
        let (message, props) = (value(post.message), value(post.props))
        let isSameText = (known["message"]?.string ?? "") == (message?.string ?? "")
        if byWords {
            return isSameText && JSONValue.areSame(known["props"], props)
                && JSONValue.areSame(known["file_ids"], value(post.fileIDs))
        }
        // Old servers export replies without their props.
        guard let payload = props?["e2ee"] else { return isSameText }
        return JSONValue.areSame(known["props"]?["e2ee"], payload)
    }
}

extension JSONValue {
    /// Whether both say the same, whatever the order of members, spaces and escapes. What is empty is like what is missing.
    /// Takes no more of the stack, and no more than its length in time, for a value that is nested as deep as it may be.
    static func areSame(_ one: JSONValue?, _ other: JSONValue?) -> Bool {
        let silent = (one?.silentParts ?? [], other?.silentParts ?? [])
        var pairs = [(one, other)]
        while let (one, other) = pairs.popLast() {
            let saysNothing = (one?.isAmong(silent.0) ?? true, other?.isAmong(silent.1) ?? true)
            if saysNothing.0 && saysNothing.1 { continue }
            guard !saysNothing.0, !saysNothing.1, let one, let other, one.kind == other.kind else { return false }
            switch one.kind {
            case .object:
                let (left, right) = (one.sortedMembers(silent.0), other.sortedMembers(silent.1))
                guard left.map(\.key) == right.map(\.key) else { return false }
                for (left, right) in zip(left, right) { pairs.append((left.value, right.value)) }
            case .array:
                let (left, right) = (one.elements, other.elements)
                guard left.count == right.count else { return false }
                for (left, right) in zip(left, right) { pairs.append((left, right)) }
            case .string: guard one.string == other.string else { return false }
            default: guard one.bytes.elementsEqual(other.bytes) else { return false }
            }
        }
        return true
    }

    private func isAmong(_ parts: Set<Int>) -> Bool { parts.contains(range.lowerBound) }

    /// Where those parts begin that say nothing: what is empty, and objects that hold nothing else.
    private var silentParts: Set<Int> {
        var parts: [(value: JSONValue, container: Int?)] = [(self, nil)]
        var place = 0
        while place < parts.count {
            let value = parts[place].value
            for child in value.members.map(\.value) + value.elements { parts.append((child, place)) }
            place += 1
        }
        var speaks = parts.map { $0.value.kind != .object && !VersionDigest.isEmpty($0.value) }
        for place in parts.indices.reversed() where speaks[place] {
            if let container = parts[place].container { speaks[container] = true }
        }
        return Set(parts.indices.filter { !speaks[$0] }.map { parts[$0].value.range.lowerBound })
    }

    private func sortedMembers(_ silent: Set<Int>) -> [(key: String, value: JSONValue)] {
        members.filter { !$0.value.isAmong(silent) }.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }
}
