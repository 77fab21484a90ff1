import Archive
import Bytes
import Reader

/// Shows what a search found. All names and texts are other people's: they go through `SafeText`.
struct SearchPrinter {
    private let highlight: SearchHighlight
    private let people: People
    private let users: [String: User]
    private let channels: [String: Channel]
    private let names: ChannelNames
    /// Columns of a line of a post.
    private let width = Terminal.textWidth - 2

    init(_ open: OpenArchive, _ highlight: SearchHighlight) {
        self.highlight = highlight
        people = open.people
        users = Dictionary(open.users.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        channels = Dictionary(open.channels.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        names = open.names
    }

    func print(_ hit: SearchHit) {
        for neighbour in hit.before { printNeighbour(neighbour) }
        let header = hit.post.header
        let time = Timestamp(milliseconds: header.createAt).minute
        // What is left of a line beside the time and the id; names give way.
        let room = Terminal.textWidth - time.columns - header.id.columns - 8
        let author = people.username(header.userID, columns: room / 2)
        let place = channels[header.channelID].map(people.label) ?? SafeText.name(header.channelID)
        Terminal.print(
            "\(Terminal.strong(time))  \(author) in \(place.clipped(to: room - author.columns))  "
                + SafeText.line(header.id))
        for mark in marks(hit) { Terminal.print("  \(mark)".wrapped(indent: 4)) }
        Terminal.print("  \(excerpt(hit.post))")
        for file in hit.post.files {
            Terminal.print("  file \(SafeText.line(file.name ?? file.id))".clipped(to: width))
        }
        for neighbour in hit.after { printNeighbour(neighbour) }
        Terminal.print()
    }

    private func printNeighbour(_ neighbour: SearchHit) {
        let post = neighbour.post
        let mark = neighbour.isBare ? "(not encrypted, not signed) " : ""
        let time = Timestamp(milliseconds: post.header.createAt).minute
        let line = "    \(time)  \(people.username(post.header.userID)): \(mark)\(firstLine(post))"
        Terminal.print(line.clipped(to: Terminal.textWidth))
    }

    /// What is not as it should be, each on a line of its own.
    private func marks(_ hit: SearchHit) -> [String] {
        let post = hit.post
        var marks: [String] = []
        if case .unverified = post.text {
            marks.append(
                Terminal.alarming("NOT VERIFIED")
                    + " (\(post.verdict.authenticity?.rawValue ?? ""): \(SafeText.line(post.reason)))")
        } else if let caution = post.caution {
            marks.append(Terminal.alarming("TO LOOK AT") + " (\(SafeText.line(caution)))")
        } else if post.verdict.authenticity == .verifiedByEarlierKey {
            marks.append("(verifiedByEarlierKey)")
        }
        if let clear = clearMatch(post) {
            marks.append(
                Terminal.alarming("NOT VERIFIED")
                    + " (edited in the clear on \(clear.at.minute) UTC; nobody signed this)")
        }
        if let name = post.importName { marks.append("(imported with \(SafeText.line(name)))") }
        if hit.isBare { marks.append("(not encrypted, not signed)") }
        switch post.state {
        case .live: break
        case .deleted: marks.append("(deleted on \(Timestamp(milliseconds: post.header.deleteAt).minute))")
        case .revision, .earlier: marks.append("(said before; the post was changed)")
        }
        return marks
    }

    /// The line with the match, cut to the terminal's width around it.
    private func excerpt(_ post: ReadPost) -> String {
        guard let text = clearMatch(post)?.text ?? text(post) else { return notice(post) }
        // With spaces of its own before it, a line would stand where those of the posts around stand.
        let lines = SafeText.block(text).split(separator: "\n").map { String($0).replacing("\t", with: " ").trimmed }
            .filter { !$0.isEmpty }
        guard let first = lines.first else { return "(no text)" }
        for line in lines {
            let ranges = highlight.ranges(in: line)
            guard let match = ranges.first else { continue }
            return highlighted(line, ranges, around: match)
        }
        return first.clipped(to: width)
    }

    private func highlighted(
        _ line: String, _ ranges: [Range<String.Index>], around match: Range<String.Index>
    ) -> String {
        var window = line.startIndex..<line.endIndex
        if line.columns > width {
            var room = width - 2 - String(line[match]).columns
            var (start, end) = (match.lowerBound, match.upperBound)
            // A third before the match, the rest behind it, and what is left over before it again.
            var before = room / 3
            while start > line.startIndex, before >= 2 {
                start = line.index(before: start)
                (before, room) = (before - line[start].columns, room - line[start].columns)
            }
            while end < line.endIndex, room >= 2 {
                room -= line[end].columns
                end = line.index(after: end)
            }
            while start > line.startIndex, room >= 2 {
                start = line.index(before: start)
                room -= line[start].columns
            }
            window = start..<end
        }
        var result = window.lowerBound > line.startIndex ? "…" : ""
        var place = window.lowerBound
        for range in ranges where range.lowerBound >= place && range.upperBound <= window.upperBound {
            result += line[place..<range.lowerBound] + Terminal.highlighted(String(line[range]))
            place = range.upperBound
        }
        return result + line[place..<window.upperBound] + (window.upperBound < line.endIndex ? "…" : "")
    }

    /// The text in the clear beside the message, where that has what was searched for and the message has not.
    private func clearMatch(_ post: ReadPost) -> (text: String, at: Timestamp)? {
        func isHit(_ text: String) -> Bool {
            SafeText.block(text).split(separator: "\n").contains { !highlight.ranges(in: String($0)).isEmpty }
        }
        guard let clear = post.clearText?.withheldString, isHit(clear), !isHit(text(post) ?? "") else { return nil }
        return (clear, post.clearEditAt)
    }

    private func firstLine(_ post: ReadPost) -> String {
        guard let text = text(post) else { return notice(post) }
        let line =
            SafeText.block(text).replacing("\t", with: " ").split(separator: "\n").first.map(String.init)
            ?? "(no text)"
        if case .unverified = post.text { return "NOT VERIFIED: \(line)" }
        if post.caution != nil { return "TO LOOK AT: \(line)" }
        return line
    }

    private func text(_ post: ReadPost) -> String? {
        switch post.text {
        case .plain(let text): text
        case .verified(let text): text.string
        case .unanswered(let text): text.markedString
        case .unverified(let text): text.withheldString
        case .unreadable, .unknown: nil
        }
    }

    private func notice(_ post: ReadPost) -> String {
        post.text == .unknown ? "(\(post.reason))" : "[No text (\(SafeText.line(post.finding)))]".clipped(to: width)
    }

    /// The line of `--json`: what `export jsonl` writes of a post, but that a text nobody is known to have signed stands
    /// in a member of its own, so that no script takes it for the author's.
    func line(_ hit: SearchHit) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            write(hit.post, to: &json)
            if !hit.before.isEmpty || !hit.after.isEmpty {
                for (name, posts) in [("before", hit.before), ("after", hit.after)] {
                    json.array(name) { json in
                        for neighbour in posts { json.object { write(neighbour.post, to: &$0) } }
                    }
                }
            }
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }

    private func write(_ post: ReadPost, to json: inout JSONWriter) {
        var (text, unverified) = (self.text(post), String?.none)
        if case .unverified = post.text { (text, unverified) = (nil, text) }
        post.write(
            to: &json, text: text, clearEdit: post.clearText?.withheldString,
            username: users[post.header.userID]?.username ?? post.header.userID)
        if let unverified { json.string("unverified_text", unverified) }
        json.string("channel", channels[post.header.channelID].map(names.label))
    }
}
