internal import Archive
internal import Bytes
internal import E2EE

/// mboxrd: one mailbox per channel, one message per post or old revision, LF line ends.
///
/// The body is the text and one LF. A line of it that begins with `From `, whatever number of `>` before, gets one more
/// `>`; taking one away, and the last LF, gives back the text exactly. What a mail cannot carry so (CR, NUL, a line of
/// more than 998 bytes) goes in base64.
struct MboxRenderer: PostRenderer {
    private let channel: Channel
    private let people: ExportPeople
    private let file: ExportFile
    /// Where files come from that are parts of their mails; nil where a header names each, and it stands elsewhere.
    private let store: FileStore?
    private let host: String
    /// Whether the channel has encrypted posts: then those that are not are marked.
    private let isEncrypted: Bool
    private let label: String
    /// The subject of the thread under way, and its first post.
    private var thread: (id: String, subject: String)?
    /// The old revisions of the post under way that are written: the archive may hold several versions of one.
    private var revisions: (original: String, ids: Set<String>) = ("", [])

    /// The files of the post under way that stand in a mail already, each with that mail's id: versions of a post have the
    /// same files.
    private var attached: (post: String, mails: [String: String]) = ("", [:])

    init(
        _ channel: Channel, _ people: ExportPeople, _ file: ExportFile, _ store: FileStore?, isEncrypted: Bool
    ) {
        self.store = store
        self.isEncrypted = isEncrypted
        self.channel = channel
        self.people = people
        self.file = file
        host = people.host
        label = people.label(channel)
    }

    mutating func write(_ post: ReadPost, _ text: ShownText, _ clearEdit: ShownText?, _ files: [ShownFile]) throws {
        let header = post.header
        if post.state == .revision, revisions.original != header.originalID { revisions = (header.originalID, []) }
        let isKnown = post.state == .revision && !revisions.ids.insert(header.id).inserted
        let isSuperseded = post.state == .earlier || isKnown
        let username = MailText.atom(people.username(header.userID))
        writeOrigin(
            Timestamp(milliseconds: header.createAt), from: people.shownName(header.userID), address: username)
        field("Subject", MailText.unstructured(subject(post, text)))
        let ownID = isSuperseded ? messageID(header, version: header.sequence) : messageID(header.id)
        field("Message-ID", ownID)
        let references = references(post)
        if let parent = references.last {
            field("In-Reply-To", parent)
            field("References", references.joined(separator: " "))
        }
        field("List-Id", list)
        writeVerdict(post, text)
        for shown in files {
            guard case .missing(let why) = shown.state else { continue }
            field("X-Mattermost-File-Missing", "\(MailText.atom(shown.attached.id)) \(MailText.unstructured(why))")
        }
        if attached.post != header.identityID { attached = (header.identityID, [:]) }
        var held: [ShownFile] = []
        for shown in files where store != nil && shown.content != nil {
            if let mail = attached.mails[shown.attached.id] {
                field("X-Mattermost-File-In", "\(MailText.atom(shown.attached.id)) \(mail)")
            } else {
                attached.mails[shown.attached.id] = ownID
                held.append(shown)
            }
        }
        field("MIME-Version", "1.0")
        if let store, !held.isEmpty {
            try writeParts(text.written, held, store, boundary: MailAttachment.boundary(text.written, header))
        } else {
            writeText(text.written)
        }
        file.write("\n")
        if let clearEdit { write(clearEdit, of: post, in: ownID) }
    }

    /// What the server has in the clear beside a message, as a mail of its own: it is later, and nobody's.
    private func write(_ clearEdit: ShownText, of post: ReadPost, in parent: String) {
        let header = post.header
        // The server does not say who edited, and nobody signed it.
        writeOrigin(
            post.clearEditAt, from: "unsigned edit of a post by \(people.shownName(header.userID))", address: "unsigned"
        )
        let mark = clearEdit.shown == nil ? "[withheld]" : "[NOT VERIFIED]"
        field("Subject", MailText.unstructured("\(mark) [edited in the clear] post \(header.id)"))
        field("Message-ID", "<\(header.id).clear\(header.sequence)@\(host)>")
        field("In-Reply-To", parent)
        field("References", parent)
        field("List-Id", list)
        field("X-Mattermost-Post-Id", header.id)
        field("X-Mattermost-Channel-Id", header.channelID)
        field("X-Mattermost-User-Id", header.userID)
        field("X-Mattermost-State", post.state.rawValue)
        field("X-Mattermost-Authenticity", "none")
        field("X-Mattermost-Clear-Edit-At", String(post.clearEditAt.milliseconds))
        field("X-Mattermost-Text", clearEdit.shown == nil ? "withheld" : "unverified")
        field("MIME-Version", "1.0")
        writeText(clearEdit.written)
        file.write("\n")
    }

