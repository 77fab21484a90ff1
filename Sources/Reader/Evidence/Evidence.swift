public import Archive
internal import Bytes
public import E2EE

/// Writes a package for somebody who was not there: posts in several forms, the documents that they are slices of, the
/// keys, and a report. The same archive, keys and choice give the same bytes; sealing and signing do not.
public struct Evidence: Sendable {
    private let archive: Archive
    private let trusted: TrustedKeys
    private let keyring: Keyring
    private let program: String

    /// - Parameter program: what makes it, with its version: `mmvault 0.1.0`.
    public init(archive: Archive, keys: [PrivateKey], trusted: TrustedKeys, program: String) {
        (self.archive, self.trusted, self.program) = (archive, trusted.remembering(), program)
        keyring = Keyring(keys)
    }

    public struct Summary: Sendable {
        public let counts: ExportCounts
        public let files: Int
        public let head: String
    }

    /// - Parameters:
    ///   - path: what does not exist yet: a folder, or a file whose name ends with `.zip` or `.tar.zst`.
    ///   - signer: an OpenPGP key of the user's own, to sign the hashes with.
    ///   - seal: for whom; not for a folder. Then nothing of the package is on the disk in the clear.
    ///   - announce: called before anything is written.
    /// - Throws: `ReaderError`, `ArchiveError`; then there is no such file, and a folder is marked as incomplete.
    ///   `nothingChosen`, and what gpg says of the signer, before anything is written.
    public func run(
        _ request: ExportRequest, to path: String, signer: Gpg.Key? = nil, seal: PackageSeal? = nil,
        announce: (EvidenceDisclosure, RedactionEffect) -> Void = { _, _ in },
        progress: (Channel, Int) -> Void = { _, _ in }
    ) async throws -> Summary {
        let place = seal == nil ? UnnamedFile.Place.beside(path) : .hidden(beside: path)
        // Before anything is written: what a folder got until then would be in the clear.
        if let signer { _ = try await Gpg().sign([], as: signer) }
        guard let format = PackageForm(path, seal).format else {
            if !PrivateFile.names(in: path).isEmpty { throw ReaderError.outputExists(path: path) }
            let plan = try EvidencePlan(archive, request)
            announce(plan.remainder.disclosure, plan.effect)
            let directory = try ExportDirectory(path)
            let summary = try await fill(directory, plan, request, place, signer, progress)
            try directory.complete()
            return summary
        }
        let file = try NewFile(path)
        let plan = try EvidencePlan(archive, request)
        announce(plan.remainder.disclosure, plan.effect)
        let package = try PackageFile(place)
        let summary = try await fill(package, plan, request, place, signer, progress)
        try await package.write(format, to: file, seal)
        return summary
    }

