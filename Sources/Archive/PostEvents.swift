internal import Bytes

/// Frames of the server's WebSocket that tell of posts: `posted`, `post_edited`, `post_deleted`. As a document they are
/// an array, `[FRAME,FRAME…]`, in which each frame stands byte for byte as it came.
///
/// The post in a frame is JSON within a JSON string. Its place is that string's, quotation marks included, and whoever
/// reads it there takes the string's content for the post.
public struct PostEvents: Sendable {
    /// The document's body.
    public let body: [UInt8]
    /// The post of each frame, in the order of the frames.
    public let posts: [PostHeader]
    /// The files that its posts name, each with where the post stands.
    let attachments: [PlacedAttachment]

    /// The events that carry a post of a channel's history.
    public static let names: Set<String> = ["posted", "post_edited", "post_deleted"]

    /// - Throws: `notAPage` where one of the frames is not such an event.
    public init(frames: [[UInt8]]) throws(ArchiveError) {
        var body = Array("[".utf8)
        for (place, frame) in frames.enumerated() {
            if place > 0 { body += ",\n".utf8 }
            body += frame
        }
        try self.init(body + "]".utf8)
        guard posts.count == frames.count else { throw .notAPage(what: "a frame is more than one event") }
    }

    init(_ body: [UInt8]) throws(ArchiveError) {
        let root: JSONValue
        do { root = try JSONDocument(body).root } catch { throw .notAPage(what: error.description) }
        guard root.kind == .array else { throw .notAPage(what: "it is no list of events") }
        var posts: [PostHeader] = []
        var attachments: [PlacedAttachment] = []
        for frame in root.elements {
            guard let name = frame["event"]?.string, PostEvents.names.contains(name),
                let post = frame["data"]?["post"], post.kind == .string
            else { throw .notAPage(what: "an event has no post") }
            let (header, root) = try PostHeader.read(string: post)
            posts.append(header)
            attachments += header.attachments(in: root)
        }
        self.body = body
        self.posts = posts
        self.attachments = attachments
    }

    /// The post that stands at a place of a document: as an object, or as a string that holds one. nil where there is
    /// neither.
    static func post(at place: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard place.first == UInt8(ascii: "\"") else { return place }
        guard let text = try? JSONDocument(Array(place)).root.string else { return nil }
        return Array(text.utf8)[...]
    }
}

extension PostHeader {
    /// Reads a post within a JSON string, whose place becomes its own.
    fileprivate static func read(string: JSONValue) throws(ArchiveError) -> (header: PostHeader, post: JSONValue) {
        let post: JSONValue
        do { post = try JSONDocument(Array((string.string ?? "").utf8)).root } catch {
            throw .notAPage(what: "the post of an event is \(error.description)")
        }
        let header: PostHeader
        do { header = try PostHeader(post) } catch { throw .notAPage(what: "the post of an event: \(error.why)") }
        return (header.with(id: header.id, originalID: header.originalID, range: string.range), post)
    }

    /// The version as the archive keeps one that had been superseded when it came: as the server keeps an old revision,
    /// under an id of its own, here the first 26 hexadecimal digits of its identity.
    var asOldRevision: PostHeader {
        guard originalID.isEmpty else { return self }
        return with(id: String(Hex.encode(identity).prefix(26)), originalID: id, range: range)
    }

    /// - Parameter ciphertext: what the index says the version holds.
    func with(ciphertext: [UInt8]) -> PostHeader {
        PostHeader(
            id: id, channelID: channelID, userID: userID, rootID: rootID, originalID: originalID, type: type,
            createAt: createAt, updateAt: updateAt, editAt: editAt, deleteAt: deleteAt, range: range, said: said,
            identity: identity, ciphertext: ciphertext)
    }

    private func with(id: String, originalID: String, range: Range<Int>) -> PostHeader {
        PostHeader(
            id: id, channelID: channelID, userID: userID, rootID: rootID, originalID: originalID, type: type,
            createAt: createAt, updateAt: updateAt, editAt: editAt, deleteAt: deleteAt, range: range, said: said,
            identity: identity, ciphertext: ciphertext)
    }
}
