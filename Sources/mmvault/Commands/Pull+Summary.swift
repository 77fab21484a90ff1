import Archive
import Exporter
import Reader

/// What came of a pull, in words.
extension Pull {
    /// - Throws: `incomplete`, when the rest is told.
    static func summarize(_ report: PullReport, _ directory: AccountDirectory) throws {
        let archive = try Archive(directory)
        let names = try ChannelNames(archive)
        func label(_ channel: Channel) -> String { SafeText.name(names.label(channel)) }
        try warn(report.keyChanges, archive)
        let keyed = Set(try archive.knownKeys().keys)
        for change in report.nameChanges where keyed.contains(change.userID) || !change.formerOwners.isEmpty {
            Pull.warn(change)
        }
        if let failure = report.keysFailure {
            Terminal.warn("the server gave no public keys: \(Failure(failure).message)")
        }
        for (channel, error) in report.membersFailures {
            Terminal.warn("\(label(channel)): its members could not be listed: \(Failure(error).message)")
        }
        if let failure = report.emojiFailure {
            Terminal.warn("the custom emoji could not be listed: \(Failure(failure).message)")
        }
        if let failure = report.draftsFailure {
            Terminal.warn("your drafts could not be listed: \(Failure(failure).message)")
        }
        if !report.frozen.isEmpty {
            Terminal.note(
                "No longer listed by the server, and kept as they are: "
                    + report.frozen.map(label).joined(separator: ", "))
        }
        for (channel, isNew) in report.closed where isNew {
            Terminal.warn(
                "\(label(channel)): the server does not give you its posts; the archive keeps what it has")
        }
        let stillClosed = report.closed.filter { !$0.isNew }.map(\.channel)
        if !stillClosed.isEmpty {
            Terminal.note(
                "Closed to you on the server, as before, and kept as they are: "
                    + stillClosed.map(label).joined(separator: ", "))
        }
        for outcome in report.outcomes {
            for (reason, count) in inOrder(outcome.absent.new) {
                Terminal.warn(
                    "\(label(outcome.channel)): \(count.of("archived post")) \(reason.wordsOfPosts); the archive keeps "
                        + "what it has")
            }
            for (reason, count) in inOrder(outcome.absent.known) {
                Terminal.note(
                    "\(label(outcome.channel)): \(count.of("archived post")) \(reason.wordsOfPosts), as before")
            }
        }
        let added = report.outcomes.reduce(0) { $0 + $1.added }
        let narrowed = report.outcomes.filter { if case .narrowed = $0.result { true } else { false } }.count
        Terminal.print("\(added.of("new post version")) in \(report.outcomes.count.of("channel"))")
        describe(report.files)
        Terminal.print("The archive is in \(SafeText.line(directory.path))")
        if narrowed > 0 {
            Terminal.print(
                "Older posts of \(narrowed.of("channel")) are still to come: “mmvault pull” without --since.")
        }
        try requireAll(report, archive, label)
    }

    private static func inOrder(_ counts: [Absence.Reason: Int]) -> [(Absence.Reason, Int)] {
        counts.sorted { $0.key.words < $1.key.words }.map { ($0.key, $0.value) }
    }

