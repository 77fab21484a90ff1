import Archive
import Reader

extension Failure {
    static func of(_ error: ArchiveError) -> Failure {
        switch error {
        case .noVault(let path):
            Failure(
                .noArchive, "there is no vault at \(SafeText.line(path))",
                hint: "“mmvault login URL” makes one; --vault or MMVAULT_DIR says where")
        case .noAccount(let vault):
            Failure(
                .noArchive, "there is no account in the vault \(SafeText.line(vault))",
                hint: "“mmvault login URL” adds one")
        case .unknownAccount(let name, let known):
            Failure(
                .noArchive, "there is no account “\(SafeText.line(name))” in the vault",
                hint: known.isEmpty
                    ? "“mmvault login URL” adds one" : "there is \(SafeText.line(known.joined(separator: ", ")))")
        case .severalAccounts(let names):
            Failure(
                .noArchive, "the vault holds several accounts, and none was chosen",
                hint: "add --account with one of \(SafeText.line(names.joined(separator: ", ")))")
        case .exposed(let path, let exposure): exposed(SafeText.line(path), exposure)
        case .inUse(let process, let path):
            Failure(
                .inUse, "the archive is in use by \(process.map { "process \($0)" } ?? "another process")",
                hint:
                    "wait for it to end, or stop it if it is “mmvault pull --follow”; the lock is \(SafeText.line(path))"
            )
        case .notAnArchive(let path):
            Failure(
                .damaged, "\(SafeText.line(path)) is not an archive of mmvault",
                hint: "nothing was changed; if it should be one, restore it from a copy")
        case .newerFormat(let path, let version):
            Failure(
                .noArchive, "\(SafeText.line(path)) has the format \(version), which this version does not know",
                hint: "use a newer mmvault; nothing was changed")
        case .damagedDocument(let sequence, let what):
            Failure(
                .damaged, "document \(sequence) of the archive is damaged: \(SafeText.line(what))",
                hint: "“mmvault check” names everything that is; keep this file and restore a copy beside it")
        case .damagedDatabase(let path, let what):
            Failure(
                .damaged, "\(path.isEmpty ? "the archive" : SafeText.line(path)) is damaged: \(SafeText.line(what))",
                hint: "nothing was changed; keep the file as it is, restore a copy beside it, and use that")
        case .notAPage(let what):
            Failure(.server, "the server's answer is not what it should be: \(SafeText.line(what))")
        case .file(let path, let operation, let errno):
            Failure(
                .failure, "cannot \(operation) \(SafeText.line(path)): \(Terminal.describe(errno: errno))",
                hint: "nothing that was archived is lost")
        case .database(let message, let isFull):
            Failure(
                .failure, "the archive's database: \(SafeText.line(message))",
                hint: isFull
                    ? "free some space and run the command again; nothing that was archived is lost"
                    : "“mmvault check” tells whether the archive is whole")
        case .badExport(let file, let what):
            Failure(
                .badExport,
                file.map { "\(SafeText.line($0)) in the zip: \(SafeText.line(what))" }
                    ?? "the zip cannot be imported: \(SafeText.line(what))",
                hint: what.contains("unpacks to more")
                    ? "nothing was added; --max-size GIB allows more" : "nothing was added")
        case .badTimeStamp(let what):
            Failure(
                .badExport, "no time stamp was kept: \(SafeText.line(what))",
                hint: "nothing was added; “mmvault head --timestamp-request FILE” writes a new request")
        case .compression(let what): Failure(.failure, "compression: \(SafeText.line(what))")
        }
    }

    private static func exposed(_ path: String, _ exposure: FolderExposure) -> Failure {
        switch exposure {
        case .link:
            Failure(
                .noArchive, "\(path) is a link, and an account's folder must not be one",
                hint: "name the vault that it leads to with --vault, or move the account's folder into this one")
        case .owner(let user):
            Failure(
                .noArchive, "\(path) belongs to another user (\(user)), who may have changed it",
                hint: "copy the account's folder, so that the copy is yours, and run “mmvault check” there")
        case .writable:
            Failure(
                .noArchive, "other users may write to \(path), and may have changed it",
                hint: "“chmod go-w” takes that right away; then run “mmvault check”")
        }
    }
}
