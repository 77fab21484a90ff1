public import Bytes

/// What stands in a document, read from nothing but its record and body: for whoever has these and no archive.
public struct DocumentContent: Sendable {
    public let kind: DocumentKind
    public let sequence: Int64
    /// Every post that stands in it; of an import, every one that came with it.
    public let posts: [PostHeader]
    public let body: [UInt8]
    public let receivedAt: Timestamp
    /// The time stamp that it is, in a document of that kind.
    public let timeStamp: TimeStampDocument?
    private let places: [Int: Int]
    private let source: ImportSource?

    /// - Throws: `damagedDocument` where the body holds something else than its kind does.
    public init(_ record: DocumentRecord, _ body: [UInt8]) throws(ArchiveError) {
        func damage(_ what: String) -> ArchiveError { .damagedDocument(sequence: record.sequence, what: what) }
        guard let kind = DocumentKind(rawValue: record.kind), let time = Timestamp(iso8601: record.receivedAt) else {
            throw damage("its record names an unknown kind of document, or no time")
        }
        (self.kind, sequence, self.body, receivedAt) = (kind, record.sequence, body, time)
        var source: ImportSource?
        var timeStamp: TimeStampDocument?
        do throws(ArchiveError) {
            switch kind {
            case .imported:
                let part = try ImportPart(body)
                (posts, source) = (part.posts, part.source)
            case .timeStamp:
                timeStamp = try TimeStampDocument(record, body)
                posts = []
            default:
                guard let found = DocumentInspection.posts(in: body, kind, channelID: record.channelID)?.posts else {
                    throw damage("its body holds no posts as its kind does")
                }
                posts = found
            }
        } catch {
            if case .badTimeStamp(let what) = error { throw damage(what) }
            throw damage("its body holds no posts as its kind does")
        }
        (self.source, self.timeStamp) = (source, timeStamp)
        places = Dictionary(
            posts.enumerated().map { ($1.range.lowerBound, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The version of a post that stands at a place.
    ///
    /// - Parameter sequence: its place in the archive's order of arrival.
    /// - Returns: nil where no post stands there.
    public func version(
        at range: Range<Int>, sequence: Int64, state: PostState, absence: NoticedAbsence? = nil
    ) -> StoredVersion? {
        guard let place = places[range.lowerBound], posts[place].range == range else { return nil }
        let post = posts[place]
        var header = StoredVersion.Header(
            sequence: sequence, documentSequence: self.sequence, id: post.id, channelID: post.channelID,
            userID: post.userID, rootID: post.rootID, originalID: post.originalID, type: post.type,
            createAt: post.createAt, updateAt: post.updateAt, editAt: post.editAt, deleteAt: post.deleteAt)
        header.range = range
        guard let json = source.map({ try? $0.json(body, range) }) ?? PostEvents.post(at: body[range]) else {
            return nil
        }
        return StoredVersion(header: header, state: state, json: json, importName: source?.name, absence: absence)
    }

    /// The digest of what the post that begins at a place says: two versions with one digest differ in nothing that they say.
    public func said(at start: Int) -> [UInt8]? { places[start].map { posts[$0].said } }

    /// Whether a post is an old revision without its message, as lists show them: the message stands in the post's history.
    public func isBlankRevision(_ post: PostHeader) -> Bool {
        guard !post.originalID.isEmpty, let version = version(at: post.range, sequence: 0, state: .revision),
            let root = try? JSONDocument(version.json).root
        else { return false }
        return root["message"].map(VersionDigest.isEmpty) != false
    }

    /// The objects that a document of lists holds: users, files, decisions.
    public var objects: [JSONValue] {
        guard let root = try? JSONDocument(body).root else { return [] }
        return kind.objects(in: root)
    }

    /// What it records of files.
    public var fileRecords: [FileRecord] {
        switch kind {
        case .files: objects.compactMap(FileRecord.init)
        case .imported:
            ((try? ImportPart(body))?.objects ?? []).filter { $0.kind == .file }.compactMap { FileRecord($0.json) }
        default: []
        }
    }

    /// The keys that it shows.
    public var keys: [KeySighting] {
        guard let root = try? JSONDocument(body).root else { return [] }
        return kind.keys(in: root, at: receivedAt)
    }

    /// The users of whom it says that they have no key.
    public var keyless: [String] {
        guard let root = try? JSONDocument(body).root else { return [] }
        return kind.keyless(in: root)
    }

    /// What it says that the server shows no longer.
    public var absences: [(id: String, absence: NoticedAbsence)] {
        guard kind == .absences else { return [] }
        return objects.compactMap(Absence.init).map {
            ($0.id, NoticedAbsence(reason: $0.reason, since: receivedAt))
        }
    }

    /// Whom it describes; an import those whom the archive did not know.
    public var users: [User] {
        switch kind {
        case .users: objects.map(User.init)
        case .imported: (source?.head["users"]?.elements ?? []).map(User.init)
        default: []
        }
    }

    /// The decisions about keys that it states, each with the bytes that do.
    public var decisions: [(decision: TrustDecision, json: [UInt8])] {
        guard kind == .trust || kind == .trustList else { return [] }
        return objects.compactMap { object in
            TrustDecision(object, at: receivedAt).map { ($0, Array(object.bytes)) }
        }
    }

    /// Whose archive it is, in the first document.
    public var account: Account? { kind == .account ? objects.first.flatMap(Account.init) : nil }
}
