internal import Archive
internal import Bytes
internal import E2EE

public struct Export {
    public static func verdictLine(_ post: ReadPost) -> [UInt8] {
        var j = JSONWriter()
        j.object {
            $0.string("id", post.header.id)
            $0.string("state", post.state.rawValue)
            $0.string("channel_id", post.header.channelID)
            $0.string("user_id", post.header.userID)
            $0.string("authenticity", post.verdict.authenticity?.rawValue)
            $0.string("content", post.verdict.content.rawValue)
            $0.string("key_id", post.signedBy?.description)
            switch post.text {
            case .plain(let s): $0.string("text", s)
            case .verified(let v): $0.string("text", v.string)
            case .unverified(let v): $0.string("text", v.withheldString)
            case .unreadable: $0.null("text")
            }
        }
        return j.bytes + [10]
    }
}
