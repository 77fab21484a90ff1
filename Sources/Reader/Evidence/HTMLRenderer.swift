internal import Archive
internal import Bytes
internal import E2EE

/// The conversation of one channel in `report.html`, in the order of its threads. Below each post stands where its bytes
/// are: the document, and which of its bytes.
struct HTMLRenderer: PostRenderer {
    private let people: ExportPeople
    private let file: ExportFile
    /// Whether the channel has encrypted posts: then those that are not are marked.
    private let isEncrypted: Bool
    private let findings: EvidenceFindings
    private var day = ""
    private var thread = ""

    init(
        _ channel: Channel, _ people: ExportPeople, _ file: ExportFile, isEncrypted: Bool, _ findings: EvidenceFindings
    ) {
        self.findings = findings
        self.people = people
        self.file = file
        self.isEncrypted = isEncrypted
        let team = people.team(of: channel).map { " of team \($0)" } ?? ""
        file.write("<h2>\(ReportHTML.line(people.label(channel)))</h2>\n")
        file.write("<p>\(ReportHTML.line(ExportPeople.kind(of: channel) + team)), channel <code>")
        file.write("\(ReportHTML.line(channel.id))</code>. All times are UTC.</p>\n")
        for gap in channel.gaps {
            file.write("<p class=\"notice\">not complete: \(ReportHTML.line(gap.words))</p>\n")
        }
        if let absence = channel.absence {
            file.write("<p class=\"notice\">\(absence.reason.words) since \(absence.since.date); kept as it was</p>\n")
        }
    }

    mutating func write(_ post: ReadPost, _ text: ShownText, _ clearEdit: ShownText?, _ files: [ShownFile]) {
        let header = post.header
        let time = Timestamp(milliseconds: header.createAt)
        if header.threadID != thread, time.date != day {
            day = time.date
            file.write("<h3>\(day)</h3>\n")
        }
        let isContinued = header.threadID == thread
        thread = header.threadID
        var classes = ["post"]
        if !header.rootID.isEmpty { classes.append("reply") }
        if post.state.isOld { classes.append("old") }
        if case .unverified = text { classes.append("unverified") }
        if post.caution != nil { classes.append("caution") }
        // A version that a newer one superseded has the same id.
        let anchor = post.state == .earlier ? "" : " id=\"post-\(ReportHTML.line(header.id))\""
        file.write("<div class=\"\(classes.joined(separator: " "))\"\(anchor)>\n<div class=\"who\">")
        if !header.rootID.isEmpty { file.write(isContinued ? "↳ " : "↳ (a reply to a post that is not here) ") }
        if post.state.isOld { file.write("<em>said before:</em> ") }
        file.write("<strong>\(ReportHTML.line(people.displayName(header.userID)))</strong>")
        file.write(" (@\(ReportHTML.line(people.shownUsername(header.userID)))) · \(time.minute) UTC")
        for mark in marks(post, text) { file.write(" · <span class=\"mark\">\(ReportHTML.line(mark))</span>") }
        for number in findings.about(header.id) {
            file.write(" · <a class=\"mark\" href=\"#finding-\(number)\">see finding \(number)</a>")
        }
        file.write("</div>\n")
        write(text)
        if let clearEdit {
            if clearEdit.shown != nil {
                let words = "NOT VERIFIED, edited in the clear on \(post.clearEditAt.minute) UTC: nobody signed this"
                file.write("<p class=\"notice\">\(ReportHTML.line(words))</p>\n")
            }
            write(clearEdit)
        }
        for shown in files { write(shown) }
        for reaction in post.circumstances.reactions where !post.state.isOld {
            let who = reaction.userIDs.map { "@\(people.shownUsername($0))" }.joined(separator: ", ")
            let maker = reaction.custom.map { " (made by @\(people.shownUsername($0.creatorID)))" } ?? ""
            let line = ":\(reaction.emoji):\(maker) \(who)"
            file.write("<div class=\"facts\">\(ReportHTML.line(line))</div>\n")
        }
        let range = header.range
        var facts = "\(post.finding) · \(post.state.rawValue) · post \(header.id)"
        if let key = post.signedBy { facts += " · key \(key.short)…" }
        facts += " · document \(header.documentSequence), bytes \(range.lowerBound) to \(range.upperBound)"
        file.write("<div class=\"facts\">\(ReportHTML.line(facts))</div>\n</div>\n")
    }

    private func marks(_ post: ReadPost, _ text: ShownText) -> [String] {
        let header = post.header
        var marks: [String] = []
        if text.isUnverified(post) { marks.append("NOT VERIFIED") }
        if post.state == .deleted { marks.append("deleted \(Timestamp(milliseconds: header.deleteAt).minute)") }
        if let absence = post.absence { marks.append("\(absence.reason.words) (noticed \(absence.since.date))") }
        if post.isEdited { marks.append("edited \(Timestamp(milliseconds: header.editAt).minute)") }
        if post.circumstances.isPinned { marks.append("pinned") }
        if let name = post.circumstances.postedAs { marks.append("posted as “\(name)”") }
        if let caution = post.caution {
            marks.append("TO LOOK AT (\(caution))")
        } else if post.verdict.authenticity == .verifiedByEarlierKey {
            marks.append("verified by an earlier key")
        }
        if post.isWrittenByServer { marks.append("written by the server") }
        if post.verdict.content == .plain, isEncrypted { marks.append("not encrypted, not signed") }
        if post.isOwnersWord { marks.append("NOT PROVEN (\(ReadPost.ownersWord))") }
        if let name = post.importName { marks.append("imported with \(name)") }
        return marks
    }

    private func write(_ text: ShownText) {
        switch text {
        case .withheld(let notice), .redacted(let notice), .unreadable(let notice), .unknown(let notice):
            file.write("<p class=\"notice\">\(ReportHTML.line(notice))</p>\n")
        case .text(let string), .unverified(let string):
            guard !string.isEmpty else { return file.write("<p class=\"notice\">(no text)</p>\n") }
            // A parser drops a line end right behind the tag.
            file.write("<pre>\n\(ReportHTML.block(string))</pre>\n")
        }
    }

    /// By its path and not as a link: a browser would show what a stranger sent, and obey it.
    private func write(_ shown: ShownFile) {
        let attached = shown.attached
        let facts = [attached.size.map { "\($0) bytes" }, attached.mimeType].compactMap { $0 }
        var line = "file: \(shown.name)\(facts.isEmpty ? "" : " (\(facts.joined(separator: ", ")))")"
        switch shown.state {
        case .leftOut: break
        case .held(let content, let path): line += ", in \(path ?? "the text"), SHA-256 \(content.sha256)"
        case .missing(let why): line += ": not here, \(why)"
        }
        file.write("<div class=\"facts\">\(ReportHTML.line(line))</div>\n")
    }
}
