import Archive
import ArgumentParser
import Bytes
import Reader

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take in a server's export from its zip.",
        usage: "mmvault import <file> [<options>]",
        discussion: """
            FILE is a bulk export (a zip from “mmctl export”) or a legal hold (a zip
            from the Legal Hold plugin). What the archive has already is joined with it;
            the rest is added, and marked as imported, with the files of posts. All of
            it is added, or nothing; the same file twice adds nothing. What the server
            itself said is never replaced. Into an account of yours, it must be an
            export of that account's server: people and channels are found by name. Pull
            first; what is pulled later is not joined with it (docs/import.md).

            EXAMPLES:
              mmvault import export.zip
              mmvault import export.zip --as alice
              mmvault import hold.zip --hold-secret-file secret.txt

            \(ExitCode.help(.inUse, .noArchive, .usage, .badExport))
            """)

    @OptionGroup var vault: VaultOptions

    @Argument(help: "The zip file.", completion: .file(extensions: ["zip"]))
    var file: String

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            "Not into an account of a server, but into an archive of imports alone: that of this user.",
            valueName: "username"))
    var owner: String?

    @Option(
        help: ArgumentHelp(
            "The legal hold's secret (- for standard input): checks every file's hash before anything is added.",
            valueName: "file"),
        completion: .file())
    var holdSecretFile: String?

    @Option(help: ArgumentHelp("Let the zip unpack to so much, at whatever ratio.", valueName: "gib"))
    var maxSize: Int64?

    func validate() throws {
        if owner != nil, vault.account != nil { throw ValidationError("--as and --account exclude each other") }
        if owner == "" { throw ValidationError("--as takes a username") }
        if let maxSize, !(1...1 << 30).contains(maxSize) {
            throw ValidationError("--max-size takes a number of GiB from 1 on")
        }
    }

    func run() async throws {
        let limits = maxSize.map { ImportLimits(unpacked: $0 << 30, ratio: nil) } ?? ImportLimits()
        let export = ImportFile(path: file, limits: limits)
        guard PrivateFile.exists(file) else { throw Failure(.usage, "there is no file \(SafeText.line(file))") }
        let existing = owner == nil ? try account() : nil
        if let existing { try requirePull(existing) }
        let secret = try secret()
        let name = SafeText.line(export.name)
        let survey = try export.survey(secret: secret) { done, total in
            Terminal.showProgress("reading \(name): \(done * 100 / max(total, 1)) %")
        }
        let directory = try existing ?? vault.open().makeImportAccount(owner ?? "", survey)
        if let time = try Archive(directory).imported(sha256: survey.sha256) {
            Terminal.print("\(name) was imported on \(time.minute) UTC; nothing was added.")
            return
        }
        let writer = try ArchiveWriter(directory)
        let report = try await writer.add(export, survey) { done, total in
            Terminal.showProgress("importing \(name): \(done * 100 / max(total, 1)) %")
        }
        Terminal.clearProgress()
        describe(report, survey, directory)
    }

    private func account() throws -> AccountDirectory {
        do {
            return try vault.directory()
        } catch let error as ArchiveError {
            let failure = Failure(error)
            switch error {
            case .noVault, .noAccount:
                throw Failure(
                    failure.code, failure.message,
                    hint:
                        "“mmvault login URL” and “mmvault pull” first; or --as USERNAME, for an archive of imports alone"
                )
            default: throw failure
            }
        }
    }

    /// Whoever has a session can pull, and what is pulled later would stand beside the import, every channel twice.
    private func requirePull(_ directory: AccountDirectory) throws {
        guard PrivateFile.exists(directory.sessionPath), try !Archive(directory).knowsChannels() else { return }
        throw Failure(
            .noArchive, "nothing was pulled yet, and a pull after an import would bring every channel a second time",
            hint:
                "“mmvault pull” first; the export of a server that is gone goes into an archive of its own: --as USERNAME"
        )
    }

    private func secret() throws -> SecretBytes? {
        guard let holdSecretFile else { return nil }
        var bytes = Array(try InputFile.readLine(holdSecretFile).utf8)
        defer { wipe(&bytes) }
        return SecretBytes(bytes)
    }

    private func describe(_ report: ImportReport, _ survey: ImportFile.Survey, _ directory: AccountDirectory) {
        let kind = survey.format == .bulk ? "a bulk export" : "a legal hold"
        Terminal.print("\(SafeText.line(ImportFile(path: file).name)): \(kind)")
        Terminal.print("  SHA-256 \(survey.sha256)".wrapped(indent: 10))
        Terminal.print("  \(report.posts.of("post and old revision", "posts and old revisions")) in it")
        Terminal.print("  \(report.added.grouped) added, \((report.posts - report.added).grouped) were known")
        if report.newUsers + report.newChannels > 0 {
            Terminal.print(
                "  \(report.newUsers.of("user")) and \(report.newChannels.of("channel")) that were not known")
        }
        if report.files > 0 {
            Terminal.print("  \(report.files.of("file")) of posts, \(report.fileBytes.asBytes)")
        }
        let left = survey.attachments - report.files
        if left > 0 { Terminal.print("  \(left.of("other file")) not taken: known, or of no post that was added") }
        switch survey.hashes {
        case .none: break
        case .unchecked: Terminal.print("  its hashes were not checked: --hold-secret-file FILE does")
        case .checked(let hashes): describe(hashes)
        }
        Terminal.print("The archive is in \(SafeText.line(directory.path))")
    }

    /// How many of the missing files are named.
    private static let named = 20

    private func describe(_ hashes: HoldHashes) {
        Terminal.print("  the hashes of \(hashes.checked.of("file")) are as they should be")
        if hashes.foreign > 0 {
            Terminal.print(
                "  \(hashes.foreign.of("file")) without a hash, and not taken: no part of a legal hold".wrapped(
                    indent: 4))
        }
        guard !hashes.missing.isEmpty else { return }
        Terminal.print("  \(hashes.missing.count.of("file")) listed in hashes.json and missing in the zip:")
        for path in hashes.missing.prefix(Import.named) { Terminal.print("    \(SafeText.line(path))") }
        let rest = hashes.missing.count - Import.named
        if rest > 0 { Terminal.print("    and \(rest.grouped) more") }
    }
}
