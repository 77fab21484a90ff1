import Archive
import ArgumentParser
import Bytes
import E2EE
import Reader

extension Check {
    /// Verifies a package that “export evidence” made.
    func checkPackage(_ path: String, _ authorities: TimeStampAuthorities?) async throws {
        guard PrivateFile.exists(path) else { throw Failure(.usage, "there is no file \(SafeText.line(path))") }
        let identities = try identity.map(Check.identities)
        let report: EvidenceCheck.Report
        do {
            report = try await EvidenceCheck(program: Mmvault.program).run(
                path, head: head?.hash, rendering: render, identities: identities
            ) { files, posts in
                Terminal.showProgress(
                    posts > 0 ? "verifying posts: \(posts.grouped)" : "reading the package: \(files.of("file"))")
            }
        } catch ReaderError.sealed(let file, .damaged) {
            Check.disown(path)
            throw ReaderError.sealed(path: file, .damaged)
        }
        Terminal.clearProgress()
        try requireClean(report, path)
        if let head, report.notedDocument == nil { throw Check.missingHead(head, in: "the package's chain") }
        let maker = SafeText.line(report.program ?? "another version of mmvault")
        if let format = report.foreignFormat {
            Terminal.print(
                "NOT CHECKED  the package has format \(format), and \(Mmvault.program) checks format \(EvidenceCheck.format)"
                    .wrapped(indent: 13))
            throw Failure(
                .unchecked, "nothing in \(SafeText.line(path)) was checked but its hashes",
                hint: "check it with \(maker), which made it, before you believe anything in it")
        }
        if !report.uncompared.isEmpty {
            Terminal.print(
                ("NOT CHECKED, DO NOT READ THESE: \(report.uncompared.map(SafeText.line).joined(separator: ", "))")
                    .wrapped(indent: 2))
            Terminal.print(
                "\(maker) made them, and \(Mmvault.program) would make them differently.".wrapped(indent: 2))
        }
        Check.describe(report.redaction)
        Check.describe(report)
        if let document = report.notedDocument {
            Terminal.print("The head that you noted is that of document \(document) of the package's chain.")
        }
        let isStamped = Check.describe(report.timeStamps, authorities)
        if let render {
            Terminal.print(
                "The report, Markdown, mails and posts, made anew from what was verified, are in \(SafeText.line(render))."
                    .wrapped(indent: 2))
        }
        guard report.uncompared.isEmpty else {
            throw Failure(
                .unchecked, "\(report.uncompared.count.of("file")) of the package could not be checked",
                hint: render.map { "all else fits together: read what is in \(SafeText.line($0)) instead" }
                    ?? "all else fits together: “mmvault check \(SafeText.line(path)) --render DIR” makes them anew")
        }
        Check.caution(report)
        let open = [
            report.signature?.isJudged == false ? "the signature, which was not judged" : nil,
            isStamped ? nil : "the time stamps",
            report.redaction.documents > 0 ? "what the archive's owner took out" : nil,
        ].compactMap { $0 }
        guard open.isEmpty else {
            Terminal.print("Everything fits together, except for \(open.joined(separator: " and ")).".wrapped())
            throw ArgumentParser.ExitCode(ExitCode.findings.rawValue)
        }
        Terminal.print("Everything in it fits together.")
    }

    /// What no check of a package can find, before it says that all is well.
    private static func caution(_ report: EvidenceCheck.Report) {
        if report.shortTexts > 0 {
            let isOne = report.shortTexts == 1
            Terminal.print(
                ("\(report.shortTexts.grouped) of the decrypted texts \(isOne ? "is" : "are") so short (fewer than "
                    + "\(EncryptedMessage.bindingLength) bytes; of the archive's owner, fewer than "
                    + "\(EncryptedMessage.senderBindingLength)) that another key can be found under which "
                    + "\(isOne ? "it says" : "they say") something else, by somebody who made the whole chain anew.")
                    .wrapped())
        }
        Terminal.print(
            ("The package cannot show "
                + (report.notedDocument == nil ? "whether its head is the one that was noted down elsewhere, " : "")
                + "whose the keys are, whether the audit found what findings.jsonl says, and whether the server told "
                + "the truth about times, channels and plain posts.").wrapped())
    }

    /// Lines for one file: what else is wrong with it follows from these, more often than not.
    private static let patience = 10

