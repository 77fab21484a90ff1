internal import Archive
internal import Bytes

/// What a package says of itself in `manifest.json`: everything that its other files are made of, besides the posts,
/// the keys and the documents. With these, whoever checks a package can make every other file of it again.
struct EvidenceFacts {
    /// The program that made it: `mmvault 0.1.0`.
    var program: String
    var account: Account
    /// The archive when the package was made: how many documents, and the hash of the last one's record.
    var head: (documents: Int64, hash: String)
    /// The narrowing in the owner's own words.
    var asked: [(name: String, value: String)]
    var includesUnverified: Bool
    var includesFiles: Bool
    /// Whether private keys were at hand.
    var hasKeys: Bool
    var channels: [EvidenceChannel]
    var teams: [Team]
    /// Everybody who is named.
    var users: [EvidenceUser] = []
    /// Emoji that people of the server made, as far as somebody reacted with one.
    var emoji: [CustomEmoji] = []
    /// Those that are in the package, in order.
    var documents: [EvidenceDocument] = []
    /// What these hold besides what was chosen.
    var disclosure = EvidenceDisclosure()
    /// Whose texts were left out, visibly.
    var redaction = Redaction()
    /// Of which posts it holds all.
    var filter = EvidenceFilter()
    /// Which answers are not in it, as the chain has it.
    var coverage = EvidenceCoverage()
    /// The time stamps among the documents.
    var timeStamps: [TimeStampDocument] = []
    /// Who may be taken for whom: as the documents about users say, all of which are in the package.
    var book = NameBook()

    /// The number of the package's format. A program checks packages of its own format alone.
    static let version: Int64 = 3

    /// The number that a manifest states; nil where it states none.
    static func version(of manifest: [UInt8]) -> Int64? { (try? JSONDocument(manifest).root)?["mmvault_evidence"]?.int }

    var people: ExportPeople { ExportPeople(account: account, users: users.map(\.user), teams: teams, book: book) }
}

/// A channel of which the package has posts.
struct EvidenceChannel {
    let channel: Channel
    /// The two who are in a direct channel, which is called by them.
    var userIDs: [String] {
        channel.kind == .direct ? channel.name.split(separator: "_").map(String.init) : []
    }
    /// `TEAM/CHANNEL`: its files are called so.
    let path: String
    /// Whether it has encrypted posts at all: then those that are not are marked.
    let isEncrypted: Bool
}

/// Somebody whose name is shown. Whom no document of the package describes is shown by id.
struct EvidenceUser {
    let user: User
    /// The document that describes the user so; nil where the id itself tells the name, as ids of imports do.
    let document: Int64?

    /// - Parameter included: the documents with posts that the package will hold. Those about users it holds all.
    /// - Returns: everybody in the archive of whom the package can say how they are called.
    static func all(in archive: Archive, included: Set<Int64>) throws(ArchiveError) -> [EvidenceUser] {
        var users: [EvidenceUser] = []
        for user in try archive.users() {
            let document = try archive.newestDocument(of: .user, id: user.id)
            let kind = try document.flatMap { sequence throws(ArchiveError) in try archive.kind(of: sequence) }
            if let document, kind == .users || included.contains(document) {
                users.append(EvidenceUser(user: user, document: document))
            } else if ImportID.user(called: user.username) == user.id {
                users.append(EvidenceUser(user: User(id: user.id, username: user.username), document: nil))
            }
        }
        return users
    }

    /// Whether the name needs no document.
    var isNamedByID: Bool {
        isDescribed(by: User(id: user.id, username: user.username))
            && ImportID.user(called: user.username) == user.id
    }

    /// Whether the server describes the user so, as far as a package shows it.
    func isDescribed(by other: User) -> Bool {
        func words(_ user: User) -> [String] {
            [user.id, user.username, user.nickname, user.firstName, user.lastName]
        }
        // By bytes: for Swift, two spellings of one character are the same, and people may see two.
        return zip(words(user), words(other)).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
    }
}

/// What a document of the package discloses.
struct EvidenceDocument: Equatable {
    let sequence: Int64
    let kind: String
    /// Posts and old revisions in it, and how many of them were chosen.
    var posts = 0
    var chosen = 0
    /// Channels of which it holds posts, and of which none was chosen.
    var otherChannels = 0
    /// Whether it is here as the archive's owner rendered it, without the texts that were left out.
    var isRedacted = false

    /// - Parameter channels: the ids of those that were chosen.
    init(_ content: DocumentContent, chosen: Int, channels: Set<String>, isRedacted: Bool = false) {
        self.isRedacted = isRedacted
        sequence = content.sequence
        kind = content.kind.rawValue
        posts = content.posts.count
        self.chosen = chosen
        otherChannels = Set(content.posts.map(\.channelID)).subtracting(channels).count
    }

    /// The file with its body, as it came or as it was rendered.
    var name: String { EvidenceDocument.name(sequence, isRedacted: isRedacted) }
    static func name(_ sequence: Int64, isRedacted: Bool) -> String {
        isRedacted ? "documents/\(sequence).redacted" : bodyName(sequence)
    }
    static func recordName(_ sequence: Int64) -> String { "documents/\(sequence).record" }
    static func bodyName(_ sequence: Int64) -> String { "documents/\(sequence).body" }
}

extension DocumentKind {
    /// Whether the verdicts of a package, or the names in it, rest on documents of this kind: then all of them are
    /// there, since one that is left out could have taken back what the others say. All time stamps are there, too: each
    /// shows that more of the archive is not younger than it says.
    var isDecisive: Bool {
        switch self {
        case .users, .keys, .ownKey, .trust, .trustList, .timeStamp: true
        default: false
        }
    }
}
