internal import Bytes

/// A post as an export tells of it: with names, and with ids only in a legal hold.
struct ImportedPost: Sendable {
    enum Place: Sendable, Hashable {
        case channel(team: String, name: String)
        /// Direct and group messages, by the usernames of who is in them, sorted.
        case members([String])
    }

    /// nil in a legal hold, where the file's path names the channel.
    let place: Place?
    let username: String
    let type: String
    let createAt: Int64
    let updateAt: Int64
    let editAt: Int64
    let deleteAt: Int64
    /// A reply to the post before it that is none. Only in a bulk export; a legal hold has ids.
    let isReply: Bool
    /// As JSON, and without bytes where they are empty.
    let message: ArraySlice<UInt8>
    let props: ArraySlice<UInt8>
    let fileIDs: ArraySlice<UInt8>
    /// Paths of files, in a bulk export.
    let attachments: [String]
    /// Only in a legal hold.
    let id: String
    let rootID: String
    let originalID: String
    /// Where it stands in its line or row.
    let range: Range<Int>

    var content: [ArraySlice<UInt8>] { [message, props, fileIDs] }
}

/// A line of a bulk export (Mattermost, server/channels/app/imports/import_types.go).
enum BulkLine {
    case posts([ImportedPost])
    case team(name: String, displayName: String)
    case channel(team: String, name: String, displayName: String, type: String)
    case user(username: String, nickname: String, firstName: String, lastName: String)
    case members([String])
    /// Anything else: a version, roles, emoji, bots.
    case other

    /// - Throws: `badExport` with what is wrong.
    init(_ line: [UInt8]) throws(ArchiveError) {
        let root: JSONValue
        do { root = try JSONDocument(line).root } catch { throw .badExport(file: nil, what: error.description) }
        guard root.kind == .object, let type = root["type"]?.string else {
            throw .badExport(file: nil, what: "it has no type")
        }
        func body(_ value: JSONValue?) throws(ArchiveError) -> Fields {
            guard let value, value.kind == .object else {
                throw .badExport(file: nil, what: "the \(type) is no object")
            }
            return Fields(json: value, type: type)
        }
        switch type {
        case "team":
            let team = try body(root["team"])
            self = .team(name: try team.name("name"), displayName: try team.text("display_name"))
        case "channel":
            let channel = try body(root["channel"])
            self = .channel(
                team: try channel.name("team"), name: try channel.name("name"),
                displayName: try channel.text("display_name"), type: try channel.text("type"))
        case "user":
            let user = try body(root["user"])
            self = .user(
                username: try user.name("username"), nickname: try user.text("nickname"),
                firstName: try user.text("first_name"), lastName: try user.text("last_name"))
        case "direct_channel":
            let channel = try body(root["direct_channel"])
            // Newer servers list participants, each an object.
            let members = try channel.names("members")
            var names = members
            if members.isEmpty {
                for one in try channel.elements("participants") { names.append(try one.name("username")) }
            }
            self = .members(names)
        case "post":
            let post = try body(root["post"])
            let place = ImportedPost.Place.channel(team: try post.name("team"), name: try post.name("channel"))
            self = .posts(try BulkLine.thread(post, place))
        case "direct_post":
            let post = try body(root["direct_post"])
            let members = try post.names("channel_members")
            guard !members.isEmpty else { throw .badExport(file: nil, what: "a direct_post has no channel_members") }
            self = .posts(try BulkLine.thread(post, .members(Set(members).sorted())))
        default: self = .other
        }
    }

    /// A post, and its replies behind it.
    private static func thread(
        _ post: Fields, _ place: ImportedPost.Place
    ) throws(ArchiveError) -> [ImportedPost] {
        var posts = [try ImportedPost(post, place, isReply: false)]
        for reply in try post.elements("replies") { posts.append(try ImportedPost(reply, place, isReply: true)) }
        return posts
    }

    /// An object whose members must be of the right types.
    fileprivate struct Fields {
        let json: JSONValue
        let type: String

        private func member(_ key: StaticString, _ kind: JSONKind) throws(ArchiveError) -> JSONValue? {
            guard let value = json[key], !value.isNull else { return nil }
            guard value.kind == kind else { throw .badExport(file: nil, what: "\(key) of a \(type) has another type") }
            return value
        }

        func text(_ key: StaticString) throws(ArchiveError) -> String { try member(key, .string)?.string ?? "" }

        func name(_ key: StaticString) throws(ArchiveError) -> String {
            let name = try text(key)
            guard !name.isEmpty else { throw .badExport(file: nil, what: "a \(type) has no \(key)") }
            return name
        }

        func elements(_ key: StaticString) throws(ArchiveError) -> [Fields] {
            var result: [Fields] = []
            for element in try member(key, .array)?.elements ?? [] {
                guard element.kind == .object else {
                    throw .badExport(file: nil, what: "\(key) of a \(type) holds something else")
                }
                result.append(Fields(json: element, type: type))
            }
            return result
        }

        func names(_ key: StaticString) throws(ArchiveError) -> [String] {
            let values = try member(key, .array)?.elements ?? []
            let names = values.compactMap(\.string)
            guard names.count == values.count, !names.contains("") else {
                throw .badExport(file: nil, what: "\(key) of a \(type) holds something else")
            }
            return names
        }

        func time(_ key: StaticString) throws(ArchiveError) -> Int64 {
            guard let value = try member(key, .number) else { return 0 }
            guard let time = value.int, PostHeader.times.contains(time) else {
                throw .badExport(file: nil, what: "\(key) of a \(type) is no time")
            }
            return time
        }

        func bytes(_ key: StaticString, _ kind: JSONKind) throws(ArchiveError) -> ArraySlice<UInt8> {
            guard let value = try member(key, kind), !VersionDigest.isEmpty(value) else { return [] }
            return value.bytes
        }
    }
}

extension ImportedPost {
    fileprivate init(_ post: BulkLine.Fields, _ place: Place, isReply: Bool) throws(ArchiveError) {
        self.place = place
        self.isReply = isReply
        username = try post.name("user")
        type = try post.text("type")
        createAt = try post.time("create_at")
        guard createAt > 0 else { throw .badExport(file: nil, what: "a \(post.type) has no create_at") }
        updateAt = createAt
        editAt = try post.time("edit_at")
        deleteAt = 0
        message = try post.bytes("message", .string)
        props = try post.bytes("props", .object)
        fileIDs = []
        var paths: [String] = []
        for attachment in try post.elements("attachments") { paths.append(try attachment.text("path")) }
        attachments = paths
        (id, rootID, originalID) = ("", "", "")
        range = post.json.range
    }
}
