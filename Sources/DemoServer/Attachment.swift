/// A file to hang on a post.
public struct Attachment: Sendable, Equatable {
    /// Whatever its sender chose, `../../evil name.txt` too: the server does not look.
    public var name: String
    public var mimeType: String
    public var content: [UInt8]

    public init(name: String, mimeType: String = "text/plain; charset=utf-8", content: [UInt8]) {
        self.name = name
        self.mimeType = mimeType
        self.content = content
    }
}

/// An attachment once the server has given it an id.
public struct StoredFile: Sendable, Equatable {
    public let id: String
    public let attachment: Attachment

    func json(in post: Post) -> String {
        json(of: post.userID, hangingOn: post.id, at: post.createAt)
    }

    /// - Parameter postID: "" for a file that hangs on no post yet.
    func json(of userID: String, hangingOn postID: String = "", at time: Int64) -> String {
        let name = attachment.name
        let suffix = name.lastIndex(of: ".").map { String(name[name.index(after: $0)...]) } ?? ""
        return "{\"id\":\"\(id)\",\"user_id\":\"\(userID)\""
            + (postID.isEmpty ? "" : ",\"post_id\":\"\(postID)\"")
            + ",\"channel_id\":\"\",\"create_at\":\(time),\"update_at\":\(time),\"delete_at\":0"
            + ",\"name\":\(JSONText.string(name)),\"extension\":\(JSONText.string(suffix))"
            + ",\"size\":\(attachment.content.count),\"mime_type\":\(JSONText.string(attachment.mimeType))"
            + ",\"mini_preview\":null,\"remote_id\":\"\"}"
    }
}

extension StoredFile {
    /// The file's bytes, or those of the range that is asked for (RFC 9110, section 14): one range, and only where
    /// `If-Range` names the date that the file still has.
    func answer(to exchange: Exchange, modifiedAt time: Int64) -> Answer {
        let date = HTTPDate.text(milliseconds: time)
        var answer = Answer(body: attachment.content)
        answer.contentType = attachment.mimeType
        answer.headers = [("Last-Modified", date), ("Accept-Ranges", "bytes")]
        let size = attachment.content.count
        guard let range = exchange.range, exchange.ifRange.map({ $0 == date }) ?? true,
            range.hasPrefix("bytes="), range.hasSuffix("-"), let start = Int(range.dropFirst(6).dropLast()), start >= 0
        else { return answer }
        guard start < size else {
            answer.status = 416
            answer.body = []
            answer.headers.append(("Content-Range", "bytes */\(size)"))
            return answer
        }
        answer.status = 206
        answer.body = Array(attachment.content[start...])
        answer.headers.append(("Content-Range", "bytes \(start)-\(size - 1)/\(size)"))
        return answer
    }
}
