import Archive
import ArgumentParser
import Reader

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the archive and every signature, and open every post.",
        usage: "mmvault verify [<options>]",
        discussion: """
            First all that “mmvault check” does: on a damaged archive there is no verdict.
            Then one line per channel, and how many posts got which verdict. A signature
            covers a post's text and recipients, not its place, time or thread
            (docs/threat-model.md).

            EXAMPLES:
              mmvault verify
              mmvault verify --details --channel research
              mmvault verify --json > verdicts.jsonl

            \(ExitCode.help(.findings, .damaged, .key, .noArchive))
            """)

    @OptionGroup var vault: VaultOptions
    @OptionGroup var keys: KeyOptions

    @Option(help: ArgumentHelp("Only this channel; may be repeated.", valueName: "channel"))
    var channel: [String] = []

    @Flag(help: "List every post that is not plain, or verified and decrypted.")
    var details = false

    @Flag(help: "One JSON object a line for every post and old revision, and nothing else.")
    var json = false

    func run() async throws {
        let open = try await OpenArchive(vault, keys: keys, isCheckedLater: true)
        let channels = try open.select(channels: channel)
        let hasAllFiles = try await open.archive.requireUndamaged(isQuiet: json, "nothing was verified")
        let people = open.people
        var total: [Verdict: Int] = [:]
        var byList: [String: Int] = [:]
        var invalid: [String: Int] = [:]
        var done = 0
        let versions = try open.archive.versionCounts()
        let expected = channels.reduce(0) { $0 + (versions[$1.id] ?? 0) }
        for channel in channels {
            var counts: [Verdict: Int] = [:]
            var hasHeading = false
            let label = people.label(channel)
            try await open.reader.read(PostQuery(channelID: channel.id)) { post in
                counts[post.verdict, default: 0] += 1
                if let colleague = open.trusted.voucher(of: post) { byList[colleague, default: 0] += 1 }
                if post.verdict.authenticity == .signatureInvalid, post.signer == nil {
                    invalid[post.header.userID, default: 0] += 1
                }
                done += 1
                if done.isMultiple(of: 500) {
                    Terminal.showProgress("verifying \(label): \(done.grouped) of \(expected.grouped)")
                }
                if json { return Terminal.write(json: post.verdictLine) }
                guard details, !post.verdict.isClean else { return }
                if !hasHeading { Terminal.print("\(label):") }
                hasHeading = true
                Verify.print(post, people)
            }
            total.merge(counts, uniquingKeysWith: +)
            if !json { Verify.print(counts, label) }
        }
        if !json {
            let lists = byList.sorted { $0.key < $1.key }.map { id, count in
                "\(count.of("post")) \(count == 1 ? "rests" : "rest") on \(people.username(id))'s list alone."
            }
            summarize(
                total, channels: channels.count, hasKeys: !open.keys.isEmpty, hasAllFiles: hasAllFiles, lists: lists,
                mayHaveSigners: invalid.values.contains { $0 > 1 })
            if let decided = open.trusted.decidedInWords { Terminal.print(decided) }
            try await KeyQuestionPrinter.show(open.archive, open.trusted)
        }
        guard hasAllFiles else {
            throw Failure.damagedFiles("the verdicts on the posts hold")
        }
        if total.keys.contains(where: { !$0.isClean }) { throw ArgumentParser.ExitCode(ExitCode.findings.rawValue) }
    }

    private static func print(_ counts: [Verdict: Int], _ label: String) {
        let versions = counts.values.reduce(0, +)
        let clean = counts.filter(\.key.isClean).values.reduce(0, +)
        let plain = counts.filter { $0.key.content == .plain }.values.reduce(0, +)
        // What is plain is the server's word.
        let well =
            plain == versions ? "none encrypted" : plain == 0 ? "all verified" : "encrypted ones verified"
        let rest = versions == clean ? well : "\((versions - clean).grouped) to look at"
        Terminal.print("\(label.padded(to: 40)) \(versions.grouped.rightAligned(in: 9))  \(rest)")
    }

    private static func print(_ post: ReadPost, _ people: People) {
        let time = Timestamp(milliseconds: post.header.createAt).minute
        let facts = [
            post.state == .live ? nil : post.state.rawValue,
            post.importName.map { "imported with \(SafeText.line($0))" },
        ].compactMap { $0 }
        let state = facts.isEmpty ? "" : " (\(facts.joined(separator: ", ")))"
        Terminal.print("  \(time)  \(people.username(post.header.userID))  \(post.header.id)\(state)")
        Terminal.print("    \(SafeText.line(post.finding))".wrapped(indent: 6))
    }

    /// - Parameters:
    ///   - lists: what rests on colleagues' lists, in words.
    ///   - mayHaveSigners: whether anybody has several posts that fit no known key: it takes two to find a signer.
    private func summarize(
        _ total: [Verdict: Int], channels: Int, hasKeys: Bool, hasAllFiles: Bool, lists: [String],
        mayHaveSigners: Bool
    ) {
        let versions = total.values.reduce(0, +)
        guard versions > 0 else { return Terminal.print("No posts are archived here. “mmvault pull” fetches them.") }
        Terminal.print()
        Terminal.print(
            "\(versions.of("post or old revision", "posts and old revisions")) in \(channels.of("channel")):")
        total.printTable()
        let wrong = total.filter { !$0.key.isClean }.values.reduce(0, +)
        for line in lists { Terminal.print(line.wrapped()) }
        if wrong == 0 {
            let end =
                total.keys.allSatisfy { $0.authenticity == nil }
                ? "Nothing is encrypted, and so nobody signed anything."
                : lists.isEmpty ? "Nothing is wrong." : "Nothing is wrong, as far as one may rely on that."
            return hasAllFiles ? Terminal.print(end) : ()
        }
        Terminal.print(
            ("\(wrong.grouped) of them to look at (!)"
                + (details ? "." : ": “mmvault verify --details” says which and why.")).wrapped())
        if total.keys.contains(where: { $0.authenticity == .signatureInvalid }) {
            if mayHaveSigners {
                Terminal.print("“mmvault trust signers” says which of them, if any, one unseen key signed;".wrapped())
            }
            Terminal.print("“mmvault audit” \(mayHaveSigners ? "looks for more" : "says more about them").")
        }
        if !hasKeys, total.keys.contains(where: { $0.content == .notForUs }) {
            Terminal.print("No private key is at hand: “mmvault key restore FILE” restores one.".wrapped())
        }
    }
}

