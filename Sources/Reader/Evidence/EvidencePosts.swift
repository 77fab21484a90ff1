internal import Archive
internal import Bytes
internal import E2EE

/// Reads the posts of a package again: each from the document in which it stands, its signature verified with the keys of
/// the package, its text decrypted with the key of that one message. What comes of it must be what the package says.
struct EvidencePosts {
    private(set) var damages: [EvidenceCheck.Damage] = []
    /// Posts whose text was decrypted.
    private(set) var opened = 0
    /// Where the posts begin in each document.
    private(set) var chosen: [Int64: Set<Int>] = [:]
    /// The versions that are shown, by the id of the post or old revision.
    private(set) var shown: [String: [ShownVersion]] = [:]
    /// By the id of a post that is shown as gone from the server: the document that says so.
    private(set) var gone: [String: Int64] = [:]
    private var order = PostOrder()
    /// The document of each version, by its place in the archive's order of arrival.
    private var arrivals: [Int64: Int64] = [:]
    /// The files of posts that the package holds.
    private var fileNames: Set<String> = []
    /// By the file's id: a file stands in the package once, under the name that it had when it was written first.
    private var paths: [String: String] = [:]
    private let facts: EvidenceFacts
    private let keys: EvidenceKeys
    private let trusted: TrustedKeys
    private let contents: PackageContents
    private let destination: any ExportDestination
    private let found: EvidenceFindings
    private let writer: EvidenceWriter
    private let people: ExportPeople
    private let emoji: [String: CustomEmoji]
    /// The keys that were at hand.
    private let own: Set<KeyID>

    /// How many posts with something wrong are named.
    private static let patience = 1000

    /// What is wrong with one post.
    private struct Flaw: Error {
        let what: String
    }

