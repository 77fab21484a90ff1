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
            posts come, too: they are not encrypted, and the server drops them with
            their post.

            With --follow it stays, and keeps what happens as it happens: also the text
            of a post that is deleted soon after. It waits for a server that is away,
            and ends with 0 when it is told to (Ctrl-C, SIGTERM). No other command can
            write to the archive meanwhile; all can read.

            Proxies and private CAs: docs/networks.md.

            EXAMPLES:
              mmvault pull
              mmvault pull --channel town-square --channel @bob
              mmvault pull --team research --since 2026-01-01
              mmvault pull --full            from time to time
              mmvault pull --follow
              mmvault pull --max-file-size 50M

            \(ExitCode.help(.incomplete, .inUse, .notLoggedIn, .server, .noArchive, .interrupted))
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

    @Flag(help: "Leave the files of posts on the server; a later pull fetches them.")
    var noFiles = false

    @Option(
        help: ArgumentHelp("Leave larger files on the server: 800K, 50M, 2G.", valueName: "size"),
        transform: ByteCount.init(typed:))
    var maxFileSize: ByteCount?

    @OptionGroup var connection: NetworkOptions

    func run() async throws {
        let directory = try vault.directory()
        var selection = Exporter.Pull.Selection()
        selection.channels = channel
        selection.teams = team
        selection.since = since?.start
        selection.isFull = full
        selection.wantsFiles = !noFiles
        selection.maximumFileSize = maxFileSize?.bytes
        do {
            guard !follow else { return try await Pull.follow(directory, selection, connection.network) }
            let report = try await Pull.perform(directory, selection, connection.network)
            try Pull.sayNext(report, directory)
            try await Pull.showQuestions(directory)
        } catch ExporterError.noSuchChannel(let name) {
            throw try Pull.noChannel(name, directory)
        }
    }

    /// With what the archive has that the name may mean.
    private static func noChannel(_ name: String, _ directory: AccountDirectory) throws -> Failure {
        let failure = Failure(ExporterError.noSuchChannel(name))
        let archive = try Archive(directory)
        let names = try ChannelNames(archive)
        let similar = names.similar(to: name, among: try archive.channels()).map { SafeText.name(names.label($0)) }
        guard !similar.isEmpty else { return failure }
        return Failure(
            failure.code, failure.message, hint: "did you mean \(similar.joined(separator: ", "))? Nothing was fetched")
    }

    /// What a newcomer does next: where all that is here came just now, and no key is.
    private static func sayNext(_ report: PullReport, _ directory: AccountDirectory) throws {
        let added = report.outcomes.reduce(0) { $0 + $1.added }
        let all = try Archive(directory).versionCounts().values.reduce(0, +)
        guard added > 0, added == all, KeyStore(directory).ids.isEmpty else { return }
        Terminal.print("Next: “mmvault key restore FILE” restores your private key from its backup.")
    }

    /// What is still to be said about keys.
    static func showQuestions(_ directory: AccountDirectory) async throws {
        let archive = try Archive(directory)
        try await KeyQuestionPrinter.show(archive, try TrustedKeys(archive, atHand: []))
    }

    /// Pulls, and says what came of it.
    ///
    /// - Throws: also `incomplete`, when the rest is told.
    @discardableResult
    static func perform(
        _ directory: AccountDirectory, _ selection: Exporter.Pull.Selection, _ network: Network
    ) async throws -> PullReport {
        let progress = try progress(directory)
        let report = try await Exporter.Pull(
            directory, selection, network: network, onEvent: { progress.show($0) }
        ).run()
        Terminal.clearProgress()
        try summarize(report, directory)
        return report
    }

    /// Ends by a signal, or by what cannot pass by itself. To be stopped is what it waits for, and no failure.
    private static func follow(
        _ directory: AccountDirectory, _ selection: Exporter.Pull.Selection, _ network: Network
    ) async throws {
        let shown = FollowProgress(directory, try progress(directory)) { report in
            do { try summarize(report, directory) } catch { Terminal.warn(Failure(error).message) }
        }
        do {
            try await Follow(directory, selection, network: network, onEvent: { shown.show($0) }).run()
        } catch ExporterError.cancelled {
            Terminal.print("Stopped. What has come until now is archived.")
        }
    }

    private static func progress(_ directory: AccountDirectory) throws -> PullProgress {
        let account = try Archive(directory).account()
        guard !account.isOfImports else {
            throw Failure(
                .notLoggedIn, "\(SafeText.line(directory.name)) holds imports alone, and there is no server to ask",
                hint: "“mmvault login URL” makes an archive of an account on a server")
        }
        return PullProgress {
            (try? ChannelNames(Archive(directory))) ?? ChannelNames(users: [], ownID: account.userID)
        }
    }
}