extension OpenArchive {
    /// The channels that are called so; all where nothing is named.
    func select(channels wanted: [String], teams wantedTeams: [String] = []) throws -> [Channel] {
        for name in wanted where !channels.contains(where: { names.matches($0, name) }) {
            throw noChannel(name)
        }
        for name in wantedTeams where !teams.contains(where: { $0.isCalled(name) }) {
            let known = teams.map { SafeText.name($0.name) }.sorted().prefix(5)
            throw Failure(
                .noArchive, "the archive has no team “\(SafeText.line(name))”",
                hint: known.isEmpty ? "it has none at all" : "there is \(known.joined(separator: ", "))")
        }
        let teamIDs = teams.filter { team in wantedTeams.contains(where: team.isCalled) }.map(\.id)
        return channels.filter { channel in
            (wanted.isEmpty || wanted.contains { names.matches(channel, $0) })
                && (wantedTeams.isEmpty || teamIDs.contains(channel.teamID))
        }
    }
}

extension Team {
    fileprivate func isCalled(_ name: String) -> Bool { [id, self.name, displayName].contains(name) }
}

extension [Verdict: Int] {
    /// Prints how many posts got which verdict, and marks those to look at.
    func printTable() {
        for (verdict, count) in sorted(by: { $0.key < $1.key }) {
            let authenticity = verdict.authenticity?.rawValue ?? "-"
            let row = "  \(count.grouped.rightAligned(in: 9))  \(authenticity.padded(to: 22))"
            let why = verdict.suspicions.map { " \($0.rawValue)" }.joined(separator: ",")
            Terminal.print(
                verdict.isClean
                    ? row + verdict.content.rawValue : "\(row)\(verdict.content.rawValue.padded(to: 20))!\(why)")
        }
    }
}
