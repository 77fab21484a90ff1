internal import Archive
internal import Bytes
internal import E2EE

/// Makes every file of a package that is not a copy: the posts in all their forms, the report, the keys, the manifest. The
/// export writes them, and the check writes them again from what the package says, and compares.
///
/// The posts come channel by channel; nothing of those that are written is held but counts.
final class EvidenceWriter {
    private(set) var tally: EvidenceTally
    private let destination: any ExportDestination
    private let people: ExportPeople
    private let findings: EvidenceFindings
    /// Posts that findings are about and that are in the package, by id.
    private var affected: Set<String> = []
    private let lines: ExportFile
    private let verdicts: ExportFile
    /// The conversation, which stands behind a first part that is known last.
    private let pages: (html: SpooledText, markdown: SpooledText)
    private var channel: ChannelFiles?

    private struct ChannelFiles {
        let files: [ExportFile]
        var renderers: [any PostRenderer]
    }

    static let reportNames = (html: "report.html", markdown: "report.md")
    static let postsFolder = "posts"
    static let postsName = "\(postsFolder)/posts.jsonl"
    static let verdictsName = "verdicts.jsonl"
    static let chainName = "chain.txt"
    static let keysName = "keys.json"
    static let trustName = "trust.json"
    static let findingsName = "findings.jsonl"
    static let manifestName = "manifest.json"
    static let readmeName = "README.txt"
    static let threatModelName = "threat-model.md"
    static let sumsName = "SHA256SUMS"
    static let signatureName = "SHA256SUMS.asc"
    static let signerName = "signer.asc"

    /// - Parameter place: where texts may wait.
    init(
        _ destination: any ExportDestination, _ people: ExportPeople, _ findings: EvidenceFindings,
        _ place: UnnamedFile.Place
    ) throws(ReaderError) {
        (self.destination, self.people, self.findings) = (destination, people, findings)
        tally = EvidenceTally(ownerID: people.account.userID)
        lines = try destination.makeFile(EvidenceWriter.postsName)
        verdicts = try destination.makeFile(EvidenceWriter.verdictsName)
        pages = (try SpooledText(place), try SpooledText(place))
    }

    func begin(_ entry: EvidenceChannel) throws(ReaderError) {
        let channel = entry.channel
        let markdown = try destination.makeFile("\(EvidenceWriter.postsFolder)/markdown/\(entry.path).md")
        let mbox = try destination.makeFile("\(EvidenceWriter.postsFolder)/mbox/\(entry.path).mbox")
        let isEncrypted = entry.isEncrypted
        pages.markdown.file.write("\n")
        self.channel = ChannelFiles(
            files: [markdown, mbox],
            renderers: [
                JSONLinesRenderer(people, lines),
                MarkdownRenderer(channel, people, markdown, isEncrypted: isEncrypted, base: "../../../"),
                MarkdownRenderer(channel, people, pages.markdown.file, isEncrypted: isEncrypted, base: "") {
                    [findings] post in
                    let id = post.header.id
                    return (["post \(id)"] + findings.about(id).map { "see finding \($0)" }).joined(separator: " · ")
                },
                HTMLRenderer(channel, people, pages.html.file, isEncrypted: isEncrypted, findings),
                MboxRenderer(channel, people, mbox, nil, isEncrypted: isEncrypted),
            ])
    }

    func write(_ evidence: EvidencePost) throws {
        tally.add(evidence)
        let id = evidence.post.header.id
        if !findings.about(id).isEmpty { affected.insert(id) }
        for place in channel?.renderers.indices ?? 0..<0 {
            try channel?.renderers[place].write(
                evidence.post, evidence.text, evidence.clearEdit, evidence.files)
        }
        verdicts.write(evidence.verdictLine)
    }

    func endChannel() throws(ReaderError) {
        for file in channel?.files ?? [] { try file.close() }
        channel = nil
    }

    /// Writes what is known once all posts have come.
    func finish(_ facts: EvidenceFacts, _ keys: EvidenceKeys) throws {
        try lines.close()
        try verdicts.close()
        let report = EvidenceReport(facts, keys, tally, findings.all, shown: affected)
        let html = try destination.makeFile(EvidenceWriter.reportNames.html)
        html.write(ReportHTML.head(title: report.title))
        html.write("<h1>\(ReportHTML.line(report.title))</h1>\n")
        for block in report.blocks { html.write(block.html) }
        try pages.html.copy(to: html)
        html.write(ReportHTML.foot)
        try html.close()
        let markdown = try destination.makeFile(EvidenceWriter.reportNames.markdown)
        markdown.write("# \(MarkdownRenderer.escape(report.title))\n")
        for block in report.blocks { markdown.write(block.markdown) }
        try pages.markdown.copy(to: markdown)
        try markdown.close()
        try write(EvidenceWriter.keysName, keys.keysJSON(facts.people))
        try write(EvidenceWriter.trustName, keys.trustJSON(facts.people))
        try write(EvidenceWriter.findingsName, findings.all.flatMap { $0.line + [UInt8(ascii: "\n")] })
        try write(EvidenceWriter.readmeName, Array(EvidenceWriter.readme.utf8))
        try write(EvidenceWriter.threatModelName, PackageResources.threat_model_md)
        try write(EvidenceWriter.manifestName, facts.json(tally))
    }

