internal import Bytes

/// An answer with posts that was asked for before events about some of them came, and that may be older than these. As
/// a document it is `{"late":[ID…],"left_out":[ID…],"answer":ANSWER}`, in which the answer stands byte for byte as it
/// came.
///
/// What it says of the posts named as late becomes old revisions; what it says of those left out says nothing that is
/// not archived.
struct OvertakenAnswer: Sendable {
    /// The document's body.
    let body: [UInt8]
    /// What the index holds of it, in the order of the answer.
    let posts: [PostHeader]
    let attachments: [PlacedAttachment]

    init(
        _ answer: [UInt8], channelID: String?, late: Set<String>, leftOut: Set<String>
    ) throws(ArchiveError) {
        var json = JSONWriter()
        json.object { json in
            json.array("late") { json in for id in late.sorted() { json.string(nil, id) } }
            json.array("left_out") { json in for id in leftOut.sorted() { json.string(nil, id) } }
        }
        try self.init(json.bytes.dropLast() + #","answer":"#.utf8 + answer + "}".utf8, channelID: channelID)
    }

    /// - Parameter channelID: the channel that was asked about.
    init(_ body: [UInt8], channelID: String?) throws(ArchiveError) {
        let root: JSONValue
        do { root = try PostsPage.parse(body) } catch { throw .notAPage(what: error.description) }
        guard let late = OvertakenAnswer.ids(root["late"]), let leftOut = OvertakenAnswer.ids(root["left_out"]),
            let answer = root["answer"]
        else { throw .notAPage(what: "it does not say which of its posts are late") }
        let page = try PostsPage(answer, channelID: channelID)
        var starts: Set<Int> = []
        posts = page.posts.compactMap { post in
            guard !leftOut.contains(post.id) else { return nil }
            starts.insert(post.range.lowerBound)
            return late.contains(post.id) ? post.asOldRevision : post
        }
        attachments = page.attachments.filter { starts.contains($0.postStart) }
        self.body = body
    }

    private static func ids(_ list: JSONValue?) -> Set<String>? {
        guard let list, list.kind == .array else { return nil }
        let ids = list.elements.compactMap(\.string)
        return ids.count == list.elements.count ? Set(ids) : nil
    }
}
