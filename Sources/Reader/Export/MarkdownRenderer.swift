internal import Archive
internal import Bytes

/// Markdown (CommonMark): one file per channel, threads kept together.
///
/// Every text stands in a fenced block whose fence is longer than any row of backticks in it. Inside such a block nothing
/// is markup, so that no message can end it, forge the header of another one, or make whoever opens the file fetch a
/// picture; and it reads exactly as it was written.
struct MarkdownRenderer: PostRenderer {
    private let people: ExportPeople
    private let file: ExportFile
    /// Whether the channel has encrypted posts: then those that are not are marked.
    private let isEncrypted: Bool
    /// From the file's folder to the export's.
    private let base: String
    /// What else is said of a post, behind it.
    private let note: (ReadPost) -> String?
    private var day = ""
    /// The thread under way, and the post in it that was written last, by the ids of the posts they began with.
    private var thread = ""
    private var lastPost = ""

    /// - Parameter past: what is known of the channel over time; a package of evidence does not prove it, and leaves it out.
    init(
        _ channel: Channel, _ people: ExportPeople, _ file: ExportFile, isEncrypted: Bool,
        past: ChannelPast = ChannelPast(), base: String = "../", note: @escaping (ReadPost) -> String? = { _ in nil }
    ) {
        self.note = note
        self.people = people
        self.file = file
        self.isEncrypted = isEncrypted
        self.base = base
        let kind = ExportPeople.kind(of: channel)
        file.write("# \(MarkdownRenderer.escape(people.label(channel)))\n\n")
        let team = people.team(of: channel).map { " of team \(MarkdownRenderer.escape($0))" } ?? ""
        let account = people.account
        file.write(
            "\(kind)\(team), as \(MarkdownRenderer.escape(account.username)) sees it "
                + "\(MarkdownRenderer.escape(account.whereSeen)); all times are UTC\n")
        for gap in channel.gaps { file.write("\n*not complete: \(MarkdownRenderer.escape(gap.words))*\n") }
        if let absence = channel.absence {
            file.write("\n*\(absence.reason.words) since \(absence.since.date); kept as it was*\n")
        }
        for (place, line) in MarkdownHead.lines(past, people).enumerated() {
            file.write("\(place == 0 ? "\n" : "")- \(line)\n")
        }
    }

    mutating func write(_ post: ReadPost, _ text: ShownText, _ clearEdit: ShownText?, _ files: [ShownFile]) {
        let header = post.header
        let time = Timestamp(milliseconds: header.createAt)
        let isReply = !header.rootID.isEmpty
        let isOld = post.state.isOld
        let (postID, threadID) = (header.identityID, header.threadID)
        if threadID != thread {
            if time.date != day {
                day = time.date
                file.write("\n## \(day)\n")
            }
            // By the user's narrowing, or because the server has lost it.
            if isReply { file.write("\n*replies to a post that is not here:*\n") }
        }
        var line = "\n"
        if isReply { line += "↳ " }
        if isOld { line += postID == lastPost ? "↶ *said before:* " : "↶ *said before, by a post that is not here:* " }
        (thread, lastPost) = (threadID, postID)
        line += "**\(MarkdownRenderer.escape(people.displayName(header.userID)))**"
        line += " (@\(MarkdownRenderer.escape(people.shownUsername(header.userID)))) · "
        line += time.date == day ? time.timeOfDay : time.minute
        for mark in marks(post, text) { line += " · \(mark)" }
        file.write("\(line)\n\n")
        writeText(text)
        if let clearEdit {
            if clearEdit.shown != nil {
                file.write(
                    "\n**NOT VERIFIED**, edited in the clear on \(post.clearEditAt.minute): nobody signed this\n")
            }
            file.write("\n")
            writeText(clearEdit)
        }
        for shown in files { write(shown) }
        for reaction in post.circumstances.reactions where !isOld {
            let who = reaction.userIDs.map { "@\(MarkdownRenderer.escape(people.shownUsername($0)))" }.joined(
                separator: ", ")
            let maker =
                reaction.custom.map { " (made by @\(MarkdownRenderer.escape(people.shownUsername($0.creatorID))))" }
                ?? ""
            file.write("\n- \\:\(MarkdownRenderer.escape(reaction.emoji))\\:\(maker) \(who)\n")
        }
        if let note = note(post) { file.write("\n*\(MarkdownRenderer.escape(note))*\n") }
    }

