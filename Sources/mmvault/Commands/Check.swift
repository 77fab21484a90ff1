import Archive
import ArgumentParser
import Reader

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read the whole archive, or a package of evidence, and name what is damaged.",
        usage: "mmvault check [<options>] [<package>]",
        discussion: """
            Recomputes the SHA-256 of every document and every file, follows the chain
            that joins the documents, and holds the index against them. Needs no key and
            changes nothing.
            Write down the chain's head that it prints: if a later check shows the same
            number of documents with another head, somebody changed the archive.

            With a PACKAGE that “mmvault export evidence” made, a folder, .zip or .tar.zst:
            verifies every hash and every signature in it, holds each post against the
            server's own answer, and makes the report again. Needs neither vault nor key.

            \(ExitCode.help(.damaged, .noArchive, .badExport))
            """)

    @OptionGroup var vault: VaultOptions

    @Argument(
        help: ArgumentHelp("A package of evidence to check instead of the archive.", valueName: "package"),
        completion: .file())
    var package: String?

    func run() async throws {
        if let package { return try await Check.checkPackage(package) }
        let directory = try vault.directory()
        let report = try await Archive(directory).check(
            progress: { done, total in
                if done.isMultiple(of: 16) {
                    Terminal.showProgress("checking document \(done.grouped) of \(total.grouped)")
                }
            },
            fileProgress: {
                Terminal.showProgress("checking files: \($0.files.of("file")), \($0.fileBytes.asBytes)")
            })
        Terminal.clearProgress()
        for damage in report.damages {
            let place = damage.document.map { "document \($0)" } ?? "the database"
            let context = damage.context.isEmpty ? "" : " (\(SafeText.line(damage.context)))"
            Terminal.print("DAMAGED  \(place)\(context): \(SafeText.line(damage.what))".wrapped(indent: 9))
            if !damage.posts.isEmpty {
                let shown = damage.posts.prefix(5).joined(separator: ", ")
                let rest = damage.posts.count > 5 ? ", …" : ""
                Terminal.print("         its \(damage.posts.count.of("post")): \(shown)\(rest)".wrapped(indent: 11))
            }
        }
        for finding in report.fileFindings {
            let post = finding.postID.map { " (a file of post \($0))" } ?? ""
            Terminal.print(
                "\(finding.what.label)  \(SafeText.line(finding.path))\(post)\(finding.what.words)".wrapped(indent: 9))
        }
        Terminal.print(
            "\(report.documents.of("document")), \(report.versions.of("post version")), "
                + "\((report.bytes >> 10).grouped) KiB as received")
        if report.files > 0 { Terminal.print("\(report.files.of("file")), \(report.fileBytes.asBytes)") }
        Terminal.print("head of the chain: \(report.head)")
        guard report.isClean else {
            throw Failure(
                .damaged, "the archive \(SafeText.line(directory.archivePath)) is damaged",
                hint: "keep the file as it is, and restore a copy beside it; what is not named above is whole")
        }
        Terminal.print("Everything is as it was received.")
    }
}

extension CheckReport.FileFinding.What {
    fileprivate var label: String {
        switch self {
        case .damaged, .unreadable: "DAMAGED"
        case .missing: "MISSING"
        case .foreign: "FOREIGN"
        }
    }

    fileprivate var words: String {
        switch self {
        case .damaged: ": its bytes are not those that came; where it is moved away, “mmvault pull” fetches it again"
        case .unreadable: ": it cannot be read"
        case .missing: ": “mmvault pull” fetches it again, if the server still has it"
        case .foreign: ": the archive knows nothing of it"
        }
    }
}