    private static func describe(_ files: FileReport) {
        if files.fetched > 0 { Terminal.print("\(files.fetched.of("file")) fetched, \(files.bytes.asBytes)") }
        for (reason, count) in files.missing.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            Terminal.print("\(count.of("file")) \(reason.wordsOfPull)")
        }
    }

    private static func requireAll(
        _ report: PullReport, _ archive: Archive, _ label: (Channel) -> String
    ) throws {
        for (channel, gaps) in report.partial {
            for gap in gaps { Terminal.warn("\(label(channel)) is not complete: \(SafeText.line(gap.words))") }
        }
        for outcome in report.outcomes where outcome.mayLackRevisions {
            Terminal.note("\(label(outcome.channel)): \(Channel.revisionNotice)")
        }
        // Where nothing is missing, it is worth a word, and no more.
        let whole = Set(report.outcomes.compactMap { if case .complete = $0.result { $0.channel.id } else { nil } })
        for channel in try archive.channels() where whole.contains(channel.id) {
            for line in channel.incompleteness { Terminal.note("\(label(channel)): \(line)") }
        }
        for failure in report.files.failures.prefix(3) {
            Terminal.warn("a file did not come: \(Failure(failure.error).message)")
        }
        guard report.failures.isEmpty else {
            for outcome in report.failures {
                guard case .failed(let error) = outcome.result else { continue }
                Terminal.warn("\(label(outcome.channel)) is not complete: \(Failure(error).message)")
            }
            let helps = report.failures.contains {
                switch $0.result {
                case .failed(.badAnswer), .failed(.tooLong): false
                default: true
                }
            }
            throw Failure(
                .incomplete, "\(report.failures.count.of("channel")) could not be fetched to the end",
                hint: helps
                    ? "what came is kept; run “mmvault pull” again"
                    : "what came is kept; the server's answers cannot be used, and running it again will not help")
        }
        guard report.files.failures.isEmpty else {
            throw Failure(
                .incomplete, "\(report.files.failures.count.of("file")) could not be fetched",
                hint:
                    "\(report.partial.isEmpty ? "all posts are there" : "what came is kept"); run “mmvault pull” again")
        }
        guard report.partial.isEmpty else {
            throw Failure(
                .incomplete,
                "\(report.partial.count.of("channel")) \(report.partial.count == 1 ? "is" : "are") incomplete",
                hint: report.partial.allSatisfy { $0.gaps.allSatisfy(\.isTheServers) }
                    ? "all that the server shows is archived" : "what came is kept; run “mmvault pull” again")
        }
    }

    static func warn(_ change: NameChange) {
        func called(_ name: String) -> String { "@\(SafeText.name(name))" }
        guard !change.formerOwners.isEmpty else {
            let before = change.before.map(called) ?? "a user"
            return Terminal.warn("\(before) is called \(called(change.after)) now; keys and posts stay theirs")
        }
        let before = change.before.map { ", called \(called($0)) before" } ?? ""
        Terminal.warn(
            """
            the server gave the name \(called(change.after)) to somebody else
            before  user \(change.formerOwners.map(SafeText.line).joined(separator: ", "))
            now     user \(SafeText.line(change.userID))\(before)
            What each of them wrote is shown under their newest name. Ask them.
            """)
    }

    /// Says how the keys count that the server shows now.
    static func warn(_ changes: [KeyChange], _ archive: Archive) throws {
        guard !changes.isEmpty else { return }
        let trusted = try TrustedKeys(archive, atHand: [])
        for change in changes {
            let owned = trusted.owned(by: change.userID).first { $0.subject == change.newKeyID }
            let runs = trusted.record.keys.shown[change.userID] ?? []
            warn(change, owned?.standing, isBack: runs.filter { $0.key?.keyID == change.newKeyID }.count > 1)
        }
    }

    private static func warn(_ change: KeyChange, _ standing: Standing?, isBack: Bool) {
        let name = "@\(SafeText.name(change.username))"
        let what: String
        let meaning: String
        switch standing {
        case .confirmed?, .own?, .accepted?, .pinned?, .adopted?, .listed?:
            what = "the server shows \(isBack ? "an earlier key for \(name) again" : "another key for \(name)")"
            meaning =
                "It counts as theirs\(isBack ? ", as before" : ""). Ask them which key they use."
        case .rejected?:
            what = "the server shows a key for \(name) that you rejected"
            meaning = "What it signs does not verify, but colleagues' clients encrypt for it. Tell \(name)."
        case .succeeding?, .disputed?, nil:
            what = "the server shows another key for \(name)"
            meaning = "What it signs does not count until you say that it is theirs."
        }
        let isPinned = change.pinnedKeyID == change.oldKeyID || change.pinnedKeyID == change.newKeyID
        let pinned = "\nfirst   \(change.pinnedKeyID.prefix(16))…, on \(change.pinnedSince.date)"
        Terminal.warn(
            """
            \(what)
            before  \(change.oldKeyID.prefix(16))…, last seen on \(change.oldLastSeen.minute) UTC
            now     \(change.newKeyID.prefix(16))…\(isPinned ? "" : pinned)
            \(meaning)
            """)
    }
}

extension FileRecord.Reason {
    /// What a pull did not fetch, and why.
    fileprivate var wordsOfPull: String {
        self == .tooLarge
            ? "left on the server: larger than --max-file-size allows"
            : "not fetched: \(words)"
    }
}

extension Absence.Reason {
    /// For a person, of archived posts.
    var wordsOfPosts: String { self == .gone ? "\(words) without a tombstone" : words }
}
