import Archive
import ArgumentParser
import E2EE
import Exporter
import Reader

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what is in the archive, and which keys would open how much of it.",
        usage: "mmvault status [<options>]",
        discussion: """
            Needs no private key: who a post is encrypted for can be seen from outside.
            Deleted posts are counted, what a post said before is not.

            EXAMPLES:
              mmvault status
              mmvault status --months --channel research

            \(ExitCode.help(.damaged, .noArchive))
            """)

    @OptionGroup var vault: VaultOptions

    @Option(help: ArgumentHelp("Only this channel; may be repeated.", valueName: "channel"))
    var channel: [String] = []

    @Flag(help: "Show every month of every channel.")
    var months = false

    func run() async throws {
        let directory = try vault.directory()
        let open = try await OpenArchive(vault, keys: KeyOptions.none)
        let restored = KeyStore(directory).ids
        let channels = try open.select(channels: channel)
        try describeArchive(open, directory)
        let owners = KeyOwners(open, restored: restored)
        let survey = Survey(open.archive, atHand: restored)
        var surveys: [ChannelSurvey] = []
        for channel in channels {
            Terminal.showProgress("reading \(open.people.label(channel))")
            surveys.append(try await survey.run(channel))
        }
        Terminal.clearProgress()
        guard !surveys.isEmpty else {
            return Terminal.print("No posts are archived here. “mmvault pull” fetches them.")
        }
        Terminal.print()
        let isPulled = (try? Session(in: directory)) != nil
        for survey in surveys { try describe(survey, open, owners, isPulled: isPulled) }
        describeKeys(surveys, owners)
        if let decided = open.trusted.decidedInWords { Terminal.print(decided) }
        let names = Dictionary(open.users.map { ($0.id, $0.username) }, uniquingKeysWith: { first, _ in first })
        if let listed = open.trusted.listedInWords({ "@\(SafeText.name(names[$0] ?? $0))" }) {
            Terminal.print(listed.wrapped())
        }
        try await KeyQuestionPrinter.show(open.archive, open.trusted)
    }

    private func describeArchive(_ open: OpenArchive, _ directory: AccountDirectory) throws {
        let head = try open.archive.head()
        let session =
            open.account.isOfImports
            ? "" : (try? Session(in: directory)) == nil ? ", not logged in" : ", logged in"
        Terminal.print(
            "Account   \(SafeText.name(open.account.username)) \(SafeText.line(open.account.whereSeen))\(session)")
        Terminal.print("Archive   \(SafeText.line(directory.archivePath))")
        Terminal.print("          \(Int(head.documents).of("document")), and the head of the chain:")
        // Whole, since it is to be noted elsewhere: “check --head” takes all of it.
        Terminal.print("  \(head.hash)")
        let files = try open.archive.fileCounts()
        guard files.named > 0 else { return }
        Terminal.print("Files     \(files.held.grouped) held, \(files.bytes.asBytes)")
        for (reason, count) in files.missing.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            Terminal.print("          \(count.grouped) missing: \(reason.words)")
        }
        if files.unasked > 0 {
            Terminal.print("          \(files.unasked.grouped) still to be fetched: “mmvault pull”")
        }
    }

    /// - Parameter isPulled: whether a server is asked for its posts.
    private func describe(
        _ survey: ChannelSurvey, _ open: OpenArchive, _ owners: KeyOwners, isPulled: Bool
    ) throws {
        let label = open.people.label(survey.channel)
        let range = [survey.first, survey.last].compactMap { $0?.date }
        let posts = survey.posts.of("post").padded(to: 14)
        Terminal.print("\(label.padded(to: 40)) \(posts) \(range.joined(separator: " to "))".trimmedAtEnd)
        if let absence = survey.channel.absence {
            Terminal.print("  \(absence.reason.words) since \(absence.since.date); kept as it is")
        }
        guard survey.posts > 0 else {
            // What only imports fill has no walk.
            if isPulled, survey.channel.absence == nil, try open.archive.walkState(channelID: survey.channel.id) == nil
            {
                Terminal.print("  NOT complete: it is still to be pulled")
            }
            for line in survey.channel.incompleteness { Terminal.print("  \(line)".wrapped(indent: 4)) }
            return
        }
        var facts = ["\(survey.encrypted.grouped) encrypted", "\(survey.plain.grouped) plain"]
        facts += survey.unusable.sorted { $0.key < $1.key }.map { "\($0.value.grouped) \($0.key.rawValue)" }
        let deleted = survey.deleted == 0 ? "" : "; of all these, \(survey.deleted.grouped) deleted on the server"
        Terminal.print("  \(facts.joined(separator: ", "))\(deleted)".wrapped(indent: 4))
        if survey.encrypted > 0 {
            for (id, count) in owners.own(survey.openableBy) {
                Terminal.print("  key \(id.short)… opens \(count.grouped)  \(owners.describe(id))")
            }
            if survey.closed > 0 { Terminal.print("  no restored key opens \(survey.closed.grouped)") }
        }
        let absent = try open.archive.absences(.post).filter {
            try open.archive.header(ofPost: $0.key)?.channelID == survey.channel.id
        }
        for (reason, posts) in Dictionary(grouping: absent.values, by: \.reason).sorted(by: {
            $0.key.words < $1.key.words
        }) {
            Terminal.print("  \(posts.count.of("post")) \(reason.wordsOfPosts); kept")
        }
        if survey.channel.deleteAt > 0 {
            Terminal.print("  archived on the server on \(Timestamp(milliseconds: survey.channel.deleteAt).date)")
        }
        let notices = survey.channel.incompleteness + [survey.channel.revisionNotice].compactMap { $0 }
        for line in notices { Terminal.print("  \(line)".wrapped(indent: 4)) }
        if let time = try open.archive.lastFetch(channelID: survey.channel.id) {
            Terminal.print("  last asked for on \(time.minute) UTC")
        }
        guard months else { return }
        for (month, counts) in survey.months.sorted(by: { $0.key < $1.key }) {
            var facts = owners.own(counts.openableBy).filter { $0.value > 0 }
                .map { "\($0.key.short)… opens \($0.value.grouped)" }
            if counts.closed > 0 { facts.append("no restored key opens \(counts.closed.grouped)") }
            let row = "    \(month)  \(counts.posts.of("post"))"
            let indented = facts.joined(separator: "\n" + String(repeating: " ", count: 28))
            Terminal.print(facts.isEmpty ? row : "\(row.padded(to: 27)) \(indented)")
        }
    }

    /// Own keys, and those strangers among the recipients that may be keys of the user's which were lost: whoever looks
    /// for a backup must know which one.
    private func describeKeys(_ surveys: [ChannelSurvey], _ owners: KeyOwners) {
        var total: [KeyID: Int] = [:]
        for survey in surveys { total.merge(survey.openableBy, uniquingKeysWith: +) }
        let encrypted = surveys.reduce(0) { $0 + $1.encrypted }
        let closed = surveys.reduce(0) { $0 + $1.closed }
        Terminal.print()
        guard encrypted > 0 else {
            let hasPosts = surveys.contains { $0.posts > 0 }
            return Terminal.print(hasPosts ? "No post is encrypted." : "No posts are archived here.")
        }
        let own = owners.own(total)
        if !own.isEmpty { Terminal.print("Your keys:") }
        for (id, count) in own {
            Terminal.print("  key \(id.short)… opens \(count.grouped) of \(encrypted.of("encrypted post"))")
            Terminal.print("    \(owners.describe(id))\(owners.since(id))")
        }
        if closed > 0 {
            Terminal.print("No restored key opens \(closed.of("encrypted post")).")
            var closedFor: [KeyID: Int] = [:]
            for survey in surveys { closedFor.merge(survey.closedFor, uniquingKeysWith: +) }
            for (id, count) in owners.unknown(closedFor).prefix(8) {
                Terminal.print("  key \(id.short)…, owner unknown, would open \(count.grouped)")
            }
            Terminal.print("“mmvault key restore FILE” restores a key from its backup.")
        }
    }
}

