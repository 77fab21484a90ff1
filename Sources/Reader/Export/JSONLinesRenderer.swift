public import Archive
public import Bytes
internal import E2EE

/// JSON Lines: one object a post or old revision, members in a fixed order.
struct JSONLinesRenderer: PostRenderer {
    private let people: ExportPeople
    private let file: ExportFile

    init(_ people: ExportPeople, _ file: ExportFile) {
        self.people = people
        self.file = file
    }

    func write(_ post: ReadPost, _ text: ShownText, _ clearEdit: ShownText?, _ files: [ShownFile]) {
        file.write(JSONLinesRenderer.line(post, text, clearEdit, files, people))
    }

    /// One line, with its end.
    static func line(
        _ post: ReadPost, _ text: ShownText, _ clearEdit: ShownText?, _ files: [ShownFile], _ people: ExportPeople
    ) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            let username = people.username(post.header.userID)
            post.write(
                to: &json, text: text.shown, clearEdit: clearEdit?.shown, username: username, states: files.map(\.state)
            )
            if case .redacted = text { json.bool("redacted", true) }
            if post.isOwnersWord { json.bool("document_redacted", true) }
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }
}

extension JSONWriter {
    /// The member that says since when the server shows something no longer; null where it does, as far as is known.
    public mutating func absence(_ absence: NoticedAbsence?) {
        guard let absence else { return null("absence") }
        object("absence") {
            $0.string("reason", absence.reason.rawValue)
            $0.int("since", absence.since.milliseconds)
        }
    }
}

extension ReadPost {
    /// The line of `mmvault verify --json`, with its line end.
    public var verdictLine: [UInt8] {
        var json = JSONWriter()
        json.object {
            writeVerdict(to: &$0)
            writeSource(to: &$0)
            writeClearEdit(nil, to: &$0)
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }

    /// The members of a post's object, in their order.
    ///
    /// - Parameters:
    ///   - text: what is shown of it; nil for null.
    ///   - clearEdit: what is shown of the text in the clear beside it; nil for null, where there is such a text.
    public func write(to json: inout JSONWriter, text: String?, clearEdit: String?, username: String) {
        write(
            to: &json, text: text, clearEdit: clearEdit, username: username, states: files.map { _ in .leftOut })
    }

    /// - Parameter states: what became of each of the files.
    func write(
        to json: inout JSONWriter, text: String?, clearEdit: String?, username: String, states: [ShownFile.State]
    ) {
        writeVerdict(to: &json)
        json.int("create_at", header.createAt)
        json.int("edit_at", header.editAt)
        json.string("root_id", header.rootID)
        json.string("type", header.type)
        json.string("text", text)
        json.array("files") { json in
            for (attached, state) in zip(files, states) {
                json.object {
                    $0.string("id", attached.id)
                    $0.string("name", attached.name)
                    if let size = attached.size { $0.int("size", size) } else { $0.null("size") }
                    $0.string("mime_type", attached.mimeType)
                    switch state {
                    case .leftOut: break
                    case .held(let content, let path):
                        $0.string("sha256", content.sha256.description)
                        $0.string("path", path)
                    case .missing(let why): $0.string("missing", why)
                    }
                }
            }
        }
        json.int("update_at", header.updateAt)
        json.int("delete_at", header.deleteAt)
        json.string("original_id", header.originalID)
        json.string("username", username)
        json.string("opened_by", openedBy?.description)
        json.string("reason", reason)
        json.bool("is_pinned", circumstances.isPinned)
        json.array("reactions") { json in
            for reaction in circumstances.reactions {
                json.object { json in
                    json.string("emoji", reaction.emoji)
                    json.array("user_ids") { json in for id in reaction.userIDs { json.string(nil, id) } }
                    guard let custom = reaction.custom else { return }
                    json.object("custom") {
                        $0.string("id", custom.id)
                        $0.string("creator_id", custom.creatorID)
                    }
                }
            }
        }
        json.string("posted_as", circumstances.postedAs)
        json.absence(absence)
        writeSource(to: &json)
        writeClearEdit(clearEdit, to: &json)
    }

    /// Only where there is one: the text that the server has in the clear beside the message, and since when. It is nobody's.
    private func writeClearEdit(_ text: String?, to json: inout JSONWriter) {
        guard clearText != nil else { return }
        json.object("clear_edit") {
            $0.int("at", clearEditAt.milliseconds)
            $0.string("text", text)
        }
    }

    /// The members that verify and the export share.
    private func writeVerdict(to json: inout JSONWriter) {
        json.string("id", header.id)
        json.string("state", state.rawValue)
        json.string("channel_id", header.channelID)
        json.string("user_id", header.userID)
        json.string("authenticity", verdict.authenticity?.rawValue)
        json.string("content", verdict.content.rawValue)
        json.string("key_id", signedBy?.description)
    }

    /// Behind everything else: what came later to the format. The source only where it is not the account's own server.
    private func writeSource(to json: inout JSONWriter) {
        if let importName { json.string("source", "import \(importName)") }
        json.string("signer_id", signer?.description)
        json.array("suspicions") { json in
            for suspicion in verdict.suspicions { json.string(nil, suspicion.rawValue) }
        }
    }
}
