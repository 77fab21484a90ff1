import Archive
import ArgumentParser
import Exporter
import Reader

struct Pull: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fetch what is new on the server into the archive.",
        usage: "mmvault pull [<options>]",
        discussion: """
            Fetches every channel of every team, direct and group ones and archived ones
            too, as the server sends it: still encrypted, and without needing a key.
            Whatever interrupts it, the next run goes on where it stood. The files of
            posts come, too: they are not encrypted, and with its post a file goes.

            EXAMPLES:
              mmvault pull
              mmvault pull --channel town-square --channel @bob
              mmvault pull --team research --since 2026-01-01
              mmvault pull --max-file-size 50M

            \(ExitCode.help(.incomplete, .inUse, .notLoggedIn, .server, .interrupted))
            """)

    @OptionGroup var vault: VaultOptions

    @Option(help: ArgumentHelp("Only this channel (name, @user or id); may be repeated.", valueName: "channel"))
    var channel: [String] = []

    @Option(help: ArgumentHelp("Only this team's channels; may be repeated.", valueName: "team"))
    var team: [String] = []

    @Option(
        help: ArgumentHelp("Do not go back further than this day (UTC): 2026-01-31.", valueName: "date"),
        transform: Day.init(typed:))
    var since: Day?

    @Flag(help: "Leave the files of posts on the server; a later pull fetches them.")
    var noFiles = false

    @Option(
        help: ArgumentHelp("Leave larger files on the server: 800K, 50M, 2G.", valueName: "size"),
        transform: ByteCount.init(typed:))
    var maxFileSize: ByteCount?

    func run() async throws {
        let directory = try vault.directory()
        var selection = Exporter.Pull.Selection()
        selection.channels = channel
        selection.teams = team
        selection.since = since?.start
        selection.wantsFiles = !noFiles
        selection.maximumFileSize = maxFileSize?.bytes
        let account = try Archive(directory).account()
        let progress = PullProgress(ownID: account.userID) { (try? Archive(directory).users()) ?? [] }
        let report = try await Exporter.Pull(directory, selection, onEvent: { progress.show($0) }).run()
        Terminal.clearProgress()
        try summarize(report, directory)
    }

    private func summarize(_ report: PullReport, _ directory: AccountDirectory) throws {
        let archive = try Archive(directory)
        let names = ChannelNames(users: try archive.users(), ownID: try archive.account().userID)
        func label(_ channel: Channel) -> String { SafeText.name(names.label(channel)) }
        for change in report.keyChanges {
            let isPinned = change.pinnedKeyID == change.oldKeyID
            let pinned = "\nfirst   \(change.pinnedKeyID.prefix(16))…, on \(change.pinnedSince.date)"
            Terminal.warn(
                """
                the server shows a new key for @\(SafeText.name(change.username))
                before  \(change.oldKeyID.prefix(16))…, last seen on \(change.oldLastSeen.minute) UTC
                now     \(change.newKeyID.prefix(16))…\(isPinned ? "" : pinned)
                Ask them whether they made a new key. All stay known.
                """)
        }
        if let failure = report.keysFailure {
            Terminal.warn("the server gave no public keys: \(Failure(failure).message)")
        }
        for (channel, error) in report.membersFailures {
            Terminal.warn("\(label(channel)): its members could not be listed: \(Failure(error).message)")
        }
        if !report.frozen.isEmpty {
            Terminal.note(
                "No longer listed by the server, and kept as they are: "
                    + report.frozen.map(label).joined(separator: ", "))
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
        try requireAll(report, label)
    }

    private func describe(_ files: FileReport) {
        if files.fetched > 0 { Terminal.print("\(files.fetched.of("file")) fetched, \(files.bytes.asBytes)") }
        for (reason, count) in files.missing.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            Terminal.print("\(count.of("file")) not fetched: \(reason.words)")
        }
    }

    private func requireAll(_ report: PullReport, _ label: (Channel) -> String) throws {
        for failure in report.files.failures.prefix(3) {
            Terminal.warn("a file did not come: \(Failure(failure.error).message)")
        }
        guard report.failures.isEmpty else {
            for case let outcome in report.failures {
                guard case .failed(let error) = outcome.result else { continue }
                Terminal.warn("\(label(outcome.channel)) is not complete: \(Failure(error).message)")
            }
            throw Failure(
                .incomplete, "\(report.failures.count.of("channel")) could not be fetched to the end",
                hint: "the others are complete; run “mmvault pull” again")
        }
        guard report.files.failures.isEmpty else {
            throw Failure(
                .incomplete, "\(report.files.failures.count.of("file")) could not be fetched",
                hint: "all posts are there; run “mmvault pull” again")
        }
    }
}

/// A number of bytes, as typed: 50M is 50 MiB.
struct ByteCount {
    let bytes: Int64

    init(typed text: String) throws {
        let units: [Character: Int64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        let unit = text.last.flatMap { units[Character($0.uppercased())] }
        guard let number = Int64(unit == nil ? text : String(text.dropLast())), number >= 0,
            case (let bytes, let overflow) = number.multipliedReportingOverflow(by: unit ?? 1), !overflow
        else { throw ValidationError("a size looks like 800K, 50M or 2G") }
        self.bytes = bytes
    }
}

/// A day in UTC, as typed: 2026-01-31.
struct Day {
    let start: Timestamp

    var end: Timestamp { Timestamp(milliseconds: start.milliseconds + 86_400_000) }

    init(typed text: String) throws {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count == 4, parts[1].count == 2, parts[2].count == 2,
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
            let start = Timestamp(year: year, month: month, day: day)
        else { throw ValidationError("a day looks like 2026-01-31") }
        self.start = start
    }
}
