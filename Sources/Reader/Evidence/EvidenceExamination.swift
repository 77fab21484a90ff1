internal import Archive
internal import Bytes
internal import E2EE

/// What a package says, held against the documents that it holds.
struct EvidenceExamination {
    let contents: PackageContents
    private let program: String
    /// The head that somebody noted down, 64 hexadecimal digits.
    let head: String?
    var damages: [EvidenceCheck.Damage] = []
    /// Users of whose keys the documents tell, or about whom something was decided.
    private var told: Set<String> = []
    /// How the newest document that says it describes each user, by id.
    private var described: [String: (document: Int64, user: User)] = [:]

    init(_ contents: PackageContents, program: String, head: String?) {
        (self.contents, self.program, self.head) = (contents, program, head)
    }

    /// - Parameter destination: takes every file that is made again.
    mutating func run(
        _ report: inout EvidenceCheck.Report, to destination: any ExportDestination, _ progress: (Int) -> Void
    ) throws {
        defer { report.damages += damages }
        let manifest = try contents.bytes(EvidenceWriter.manifestName)
        if let version = manifest.flatMap(EvidenceFacts.version), version != EvidenceFacts.version {
            report.foreignFormat = version
            report.program = manifest.flatMap { try? JSONDocument($0).root }?["program"]?.string
            return
        }
        guard var facts = manifest.flatMap(EvidenceFacts.init) else {
            return damage(EvidenceWriter.manifestName, "it is missing, or cannot be read")
        }
        (report.account, report.program, report.head) = (facts.account, facts.program, facts.head)
        guard let keysBytes = try contents.bytes(EvidenceWriter.keysName),
            let trustBytes = try contents.bytes(EvidenceWriter.trustName),
            let keys = EvidenceKeys(keys: keysBytes, trust: trustBytes)
        else {
            return damage(EvidenceWriter.keysName, "it or \(EvidenceWriter.trustName) is missing, or cannot be read")
        }
        var documents = EvidenceDocuments(
            contents, records: try chain(&facts, &report),
            redacted: Set(facts.documents.filter(\.isRedacted).map(\.sequence)))
        let record = try examine(&facts, keys, &documents)
        report.timeStamps = facts.timeStamps
        facts.book = NameBook(record.names)
        requirePlain(facts, keys)
        let trusted = TrustedKeys(record)
        var posts = try EvidencePosts(facts, keys, trusted, contents, destination)
        try posts.run(&documents, finishes: damages.isEmpty, progress)
        damages += posts.damages
        let tally = posts.tally
        let concerned = EvidenceKeys.concerned(
            Set(tally.authors.keys), trusted, ownKeys: keys.known[keys.ownerID] ?? [])
        let included = Set(keys.userIDs)
        for userID in concerned.subtracting(included).sorted() where told.contains(userID) {
            damage(EvidenceWriter.keysName, "it leaves out what the documents tell of the keys of user \(userID)")
        }
        // Posts that cannot be read have no authors.
        for userID in included.subtracting(concerned).sorted() where posts.damages.isEmpty {
            damage(EvidenceWriter.keysName, "no post here has to do with the keys of user \(userID)")
        }
        let shown = Set(facts.users.map(\.user.id))
        for userID in tally.userIDs(keys, facts.channels).sorted()
        where described[userID] != nil && !shown.contains(userID) {
            damage(EvidenceWriter.manifestName, "it leaves out how the documents describe user \(userID)")
        }
        report.redaction = RedactionEffect(
            posts: tally.counts.redacted, documents: facts.documents.count(where: \.isRedacted),
            others: tally.ownersWord)
        (report.verdicts, report.counts) = (tally.verdicts, tally.counts)
        (report.opened, report.shortTexts) = (posts.opened, tally.shortTexts)
        // Posts that cannot be read are not counted either.
        if posts.damages.isEmpty {
            try count(facts, posts.chosen, &documents)
            try requireAll(facts, posts, &documents)
            if facts.emoji != tally.emoji.values.sorted(by: { $0.name < $1.name }) {
                damage(EvidenceWriter.manifestName, "its emoji are not those that the posts show")
            }
        }
        report.absent = facts.channels.compactMap { entry in
            let count = tally.absentCount(entry.channel.id, facts.coverage)
            return count > 0 ? (facts.people.label(entry.channel), count) : nil
        }
        compare(facts, destination.entries, &report)
    }

