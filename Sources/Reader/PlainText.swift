internal import Bytes

/// What a post says that was never encrypted: the server's word, from wherever in the post it stands.
enum PlainText {
    /// What its author wrote, or a program in the author's place; the attachments of webhooks and bots included.
    case words(String)
    /// What the server did or saw, told by the post's type: it left the words to whoever shows the post.
    case event(String)
    /// Why nobody can tell what it said.
    case unknown(String)

    init(_ post: JSONValue, type: String) {
        let message = post["message"]?.string ?? ""
        let attachments = MessageAttachment.words(of: post)
        if !message.isEmpty || !attachments.isEmpty {
            self = .words([message, attachments].filter { !$0.isEmpty }.joined(separator: "\n\n"))
        } else if type.hasPrefix("system_") {
            self = .event(SystemEvent.words(type, post["props"]))
        } else if let why = PlainText.blank(post) {
            self = .unknown(why)
        } else {
            self = .words("")
        }
    }

    /// The server takes the message out of old revisions and of tombstones (mattermost-api, `since`): that it is empty
    /// there says nothing about what it was. What an import brings says neither of itself, and means what it says.
    private static func blank(_ post: JSONValue) -> String? {
        if let original = post["original_id"]?.string, !original.isEmpty { return "the server does not say what" }
        return (post["delete_at"]?.int ?? 0) > 0 ? "the server no longer says what" : nil
    }
}

/// What webhooks and bots attach to a message (Mattermost, “Message attachments”).
enum MessageAttachment {
    /// All of a post's, in their order, an empty line between two.
    static func words(of post: JSONValue) -> String {
        (post["props"]?["attachments"]?.elements ?? []).map(shown).filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    /// A line for each of its parts, in the order in which the server's own clients show them. The fallback is what a
    /// client shows that cannot show the others.
    private static func shown(_ attachment: JSONValue) -> String {
        var lines = [attachment["pretext"], attachment["author_name"]].map(text)
        let (title, link) = (text(attachment["title"]), text(attachment["title_link"]))
        lines.append(title.isEmpty || link.isEmpty ? title + link : "\(title) (\(link))")
        lines.append(text(attachment["text"]))
        for field in attachment["fields"]?.elements ?? [] {
            lines.append([field["title"], field["value"]].map(text).filter { !$0.isEmpty }.joined(separator: ": "))
        }
        lines.append(text(attachment["footer"]))
        lines.removeAll(where: \.isEmpty)
        return lines.isEmpty ? text(attachment["fallback"]) : lines.joined(separator: "\n")
    }

    /// Values may be numbers, too.
    private static func text(_ value: JSONValue?) -> String {
        guard let value else { return "" }
        switch value.kind {
        case .string: return value.string ?? ""
        case .number, .true, .false: return String(decoding: value.bytes, as: UTF8.self)
        default: return ""
        }
    }
}