    /// Nothing else is said of a package that is not as it was made.
    private func requireClean(_ report: EvidenceCheck.Report, _ path: String) throws {
        guard !report.isClean else { return }
        Check.disown(path)
        var counts: [String?: Int] = [:]
        for damage in report.damages {
            counts[damage.file, default: 0] += 1
            guard counts[damage.file, default: 0] <= Check.patience else { continue }
            let post = damage.post.map { " post \(SafeText.line($0)):" } ?? ""
            Terminal.print(
                "DAMAGED  \(SafeText.line(damage.file ?? "the package")):\(post) \(SafeText.line(damage.what))"
                    .wrapped(indent: 9))
        }
        for (file, count) in counts.sorted(by: { ($0.key ?? "") < ($1.key ?? "") }) where count > Check.patience {
            let more = (count - Check.patience).of("more fault", "more faults")
            Terminal.print("DAMAGED  \(SafeText.line(file ?? "the package")): \(more)".wrapped(indent: 9))
        }
        throw Failure(
            .damaged, "the package \(SafeText.line(path)) is damaged, or was changed",
            hint: (report.isPackedAgain ? Failure.packedAgain : "ask for another copy")
                + (render.map { "; nothing was written to \(SafeText.line($0))" } ?? ""))
    }

    /// The first line about a package that is not as it was made.
    private static func disown(_ path: String) {
        Terminal.clearProgress()
        Terminal.print("DAMAGED OR CHANGED: believe nothing in “\(SafeText.line(path))”.".wrapped(indent: 2))
    }

    private static func identities(_ path: String) throws -> AgeIdentities {
        var bytes = try InputFile.read(path)
        defer { wipe(&bytes) }
        guard let identities = AgeIdentities(bytes) else {
            throw Failure(
                .usage, "\(SafeText.line(InputFile.name(path))) holds no age identity that mmvault can use",
                hint: "it looks like AGE-SECRET-KEY-1…; where a passphrase protects it, decrypt the package with age")
        }
        return identities
    }

    /// Said before anything else: what the documents do not prove.
    private static func describe(_ redaction: RedactionEffect) {
        guard redaction.posts + redaction.documents > 0 else { return }
        var text = "REDACTED  without text: \(redaction.posts.of("post or old revision", "posts and old revisions"))"
        if redaction.documents > 0 {
            text += "; rendered by the archive's owner: \(redaction.documents.of("document"))"
        }
        if redaction.others > 0 {
            text +=
                ". In these documents stand others: \(redaction.others.grouped). Where, when and by whom these were posted, and "
                + "what is not signed, is the owner's word"
        }
        Terminal.print(text.wrapped(indent: 10))
    }

    private static func describe(_ report: EvidenceCheck.Report) {
        if let account = report.account {
            Terminal.print(
                "from the archive of @\(SafeText.line(account.username)) on \(SafeText.line(account.server))".wrapped(
                    indent: 2))
        }
        Terminal.print(
            "\(report.files.of("file")), \(report.posts.of("post or old revision", "posts and old revisions"))")
        report.verdicts.printTable()
        for (count, what) in [
            (report.counts.unverified, "not verified, shown and marked NOT VERIFIED"),
            (report.counts.withheld, "withheld, since not verified"),
        ] where count > 0 {
            Terminal.print("\(count.of("text")) \(what)")
        }
        for (channel, documents) in report.absent {
            let answers = documents == 1 ? "1 later answer is" : "\(documents.grouped) later answers are"
            Terminal.print(
                "\(SafeText.line(channel)): \(answers) not here; they may hold edits and deletions".wrapped(indent: 2))
        }
        if report.opened > 0 {
            Terminal.print(
                "\(report.opened.of("text")) decrypted again, from the signed message".wrapped(indent: 2))
        }
        if let head = report.head {
            Terminal.print(
                "\(Int(clamping: head.documents).of("document")), head of the chain:\n  \(SafeText.line(head.hash))")
        }
        Terminal.print("signature: \(words(report.signature))".wrapped(indent: 2))
    }

    private static func words(_ state: Gpg.SignatureState?) -> String {
        switch state {
        case nil: "none: whoever had the package may have made all of it anew"
        case .good(let userID, let fingerprint, isTrusted: true):
            "good, by \(SafeText.line(userID)), key \(SafeText.line(fingerprint))"
        case .good(let userID, let fingerprint, isTrusted: false):
            "good, by the key \(SafeText.line(fingerprint)) that calls itself “\(SafeText.line(userID))”; gpg does not "
                + "know whose it is: compare the fingerprint with its owner"
        case .outdated(let userID, let why): "by \(SafeText.line(userID)), but \(why)"
        case .bad(let userID): "BAD, by \(SafeText.line(userID))"
        case .unknownKey(let keyID):
            "not judged: gpg does not know the key \(SafeText.line(keyID)); import it and check again"
        case .unreadable: "none: SHA256SUMS.asc holds no signature"
        case .notJudged(let why):
            "not judged by gpg: \(why.isEmpty ? "it does not say why" : SafeText.line(why))"
        case .noGpg: "not judged: gpg is not installed"
        }
    }
}