    mutating func damage(_ file: String, _ what: String) {
        damages.append(EvidenceCheck.Damage(file: file, post: nil, what: what))
    }

    // MARK: People, keys, decisions

    /// - Returns: what standing is computed from, as the documents have it. All that are about keys, names and decisions are
    ///   in the package.
    private mutating func examine(
        _ facts: inout EvidenceFacts, _ keys: EvidenceKeys, _ documents: inout EvidenceDocuments
    ) throws -> TrustRecord {
        let manifest = EvidenceWriter.manifestName
        var sightings: [KeySighting] = []
        var shown = KeyRecord()
        var names: [NameBearing] = []
        var statements: [(decision: TrustDecision, json: [UInt8])] = []
        var decidedIn = TrustDocuments()
        let channels = Set(facts.channels.map(\.channel.id))
        for document in facts.documents {
            guard let content = try documents.content(document.sequence) else {
                damage(EvidenceDocument.bodyName(document.sequence), "it cannot be read as what its record says")
                continue
            }
            let isCleared = facts.redaction.isKept(by: content)
            if !isCleared || document.isRedacted && !facts.redaction.hasReduced(content) {
                damage(
                    document.name,
                    isCleared
                        ? "it is called redacted, and nothing was taken out of it"
                        : "it holds what \(manifest) says is redacted")
            }
            let found = EvidenceDocument(
                content, chosen: document.chosen, channels: channels, isRedacted: document.isRedacted)
            if found != document {
                damage(manifest, "it says something else of document \(document.sequence) than the document")
            }
            for user in content.users where described[user.id].map({ $0.document <= content.sequence }) != false {
                described[user.id] = (content.sequence, user)
            }
            sightings += content.keys
            if let stamp = content.timeStamp { facts.timeStamps.append(stamp) }
            switch content.kind {
            case .keys:
                shown.add(
                    document: content.sequence, at: content.receivedAt, keys: content.keys, keyless: content.keyless)
            case .ownKey: for key in content.keys { shown.add(restored: key, document: content.sequence) }
            case .users:
                names += content.users.filter { !$0.username.isEmpty }.map {
                    NameBearing(
                        userID: $0.id, name: $0.username, document: content.sequence, at: content.receivedAt)
                }
            default: break
            }
            statements += content.decisions
            for statement in content.decisions { decidedIn.add(statement.decision, document: content.sequence) }
        }
        try requireStamped(facts.timeStamps)
        if try documents.content(1)?.account != facts.account || keys.ownerID != facts.account.userID {
            damage(manifest, "the account is not the one of document 1")
        }
        for entry in facts.users {
            let userID = entry.user.id
            if let document = entry.document,
                try documents.content(document)?.users.contains(where: entry.isDescribed) != true
            {
                damage(manifest, "user \(userID) is not described so in document \(document)")
            } else if let newest = described[userID], !entry.isDescribed(by: newest.user) {
                damage(manifest, "user \(userID) is described differently in document \(newest.document)")
            } else if entry.document == nil, !entry.isNamedByID {
                damage(manifest, "no document says that user \(userID) is called so")
            }
        }
        let users = Set(keys.userIDs)
        told = Set(sightings.map(\.userID)).union(statements.map(\.decision.userID))
        let known = KnownKey.all(from: sightings.filter { users.contains($0.userID) })
        for userID in Set(known.keys).union(keys.known.keys).sorted() where known[userID] != keys.known[userID] {
            damage(EvidenceWriter.keysName, "the keys of user \(userID) are not those that the documents show")
        }
        if TrustDecision.newest(of: statements.filter { users.contains($0.decision.userID) }) != keys.decisions {
            damage(EvidenceWriter.trustName, "the decisions are not those that the documents state")
        }
        return TrustRecord(
            ownerID: keys.ownerID, keys: shown, decisions: TrustDecision.newest(of: statements),
            decidedIn: decidedIn, names: names,
            encryptedSince: keys.encryptedSince, atHand: keys.own, ownForOnce: keys.ownForOnce)
    }

