internal import Archive
internal import Bytes

/// Which documents a choice of posts needs, found before anything is written.
struct EvidencePlan {
    let head: (documents: Int64, hash: String)
    let channels: [EvidenceChannel]
    /// The teams of these channels.
    let teams: [Team]
    /// The documents in which chosen posts stand, each with what it discloses.
    let posts: [Int64: EvidenceDocument]
    let remainder: EvidenceRemainder
    let redaction: Redaction
    let effect: RedactionEffect
    /// Posts that the archive holds to be gone from the server, though a later document of the package shows them: they came
    /// back, and the archive has not said so yet.
    let cameBack: Set<String>
    /// Which answers about posts are not among them.
    let coverage: EvidenceCoverage

    init(_ archive: Archive, _ request: ExportRequest) throws {
        // First, so that no document can be behind it.
        let head = try archive.head()
        self.head = head
        let names = ChannelNames(users: try archive.users(), ownID: try archive.account().userID)
        let allTeams = try archive.teams()
        let paths = ExportName.paths(try archive.channels(), teams: allTeams, names: names)
        var channels: [EvidenceChannel] = []
        var chosen: [Int64: Set<Int>] = [:]
        for channel in request.channels {
            let query = PostQuery(
                channelID: channel.id, userIDs: request.userIDs, createAt: request.createAt, order: .time)
            let documents = try archive.plan(query).documents()
            guard documents.keys.allSatisfy({ $0 <= head.documents }) else { throw ReaderError.archiveGrew }
            chosen.merge(documents) { $0.union($1) }
            channels.append(
                EvidenceChannel(
                    channel: channel, path: paths[channel.id] ?? ExportName.component(channel.id),
                    isEncrypted: try archive.holdsEncryptedPosts(channelID: channel.id)))
        }
        guard !chosen.isEmpty else { throw ReaderError.nothingChosen }
        let teamIDs = Set(channels.map(\.channel.teamID))
        let ids = Set(channels.map(\.channel.id))
        var remainder = EvidenceRemainder(channels: ids)
        var posts: [Int64: EvidenceDocument] = [:]
        var effect = RedactionEffect()
        let gone = try EvidencePlan.gone(in: archive)
        var cameBack: Set<String> = []
        func note(_ content: DocumentContent) {
            guard !gone.isEmpty, content.kind.isOfPosts else { return }
            for post in content.posts where gone[post.id].map({ $0 < content.sequence }) == true {
                cameBack.insert(post.id)
            }
        }
        let redaction = try request.redaction.withCopies(in: archive)
        var copies: Set<String> = []
        var unfound = request.redaction.postIDs.union(request.redaction.userIDs)
        for (sequence, starts) in chosen.sorted(by: { $0.key < $1.key }) {
            try Task.checkCancellation()
            let source = try archive.document(sequence)
            var content = try DocumentContent(source.record, source.body)
            let rendering = try redaction.rendering(content)
            let redacted = redaction.count(in: content, at: starts)
            let found = redaction.found(in: content)
            unfound.subtract(found)
            copies.formUnion(found.subtracting(request.redaction.userIDs).subtracting(request.redaction.postIDs))
            effect.posts += redacted
            if let rendering {
                content = try DocumentContent(source.record, rendering)
                effect.documents += 1
                effect.others += starts.count - redacted
            }
            posts[sequence] = EvidenceDocument(
                content, chosen: starts.count, channels: ids, isRedacted: rendering != nil)
            note(content)
            remainder.add(content, chosen: starts)
        }
        // What was meant would be shown.
        guard unfound.isEmpty else { throw ReaderError.nothingToRedact(ids: unfound.sorted()) }
        // Later answers that hold nothing but what was chosen: they disclose nothing, and show that nothing changed.
        var coverage = EvidenceCoverage()
        let first = posts.keys.min() ?? 0
        var last: Int64 = 0
        while last < head.documents {
            let records = try archive.records(after: last, limit: 1000)
            guard let end = records.last?.sequence else { break }
            for (sequence, text) in records where sequence <= head.documents {
                guard let record = DocumentRecord(text: text) else { continue }
                if posts[sequence] == nil, sequence > first, DocumentKind(rawValue: record.kind)?.isOfPosts == true,
                    record.channelID.map(ids.contains) ?? true
                {
                    try Task.checkCancellation()
                    let content = try DocumentContent(record, try archive.document(sequence).body)
                    if remainder.adds(nothingBy: content), try redaction.rendering(content) == nil {
                        posts[sequence] = EvidenceDocument(content, chosen: 0, channels: ids)
                        note(content)
                        remainder.add(content, chosen: [])
                    }
                }
                coverage.add(record, isIncluded: posts[sequence].map { !$0.isRedacted } ?? false)
            }
            last = end
        }
        self.cameBack = cameBack
        effect.copies = copies.count
        (self.coverage, self.effect) = (coverage, effect)
        self.redaction = Redaction(
            postIDs: request.redaction.postIDs.union(copies), userIDs: request.redaction.userIDs)
        // A pull may have gone on since they were read.
        self.channels = channels.map {
            EvidenceChannel(channel: coverage.withGaps($0.channel), path: $0.path, isEncrypted: $0.isEncrypted)
        }
        teams = allTeams.filter { team in teamIDs.contains(team.id) }
        self.posts = posts
        self.remainder = remainder
    }
}

