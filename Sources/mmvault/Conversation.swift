import Archive
import Reader

/// A channel's posts as a person reads them: posts in, lines out.
///
/// No line of a text begins where headings do: the first columns are the program's own, and so is the gutter before
/// each line of a text. What stands there, no message can write, and where a text is not verified each of its lines says so.
struct Conversation {
    struct Layout {
        var width = 80
        /// Whether a word longer than a line is cut. At a terminal it must be: the terminal itself would go on with it
        /// in the first column.
        var cutsWords = false
        var isColoured = false
    }

    /// What the reader was looking for.
    enum Target: Equatable {
        case nothing
        /// By the id of the post, which its old revisions share.
        case post(String)
        /// `2026-11-23`
        case day(String)
    }

    private let channel: Channel
    let people: People
    let layout: Layout
    private let order: PostQuery.Order
    private let target: Target
    /// Whether the channel has encrypted posts: then those that are not are marked.
    let isEncrypted: Bool
    /// Tells of the post that a thread began with.
    private let root: (String) throws -> StoredVersion.Header?
    /// Tells why a file is not in the archive.
    let missing: (AttachedFile) throws -> String?

    private var day = ""
    private var thread = ""
    private var isBehindSystemPost = false
    /// The post under way, and what was shown of it: the archive may hold the same words twice, as it saw them itself and
    /// as the server remembers them.
    private var post = ""
    private var author = ""
    private var said: [Said] = []

    private struct Said: Equatable {
        let author: String
        let text: PostText
        let files: [AttachedFile]
        let finding: String
    }

    init(
        _ channel: Channel, _ people: People, layout: Layout, order: PostQuery.Order, isEncrypted: Bool,
        target: Target = .nothing,
        root: @escaping (String) throws -> StoredVersion.Header? = { _ in nil },
        missing: @escaping (AttachedFile) throws -> String? = { _ in nil }
    ) {
        self.channel = channel
        self.people = people
        self.layout = layout
        self.order = order
        self.isEncrypted = isEncrypted
        self.target = target
        self.root = root
        self.missing = missing
    }

    /// What stands above the first post.
    var heading: [String] {
        let team = people.team(of: channel).map { ", \($0)" } ?? ""
        let lines =
            wrapped("\(people.label(channel)) (\(channel.kindInWords)\(team))", .bold)
            + [channel.purpose, channel.header].filter { !$0.isEmpty }
            .flatMap { wrapped("“\(SafeText.line($0))”", .faint) }
            + wrapped("as \(people.me); all times are UTC")
            + channel.notices.flatMap { wrapped($0, .notice) }
        guard isEncrypted else { return lines }
        return lines
            + wrapped(
                "Lines marked ! are not verified, ? to look at, : neither encrypted nor signed, - said before an edit."
                    + " Lines marked * or -- are notes by mmvault.", .faint)
    }

    /// - Parameter versions: of one post, as they follow each other in the archive's order.
    mutating func lines(_ versions: [ReadPost]) throws -> [String] {
        // The server shows an old revision without its text, and may have given that, too, under the same id.
        let isSaidElsewhere = { (blank: ReadPost) in
            versions.contains { version in
                version.header.id == blank.header.id && version.text != .unknown
                    && blank.files.allSatisfy { file in version.files.contains { $0.id == file.id } }
            }
        }
        var lines: [String] = []
        for post in versions where !(post.state.isOld && post.text == .unknown && isSaidElsewhere(post)) {
            lines += try self.lines(post)
        }
        return lines
    }

    private mutating func lines(_ post: ReadPost) throws -> [String] {
        let header = post.header
        let isOld = post.state.isOld
        let isContinued = header.identityID == self.post
        let content = Said(author: header.userID, text: post.text, files: post.files, finding: post.finding)
        defer { said = (isContinued ? said : []) + [content] }
        if isOld, isContinued {
            guard !said.contains(content) else { return [] }
            let indent = header.rootID.isEmpty ? Indent.text : Indent.replyText
            return try body(post, indent, isOld: true, note: saidBefore(post))
        }
        let isSystemPost = post.verdict.content == .plain && header.type.hasPrefix("system_") && !isOld
        var lines = try opening(header, isSystemPost: isSystemPost)
        (thread, self.post, author, isBehindSystemPost) = (
            header.threadID, header.identityID, header.userID, isSystemPost
        )
        let prefix = prefix(header)
        let time = when(header.createAt)
        if isSystemPost {
            let who = post.isToldByType ? "\(people.name(header.userID)) " : ""
            let words = "system: \(who)\(SafeText.block(Conversation.string(post.text) ?? ""))".trimmed
            let marks = marks(post).map { " · \($0)" }.joined()
            return lines + wrapped("\(prefix)\(time)  [\(words)]\(marks)", .faint, indent: Indent.text)
        }
        var facts = [people.name(header.userID)] + marks(post)
        if let name = post.circumstances.postedAs { facts[0] += " as “\(SafeText.name(name))”" }
        if isOld { facts.append("said before, by a post that is not here") }
        let indent = header.rootID.isEmpty ? Indent.text : Indent.replyText
        lines += wrapped("\(prefix)\(time)  \(facts.joined(separator: " · "))", .bold, indent: indent)
        return try lines + body(post, indent, isOld: isOld, note: nil)
    }