    /// What the manifest lists must be listed once, in the order that the export gives it, and must not contradict the rest.
    private mutating func requirePlain(_ facts: EvidenceFacts, _ keys: EvidenceKeys) {
        let manifest = EvidenceWriter.manifestName
        let sequences = facts.documents.map(\.sequence)
        if !zip(sequences, sequences.dropFirst()).allSatisfy(<) {
            damage(manifest, "its documents are not in their order, or one is there twice")
        }
        for list in [facts.channels.map(\.channel.id), facts.channels.map(\.path)] where Set(list).count != list.count {
            damage(manifest, "it lists a channel twice")
        }
        for list in [facts.teams.map(\.id), facts.users.map(\.user.id)]
        where !zip(list, list.dropFirst()).allSatisfy({ $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            damage(manifest, "its teams or users are not in their order, or one is there twice")
        }
        for entry in facts.channels {
            let channel = entry.channel
            if !ExportName.isPath(entry.path, of: channel, teams: facts.teams) {
                damage(manifest, "the files of channel \(channel.id) are not called as the channel is")
            }
            // The records tell how far the walk through a channel had come.
            if facts.coverage.withGaps(channel) != channel {
                damage(manifest, "of channel \(channel.id) something else is missing than the chain says")
            }
        }
        let teams = Set(facts.channels.map(\.channel.teamID))
        for team in facts.teams where !teams.contains(team.id) {
            damage(manifest, "no channel here is of team \(team.id)")
        }
        // The narrowing in the owner's words stands in the report, and this is what came of it.
        func asks(_ name: String, _ value: String? = nil) -> Bool {
            facts.asked.contains { $0.name == name && ($0.value == value || value == nil) }
        }
        let filter = facts.filter
        func isDay(_ name: String, _ bound: Int64) -> Bool {
            guard let value = facts.asked.first(where: { $0.name == name })?.value else { return true }
            let time = Timestamp(milliseconds: name == "until" ? bound - 1 : bound)
            return time.date == value && bound % 86_400_000 == 0
        }
        if asks("user") != (filter.userIDs != nil) || asks("since") != (filter.createAt.lowerBound > .min)
            || asks("until") != (filter.createAt.upperBound < .max)
            || !isDay("since", filter.createAt.lowerBound) || !isDay("until", filter.createAt.upperBound)
            || asks("include-unverified", "yes") != facts.includesUnverified
            || asks("files", "no") == facts.includesFiles
        {
            damage(manifest, "what was asked for is not what it says was chosen")
        }
        if facts.hasKeys == keys.own.isEmpty {
            damage(manifest, "whether private keys were at hand is not as \(EvidenceWriter.keysName) has it")
        }
    }

    // MARK: What was made of it

    /// Everything in the package must be what is made of the posts, the keys and the manifest, or be accounted for.
    private mutating func compare(
        _ facts: EvidenceFacts, _ made: [ExportFile.Entry], _ report: inout EvidenceCheck.Report
    ) {
        let isSame = facts.program == program
        // What is made of damaged things differs as well; to name that too would only hide what is damaged.
        if damages.isEmpty {
            for name in made.filter({ contents.entries[$0.name] != $0 }).map(\.name) {
                if isSame {
                    damage(
                        name,
                        contents.entries[name] == nil
                            ? "it is missing" : "it is not what mmvault makes from the posts, the keys and the manifest"
                    )
                } else {
                    report.uncompared.append(name)
                }
            }
        }
        var accounted = Set(made.map(\.name))
        accounted.formUnion([
            EvidenceWriter.sumsName, EvidenceWriter.signatureName, EvidenceWriter.chainName, ExportDirectory.marker,
        ])
        // A key that signed nothing here would only look as if it had.
        if contents.entries[EvidenceWriter.signatureName] != nil { accounted.insert(EvidenceWriter.signerName) }
        for document in facts.documents {
            accounted.formUnion([
                EvidenceDocument.recordName(document.sequence), document.name,
            ])
        }
        guard damages.isEmpty else { return }
        for name in contents.entries.keys.sorted() where !accounted.contains(name) {
            damage(name, "nothing in the package accounts for it")
        }
    }
}