    private func write(_ name: String, _ bytes: [UInt8]) throws(ReaderError) {
        let file = try destination.makeFile(name)
        file.write(bytes)
        try file.close()
    }

    /// Whether people read the posts in it.
    static func isForm(_ name: String) -> Bool {
        name == reportNames.html || name == reportNames.markdown || name.hasPrefix("\(postsFolder)/")
    }

    /// What `SHA256SUMS` holds, for `sha256sum -c`.
    static func sums(_ entries: [ExportFile.Entry]) -> String {
        entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            .map { "\($0.sha256)  \($0.name)\n" }.joined()
    }

    private static let readme = """
        Evidence from an archive of Mattermost messages. Begin with report.html.

        report.html, report.md   what this is, what it proves and what not, how to
                                 check it, and the conversation
        threat-model.md          what mmvault can tell, and what nobody can, at length
        posts/markdown, mbox     the same posts, a file per channel
        posts/posts.jsonl        the same posts, one JSON object a line
        files/                   the files of posts, as they came; nobody signed them
        verdicts.jsonl           for each line of posts.jsonl: the verdict, where the
                                 post stands (document, start, length in bytes), and
                                 the key that opens that one message where its text
                                 is shown
        documents/N.body         the server's answers, byte for byte; time stamps
        documents/N.redacted     if there: an answer without texts that the archive's
                                 owner took out; nothing proves what stands in it
        documents/N.record       what each is: request, time, hash, place in the chain
        chain.txt                all records of the archive in order; the hash of the
                                 last one vouches for all of them
        keys.json                public keys: whose, since when, from where
        trust.json               what the owner and their colleagues decided about keys
        findings.jsonl           what the audit of the archive found, one a line
        manifest.json            whose archive, what was chosen, counts
        SHA256SUMS               of all of these
        SHA256SUMS.asc           if there: the signature of SHA256SUMS
        signer.asc               if there: the public key that made the signature

        “mmvault check PACKAGE” verifies all of it, offline and without any key. If
        you unpacked it, check the folder that you read, too:

            mmvault check FOLDER

        Without mmvault, in this folder:

        1. Are all files as they were packed?

            sha256sum --quiet --strict -c SHA256SUMS && echo yes

        2. Who packed them? Where SHA256SUMS.asc is there, give gpg the signer's key
           and check the signature:

            gpg --import < signer.asc
            gpg --verify SHA256SUMS.asc SHA256SUMS

           Anybody can make a key with any name. Compare the fingerprint that gpg
           prints with one that you did not get with this package: ask the signer in
           person or by telephone, or look on their web page or business card.

        3. Did its named author sign a message? Where the package shows a verified
           text, report.html has the steps, under “How to check it”.

        """
}

extension EvidencePost {
    /// The verdict, and where the post stands.
    var verdictLine: [UInt8] {
        let header = post.header
        var json = JSONWriter()
        json.object { json in
            json.string("id", header.id)
            json.string("state", post.state.rawValue)
            json.string("authenticity", post.verdict.authenticity?.rawValue)
            json.array("suspicions") { json in
                for suspicion in post.verdict.suspicions { json.string(nil, suspicion.rawValue) }
            }
            json.string("content", post.verdict.content.rawValue)
            json.string("key_id", post.signedBy?.description)
            json.string("signer_id", post.signer?.description)
            json.string("reason", post.reason)
            json.int("document", header.documentSequence)
            json.int("start", header.range.lowerBound)
            json.int("length", header.range.count)
            json.int("version", header.sequence)
            if let shownUntil { json.int("as_of", shownUntil) } else { json.null("as_of") }
            json.string("redacted", redactedHash?.description)
            json.bool("document_redacted", post.isOwnersWord)
            json.string("key_encryption_key", keyEncryptionKey.map { Hex.encode($0) })
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }
}

/// A text that waits until it is known what stands before it.
struct SpooledText {
    let file: ExportFile
    private let held: UnnamedFile

    init(_ place: UnnamedFile.Place) throws(ReaderError) {
        let held = try UnnamedFile(place)
        self.held = held
        let waiting = try UnnamedFile.open(place)
        file = ExportFile(
            descriptor: waiting.descriptor, cipher: waiting.cipher, name: "a text", directory: "a temporary file"
        ) { _, entry throws(ReaderError) in try held.append(contentsOf: waiting, count: entry.size) }
    }

    func copy(to other: ExportFile) throws {
        try file.close()
        try held.read(0..<held.size) { other.write($0) }
    }
}
