import Archive
import Reader

/// What a post says, behind the gutter that tells how far to believe it.
extension Conversation {
    func body(_ post: ReadPost, _ indent: Int, isOld: Bool, note: String?) throws -> [String] {
        var gutter = isOld ? "-" : ""
        let style: Style = isOld ? .faint : .plain
        var gutterStyle = style
        var lines: [String] = []
        if case .unverified = post.text {
            gutter += "!"
            gutterStyle = .warning
        } else if post.caution != nil {
            gutter += "?"
            gutterStyle = .notice
        } else if post.verdict.content == .plain, isEncrypted {
            gutter += ":"
            gutterStyle = .notice
        }
        func add(_ text: String, _ style: Style, gutter: String) {
            let margin = String(repeating: " ", count: indent - 1 - gutter.count) + styled(gutter, gutterStyle) + " "
            for line in text.lines(width: layout.width - indent, cutsWords: layout.cutsWords) {
                let isBare = line.isEmpty && gutter.isEmpty
                // A text that is not verified is marked, but its letters are as others are: it is there to be read.
                lines.append(isBare ? "" : line.isEmpty ? margin.trimmedAtEnd : margin + styled(line, style))
            }
        }
        // What the program says in the place of a text, or above one, has gutters that no text has.
        let own = gutter + "*"
        if let note { add(note, .faint, gutter: "--") }
        if let caution = post.caution { add("TO LOOK AT (\(SafeText.line(caution)))", .notice, gutter: gutter + "*") }
        switch post.text {
        case .unverified(let text):
            let verdict = post.verdict.authenticity?.rawValue ?? ""
            let reason = post.reason.isEmpty ? "" : ": \(SafeText.line(post.reason))"
            add("NOT VERIFIED (\(verdict)\(reason))", .warning, gutter: gutter)
            if let shown = Conversation.shown(text.withheldString) {
                add(shown, .plain, gutter: gutter)
            } else {
                add("(no text)", .faint, gutter: own)
            }
        case .unreadable:
            add("[No text (\(SafeText.line(post.finding)))]", isOld ? .faint : .notice, gutter: own)
        case .plain(let text):
            if let shown = Conversation.shown(text) {
                add(shown, style, gutter: gutter)
            } else if post.files.isEmpty {
                add("(no text)", .faint, gutter: own)
            }
        case .unknown:
            add("(\(SafeText.line(post.reason)))", .faint, gutter: own)
        case .verified, .unanswered:
            if let shown = Conversation.string(post.text).flatMap(Conversation.shown) {
                add(shown, style, gutter: gutter)
            } else if post.files.isEmpty {
                add("(no text)", .faint, gutter: own)
            }
        }
        if let clear = post.clearText.flatMap({ Conversation.shown($0.withheldString) }) {
            let gutter = isOld ? "-!" : "!"
            add(
                "NOT VERIFIED (edited in the clear on \(post.clearEditAt.minute) UTC; nobody signed this)", .warning,
                gutter: gutter)
            add(clear, .plain, gutter: gutter)
        }
        for file in post.files {
            let size = file.size.map { ", \(Conversation.size($0))" } ?? ""
            let why = try missing(file).map { ": not here, \($0)" } ?? ""
            add("file \(SafeText.line(file.name ?? file.id))\(size)\(why)", .faint, gutter: isOld ? "-+" : "+")
        }
        for reaction in post.circumstances.reactions where !isOld {
            let who = reaction.userIDs.map(people.username).joined(separator: ", ")
            let maker = reaction.custom.map { " (made by \(people.username($0.creatorID)))" } ?? ""
            add(":\(SafeText.line(reaction.emoji)):\(maker) \(who)", .faint, gutter: "+")
        }
        return lines
    }

    static func string(_ text: PostText) -> String? {
        switch text {
        case .plain(let string): string
        case .verified(let text): text.string
        case .unanswered(let text): text.markedString
        case .unverified(let text): text.withheldString
        case .unreadable, .unknown: nil
        }
    }

    /// A text without the empty lines at its end; nil where nothing is left.
    private static func shown(_ text: String) -> String? {
        let shown = SafeText.block(text).trimmedAtEnd
        return shown.isEmpty ? nil : shown
    }

    private static func size(_ bytes: Int64) -> String {
        var (number, unit) = (Double(bytes), 0)
        let units = ["bytes", "KiB", "MiB", "GiB"]
        while number >= 1024, unit < units.count - 1 { (number, unit) = (number / 1024, unit + 1) }
        guard unit > 0 else { return Int(clamping: bytes).of("byte") }
        let tenths = Int((number * 10).rounded())
        return tenths >= 100 || tenths % 10 == 0
            ? "\((tenths / 10).grouped) \(units[unit])" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}
