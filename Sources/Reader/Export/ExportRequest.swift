public import Archive
internal import Bytes

/// The forms in which conversations can be written out.
public enum ExportFormat: String, CaseIterable, Sendable {
    case markdown, mbox, jsonl

    var fileExtension: String { self == .markdown ? "md" : rawValue }
}

/// What to export.
public struct ExportRequest: Sendable {
    public let format: ExportFormat
    /// In the order in which they are to come.
    public let channels: [Channel]
    /// Only posts of these users; nil for all.
    public let userIDs: [String]?
    /// Only posts with `create_at` in this range.
    public let createAt: Range<Int64>
    /// Whether texts that nobody is known to have signed are shown, marked, instead of withheld.
    public let includesUnverified: Bool
    public let includesFiles: Bool
    /// What a package of evidence leaves out, visibly.
    public internal(set) var redaction: Redaction
    /// The narrowing in the user's own words, for the manifest.
    public let asked: [(name: String, value: String)]

    public init(
        format: ExportFormat, channels: [Channel], userIDs: [String]? = nil,
        createAt: Range<Int64> = Int64.min..<Int64.max,
        includesUnverified: Bool = false, includesFiles: Bool = true, redaction: Redaction = Redaction(),
        asked: [(name: String, value: String)] = []
    ) {
        self.format = format
        self.channels = channels
        self.userIDs = userIDs
        self.createAt = createAt
        self.includesUnverified = includesUnverified
        self.includesFiles = includesFiles
        self.redaction = redaction
        self.asked = asked
    }
}

/// How many posts and old revisions an export holds, and what became of their texts.
public struct ExportCounts: Equatable, Sendable {
    /// All of them, whether or not a text could be shown.
    public var posts = 0
    /// With their text, be it empty: plain, or verified and decrypted.
    public var exported = 0
    /// Of these, with a mark: verified and suspicious, or by a key that nobody has answered for.
    public var cautioned = 0
    /// With a text that nobody is known to have signed, shown and marked because that was asked for.
    public var unverified = 0
    /// With a notice in place of such a text.
    public var withheld = 0
    /// With a notice because the archive's owner left the text out.
    public var redacted = 0
    /// With a notice because the server has taken the text out.
    public var unknown = 0
    /// With a notice because there is no text, by the verdict on the content.
    public var unreadable: [Content: Int] = [:]
    public var states: [PostState: Int] = [:]
    /// Files that stand with their posts.
    public var files = 0
    /// Files in whose place it says why they do not.
    public var missingFiles = 0
    /// Posts that have gone from the server without a tombstone.
    public var absent = 0
    /// Posts beside whose message stands a text in the clear that nobody signed.
    public var clearEdits = 0
    /// Of these, with a notice in place of that text.
    public var withheldClearEdits = 0

    mutating func count(_ post: ReadPost, _ text: ShownText, _ clearEdit: ShownText?, _ shown: [ShownFile]) {
        posts += 1
        if let clearEdit {
            clearEdits += 1
            if clearEdit.shown == nil { withheldClearEdits += 1 }
        }
        if post.absence != nil { absent += 1 }
        for file in shown {
            switch file.state {
            case .leftOut: break
            case .held: files += 1
            case .missing: missingFiles += 1
            }
        }
        states[post.state, default: 0] += 1
        if post.caution != nil, case .text = text { cautioned += 1 }
        switch text {
        case .text: exported += 1
        case .unverified: unverified += 1
        case .withheld: withheld += 1
        case .redacted: redacted += 1
        case .unknown: unknown += 1
        case .unreadable: unreadable[post.verdict.content, default: 0] += 1
        }
    }

    static func += (left: inout ExportCounts, right: ExportCounts) {
        left.posts += right.posts
        left.exported += right.exported
        left.cautioned += right.cautioned
        left.files += right.files
        left.missingFiles += right.missingFiles
        left.absent += right.absent
        left.clearEdits += right.clearEdits
        left.withheldClearEdits += right.withheldClearEdits
        left.unverified += right.unverified
        left.withheld += right.withheld
        left.unknown += right.unknown
        left.unreadable.merge(right.unreadable, uniquingKeysWith: +)
        left.states.merge(right.states, uniquingKeysWith: +)
    }
}

/// What an export came to.
public struct ExportSummary: Sendable {
    public let counts: ExportCounts
    /// Paths below the export's folder, the manifest last.
    public let files: [String]
}

/// What stands in the place of a post's text.
enum ShownText: Equatable {
    case text(String)
    /// Shown because it was asked for: whoever writes it out marks it.
    case unverified(String)
    /// A notice.
    case withheld(String)
    /// A notice: the archive's owner left it out.
    case redacted(String)
    /// A notice.
    case unreadable(String)
    /// A notice.
    case unknown(String)

    /// Whether the text that stands here, or that the owner left out here, is not verified.
    func isUnverified(_ post: ReadPost) -> Bool {
        switch (self, post.text) {
        case (.unverified, _), (.redacted, .unverified): true
        default: false
        }
    }

    /// - Parameter includesUnanswered: whether a text is shown whose key nobody has answered for; it is marked as well.
    init(_ post: ReadPost, includesUnverified: Bool, includesUnanswered: Bool = true) {
        let why = post.finding
        switch post.text {
        case .plain(let text): self = .text(text)
        case .verified(let text): self = .text(text.string)
        case .unanswered(let text):
            self =
                includesUnanswered || includesUnverified
                ? .text(text.markedString) : .withheld("[Text withheld (\(why))]")
        case .unverified(let text):
            self = includesUnverified ? .unverified(text.withheldString) : .withheld("[Text withheld (\(why))]")
        case .unreadable: self = .unreadable("[No text (\(why))]")
        case .unknown: self = .unknown("[Text unknown (\(post.reason))]")
        }
    }

    /// - Parameter hash: of the post as it stands in its document.
    init(redacted hash: SHA256Digest) {
        self = .redacted("[Redacted by the archive's owner (SHA-256 of the post as it came: \(hash))]")
    }

    /// The text in the clear beside a message, which is nobody's; nil where there is none.
    init?(clearEditOf post: ReadPost, includesUnverified: Bool) {
        guard let text = post.clearText else { return nil }
        self =
            includesUnverified
            ? .unverified(text.withheldString)
            : .withheld("[Edited in the clear on \(post.clearEditAt.minute) UTC; text withheld: nobody signed it]")
    }

    /// The text of the post, where it is shown.
    var shown: String? {
        switch self {
        case .text(let text), .unverified(let text): text
        case .withheld, .redacted, .unreadable, .unknown: nil
        }
    }

    /// What to write: the text, or the notice in its place.
    var written: String {
        switch self {
        case .text(let text), .unverified(let text), .withheld(let text), .redacted(let text), .unreadable(let text),
            .unknown(let text):
            text
        }
    }
}
