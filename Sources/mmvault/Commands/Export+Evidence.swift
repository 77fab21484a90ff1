import Archive
import ArgumentParser
import Reader

extension Export {
    /// What `export` can write.
    enum Kind: String, CaseIterable, ExpressibleByArgument {
        case markdown, mbox, jsonl, evidence

        var format: ExportFormat? { ExportFormat(rawValue: rawValue) }
    }

    /// - Returns: nil where nothing is to be sealed.
    func seal() throws -> PackageSeal? {
        guard kind == .evidence else {
            let form = PackageForm(output)
            guard form.format == nil, form.sealing == nil, !form.isForeign else {
                throw Failure(
                    .usage,
                    "“export \(kind.rawValue)” writes a folder, and \(SafeText.line(output)) is called like a file",
                    hint: "name a new folder; one file is what “export evidence” makes")
            }
            if sign != nil || encryptTo != nil {
                throw Failure(.usage, "--sign and --encrypt-to are for “export evidence”", hint: "nothing was written")
            }
            if !redact.isEmpty || !redactUser.isEmpty {
                throw Failure(
                    .usage, "--redact and --redact-user are for “export evidence”", hint: "nothing was written")
            }
            return nil
        }
        guard let encryptTo else {
            if let sealing = PackageForm(output).sealing {
                throw Failure(
                    .usage, "\(SafeText.line(output)) ends with .\(sealing), and --encrypt-to is missing",
                    hint: "“--encrypt-to RECIPIENT” says for whom to seal it; without it, leave .\(sealing) away")
            }
            if PackageForm(output).isForeign {
                throw Failure(
                    .usage, "mmvault cannot write a file of the kind that \(SafeText.line(output)) is by its name",
                    hint: "call it NAME.zip or NAME.tar.zst; any other name is a new folder")
            }
            return nil
        }
        guard let seal = PackageSeal(encryptTo) else {
            throw Failure(.usage, "“\(SafeText.line(encryptTo))” is no age recipient", hint: "it looks like age1…")
        }
        let form = PackageForm(output, seal)
        guard form.format != nil, output.lowercased().hasSuffix(".\(seal.fileExtension)") else {
            throw Failure(
                .usage,
                "for this recipient the file must end with .zip.\(seal.fileExtension) or .tar.zst.\(seal.fileExtension)",
                hint: "call it NAME.zip.\(seal.fileExtension) or NAME.tar.zst.\(seal.fileExtension)")
        }
        return seal
    }

    /// The one OpenPGP key that gpg has for whom the package is to be sealed: none is fetched.
    private func recipient(_ seal: PackageSeal?) async throws -> Gpg.Key? {
        guard case .gpg(let name) = seal else { return nil }
        return try await Gpg().key(named: name, for: .encryption)
    }

    func writeEvidence(_ open: OpenArchive, _ request: ExportRequest, _ seal: PackageSeal?) async throws {
        let names = open.names
        let evidence = Evidence(
            archive: open.archive, keys: open.keys, trusted: open.trusted, program: Mmvault.program)
        let path = SafeText.line(output)
        let recipient = try await recipient(seal)
        let signer: Gpg.Key? = if let sign { try await Gpg().key(named: sign, for: .signing) } else { nil }
        let hasAllFiles = try await open.archive.requireUndamaged(isQuiet: false, "nothing was written")
        let seal = recipient.map { PackageSeal.gpg($0.fingerprint) } ?? seal
        let summary: Evidence.Summary
        do {
            summary = try await evidence.run(
                request, to: output, signer: signer, seal: seal, announce: announce
            ) { channel, posts in
                Terminal.showProgress("exporting \(SafeText.name(names.label(channel))): \(posts.grouped) posts")
            }
        } catch {
            Terminal.clearProgress()
            if PrivateFile.exists("\(output)/INCOMPLETE") {
                Terminal.note("\(path) is not complete, and what is in it is in the clear.")
            }
            throw error
        }
        Terminal.clearProgress()
        describe(summary.counts, in: path)
        Terminal.print("\(summary.files.of("file")) in the package; head of the archive's chain:\n  \(summary.head)")
        if let signer {
            Terminal.print("signed by \(SafeText.line(signer.userID)):\n  \(signer.fingerprint)")
        }
        if let recipient {
            Terminal.print("sealed for \(SafeText.line(recipient.userID)):\n  \(SafeText.line(recipient.fingerprint))")
        }
        if seal == nil { Terminal.note("The package is in the clear.") }
        switch seal {
        case nil: Terminal.note("“mmvault check \(path)” verifies it.")
        case .age: Terminal.note("The recipient verifies it with “mmvault check \(path) --identity KEYFILE”.")
        case .gpg: Terminal.note("The recipient verifies it with “mmvault check \(path)”.")
        }
        guard hasAllFiles else { throw Failure.damagedFiles("the package is written, and says so in their place") }
        try end(summary.counts)
    }

    /// What a package tells besides what was chosen is for its owner to know before it is written.
    private func announce(_ disclosure: EvidenceDisclosure, _ effect: RedactionEffect) {
        if effect.posts > 0 {
            Terminal.note(
                "Redacted: \(effect.posts.of("post or old revision", "posts and old revisions")). The hashes stay: anyone who "
                    + "guesses a short text can see that the guess is right.")
        }
        if effect.copies > 0 {
            Terminal.note(
                "Among them, since they hold the same message again: \(effect.copies.of("other post", "other posts")).")
        }
        if effect.documents > 0 {
            var text = "Rendered without such texts: \(effect.documents.of("document"))."
            if effect.others > 0 {
                text +=
                    " The package cannot prove where and when other posts in there stood, nor what is not signed, and says "
                    + "that this is your word: \(effect.others.of("post or old revision", "posts and old revisions"))."
            }
            Terminal.note(text)
        }
        guard disclosure.otherPosts > 0 else { return }
        var text =
            "The package shows the server's answers as they came. They hold "
            + "\(disclosure.otherPosts.of("post or old revision", "posts and old revisions")) besides those chosen, "
            + "\(disclosure.otherPlainPosts.grouped) of them not encrypted"
        if disclosure.otherChannels > 0 { text += ", also of \(disclosure.otherChannels.of("channel")) not chosen" }
        Terminal.note("\(text).")
    }
}
