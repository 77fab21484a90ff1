import Archive
import ArgumentParser
import Reader

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read the whole archive again, and name what is damaged.",
        usage: "mmvault check [<options>]",
        discussion: """
            Recomputes the SHA-256 of every document and the chain that joins them, and
            holds the index against the documents. Needs no key and changes nothing.
            Write down the chain's head that it prints: if a later check shows the same
            number of documents with another head, somebody changed the archive.

            \(ExitCode.help(.damaged, .noArchive))
            """)

    @OptionGroup var vault: VaultOptions

    func run() async throws {
        let directory = try vault.directory()
        let report = try await Archive(directory).check { done, total in
            if done.isMultiple(of: 16) {
                Terminal.showProgress("checking document \(done.grouped) of \(total.grouped)")
            }
        }
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
        Terminal.print(
            "\(report.documents.of("document")), \(report.versions.of("post version")), "
                + "\((report.bytes >> 10).grouped) KiB as received")
        Terminal.print("head of the chain: \(report.head)")
        guard report.isClean else {
            throw Failure(
                .damaged, "the archive \(SafeText.line(directory.archivePath)) is damaged",
                hint: "keep the file as it is, and restore a copy beside it; what is not named above is whole")
        }
        Terminal.print("Everything is as it was received.")
    }
}
