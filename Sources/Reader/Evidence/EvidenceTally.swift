internal import Archive
internal import Bytes
internal import E2EE

/// What the posts of a package come to.
struct EvidenceTally {
    private(set) var counts = ExportCounts()
    /// By channel.
    private(set) var channels: [String: ExportCounts] = [:]
    private(set) var verdicts: [Verdict: Int] = [:]
    private(set) var authors: [String: Author] = [:]
    /// Everybody whom a post names: authors, and those who reacted.
    private(set) var userIDs: Set<String> = []
    /// Files about which the archive says something.
    private(set) var fileIDs: Set<String> = []
    /// By name: those that people of the server made.
    private(set) var emoji: [String: CustomEmoji] = [:]
    /// Posts that the server shows no longer, without a tombstone.
    private(set) var absentIDs: Set<String> = []
    /// By channel: the first document with a chosen post.
    private(set) var firstDocuments: [String: Int64] = [:]
    /// Posts that stand in documents which the archive's owner redacted.
    private(set) var ownersWord = 0
    /// The first message with which a reader can try every step by hand.
    private(set) var sample: Sample?
    private(set) var first: Int64?
    private(set) var last: Int64?
    /// Texts so short that a key could be found under which they say something else: for the archive's owner more of their
    /// own are, who could have written the message with two keys in mind.
    private(set) var shortTexts = 0
    /// Posts of which nothing is here but what was superseded.
    private(set) var formerOnly = 0
    /// The post of the version before: what it said before comes behind it.
    private var lastID = ""
    private let ownerID: String

    init(ownerID: String) { self.ownerID = ownerID }

    struct Author {
        var posts = 0
        /// Posts whose signature fits a known key of the author's, by its id.
        var byKey: [KeyID: Int] = [:]
    }

    /// Where a verified message stands, and what opens it.
    struct Sample {
        let post: StoredVersion.Header
        let key: KeyID
        /// The recipient for whom it was opened, and the key-encryption key.
        let opener: KeyID
        let keyEncryptionKey: [UInt8]
    }

    /// Everybody who is named in the package.
    func userIDs(_ keys: EvidenceKeys, _ channels: [EvidenceChannel]) -> Set<String> {
        userIDs.union([ownerID]).union(keys.userIDs).union(channels.flatMap(\.userIDs))
    }

    /// How many later answers about a channel are not in the package.
    func absentCount(_ channelID: String, _ coverage: EvidenceCoverage) -> Int {
        coverage.absentCount(channelID: channelID, after: firstDocuments[channelID] ?? 0)
    }

    mutating func add(_ evidence: EvidencePost) {
        let post = evidence.post
        let header = post.header
        counts.count(post, evidence.text, evidence.clearEdit, evidence.files)
        channels[header.channelID, default: ExportCounts()].count(
            post, evidence.text, evidence.clearEdit, evidence.files)
        firstDocuments[header.channelID] = min(
            firstDocuments[header.channelID] ?? .max, header.documentSequence)
        if post.state.isOld, header.identityID != lastID { formerOnly += 1 }
        lastID = header.identityID
        verdicts[post.verdict, default: 0] += 1
        authors[header.userID, default: Author()].posts += 1
        if let key = post.signedBy { authors[header.userID]?.byKey[key, default: 0] += 1 }
        if post.isOwnersWord { ownersWord += 1 }
        if sample == nil, !post.isOwnersWord, post.state == .live, post.verdict.isClean, post.importName == nil,
            let key = post.signedBy,
            let opener = post.openedBy, let keyEncryptionKey = evidence.keyEncryptionKey
        {
            sample = Sample(post: header, key: key, opener: opener, keyEncryptionKey: keyEncryptionKey)
        }
        userIDs.insert(header.userID)
        for reaction in post.circumstances.reactions {
            userIDs.formUnion(reaction.userIDs)
            guard let custom = reaction.custom else { continue }
            emoji[reaction.emoji] = custom
            userIDs.insert(custom.creatorID)
        }
        if post.absence != nil { absentIDs.insert(header.id) }
        for file in evidence.files where file.state != .leftOut { fileIDs.insert(file.attached.id) }
        if Timestamp(milliseconds: header.createAt).isPlausible {
            first = min(first ?? header.createAt, header.createAt)
            last = max(last ?? header.createAt, header.createAt)
        }
        let bound =
            header.userID == ownerID ? EncryptedMessage.senderBindingLength : EncryptedMessage.bindingLength
        if evidence.keyEncryptionKey != nil, (evidence.text.shown?.utf8.count ?? 0) < bound { shortTexts += 1 }
    }
}

/// A post as a package shows it.
struct EvidencePost {
    let post: ReadPost
    let text: ShownText
    /// What stands in the place of the text in the clear beside the message, where there is one.
    let clearEdit: ShownText?
    let files: [ShownFile]
    /// The key that opens this message alone, where its text is shown: with it anybody can decrypt it again.
    let keyEncryptionKey: [UInt8]?
    /// Up to which document of the archive the package shows that it is so: nil for what was superseded anyway.
    let shownUntil: Int64?
    /// Of its bytes as they came, where the archive's owner left its text out.
    let redactedHash: SHA256Digest?
}
