import Archive
import Reader

extension Archive {
    /// Opens an archive to say something of what it holds. What is said comes from the index: where anybody but this program
    /// may have changed it since it was last checked, it is checked first.
    ///
    /// - Parameter despiteDamage: whether a damaged archive is opened, too, after a warning.
    /// - Returns: and whether it is damaged.
    static func opened(
        _ directory: AccountDirectory, despiteDamage: Bool
    ) async throws -> (archive: Archive, isDamaged: Bool) {
        let archive = try Archive(directory)
        guard !archive.isAsChecked else { return (archive, false) }
        let report = try await archive.checkAloud(includesFiles: false)
        guard !report.damages.isEmpty else { return (archive, false) }
        for line in report.lines { Terminal.note(line) }
        guard despiteDamage else {
            throw Failure.damaged(
                archive, "nothing is shown", "“--damaged” of read and export takes what is left")
        }
        Terminal.warn("the archive is damaged, and what it says may be wrong")
        return (archive, true)
    }

    static func opened(_ directory: AccountDirectory) async throws -> Archive {
        try await opened(directory, despiteDamage: false).archive
    }

    /// Checks all of it, and shows how far it has come.
    func checkAloud(includesFiles: Bool = true) async throws -> CheckReport {
        let report = try await check(
            includesFiles: includesFiles,
            progress: { done, total in
                if done.isMultiple(of: 16) {
                    Terminal.showProgress("checking document \(done.grouped) of \(total.grouped)")
                }
            },
            fileProgress: {
                Terminal.showProgress("checking files: \($0.files.of("file")), \($0.fileBytes.asBytes)")
            })
        Terminal.clearProgress()
        return report
    }

    /// What comes before any word on an archive's posts: whose they are, and which keys are whose, stands in the index, and
    /// a damaged one would give wrong answers. What the files of posts hold decides nothing.
    ///
    /// - Parameters:
    ///   - isQuiet: whether standard output is for results alone.
    ///   - consequence: what is not done on a damaged archive: “nothing was verified”.
    /// - Returns: whether the files are as they came, too.
    /// - Throws: a failure, once all damages are named.
    func requireUndamaged(isQuiet: Bool, _ consequence: String) async throws -> Bool {
        let report = try await checkAloud()
        for line in report.lines { if isQuiet { Terminal.note(line) } else { Terminal.print(line) } }
        guard report.damages.isEmpty else {
            throw Failure.damaged(self, consequence)
        }
        return report.isClean
    }
}

extension Failure {
    /// - Parameter other: another thing to do.
    fileprivate static func damaged(_ archive: Archive, _ consequence: String, _ other: String? = nil) -> Failure {
        let copy = "keep the file as it is, restore a copy beside it, and use that"
        return Failure(
            .damaged, "the archive \(SafeText.line(archive.directory.archivePath)) is damaged; \(consequence)",
            hint: other.map { "\(copy); \($0)" } ?? copy)
    }
}

extension CheckReport {
    /// What is wrong, a paragraph each.
    var lines: [String] {
        var lines: [String] = []
        for damage in damages {
            let place = damage.document.map { "document \($0)" } ?? "the database"
            let context = damage.context.isEmpty ? "" : " (\(SafeText.line(damage.context)))"
            lines.append("DAMAGED  \(place)\(context): \(SafeText.line(damage.what))".wrapped(indent: 9))
            if !damage.posts.isEmpty {
                let shown = damage.posts.prefix(5).joined(separator: ", ")
                let rest = damage.posts.count > 5 ? ", …" : ""
                lines.append("         its \(damage.posts.count.of("post")): \(shown)\(rest)".wrapped(indent: 11))
            }
        }
        return lines
            + fileFindings.map { finding in
                let post = finding.postID.map { " (a file of post \($0))" } ?? ""
                return "\(finding.what.label)  \(SafeText.line(finding.path))\(post)\(finding.what.words)"
                    .wrapped(indent: 9)
            }
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
        case .damaged: ": its bytes are not those that came; “mmvault pull --full” fetches it again"
        case .unreadable: ": it cannot be read"
        case .missing: ": “mmvault pull” fetches it again, if the server still has it"
        case .foreign: ": the archive knows nothing of it"
        }
    }
}
