import Archive
import ArgumentParser
import Bytes
import E2EE
import Reader

struct Search: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find posts by their words, authors, places and times.",
        usage: "mmvault search <query> ... [<options>]",
        discussion: """
            THE QUERY is what Mattermost's own search takes, and a little more:
              rollback plan         posts with both words
              '"rollback plan"'     the phrase (the shell takes one pair of quotes away)
              roll*                 words that begin so
              rollback -staging     without a word
              from:carol in:release by an author, in a channel (in:bob: direct messages)
              on: before: after:    2026-11-23, 2026-11, 2026, today, yesterday (UTC)
              #tag has:file is:edited is:deleted
              verdict:clean         or unclean, or any word of “mmvault verify”
            “cafe” finds “café”; Chinese, Japanese and Korean are found by any part of a run.

            Everything that the keys open is searched, old revisions and deleted posts
            included. A text whose signature does not verify, or that stands in the clear
            in a post that should be encrypted, is found as well, marked NOT VERIFIED.
            The index for it is kept sealed to your private key (docs/search-index.md).

            EXAMPLES:
              mmvault search rollback from:carol
              mmvault search '"room 東京"' --context 2
              mmvault search --relevance --limit 5 signed packages
              mmvault search --json from:bob has:file after:2025-06
              mmvault search -      answers one query after the other

            \(ExitCode.help(.key, .damaged, .noArchive, .usage))
            """)

    @OptionGroup var vault: VaultOptions
    @OptionGroup var keys: KeyOptions

    @Argument(
        parsing: .allUnrecognized,
        help: ArgumentHelp(
            "What to find; - for queries from standard input, one a line: with --json, an empty line ends each answer.",
            valueName: "query"))
    var query: [String]

    @Option(help: ArgumentHelp("At most so many posts.", valueName: "n"))
    var limit = 20

    @Flag(help: "The best first, of the newest 10,000 that match, instead of the newest.")
    var relevance = false

    @Option(help: ArgumentHelp("Show so many posts before and after each: of its thread, or channel.", valueName: "n"))
    var context = 0

    @Flag(help: "Print everything at once.")
    var noPager = false

    @Flag(help: "One JSON object a line for every post found, and nothing else.")
    var json = false

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit takes a number from 1") }
        guard (0...1000).contains(context) else { throw ValidationError("--context takes a number from 0 to 1000") }
    }

    func run() async throws {
        // A query that is not clear is told before anybody waits for an index.
        // “--” may stand before words that look like options.
        let words = query.filter { $0 != "--" }
        let only = words == ["-"] ? nil : try SearchQuery(words.joined(separator: " "), today: .now)
        let open = try await OpenArchive(vault, keys: keys)
        let search = try Reader.Search(
            open.archive, reader: open.reader, trusted: open.trusted, keyring: Keyring(open.keys))
        try await search.update(progress: Search.show)
        Terminal.clearProgress()
        if open.keys.isEmpty {
            Terminal.note(
                "No private key is at hand, so that encrypted posts are not searched: “mmvault key restore FILE”.")
        }
        if let only {
            return try await Pager.show(unless: noPager || json) { try await answer(only, search, open) }
        }
        while let line = Terminal.inputIsTerminal ? Prompt.answer("search: ") : readLine() {
            do {
                try await answer(try SearchQuery(line, today: .now), search, open)
            } catch let error as SearchQueryError {
                Terminal.fail(Failure(error))
            }
            if json { Terminal.print() }
            Terminal.flush()
        }
    }

    private func answer(_ query: SearchQuery, _ search: Reader.Search, _ open: OpenArchive) async throws {
        let (hits, hasMore) = try await search.find(
            query, order: relevance ? .relevance : .newestFirst, limit: limit, context: context, progress: Search.show)
        Terminal.clearProgress()
        let printer = SearchPrinter(open, SearchHighlight(query))
        for hit in hits { json ? Terminal.write(json: printer.line(hit)) : printer.print(hit) }
        guard !json else { return }
        if hits.isEmpty {
            let all = try search.count().of("post or old revision", "posts and old revisions")
            Terminal.print("Nothing found among \(all).")
        }
        if hasMore {
            Terminal.note("There are more: these are the \(relevance ? "best" : "newest") \(limit.grouped) (--limit).")
        }
    }

    private static func show(_ done: Int, of total: Int) {
        Terminal.showProgress("indexing: \(done.grouped) of \(total.grouped)")
    }
}