    /// The line that begins a mail, and who wrote it, where and when.
    ///
    /// - Parameter address: an atom.
    private func writeOrigin(_ said: Timestamp, from name: String, address: String) {
        // Mail programs take no time that has more than four digits for a year. Another field has the number.
        let time = said.isPlausible ? said : Timestamp(milliseconds: 0)
        file.write("From mmvault@localhost \(time.asctime)\n")
        // No mail address (RFC 2606): an answer by mail must not carry a decrypted text to some mail server.
        field("From", "\(MailText.phrase(name)) <\(address)@\(host).invalid>")
        field("To", "\(MailText.phrase(label)) <\(MailText.atom(channel.id))@\(host).invalid>")
        field("Date", time.rfc5322)
    }

    private var list: String {
        let name = MailText.atom(channel.name.isEmpty ? channel.id : channel.name)
        return "\(MailText.phrase(label)) <\(name).\(channel.id).\(host)>"
    }

    private func writeParts(_ text: String, _ files: [ShownFile], _ store: FileStore, boundary: String)
        throws(ArchiveError)
    {
        field("Content-Type", "multipart/mixed; boundary=\"\(boundary)\"")
        file.write("\n--\(boundary)\n")
        writeText(text)
        for shown in files {
            guard let content = shown.content else { continue }
            file.write("--\(boundary)\n\(MailAttachment.header(shown))\n")
            try MailAttachment.write(content, from: store, to: file)
        }
        file.write("--\(boundary)--\n")
    }

    private func field(_ name: String, _ value: String) { file.write("\(name): \(value)\n") }

    private func writeVerdict(_ post: ReadPost, _ text: ShownText) {
        let header = post.header
        field("X-Mattermost-Post-Id", header.id)
        field("X-Mattermost-Channel-Id", header.channelID)
        field("X-Mattermost-User-Id", header.userID)
        if !header.rootID.isEmpty { field("X-Mattermost-Root-Id", header.rootID) }
        if !header.originalID.isEmpty { field("X-Mattermost-Original-Id", header.originalID) }
        if !header.type.isEmpty { field("X-Mattermost-Type", MailText.unstructured(header.type)) }
        field("X-Mattermost-State", post.state.rawValue)
        field("X-Mattermost-Authenticity", post.verdict.authenticity?.rawValue ?? "none")
        field("X-Mattermost-Content", post.verdict.content.rawValue)
        if !post.verdict.suspicions.isEmpty {
            field("X-Mattermost-Suspicions", post.verdict.suspicions.map(\.rawValue).joined(separator: ", "))
        }
        if let name = post.importName { field("X-Mattermost-Source", MailText.unstructured("import \(name)")) }
        if let key = post.signedBy { field("X-Mattermost-Key-Id", key.description) }
        if !post.reason.isEmpty { field("X-Mattermost-Reason", MailText.unstructured(post.reason)) }
        let shown =
            switch text {
            case .text: "yes"
            case .unverified: "unverified"
            case .withheld: "withheld"
            case .redacted: "redacted"
            case .unreadable: "no"
            case .unknown: "unknown"
            }
        field("X-Mattermost-Text", shown)
        if post.isOwnersWord { field("X-Mattermost-Not-Proven", ReadPost.ownersWord) }
        field("X-Mattermost-Create-At", String(header.createAt))
        if post.isEdited { field("X-Mattermost-Edit-At", String(header.editAt)) }
        if header.deleteAt > 0 { field("X-Mattermost-Delete-At", String(header.deleteAt)) }
        if let absence = post.absence { field("X-Mattermost-Absent", MboxRenderer.words(absence)) }
        if let absence = channel.absence { field("X-Mattermost-Channel-Absent", MboxRenderer.words(absence)) }
        if post.circumstances.isPinned { field("X-Mattermost-Pinned", "yes") }
        if let name = post.circumstances.postedAs { field("X-Mattermost-Posted-As", MailText.unstructured(name)) }
        for reaction in post.circumstances.reactions where !post.state.isOld {
            let maker = reaction.custom.map { " \(MailText.atom($0.creatorID))" } ?? ""
            for userID in reaction.userIDs {
                let who = "\(MailText.atom(userID)) \(MailText.phrase(people.username(userID)))"
                field("X-Mattermost-Reaction", "\(who) \(MailText.phrase(reaction.emoji))\(maker)")
            }
        }
        for attached in post.files {
            let size = attached.size.map { " \($0)" } ?? ""
            let name = attached.name.map { " \(MailText.phrase($0))" } ?? ""
            field("X-Mattermost-File", "\(MailText.atom(attached.id))\(size)\(name)")
        }
    }

