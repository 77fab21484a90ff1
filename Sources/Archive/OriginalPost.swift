internal import Bytes

/// That a post is the original of several with one ciphertext, as the archive's owner says: whoever has the server can show
/// a message again in another post, and where both came with one pull, nothing else tells which was first.
public struct OriginalPost: Equatable, Sendable {
    public let postID: String
    /// The digest of `CiphertextDigest`, 32 hexadecimal digits.
    public let ciphertext: String
    public let at: Timestamp

    public init(postID: String, ciphertext: String, at: Timestamp) {
        (self.postID, self.ciphertext, self.at) = (postID, ciphertext, at)
    }

    /// Reads what `document` wrote; nil for anything else.
    init?(_ json: JSONValue) {
        guard let postID = json["post_id"]?.string, PostHeader.isIdentifier(postID),
            let ciphertext = json["ciphertext"]?.string, Hex.decode(ciphertext)?.count == 16,
            ciphertext == ciphertext.lowercased(),
            let at = json["decided"]?.string.flatMap(Timestamp.init(iso8601:))
        else { return nil }
        self.init(postID: postID, ciphertext: ciphertext, at: at)
    }

    /// The statements as a document of the archive.
    public static func document(_ originals: [OriginalPost], at time: Timestamp) -> ReceivedDocument {
        var json = JSONWriter()
        json.array { json in
            for original in originals {
                json.object {
                    $0.string("post_id", original.postID)
                    $0.string("ciphertext", original.ciphertext)
                    $0.string("decided", original.at.iso8601)
                }
            }
        }
        return ReceivedDocument(kind: .originals, request: "-", channelID: nil, receivedAt: time, body: json.bytes)
    }
}
