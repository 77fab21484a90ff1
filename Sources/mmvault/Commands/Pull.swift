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
            Whatever interrupts it, the next run goes on where it stood.

            With --follow it stays, and keeps what happens as it happens: also the text
            of a post that is deleted soon after. It waits for a server that is away,
            and ends with 0 when it is told to (Ctrl-C, SIGTERM). No other command can
            write to the archive meanwhile; all can read.

            EXAMPLES:
              mmvault pull
              mmvault pull --channel town-square --channel @bob
              mmvault pull --team research --since 2026-01-01
              mmvault pull --full            from time to time
              mmvault pull --follow

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

    @Flag(
        help: """
            Walk through the whole history again: finds posts that were dated back, and archived ones that have gone from \
            the server without a tombstone.
            """)
    var full = false

    @Flag(help: "Stay, and archive what happens as it happens.")
    var follow = false

    func run() async throws {
        let directory = try vault.directory()
        var selection = Exporter.Pull.Selection()
        selection.channels = channel
        selection.teams = team
        selection.since = since?.start
        selection.isFull = full
        try await follow ? Pull.follow(directory, selection) : Pull.perform(directory, selection)
    }

    /// Pulls, and says what came of it.
    ///
    /// - Throws: also `incomplete`, when the rest is told.
    static func perform(_ directory: AccountDirectory, _ selection: Exporter.Pull.Selection) async throws {
        let progress = try progress(directory)
        let report = try await Exporter.Pull(directory, selection, onEvent: { progress.show($0) }).run()
        Terminal.clearProgress()
        try summarize(report, directory)
    }

    /// Ends by a signal, or by what cannot pass by itself. To be stopped is what it waits for, and no failure.
    private static func follow(_ directory: AccountDirectory, _ selection: Exporter.Pull.Selection) async throws {
        let shown = FollowProgress(directory, try progress(directory)) { report in
            do { try summarize(report, directory) } catch { Terminal.warn(Failure(error).message) }
        }
        do {
            try await Follow(directory, selection, onEvent: { shown.show($0) }).run()
        } catch ExporterError.cancelled {
            Terminal.print("Stopped. What has come until now is archived.")
        }
    }

    private static func progress(_ directory: AccountDirectory) throws -> PullProgress {
        let account = try Archive(directory).account()
        return PullProgress(ownID: account.userID) { (try? Archive(directory).users()) ?? [] }
    }

    private static func summarize(_ report: PullReport, _ directory: AccountDirectory) throws {
        let archive = try Archive(directory)
        let names = ChannelNames(users: try archive.users(), ownID: try archive.account().userID)
        func label(_ channel: Channel) -> String { SafeText.name(names.label(channel)) }
        for change in report.keyChanges { Pull.warn(change) }
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
        for outcome in report.outcomes where outcome.absent > 0 {
            Terminal.warn(
                "\(label(outcome.channel)): \(outcome.absent.of("archived post")) gone from the server without a "
                    + "tombstone; the archive keeps what it has")
        }
        let added = report.outcomes.reduce(0) { $0 + $1.added }
        let narrowed = report.outcomes.filter { if case .narrowed = $0.result { true } else { false } }.count
        Terminal.print("\(added.of("new post version")) in \(report.outcomes.count.of("channel"))")
        Terminal.print("The archive is in \(SafeText.line(directory.path))")
        if narrowed > 0 {
            Terminal.print(
                "Older posts of \(narrowed.of("channel")) are still to come: “mmvault pull” without --since.")
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
    }

    static func warn(_ change: KeyChange) {
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