    private static func words(_ absence: NoticedAbsence) -> String {
        "\(absence.reason.rawValue) \(absence.since.milliseconds)"
    }

    // MARK: Threads

    /// Versions of one post share its id; the newest has the plain one, so that replies find it.
    private func messageID(_ header: StoredVersion.Header, version: Int64) -> String {
        "<\(header.id).v\(version)@\(host)>"
    }

    private func messageID(_ id: String) -> String { "<\(id)@\(host)>" }

    /// From the thread's first post to the message's parent.
    private func references(_ post: ReadPost) -> [String] {
        let header = post.header
        var ids = header.rootID.isEmpty ? [] : [header.rootID]
        if !header.originalID.isEmpty {
            ids.append(header.originalID)
        } else if post.state == .earlier {
            ids.append(header.id)
        }
        return ids.map(messageID)
    }

    /// The beginning of the thread's first text; never of one that is withheld.
    private mutating func subject(_ post: ReadPost, _ text: ShownText) -> String {
        var marks: [String] = []
        if post.isWrittenByServer { marks.append("[system]") }
        if text.isUnverified(post) { marks.append("[NOT VERIFIED]") }
        if post.caution != nil { marks.append("[to look at]") }
        if case .withheld = text { marks.append("[withheld]") }
        if case .redacted = text { marks.append("[redacted]") }
        if post.isOwnersWord { marks.append("[NOT PROVEN]") }
        if case .unreadable = text { marks.append("[not readable]") }
        if case .unknown = text { marks.append("[text unknown]") }
        if post.state == .deleted { marks.append("[deleted]") }
        if post.state.isOld { marks.append("[earlier]") }
        if post.isEdited { marks.append("[edited]") }
        if post.verdict.content == .plain, isEncrypted { marks.append("[not encrypted]") }
        let header = post.header
        let isFirst = header.rootID.isEmpty && header.originalID.isEmpty && post.state != .earlier
        if isFirst {
            var own = MboxRenderer.summary(text, post)
            // An unverified text must not lend its words to the replies' subjects.
            if case .unverified = text { own = "post of \(people.displayName(header.userID))" }
            thread = (header.id, own)
        }
        let root = header.rootID.isEmpty ? (header.originalID.isEmpty ? header.id : header.originalID) : header.rootID
        let known = thread?.id == root ? thread?.subject : nil
        let words = isFirst ? MboxRenderer.summary(text, post) : "Re: \(known ?? "thread \(root)")"
        return (marks + [words]).joined(separator: " ")
    }

    private static func summary(_ text: ShownText, _ post: ReadPost) -> String {
        guard let shown = text.shown else { return "post \(post.header.id)" }
        let line = shown.split(whereSeparator: \.isNewline).first { $0.contains { !$0.isWhitespace } }
        guard let line else { return post.files.first?.name.map { "file \($0)" } ?? "(no text)" }
        return line.count > 70 ? "\(line.prefix(69))…" : String(line)
    }

    // MARK: The body

    /// The text with the headers of its part.
    private func writeText(_ text: String) {
        field("Content-Type", "text/plain; charset=UTF-8")
        guard MboxRenderer.fitsEightBit(text) else {
            field("Content-Transfer-Encoding", "base64")
            file.write("\n")
            return MailAttachment.writeLines(Array(text.utf8), to: file)
        }
        field("Content-Transfer-Encoding", "8bit")
        file.write("\n")
        for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if line.drop(while: { $0 == UInt8(ascii: ">") }).starts(with: "From ".utf8) { file.write(">") }
            file.write(line)
            file.write("\n")
        }
    }

    /// RFC 5322, section 2.1.1, and RFC 2045, section 2.8: lines of at most 998 bytes, no NUL, CR only before LF; CR LF
    /// would come out as LF.
    private static func fitsEightBit(_ text: String) -> Bool {
        var length = 0
        for byte in text.utf8 {
            if byte == 0 || byte == 0x0D { return false }
            length = byte == 0x0A ? 0 : length + 1
            if length > 990 { return false }
        }
        return true
    }
}