extension EvidencePlan {
    /// The posts that the archive holds to be gone from the server, each with the document that says so.
    private static func gone(in archive: Archive) throws -> [String: Int64] {
        var documents: [String: Int64] = [:]
        for id in try archive.absences(.post).keys {
            documents[id] = try archive.newestDocument(of: .absence, id: id)
        }
        return documents
    }

    /// Up to which document the package shows that a post is as it is shown; nil for what was superseded anyway.
    func shownUntil(_ post: ReadPost) -> Int64? {
        post.state.isOld
            ? nil
            : coverage.shownUntil(channelID: post.header.channelID, document: post.header.documentSequence)
    }
}

/// The documents of a package, in order: those of posts, those about keys, users, files and decisions, and time stamps.
struct EvidenceSources {
    private(set) var users: [EvidenceUser] = []
    private(set) var remainder: EvidenceRemainder
    private(set) var timeStamps: [TimeStampDocument] = []
    private let archive: Archive
    private var documents: [Int64: EvidenceDocument]
    private let redaction: Redaction
    private let channelIDs: Set<String>

    init(_ archive: Archive, _ plan: EvidencePlan) {
        self.archive = archive
        documents = plan.posts
        remainder = plan.remainder
        redaction = plan.redaction
        channelIDs = Set(plan.channels.map(\.channel.id))
    }

    /// Finds what is known of those who are named and of the files that are held.
    mutating func add(
        _ tally: EvidenceTally, _ plan: EvidencePlan, _ keys: EvidenceKeys, _ users: [EvidenceUser]
    ) throws {
        try add(1)
        let named = tally.userIDs(keys, plan.channels)
        self.users = users.filter { named.contains($0.user.id) }
        var last: Int64 = 0
        while last < plan.head.documents {
            let records = try archive.records(after: last, limit: 1000)
            guard let end = records.last?.sequence else { break }
            for (sequence, text) in records where sequence <= plan.head.documents {
                guard let kind = DocumentRecord(text: text).flatMap({ DocumentKind(rawValue: $0.kind) }),
                    kind.isDecisive
                else { continue }
                try add(sequence)
            }
            last = end
        }
        for postID in tally.absentIDs.sorted() {
            if let document = try archive.newestDocument(of: .absence, id: postID) { try add(document) }
        }
        for fileID in tally.fileIDs.sorted() {
            if let document = try archive.newestDocument(of: .file, id: fileID) { try add(document) }
        }
    }

    private mutating func add(_ sequence: Int64) throws {
        guard documents[sequence] == nil else { return }
        let source = try archive.document(sequence)
        var content = try DocumentContent(source.record, source.body)
        let rendering = try rendering(content)
        if let rendering { content = try DocumentContent(source.record, rendering) }
        documents[sequence] = EvidenceDocument(
            content, chosen: 0, channels: channelIDs, isRedacted: rendering != nil)
        remainder.add(content, chosen: [])
        if let stamp = content.timeStamp { timeStamps.append(stamp) }
    }

    private func rendering(_ content: DocumentContent) throws -> [UInt8]? {
        try redaction.rendering(content, of: archive)
    }

    /// Writes the chain, and each document with its record.
    func write(
        to destination: any ExportDestination, head: (documents: Int64, hash: String)
    ) throws -> [EvidenceDocument] {
        let chain = try destination.makeFile(EvidenceWriter.chainName)
        var last: Int64 = 0
        while last < head.documents {
            try Task.checkCancellation()
            let records = try archive.records(after: last, limit: 1000)
            guard let end = records.last else { break }
            for (sequence, text) in records where sequence <= head.documents {
                chain.write(text)
                guard let document = documents[sequence], let record = DocumentRecord(text: text) else { continue }
                let file = try destination.makeFile(EvidenceDocument.recordName(sequence))
                file.write(text)
                try file.close()
                if document.isRedacted {
                    let rendering = try rendering(DocumentContent(record, archive.document(sequence).body))
                    let file = try destination.makeFile(document.name)
                    file.write(rendering ?? [])
                    try file.close()
                    continue
                }
                let entry = ExportFile.Entry(
                    name: document.name, size: record.length, sha256: record.bodyHash.description)
                try destination.add(entry) { [archive] consume in try consume(try archive.document(sequence).body) }
            }
            last = end.sequence
        }
        try chain.close()
        return documents.sorted { $0.key < $1.key }.map(\.value)
    }
}
