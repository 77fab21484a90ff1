import Archive
import ArgumentParser
import Reader

struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write the conversations out: Markdown, mbox, JSON Lines, or as evidence.",
        discussion: """
            OUT is a new folder. What it gets is in the clear: keep it accordingly. The
            same archive and keys give the same bytes. manifest.json, written last, says
            what was exported and what was not; without it the export was cut.

            FORMATS:
              markdown   a file per channel, readable as it is
              mbox       a mailbox per channel, for mutt, notmuch, Thunderbird and scripts
              jsonl      one JSON object a post or old revision
              evidence   all of these in one package, for somebody who was not there: with
                         the server's own answers, the keys, and a report. OUT is a new
                         folder, or a file that ends with .zip or .tar.zst
                         (docs/evidence.md)

            A text whose signature does not verify, or that stands in the clear in a post
            that should be encrypted, is withheld, and a notice stands in its place;
            --include-unverified shows it, marked. A text by a key that nobody has answered
            for, or that is suspicious, is shown and marked; evidence leaves the former out.

            EXAMPLES:
              mmvault export markdown ~/chat
              mmvault export mbox ~/mail --channel research --since 2026-01-01
              mmvault export jsonl /tmp/out --user carol --include-unverified
              mmvault export evidence case.zip --channel research --sign 0xKEYID
              mmvault export evidence case.tar.zst.age --encrypt-to age1…

            \(ExitCode.help(.findings, .key, .damaged, .noArchive, .usage))
            """)

    @OptionGroup var vault: VaultOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var damage: DamageOption

    @Argument(help: ArgumentHelp("markdown, mbox, jsonl or evidence", valueName: "format"))
    var kind: Kind

    @Argument(
        help: ArgumentHelp("Where to write to: what does not exist yet, or an empty folder.", valueName: "out"),
        completion: .directory)
    var output: String

    @Option(help: ArgumentHelp("Only this channel; may be repeated.", valueName: "channel"))
    var channel: [String] = []

    @Option(help: ArgumentHelp("Only this team's channels; may be repeated.", valueName: "team"))
    var team: [String] = []

    @Option(help: ArgumentHelp("Only posts of this user; may be repeated.", valueName: "user"))
    var user: [String] = []

    @Option(
        help: ArgumentHelp("Only posts from this day on (UTC).", valueName: "date"), transform: Day.init(typed:))
    var since: Day?

    @Option(
        help: ArgumentHelp("Only posts up to the end of this day (UTC).", valueName: "date"),
        transform: Day.init(typed:))
    var until: Day?

    @Flag(help: "Show texts that nobody is known to have signed, marked as such.")
    var includeUnverified = false

    @Flag(help: "Leave the files of posts out.")
    var noFiles = false

    @Option(help: ArgumentHelp("Sign the evidence with this OpenPGP key of yours.", valueName: "gpg-id"))
    var sign: String?

    @Option(help: ArgumentHelp("Seal the evidence for this recipient.", valueName: "age1…|gpg-id"))
    var encryptTo: String?

    @Option(
        help: ArgumentHelp(
            "Leave the text of this post out of the evidence, visibly; may be repeated.", valueName: "post"))
    var redact: [String] = []

    @Option(
        help: ArgumentHelp(
            "Leave the texts of all posts by this user out of the evidence, visibly; may be repeated.",
            valueName: "user"))
    var redactUser: [String] = []

    func run() async throws {
        let seal = try seal()
        if let since, let until, since.start > until.start {
            throw Failure(.usage, "--since is later than --until", hint: "nothing was written")
        }
        guard kind.format != nil || !damage.damaged else {
            throw Failure(.usage, "no evidence is made from a damaged archive", hint: "restore a copy, and use that")
        }
        let open = try await OpenArchive(
            vault, keys: keys, isCheckedLater: kind.format == nil, despiteDamage: damage.damaged)
        let request = ExportRequest(
            format: kind.format ?? .jsonl, channels: try open.select(channels: channel, teams: team),
            userIDs: try userIDs(user, open.users),
            createAt: (since?.start.milliseconds ?? .min)..<(until?.end.milliseconds ?? .max),
            includesUnverified: includeUnverified, includesFiles: !noFiles,
            redaction: try redaction(open), asked: asked)
        guard kind.format != nil else { return try await writeEvidence(open, request, seal) }
        let names = open.names
        let summary = try await Reader.Export(archive: open.archive, reader: open.reader)
            .run(request, to: output) { channel, posts in
                Terminal.showProgress("exporting \(SafeText.name(names.label(channel))): \(posts.grouped) posts")
            }
        Terminal.clearProgress()
        describe(summary.counts, in: SafeText.line(output))
        if summary.counts.posts == 0 { Terminal.warn("nothing was chosen: no post in the archive is of that choice") }
        Terminal.print("The manifest is \(SafeText.line(output))/manifest.json")
        Terminal.note("These files are in the clear.")
        try open.endIfDamaged()
        try end(summary.counts)
    }

    /// Ends with 2 where texts were written that are not clean; each is marked.
    func end(_ counts: ExportCounts) throws {
        guard counts.cautioned + counts.unverified > 0 else { return }
        throw ArgumentParser.ExitCode(ExitCode.findings.rawValue)
    }

    /// The narrowing in the user's own words, for the manifest.
    private var asked: [(name: String, value: String)] {
        channel.map { ("channel", $0) } + team.map { ("team", $0) } + user.map { ("user", $0) }
            + [since.map { ("since", $0.start.date) }, until.map { ("until", $0.start.date) }].compactMap { $0 }
            + (includeUnverified ? [("include-unverified", "yes")] : [])
            + (noFiles ? [("files", "no")] : [])
    }

    /// - Returns: nil where no names are given.
    private func userIDs(_ names: [String], _ users: [User]) throws -> [String]? {
        guard !names.isEmpty else { return nil }
        return try names.flatMap { name in
            let bare = name.hasPrefix("@") ? String(name.dropFirst()) : name
            let found = users.filter { $0.username == bare || $0.id == bare }.map(\.id)
            guard !found.isEmpty else { throw Failure.noUser(name, among: users.map(\.username)) }
            return found
        }
    }

    /// A post that is not there is a mistake in typing, and what was meant would be shown.
    private func redaction(_ open: OpenArchive) throws -> Redaction {
        for post in redact where try open.archive.header(ofPost: post) == nil {
            throw Failure(
                .noArchive, "there is no post \(SafeText.line(post)) in the archive",
                hint: "nothing was written; “mmvault search --json” shows the ids of posts")
        }
        return Redaction(postIDs: redact, userIDs: try userIDs(redactUser, open.users) ?? [])
    }

    func describe(_ counts: ExportCounts, in path: String) {
        Terminal.print("\(counts.posts.of("post and old revision", "posts and old revisions")) in \(path):")
        Terminal.print("  \(counts.exported.grouped) with their text")
        if counts.cautioned > 0 {
            Terminal.print("  \(counts.cautioned.grouped) of these to look at, and marked: “mmvault verify --details”")
        }
        if counts.unverified > 0 { Terminal.print("  \(counts.unverified.grouped) NOT VERIFIED, shown and marked") }
        if counts.withheld > 0 {
            Terminal.print(
                "  \(counts.withheld.grouped) withheld: not verified; --include-unverified shows such texts")
        }
        if counts.redacted > 0 { Terminal.print("  \(counts.redacted.grouped) redacted") }
        if counts.clearEdits > 0 {
            let shown = counts.clearEdits - counts.withheldClearEdits
            Terminal.print(
                "  \(counts.clearEdits.grouped) edited in the clear: that text is NOT VERIFIED, and "
                    + (shown > 0 ? "shown and marked" : "withheld; --include-unverified shows it"))
        }
        if counts.unknown > 0 {
            Terminal.print("  \(counts.unknown.grouped) unknown: the server has taken the text out")
        }
        for (content, count) in counts.unreadable.sorted(by: { $0.key < $1.key }) {
            Terminal.print("  \(count.grouped) not readable: \(content.rawValue)")
        }
        if let deleted = counts.states[.deleted] {
            Terminal.print("  \(deleted.grouped) deleted on the server, among all")
        }
        if counts.files > 0 { Terminal.print("  \(counts.files.of("file"))") }
        if counts.missingFiles > 0 {
            Terminal.print("  \(counts.missingFiles.of("file")) not in the archive, and why in the place of each")
        }
    }
}