extension KeyOptions {
    /// For commands that need no private key.
    static var none: KeyOptions {
        var options = KeyOptions()
        options.key = []
        options.mine = false
        options.noKeys = true
        return options
    }
}

/// Whose the keys are that posts are encrypted for.
private struct KeyOwners {
    private let restored: Set<KeyID>
    private let ownKeys: [KeyID: KnownKey]
    private let others: Set<KeyID>

    init(_ open: OpenArchive, restored: [KeyID]) {
        self.restored = Set(restored)
        let known = (try? open.archive.knownKeys()) ?? [:]
        func ids(_ keys: [KnownKey]) -> [(KeyID, KnownKey)] {
            keys.compactMap { key in KeyID(hex: key.sighting.keyID).map { ($0, key) } }
        }
        ownKeys = Dictionary(ids(known[open.account.userID] ?? []), uniquingKeysWith: { first, _ in first })
        let shown = known.filter { $0.key != open.account.userID }.values.flatMap { ids($0).map(\.0) }
        // A colleague's list, or the owner, may say whose a key is that the server did not show.
        let said = open.trusted.all.filter { $0.userID != open.account.userID }.compactMap(\.key?.id)
        others = Set(shown + said)
    }

    func own(_ counts: [KeyID: Int]) -> [(key: KeyID, value: Int)] {
        Set(restored).union(ownKeys.keys).sorted().map { ($0, counts[$0] ?? 0) }.filter {
            $0.1 > 0 || restored.contains($0.0)
        }
    }

    func unknown(_ counts: [KeyID: Int]) -> [(key: KeyID, value: Int)] {
        counts.filter { !restored.contains($0.key) && ownKeys[$0.key] == nil && !others.contains($0.key) }
            .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    }

    func describe(_ id: KeyID) -> String {
        var facts = [restored.contains(id) ? "restored" : "NOT restored"]
        if ownKeys[id]?.isCurrent == true { facts.append("registered on the server") }
        return facts.joined(separator: ", ")
    }

    func since(_ id: KeyID) -> String { ownKeys[id].map { ", known since \($0.firstSeen.date)" } ?? "" }
}
