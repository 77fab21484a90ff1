import Archive
import ArgumentParser
import Bytes
import Reader

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read the whole archive, or a package of evidence, and name what is damaged.",
        usage: "mmvault check [<options>] [<package>]",
        discussion: """
            Recomputes the SHA-256 of every document and every file, follows the chain
            that joins the documents, and holds the index against them. Needs no key and
            changes none of that.
            Write down the chain's head that it prints. A later “mmvault check --head HEAD”
            says whether everything up to there is still there, and as it was: nothing
            else can tell that an archive's end was cut off.

            With a PACKAGE that “mmvault export evidence” made, a folder, .zip or .tar.zst:
            verifies every hash and every signature in it, holds each post against the
            server's own answer, and makes the report again. Needs neither vault nor key.
            A package that is sealed to you opens with your key: .gpg with your gpg, .age
            with --identity.

            Lists the time stamps in either. With --timestamp-ca it verifies who signed
            them, and ends with 2 if none is by the authorities in FILE, or if one that is
            not covers more documents.

            \(ExitCode.help(.findings, .damaged, .key, .noArchive, .unchecked, .usage, .badExport))
            """)

    @OptionGroup var vault: VaultOptions

    @Argument(
        help: ArgumentHelp("A package of evidence to check instead of the archive.", valueName: "package"),
        completion: .file())
    var package: String?

    @Option(
        help: ArgumentHelp("A head of the chain, noted earlier, that must still be in it.", valueName: "head"),
        transform: ChainHead.init(typed:))
    var head: ChainHead?

    @Option(
        help: ArgumentHelp(
            "Certificates of the time-stamp authorities that you trust, in PEM.", valueName: "file"),
        completion: .file())
    var timestampCa: String?

    @Option(
        help: ArgumentHelp(
            "With a package: a new folder to write the report and the posts to, made anew from what was verified.",
            valueName: "folder"),
        completion: .directory)
    var render: String?

    @Option(
        help: ArgumentHelp(
            "With a package that is sealed to you (.age): the file with your age identity (- for standard input).",
            valueName: "file"),
        completion: .file())
    var identity: String?

    func validate() throws {
        guard package == nil, render != nil || identity != nil else { return }
        throw ValidationError("--render and --identity are for a package")
    }

    func run() async throws {
        let authorities = try timestampCa.map(Check.authorities)
        if let package { return try await checkPackage(package, authorities) }
        let directory = try vault.directory()
        let archive = try Archive(directory)
        let report = try await archive.checkAloud()
        for line in report.lines { Terminal.print(line) }
        Terminal.print(
            "\(report.documents.of("document")), \(report.versions.of("post version")), "
                + "\((report.bytes >> 10).grouped) KiB as received")
        if report.files > 0 { Terminal.print("\(report.files.of("file")), \(report.fileBytes.asBytes)") }
        Terminal.print("head of the chain:\n  \(report.head)")
        guard report.isClean else {
            throw Failure(
                .damaged, "the archive \(SafeText.line(directory.archivePath)) is damaged",
                hint: "keep the file as it is, and restore a copy beside it; what is not named above is whole")
        }
        if let head { try compare(head, archive, report) }
        guard Check.describe(report.timeStamps, authorities) else {
            Terminal.print("Everything else is as it was received.")
            throw ArgumentParser.ExitCode(ExitCode.findings.rawValue)
        }
        Terminal.print("Everything is as it was received.")
    }

    static func missingHead(_ head: ChainHead, in chain: String) -> Failure {
        Failure(
            .damaged, "the head \(head.hash.prefix(16))… that you noted is not in \(chain)",
            hint: "documents were changed or removed, or it is the head of another archive")
    }

    /// Whether the head that somebody noted down once is in the chain.
    private func compare(_ head: ChainHead, _ archive: Archive, _ report: CheckReport) throws {
        guard let document = try archive.sequence(ofHash: head.hash) else {
            throw Check.missingHead(head, in: "the archive's chain")
        }
        let rest = Int64(report.documents) - document
        Terminal.print("The head that you noted is that of document \(document): nothing up to there was")
        Terminal.print("changed or removed.")
        if rest > 0 { Terminal.print("\(Int(rest).of("document")) came after it.") }
    }
}

/// The head of a chain, as somebody typed it: 64 hexadecimal digits.
struct ChainHead: Sendable {
    let hash: String

    @Sendable init(typed: String) throws {
        guard let bytes = Hex.decode(typed.lowercased()), bytes.count == SHA256Digest.byteCount else {
            throw ValidationError("the head of a chain has 64 hexadecimal digits")
        }
        hash = Hex.encode(bytes)
    }
}