    private func fill(
        _ destination: any ExportDestination, _ plan: EvidencePlan, _ request: ExportRequest,
        _ place: UnnamedFile.Place, _ signer: Gpg.Key?, _ progress: (Channel, Int) -> Void
    ) async throws -> Summary {
        var request = request
        request.redaction = plan.redaction
        let users = try EvidenceUser.all(in: archive, included: Set(plan.posts.keys))
        let people = ExportPeople(
            account: try archive.account(), users: users.map(\.user), teams: try archive.teams(),
            book: NameBook(trusted.record.names))
        let files = ExportFiles(archive, destination, request)
        let channels = Set(request.channels.map(\.id))
        let findings = try await Audit(archive, trusted: trusted).run(channels: request.channels)
            .compactMap { EvidenceFinding($0, channels: channels) }
        let filter = EvidenceFilter(userIDs: request.userIDs, createAt: request.createAt)
        let found = EvidenceFindings(findings, filter, request.redaction)
        let writer = try EvidenceWriter(destination, people, found, place)
        let reader = PostReader(archive, keyring: keyring, trusted: trusted, disclosesKeys: true)
        var redacting = RedactingReader(archive, request.redaction, plan.posts, reader)
        for entry in plan.channels {
            try writer.begin(entry)
            let query = PostQuery(
                channelID: entry.channel.id, userIDs: request.userIDs, createAt: request.createAt, order: .threads)
            var count = 0
            try await reader.read(query) { post in
                guard plan.posts[post.header.documentSequence] != nil else { throw ReaderError.archiveGrew }
                var (post, hash) = try redacting.show(post)
                if plan.cameBack.contains(post.header.id) { post.absence = nil }
                let text =
                    hash.map(ShownText.init(redacted:)) ?? found.withheld(post)
                    ?? ShownText(post, includesUnverified: request.includesUnverified, includesUnanswered: false)
                try writer.write(
                    EvidencePost(
                        post: post, text: text,
                        clearEdit: ShownText(clearEditOf: post, includesUnverified: request.includesUnverified),
                        files: try post.files.map(files.show),
                        keyEncryptionKey: text.shown == nil ? nil : post.keyEncryptionKey,
                        shownUntil: plan.shownUntil(post),
                        redactedHash: hash))
                count += 1
                if count.isMultiple(of: 500) { progress(entry.channel, count) }
            }
            try writer.endChannel()
        }
        var sources = EvidenceSources(archive, plan)
        let keys = try EvidenceKeys(
            archive, authors: Set(writer.tally.authors.keys), trusted)
        try sources.add(writer.tally, plan, keys, users)
        let facts = EvidenceFacts(
            program: program, account: people.account, head: plan.head, asked: request.asked,
            includesUnverified: request.includesUnverified, includesFiles: request.includesFiles,
            hasKeys: !keyring.isEmpty, channels: plan.channels, teams: plan.teams, users: sources.users,
            emoji: writer.tally.emoji.values.sorted { $0.name < $1.name },
            documents: try sources.write(to: destination, head: plan.head),
            disclosure: sources.remainder.disclosure, redaction: request.redaction,
            filter: filter, coverage: plan.coverage,
            timeStamps: sources.timeStamps, book: NameBook(trusted.record.names))
        try writer.finish(facts, keys)
        if let signer {
            let key = try destination.makeFile(EvidenceWriter.signerName)
            key.write(try await Gpg().publicKey(signer))
            try key.close()
        }
        let sums = Array(EvidenceWriter.sums(destination.entries).utf8)
        let file = try destination.makeFile(EvidenceWriter.sumsName)
        file.write(sums)
        try file.close()
        if let signer {
            let signature = try destination.makeFile(EvidenceWriter.signatureName)
            signature.write(try await Gpg().sign(sums, as: signer))
            try signature.close()
        }
        return Summary(counts: writer.tally.counts, files: destination.entries.count, head: plan.head.hash)
    }
}

/// What form a package has, by its name.
public struct PackageForm: Equatable, Sendable {
    /// nil for a folder.
    public let format: PackFormat?
    /// Whether the name says that it is sealed, and how.
    public let sealing: String?
    /// Whether it is called as a file of another form would be: a folder of that name is not what was meant.
    public let isForeign: Bool

    private static let foreign = [
        "tar", "gz", "tgz", "bz2", "tbz2", "xz", "txz", "zst", "tzst", "lz4", "7z", "rar", "age", "gpg", "pgp", "asc",
    ]

    public init(_ path: String, _ seal: PackageSeal? = nil) {
        var name = path.lowercased()
        var sealing = seal?.fileExtension
        for ending in ["age", "gpg"] where name.hasSuffix(".\(ending)") {
            sealing = sealing ?? ending
            name = String(name.dropLast(4))
        }
        self.sealing = sealing
        format = name.hasSuffix(".zip") ? .zip : name.hasSuffix(".tar.zst") ? .tarZstd : nil
        isForeign = format == nil && PackageForm.foreign.contains { name.hasSuffix(".\($0)") }
    }
}
