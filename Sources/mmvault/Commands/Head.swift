import Archive
import ArgumentParser
import Reader

struct Head: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the chain's head, and get a time stamp for it.",
        usage: "mmvault head [<options>]",
        discussion: """
            The head of the chain is a hash that vouches for every document in the
            archive. Whoever else has it can tell later that nothing before it was
            changed. A time-stamp authority (RFC 3161) signs it together with the time:
            then nobody can say that you made the archive up later.

            mmvault sends nothing. Send the request yourself; the authority learns the
            hash and nothing else. The archive keeps its answer, packages of evidence
            carry it, and “mmvault check --timestamp-ca FILE” verifies it.

            EXAMPLES:
              mmvault head --timestamp-request head.tsq
              curl -H 'Content-Type: application/timestamp-query' \\
                --data-binary @head.tsq -o head.tsr https://tsa.example.org
              mmvault head --timestamp-response head.tsr --timestamp-ca tsa.pem

            \(ExitCode.help(.failure, .damaged, .inUse, .noArchive, .usage, .badExport))
            """)

    @OptionGroup var vault: VaultOptions

    @Option(
        help: ArgumentHelp("Write a request for a time stamp to a new file.", valueName: "file"), completion: .file())
    var timestampRequest: String?

    @Option(
        help: ArgumentHelp("Keep the authority's answer (- for standard input).", valueName: "file"),
        completion: .file())
    var timestampResponse: String?

    @Option(
        help: ArgumentHelp(
            "With --timestamp-response: keep it only if these certificates vouch for it, in PEM.", valueName: "file"),
        completion: .file())
    var timestampCa: String?

    func validate() throws {
        if timestampCa != nil, timestampResponse == nil {
            throw ValidationError("--timestamp-ca is for --timestamp-response")
        }
        if timestampRequest != nil, timestampResponse != nil {
            throw ValidationError("--timestamp-request and --timestamp-response exclude each other")
        }
    }

    func run() async throws {
        let directory = try vault.directory()
        if let timestampResponse { return try await keep(timestampResponse, directory) }
        let archive = try await Archive.opened(directory)
        // Of the record itself, and not of the index: what an authority signs must be what the chain has.
        let last = try archive.document(try archive.head().documents).record
        Terminal.print("\(Int(last.sequence).of("document")), head of the chain:\n  \(last.hash)")
        guard let timestampRequest else { return }
        guard !PrivateFile.exists(timestampRequest) else {
            throw Failure(
                .usage, "\(SafeText.line(timestampRequest)) exists already", hint: "name a file that does not exist yet"
            )
        }
        try PrivateFile.create(timestampRequest, with: TimeStampToken.request(for: last.hash))
        let name = SafeText.line(timestampRequest)
        Terminal.print("\(name): a request for a time stamp over documents 1 to \(last.sequence)".wrapped(indent: 2))
        Terminal.note("Send it to an authority, and keep the answer:")
        Terminal.note("  curl -H 'Content-Type: application/timestamp-query' \\")
        Terminal.note("    --data-binary @\(name) -o ANSWER URL")
        Terminal.note("  mmvault head --timestamp-response ANSWER")
    }

    private func keep(_ file: String, _ directory: AccountDirectory) async throws {
        let authorities = try timestampCa.map(Check.authorities)
        let response = try InputFile.read(file, limit: TimeStampToken.maximumSize)
        if let authorities, case .untrusted(let why) = try TimeStampToken(response).judgement(by: authorities) {
            throw Failure(
                .badExport, "the certificates do not vouch for this time stamp: \(SafeText.line(why))",
                hint: "nothing was kept; get the authority's certificates from the authority")
        }
        let (stamp, isNew) = try await ArchiveWriter(directory).append(timeStamp: response, at: .now)
        if !isNew { Terminal.print("The archive has this time stamp already.") }
        Terminal.print(
            ("document \(stamp.sequence): a time stamp over documents 1 to \(stamp.covered), of "
                + "\(stamp.token.time.second) UTC, signed as “\(SafeText.line(stamp.token.authority))”").wrapped(
                    indent: 2))
        guard authorities == nil else { return Terminal.print("The certificates vouch for it.") }
        Terminal.note(
            "Anyone can sign under any name. “mmvault check --timestamp-ca FILE” verifies who signed, with the authority's "
                + "certificates.")
    }
}
