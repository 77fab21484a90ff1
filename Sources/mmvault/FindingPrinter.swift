import Archive
import Reader

/// Findings for people: by kind, each with what it can mean and what it cannot, and where it is.
struct FindingPrinter {
    /// Findings of one kind, posts of one finding and channels of one finding that are shown; `--json` has all of them.
    private static let shownFindings = 20
    private static let shownPosts = 5
    private static let shownChannels = 8

    func print(_ findings: [Finding]) {
        let kinds = Dictionary(grouping: findings, by: \.kind).sorted { $0.key < $1.key }
        for (kind, findings) in kinds {
            Terminal.print(Terminal.strong(kind.title))
            for finding in findings.prefix(Self.shownFindings) { print(finding) }
            if findings.count > Self.shownFindings {
                Terminal.print("  and \((findings.count - Self.shownFindings).grouped) more (--json has all of them)")
            }
            Terminal.print()
        }
        let open = findings.filter { !$0.isExplained }.count
        let explained = findings.count - open
        if findings.isEmpty { return Terminal.print("Nothing found.") }
        let rest = explained == 0 ? "" : "\(explained.grouped) with a probable explanation (-)"
        Terminal.print(
            open == 0
                ? "Nothing found, but for \(rest)."
                : "\(open.of("finding"))\(rest.isEmpty ? "" : ", and \(rest)")."
        )
    }

    private func print(_ finding: Finding) {
        item(finding.isExplained ? "-" : "!", finding.seen)
        if let explanation = finding.explanation { item("", "Probable explanation: \(explanation)") }
        for meaning in finding.canMean { item("", "Can mean: \(meaning)") }
        item("", finding.cannotMean)
        if finding.isExplained {
            guard !finding.places.isEmpty else { return }
            // What is probably harmless need not fill the screen.
            let places = finding.places.prefix(Self.shownChannels).map {
                "\(SafeText.name($0.label))\($0.posts.isEmpty ? "" : " \($0.posts.count.grouped)")"
            }
            let rest = finding.places.count - Self.shownChannels
            return item("", "in \(places.joined(separator: ", "))\(rest > 0 ? " and \(rest.of("more channel"))" : "")")
        }
        if let original = finding.original { item("", "original: \(Self.place(original))") }
        for place in finding.places.prefix(Self.shownChannels) { print(place, finding.edits) }
        if finding.places.count > Self.shownChannels {
            item("", "and in \((finding.places.count - Self.shownChannels).of("more channel"))")
        }
    }

    private func print(_ place: Finding.Place, _ edits: [String: [Int64]]) {
        item("", "in \(SafeText.name(place.label))\(place.posts.isEmpty ? "" : ":")")
        for post in place.posts.prefix(Self.shownPosts) {
            let times = (edits[post.id] ?? []).map { Timestamp(milliseconds: $0).minute }
            let edited = times.isEmpty ? "" : "  edited \(times.joined(separator: ", "))"
            Terminal.print("      \(Self.place(post))\(edited)")
        }
        if place.posts.count > Self.shownPosts {
            Terminal.print("      and \((place.posts.count - Self.shownPosts).grouped) more")
        }
    }

    /// A mark begins a finding; what belongs to it stands below, without one.
    private func item(_ mark: String, _ text: String) {
        Terminal.print("\(mark.padded(to: 2))\(text)".wrapped(indent: 2))
    }

    private static func place(_ post: PostReference) -> String {
        "\(Timestamp(milliseconds: post.createAt).minute)  \(SafeText.line(post.id))"
    }
}

extension Finding.Kind {
    fileprivate var title: String {
        switch self {
        case .repeatedCiphertext: "REPEATED CIPHERTEXT"
        case .misattributedPosts: "POSTS IN ANOTHER ONE'S NAME"
        case .unrecordedSigners: "SIGNERS NEVER SEEN"
        case .unknownRecipients: "RECIPIENTS NOBODY KNOWS"
        case .missingRecipients: "MEMBERS LEFT OUT"
        case .keysInTheMiddle: "KEYS IN THE MIDDLE"
        case .sharedKeys: "ONE KEY FOR SEVERAL USERS"
        case .severalEncryptionPoints: "KEYS WITH ONE SIGNING POINT"
        case .unansweredKeys: "KEYS WITHOUT AN ANSWER"
        case .datedBack: "DATED BACK"
        case .afterSuccession: "WRITTEN AFTER ANOTHER KEY TOOK OVER"
        case .rolledBack: "EDITS TAKEN BACK"
        case .editedInTheClear: "EDITED IN THE CLEAR"
        case .duplicateRecipients: "RECIPIENTS NAMED TWICE"
        case .sharedEphemeralKeys: "ONE EPHEMERAL KEY FOR SEVERAL MESSAGES"
        case .clearText: "CLEAR TEXT IN AN ENCRYPTED CHANNEL"
        case .backwardTimes: "TIMES THAT RUN BACKWARDS"
        case .changedInPlace: "POSTS CHANGED IN PLACE"
        case .movedNames: "NAMES THAT MOVED"
        case .vanishedPosts: "POSTS THAT VANISHED"
        case .drafts: "DRAFTS ON THE SERVER"
        }
    }
}