    private func write(_ shown: ShownFile) {
        let attached = shown.attached
        let facts = [attached.size.map { "\($0) bytes" }, attached.mimeType.map(MarkdownRenderer.escape)]
        let described = facts.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ", ")
        var name = MarkdownRenderer.escape(shown.name)
        var why = ""
        switch shown.state {
        case .leftOut: break
        case .held(_, let path): if let path { name = "[\(name)](\(base)\(MarkdownRenderer.destination(path)))" }
        case .missing(let reason): why = ": not here, \(reason)"
        }
        file.write("\n- file: \(name)\(described.isEmpty ? "" : " (\(described))")\(why)\n")
    }

    /// A path as a link's destination (CommonMark, section 6.3).
    private static func destination(_ path: String) -> String {
        path.utf8.map { byte in
            let scalar = Unicode.Scalar(byte)
            let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
            return isPlain || "-._/".utf8.contains(byte)
                ? String(scalar) : "%\(Hex.encode([byte]).uppercased())"
        }.joined()
    }

    private func marks(_ post: ReadPost, _ text: ShownText) -> [String] {
        var marks: [String] = []
        let header = post.header
        if post.circumstances.isPinned { marks.append("pinned") }
        if let name = post.circumstances.postedAs { marks.append("posted as “\(MarkdownRenderer.escape(name))”") }
        if post.isEdited { marks.append("edited \(Timestamp(milliseconds: header.editAt).minute)") }
        if post.state == .deleted { marks.append("**deleted** \(Timestamp(milliseconds: header.deleteAt).minute)") }
        if let absence = post.absence {
            marks.append("**\(absence.reason.words)** (noticed \(absence.since.date))")
        }
        if text.isUnverified(post) {
            marks.append(
                "**NOT VERIFIED** (\(post.verdict.authenticity?.rawValue ?? ""): \(MarkdownRenderer.escape(post.reason)))"
            )
        }
        if let caution = post.caution {
            marks.append("**TO LOOK AT** (\(MarkdownRenderer.escape(caution)))")
        } else if post.verdict.authenticity == .verifiedByEarlierKey {
            marks.append("verifiedByEarlierKey")
        }
        if post.isWrittenByServer { marks.append("written by the server") }
        if post.verdict.content == .plain, isEncrypted { marks.append("not encrypted, not signed") }
        if post.isOwnersWord { marks.append("**NOT PROVEN** (\(ReadPost.ownersWord))") }
        if let name = post.importName { marks.append("imported with \(MarkdownRenderer.escape(name))") }
        return marks
    }

    private func writeText(_ text: ShownText) {
        switch text {
        case .withheld(let notice), .redacted(let notice), .unreadable(let notice), .unknown(let notice):
            file.write("> *\(MarkdownRenderer.escape(notice))*\n")
        case .text(let string), .unverified(let string):
            guard !string.isEmpty else { return file.write("*(no text)*\n") }
            let body = SafeText.block(string)
            var longest = 0
            var row = 0
            for character in body.utf8 {
                row = character == UInt8(ascii: "`") ? row + 1 : 0
                longest = max(longest, row)
            }
            let fence = String(repeating: "`", count: max(3, longest + 1))
            // A fence takes its own indentation away from the lines in it (CommonMark, section 4.5). So the text renders
            // as it is, and whoever reads the file unrendered sees that no line of a text stands where ours do.
            file.write("  \(fence)text\n")
            for line in (body.hasSuffix("\n") ? body.dropLast() : body[...]).split(
                separator: "\n", omittingEmptySubsequences: false)
            {
                file.write(line.isEmpty ? "\n" : "  \(line)\n")
            }
            file.write("  \(fence)\n")
        }
    }

    /// Foreign text within a line of ours: shown as it is, and never markup.
    static func escape(_ text: String) -> String {
        // An array: to append several scalars to a view copies all of it.
        var result: [Unicode.Scalar] = []
        let scalars = Array(SafeText.line(text).unicodeScalars)
        for (index, scalar) in scalars.enumerated() {
            // A backslash before ASCII punctuation takes its meaning away (CommonMark, section 2.4). Most of dots,
            // colons and the like have none within a line; those of addresses, which GitHub makes links, have. By
            // scalars: an asterisk with an accent on it is one character, and still an asterisk.
            let isMarkup =
                switch scalar {
                case ":": scalars.dropFirst(index + 1).first == "/"
                case ".": scalars[..<index].suffix(3).elementsEqual("www".unicodeScalars)
                default: "\\`*_{}[]<>#|~&!".unicodeScalars.contains(scalar)
                }
            if isMarkup { result.append("\\") }
            result.append(scalar)
        }
        return String(String.UnicodeScalarView(result))
    }
}