    // MARK: Above a post

    /// The columns in which texts begin. Headings begin left of the first of them.
    private enum Indent {
        static let text = 7
        static let replyText = 11
    }

    /// The day, where a new one begins; an empty line between threads; and where a reply belongs, if that cannot be seen.
    private mutating func opening(_ header: StoredVersion.Header, isSystemPost: Bool) throws -> [String] {
        let isSameThread = header.threadID == thread
        var lines: [String] = []
        let date = Timestamp(milliseconds: header.createAt).date
        if date != day, order == .time || !isSameThread {
            day = date
            let mark = target == .day(date) ? ">" : "─"
            let words = "\(mark)─ \(Timestamp(milliseconds: header.createAt).day) "
            let line = String(repeating: "─", count: max(0, layout.width - words.columns))
            lines += ["", styled(words + line, target == .day(date) ? .marked : .bold)]
        }
        let isListed = isSystemPost && isBehindSystemPost && header.rootID.isEmpty
        if !isSameThread && !isListed || !lines.isEmpty { lines.append("") }
        if !isSameThread, !header.rootID.isEmpty { lines += try thread(of: header) }
        return lines
    }

    private func thread(of header: StoredVersion.Header) throws -> [String] {
        var words = "replies to a post that is not in the archive"
        if let root = try root(header.rootID) {
            let who = people.username(root.userID)
            words = "replies to \(who), \(when(root.createAt)) (--thread \(SafeText.line(header.rootID)))"
        }
        return wrapped("  ⋮ \(words)", .faint, indent: 4)
    }

    private func prefix(_ header: StoredVersion.Header) -> String {
        let isTarget = target == .post(header.identityID)
        if header.rootID.isEmpty { return isTarget ? "> " : "" }
        return isTarget ? "> ↳ " : "  ↳ "
    }

    private func when(_ milliseconds: Int64) -> String {
        let time = Timestamp(milliseconds: milliseconds)
        return time.date == day ? time.timeOfDay : time.minute
    }

    private func marks(_ post: ReadPost) -> [String] {
        var marks: [String] = []
        if post.circumstances.isPinned { marks.append("pinned") }
        if post.isEdited { marks.append("edited \(when(post.header.editAt))") }
        if post.state == .deleted { marks.append("deleted \(when(post.header.deleteAt))") }
        if let absence = post.absence {
            marks.append("\(absence.reason.words) (noticed \(absence.since.date))")
        }
        if post.verdict.authenticity == .verifiedByEarlierKey { marks.append("verifiedByEarlierKey") }
        let isSystemPost = post.header.type.hasPrefix("system_")
        if post.verdict.content == .plain, isEncrypted, !isSystemPost { marks.append("not encrypted, not signed") }
        if let name = post.importName { marks.append("imported with \(SafeText.line(name))") }
        return marks
    }

    /// The words above an older text.
    private func saidBefore(_ post: ReadPost) -> String {
        // When an import's text was said, nobody but the import knows.
        var words = post.importName.map { "said (imported with \(SafeText.line($0)))" } ?? "said before"
        if post.header.userID != author { words += " by \(people.name(post.header.userID))" }
        if post.state == .revision, post.header.deleteAt > 0 { words += ", until \(when(post.header.deleteAt))" }
        if post.verdict.authenticity == .verifiedByEarlierKey { words += ", verifiedByEarlierKey" }
        return "\(words):"
    }

    // MARK: Lines

    enum Style: String {
        case plain = ""
        case bold = "1"
        case faint = "2"
        case notice = "33"
        case warning = "1;31"
        case marked = "1;33"
    }

    func styled(_ text: String, _ style: Style) -> String {
        guard layout.isColoured, style != .plain, !text.isEmpty else { return text }
        return "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m"
    }

    /// A line of the program's own, which may hold names: all but its first part behind `indent` spaces.
    private func wrapped(_ line: String, _ style: Style = .plain, indent: Int = 2) -> [String] {
        let text = line.replacing("\t", with: " ").trimmedAtEnd
        let first = text.lines(width: layout.width, cutsWords: layout.cutsWords).first ?? ""
        guard first.count < text.count else { return [styled(first, style)] }
        // What follows has less room, and is broken again.
        let rest = String(text.dropFirst(first.count).drop { $0.isWhitespace })
        let margin = String(repeating: " ", count: indent)
        let more = rest.lines(width: layout.width - indent, cutsWords: layout.cutsWords)
        return [styled(first, style)] + more.map { margin + styled($0, style) }
    }
}
