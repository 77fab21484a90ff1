import Archive
import ArgumentParser
import Reader

struct Read: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read a channel here, in the terminal.",
        usage: "mmvault read <channel> [<options>]",
        discussion: """
            CHANNEL is what “mmvault channels” lists: a name, ~name or id; @user for direct
            messages. Threads stand together; --last and --around show a stretch of time,
            and so keep to the order of time. At a terminal, $PAGER shows it (less, where
            it is not set); nothing is written to disk.

            What stands before each line of a text:
              !  NOT VERIFIED: the signature does not show that it is the author's, or
                 there is none: a text in the clear in a post that should be encrypted
              ?  TO LOOK AT: by a key that you have not answered for, or suspicious
              :  never encrypted
              -  what a post said before
            Behind * and -- stand mmvault's own words, and behind + files and reactions. A
            signature covers a post's text and recipients, not its place, time, thread or
            files (docs/threat-model.md).

            EXAMPLES:
              mmvault read release
              mmvault read @bob --last 50
              mmvault read release --around 2026-01-31
              mmvault read release --thread 7yqj7fq6uibr8x5zz9c1oxa3fh
              mmvault read release --no-pager | grep -n freeze

            \(ExitCode.help(.key, .damaged, .noArchive, .usage))
            """)

    @OptionGroup var vault: VaultOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var damage: DamageOption

    @Argument(help: ArgumentHelp("The channel's name or id.", valueName: "channel"))
    var channel: String

    @Option(help: ArgumentHelp("Only the thread that this post belongs to.", valueName: "id"))
    var thread: String?

    @Option(help: ArgumentHelp("This post, or this day (UTC), and 20 posts on either side.", valueName: "id|date"))
    var around: String?

    @Option(help: ArgumentHelp("Only so many posts, the newest.", valueName: "posts"))
    var last: Int?

    @Flag(help: "Print everything at once.")
    var noPager = false

    func validate() throws {
        let given = [thread.map { _ in "--thread" }, around.map { _ in "--around" }, last.map { _ in "--last" }]
            .compactMap { $0 }
        guard given.count < 2 else { throw ValidationError("\(given.joined(separator: " and ")) exclude each other") }
        // No id holds a hyphen.
        if let around, around.contains("-") { _ = try Day(typed: around) }
        if let last, last < 1 { throw ValidationError("--last takes a number of posts from 1 on") }
    }

    func run() async throws {
        let open = try await OpenArchive(vault, keys: keys, despiteDamage: damage.damaged)
        let channel = try open.channel(called: channel)
        let selection = try select(in: channel, open)
        let isTerminal = Terminal.outputIsTerminal
        let layout = Conversation.Layout(
            width: max(40, Terminal.columns(of: 1) ?? Terminal.textWidth), cutsWords: isTerminal,
            isColoured: isTerminal && Terminal.wantsColour)
        var conversation = Conversation(
            channel, open.people, layout: layout,
            order: selection.query.order,
            isEncrypted: try open.archive.holdsEncryptedPosts(channelID: channel.id), target: selection.target,
            root: { try open.archive.header(ofPost: $0) }, missing: { try open.archive.reasonMissing($0) })
        var hasClosedPosts = false
        try await Pager.show(unless: noPager) {
            for line in conversation.heading { Terminal.print(line) }
            var versions: [ReadPost] = []
            try await open.reader.read(selection.query) { post in
                if post.verdict.content == .notForUs { hasClosedPosts = true }
                if let last = versions.last, last.header.identityID != post.header.identityID {
                    for line in try conversation.lines(versions) { Terminal.print(line) }
                    versions = []
                }
                versions.append(post)
            }
            for line in try conversation.lines(versions) { Terminal.print(line) }
            if versions.isEmpty { Terminal.print("\nNo posts of this channel are archived here.") }
        }
        if hasClosedPosts, open.keys.isEmpty, !keys.noKeys {
            Terminal.note("No private key is at hand: “mmvault key restore FILE” restores one.")
        }
        try open.endIfDamaged()
    }

    /// Posts shown on either side of what was asked for.
    private static let context = 20

    private func select(
        in channel: Channel, _ open: OpenArchive
    ) throws -> (query: PostQuery, target: Conversation.Target) {
        if let thread {
            let post = try open.post(thread, in: channel)
            return (PostQuery(channelID: channel.id, threadID: post.threadID, order: .threads), .nothing)
        }
        if let last {
            let first = try open.archive.place(last, before: .last, channelID: channel.id)
            return (PostQuery(channelID: channel.id, places: first...(.last), order: .time), .nothing)
        }
        guard let around else { return (PostQuery(channelID: channel.id, order: .threads), .nothing) }
        let target: Conversation.Target
        var (first, last): (PostPlace, PostPlace)
        if around.contains("-") {
            let day = try Day(typed: around)
            target = .day(day.start.date)
            (first, last) = (PostPlace(createAt: day.start.milliseconds), PostPlace(createAt: day.end.milliseconds))
        } else {
            let post = try open.post(around, in: channel)
            target = .post(post.identityID)
            (first, last) = (post.place, post.place)
        }
        first = try open.archive.place(Read.context, before: first, channelID: channel.id)
        last = try open.archive.place(Read.context, after: last, channelID: channel.id)
        return (PostQuery(channelID: channel.id, places: first...last, order: .time), target)
    }
}

extension OpenArchive {
    /// The one channel that is called so.
    func channel(called name: String) throws -> Channel {
        let found = channels.first { $0.id == name }.map { [$0] } ?? channels.filter { names.matches($0, name) }
        if let only = found.first, found.count == 1 { return only }
        guard found.isEmpty else {
            throw Failure(
                .noArchive, "several channels are called “\(SafeText.line(name))”",
                hint: "name one by its id: \(found.map(describe).joined(separator: "; "))")
        }
        throw noChannel(name)
    }

    /// With what the archive has that the name may mean.
    func noChannel(_ name: String) -> Failure {
        Failure.noChannel(name, similar: names.similar(to: name, among: channels).map(describe))
    }

    /// `release, private channel of Harbour, 8mk…`
    private func describe(_ channel: Channel) -> String {
        let people = people
        let team = people.team(of: channel).map { " of \($0)" } ?? ""
        return "\(people.label(channel)) (\(channel.kindInWords)\(team), \(SafeText.line(channel.id)))"
    }

    func post(_ id: String, in channel: Channel) throws -> StoredVersion.Header {
        guard let post = try archive.header(ofPost: id) else {
            throw Failure(.noArchive, "the archive has no post “\(SafeText.line(id))”")
        }
        guard post.channelID == channel.id else {
            let other = channels.first { $0.id == post.channelID }.map(describe) ?? SafeText.line(post.channelID)
            throw Failure(
                .noArchive, "the post \(SafeText.line(id)) is not in this channel", hint: "it is in \(other)")
        }
        return post
    }
}

extension ChannelNames {
    /// A few channels that the name may mean.
    func similar(to name: String, among channels: [Channel]) -> [Channel] {
        func bare(_ text: String) -> String { text.filter { !"@~ -_".contains($0) } }
        let wanted = bare(name)
        guard !wanted.isEmpty else { return [] }
        return Array(
            channels.filter { ![label($0), $0.name].map(bare).similar(to: wanted).isEmpty }.prefix(5))
    }
}