    init(
        _ facts: EvidenceFacts, _ keys: EvidenceKeys, _ trusted: TrustedKeys, _ contents: PackageContents,
        _ destination: any ExportDestination
    ) throws {
        (self.facts, self.keys, self.trusted, self.contents) = (facts, keys, trusted, contents)
        self.destination = destination
        people = facts.people
        own = Set(keys.own.map(\.id))
        emoji = Dictionary(facts.emoji.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let (findings, flaw) = try EvidencePosts.findings(contents)
        if let flaw { damages.append(flaw) }
        found = EvidenceFindings(findings, facts.filter, facts.redaction)
        writer = try EvidenceWriter(destination, people, found, contents.place)
    }

    var tally: EvidenceTally { writer.tally }

    /// - Parameter finishes: whether what is made of all posts is made, too: not of what is known to be damaged.
    mutating func run(
        _ documents: inout EvidenceDocuments, finishes: Bool, _ progress: (Int) -> Void
    ) throws {
        var lines = contents.lines(EvidenceWriter.postsName)
        var verdicts = contents.lines(EvidenceWriter.verdictsName)
        var channels = facts.channels[...]
        var current: EvidenceChannel?
        var count = 0
        while let line = try lines.next() {
            count += 1
            if count.isMultiple(of: 500) {
                try Task.checkCancellation()
                progress(count)
            }
            let post = try? JSONDocument(line).root
            let id = post?["id"]?.string ?? "on line \(count)"
            do {
                guard let post, let verdictLine = try verdicts.next(), let verdict = try? JSONDocument(verdictLine).root
                else { throw Flaw(what: "it cannot be read, or its line in \(EvidenceWriter.verdictsName) cannot") }
                let evidence = try read(post, verdict, &documents)
                let channelID = evidence.post.header.channelID
                while current?.channel.id != channelID, let next = channels.popFirst() {
                    if current != nil { try writer.endChannel() }
                    try writer.begin(next)
                    current = next
                }
                guard let current, current.channel.id == channelID else {
                    throw Flaw(
                        what:
                            "its channel is not one of those that \(EvidenceWriter.manifestName) names, or out of their order"
                    )
                }
                guard current.isEncrypted || evidence.post.verdict.content == .plain else {
                    throw Flaw(
                        what: "it is encrypted, and \(EvidenceWriter.manifestName) says that no post of its channel is")
                }
                guard order.takes(evidence.post.header, evidence.post.state) else {
                    throw Flaw(what: "it does not stand where its thread and its time would have it")
                }
                try compare(evidence, line, verdictLine)
                try writer.write(evidence)
            } catch let flaw as Flaw {
                damages.append(.init(file: EvidenceWriter.postsName, post: id, what: flaw.what))
                // Whoever sends a million of them wants to fill the memory.
                guard damages.count < EvidencePosts.patience else {
                    return damages.append(.init(file: EvidenceWriter.postsName, post: nil, what: "and so on"))
                }
            }
        }
        if !order.ends() {
            damages.append(
                .init(
                    file: EvidenceWriter.postsName, post: nil,
                    what: "its last thread does not stand where its time would have it"))
        }
        if try verdicts.next() != nil {
            damages.append(
                .init(
                    file: EvidenceWriter.verdictsName, post: nil,
                    what: "it has more lines than \(EvidenceWriter.postsName)"))
        }
        if current != nil { try writer.endChannel() }
        while let next = channels.popFirst() {
            try writer.begin(next)
            try writer.endChannel()
        }
        let arrived = arrivals.sorted { $0.key < $1.key }.map(\.value)
        if !zip(arrived, arrived.dropFirst()).allSatisfy(<=) {
            damages.append(
                .init(
                    file: EvidenceWriter.verdictsName, post: nil,
                    what: "the versions are not in the order in which their documents came"))
        }
        for (id, versions) in shown.sorted(by: { $0.key < $1.key }) {
            if let flaw = ShownVersion.flaw(in: versions) {
                damages.append(.init(file: EvidenceWriter.postsName, post: id, what: flaw))
            }
        }
        if finishes, damages.isEmpty { try writer.finish(facts, keys) }
    }

    private static func findings(
        _ contents: PackageContents
    ) throws -> ([EvidenceFinding], EvidenceCheck.Damage?) {
        var lines = contents.lines(EvidenceWriter.findingsName)
        var findings: [EvidenceFinding] = []
        while let line = try lines.next() {
            guard let finding = EvidenceFinding(line) else {
                return ([], .init(file: EvidenceWriter.findingsName, post: nil, what: "a line of it is no finding"))
            }
            findings.append(finding)
        }
        return (findings, nil)
    }

    private mutating func read(
        _ post: JSONValue, _ verdict: JSONValue, _ documents: inout EvidenceDocuments
    ) throws -> EvidencePost {
        guard let sequence = verdict["document"]?.int, let start = verdict["start"]?.int.flatMap(Int.init(exactly:)),
            let length = verdict["length"]?.int.flatMap(Int.init(exactly:)), let version = verdict["version"]?.int,
            let state = verdict["state"]?.string.flatMap(PostState.init(rawValue:)), start >= 0, length >= 0,
            !start.addingReportingOverflow(length).overflow
        else { throw Flaw(what: "its line in \(EvidenceWriter.verdictsName) does not say where it stands") }
        let absence = NoticedAbsence(post["absence"])
        if let absence {
            guard state == .live, let id = post["id"]?.string, absence.reason != .back,
                let told = try documents.absences(of: id).last, told.absence == absence
            else {
                throw Flaw(what: "no document says that it has gone from the server")
            }
            gone[id] = told.document
        }
        guard
            let stored = try documents.content(sequence)?.version(
                at: start..<start + length, sequence: version, state: state, absence: absence)
        else { throw Flaw(what: "no post stands there in document \(sequence)") }
        let header = stored.header
        guard header.id == post["id"]?.string, header.id == verdict["id"]?.string else {
            throw Flaw(what: "another post stands there in document \(sequence)")
        }
        guard (state == .revision) == !header.originalID.isEmpty, state != .deleted || header.deleteAt > 0,
            state != .live || header.deleteAt <= 0
        else { throw Flaw(what: "it is not \(state.rawValue) as the document has it") }
        guard facts.filter.takes(userID: header.userID, createAt: header.createAt) else {
            throw Flaw(what: "it is not of the people and times that \(EvidenceWriter.manifestName) names")
        }
        guard chosen[sequence, default: []].insert(start).inserted else { throw Flaw(what: "it stands there twice") }
        guard arrivals.updateValue(sequence, forKey: version) == nil else {
            throw Flaw(what: "another version has its place in the order of arrival")
        }
        shown[header.id, default: []].append(
            ShownVersion(
                sequence: version, said: try documents.content(sequence)?.said(at: start) ?? [], state: state,
                isRedacted: facts.redaction.covers(header)))

        let key = verdict["key_encryption_key"]?.string.flatMap(Hex.decode)
        let content = verdict["content"]?.string.flatMap(Content.init(rawValue:))
        let opener = post["opened_by"]?.string.flatMap(KeyID.init(hex:))
        // What else the archive holds of a post, or of its message, is not in the package.
        let suspicions = (verdict["suspicions"]?.elements ?? []).compactMap(\.string).compactMap(Suspicion.init)
            .filter { ![.editedInTheClear, .implausibleTime].contains($0) }
        let stated: @Sendable (StoredVersion) -> [Suspicion]? = { _ in suspicions }
        let open: @Sendable (EncryptedMessage) -> PostJudge.Opening = { message in
            guard let opener, message.isAddressed(to: opener) else { return .init(outcome: .notForUs) }
            if content == .keyUnwrapFailed { return .init(outcome: .keyUnwrapFailed(opener)) }
            guard content == .decrypted else { return .init(outcome: .notForUs) }
            // What is withheld has no key, and then nobody asks what it says.
            let text = key.flatMap { message.text(underDisclosedKey: $0, of: opener) }
            return .init(outcome: .decrypted(text ?? [], by: opener), key: text == nil ? nil : key)
        }
        // What a key at hand opens was opened, and nothing else.
        if case .message(let message)? = (try? JSONDocument(stored.json).root).flatMap({
            EncryptedPost($0, type: header.type)
        }), content == .notForUs ? own.contains(where: message.isAddressed) : opener.map(own.contains) != true {
            throw Flaw(what: "which key opens it is not as \(EvidenceWriter.keysName) has it")
        }
        var read = try PostJudge(trusted, emoji, hasKeys: facts.hasKeys, stated: stated, open: open).read(stored)
        read.isOwnersWord = documents.isRedacted(sequence)
        let hash = try redactedHash(header, verdict, &documents)
        let text =
            hash.map(ShownText.init(redacted:)) ?? found.withheld(read)
            ?? ShownText(read, includesUnverified: facts.includesUnverified, includesUnanswered: false)
        let isOpened = read.verdict.content == .decrypted && text.shown != nil
        if isOpened {
            guard read.keyEncryptionKey != nil else {
                throw Flaw(what: "the key that opens it is missing, or does not open it")
            }
            opened += 1
        }
        return EvidencePost(
            post: read, text: text,
            clearEdit: ShownText(clearEditOf: read, includesUnverified: facts.includesUnverified),
            files: try files(read, post, &documents),
            keyEncryptionKey: isOpened ? read.keyEncryptionKey : nil,
            shownUntil: state.isOld
                ? nil : facts.coverage.shownUntil(channelID: header.channelID, document: sequence), redactedHash: hash)
    }

    /// The hash of a post whose text was left out; of what was taken out of a document, only the owner knows it.
    private func redactedHash(
        _ header: StoredVersion.Header, _ verdict: JSONValue, _ documents: inout EvidenceDocuments
    ) throws -> SHA256Digest? {
        guard facts.redaction.covers(header) else { return nil }
        if !documents.isRedacted(header.documentSequence) {
            return try documents.content(header.documentSequence).map { SHA256Digest(of: $0.body[header.range]) }
        }
        guard let stated = verdict["redacted"]?.string.flatMap(Hex.decode).flatMap(SHA256Digest.init(bytes:)) else {
            throw Flaw(what: "its hash is missing")
        }
        return stated
    }

    private mutating func files(
        _ read: ReadPost, _ post: JSONValue, _ documents: inout EvidenceDocuments
    ) throws -> [ShownFile] {
        let said = post["files"]?.elements ?? []
        guard said.count == read.files.count else { throw Flaw(what: "it has other files") }
        guard facts.includesFiles || said.allSatisfy({ $0["missing"] == nil && $0["sha256"] == nil }) else {
            throw Flaw(what: "it has files, and \(EvidenceWriter.manifestName) says that none are here")
        }
        return try zip(read.files, said).map { attached, said in
            let records = try documents.records(of: attached.id)
            // A name that the post does not say stands in what the archive recorded.
            let name = attached.name ?? said["name"]?.string
            func isSame(_ other: String?) -> Bool { name.map { Array($0.utf8) } == other.map { Array($0.utf8) } }
            guard isSame(attached.name) || records.contains(where: { isSame($0.name) }) else {
                throw Flaw(what: "its file \(attached.id) has another name")
            }
            let named = AttachedFile(
                id: attached.id, name: name, size: attached.size, mimeType: attached.mimeType)
            if let why = said["missing"]?.string {
                // Whether a content that was held is still whole is the owner's word; anything else stands in the record.
                let isHeld = records.last?.content != nil
                guard isHeld ? ExportFiles.damages.contains(why) : why == ExportFiles.why(records.last) else {
                    throw Flaw(what: "a file is missing for another reason than its record states")
                }
                return ShownFile(attached: named, state: .missing(why))
            }
            guard let hash = said["sha256"]?.string else {
                guard !facts.includesFiles else { throw Flaw(what: "a file is missing without a reason") }
                return ShownFile(attached: named, state: .leftOut)
            }
            let path = paths[attached.id] ?? ExportFiles.path(of: named)
            guard let entry = contents.entries[path], entry.sha256 == hash,
                let digest = Hex.decode(hash).flatMap(SHA256Digest.init(bytes:))
            else { throw Flaw(what: "its file \(attached.id) is missing, or another one") }
            let content = FileContent(sha256: digest, size: Int64(entry.size))
            guard records.contains(where: { $0.content == content }) else {
                throw Flaw(what: "its file \(attached.id) is not the one that the archive recorded")
            }
            paths[attached.id] = path
            if fileNames.insert(path).inserted {
                try destination.add(entry) { [contents] in try contents.read(path, $0) }
            }
            return ShownFile(attached: named, state: .held(content, path: path))
        }
    }

    /// - Throws: a flaw that names what differs.
    private func compare(_ evidence: EvidencePost, _ line: [UInt8], _ verdictLine: [UInt8]) throws {
        let made = JSONLinesRenderer.line(
            evidence.post, evidence.text, evidence.clearEdit, evidence.files, people)
        let differing =
            try EvidencePosts.difference(verdictLine, evidence.verdictLine).map { "verdict: \($0)" }
            + EvidencePosts.difference(line, made)
        guard differing.isEmpty else {
            throw Flaw(what: "it is not what the document and the keys say (\(differing.joined(separator: ", ")))")
        }
    }

    /// The names of the members that two lines have, or should have, in common and that differ.
    private static func difference(_ found: [UInt8], _ made: [UInt8]) throws -> [String] {
        guard found != made.dropLast() else { return [] }
        let found = try JSONDocument(found).root
        let values = Dictionary(found.members.map { ($0.key, Array($0.value.bytes)) }, uniquingKeysWith: { $1 })
        let made = try JSONDocument(made).root.members
        guard !found.hasDuplicateKeys else { return ["a name stands there twice"] }
        return made.filter { values[$0.key] != nil && values[$0.key] != Array($0.value.bytes) }.map(\.key)
    }
}
