internal import Bytes

/// A document with what the index says of it.
struct CheckSubject: Sendable {
    let document: DocumentRow
    var versions: [PostHeader] = []
    var attachments: [AttachmentRow] = []
    var objects: [ObjectRow] = []
    var keys: [KeySighting] = []
    /// Users of whom the index says that the document says they have no key.
    var keyless: [KeylessRow] = []
    var walks: [WalkRow] = []
    /// What was wrong already when the rows were read.
    var problems: [String] = []
}

/// One document held against its record, and the index's rows held against the document. Every row of the index can be
/// told from the documents alone; whatever differs is damage.
struct DocumentInspection: Sendable {
    let sequence: Int64
    /// What the record's text hashes to, whether or not that is what it should be.
    let hash: SHA256Digest
    let record: DocumentRecord?
    let versions: Int
    let bytes: Int
    let problems: [String]
    /// Versions and objects that stand in the document and that the index has, if at all, from a document before.
    let olderVersions: [PostHeader]
    let olderObjects: [ObjectRow]
    /// Posts in a part of an export that the archive should hold from before.
    let joined: [String]
    /// The version of the format that a reader must know for it.
    let formatVersion: Int
    /// The time stamp that it is.
    let timeStamp: TimeStampDocument?
    private let indexedPosts: [String]

    init(_ subject: CheckSubject) {
        let document = subject.document
        let record = DocumentRecord(text: document.record)
        sequence = document.sequence
        self.record = record
        hash = SHA256Digest(of: Array(document.record.utf8))
        versions = subject.versions.count
        indexedPosts = subject.versions.map(\.id)
        var comparison = Comparison(problems: subject.problems)
        if document.hash != hash.description {
            comparison.problems.append("its record does not have the SHA-256 noted beside it")
        }
        if let record, record.sequence != sequence {
            comparison.problems.append("its record is that of document \(record.sequence)")
        }
        var body: [UInt8] = []
        do throws(ArchiveError) {
            body = try document.body()
            if let record { comparison.compare(subject, record, body) }
        } catch {
            if case .damagedDocument(_, let what) = error {
                comparison.problems.append(what)
            } else {
                comparison.problems.append("\(error)")
            }
        }
        bytes = body.count
        formatVersion =
            record.flatMap { DocumentKind(rawValue: $0.kind) }.map { ArchiveSchema.version(for: $0, body) }
            ?? ArchiveSchema.version
        problems = comparison.problems
        olderVersions = comparison.olderVersions
        olderObjects = comparison.olderObjects
        joined = comparison.joined
        timeStamp = comparison.timeStamp
    }

    func damage(_ what: String) -> CheckReport.Damage {
        let context =
            record.map { "\($0.kind)\($0.channelID.map { " of channel \($0)" } ?? ""), \($0.receivedAt)" } ?? ""
        return .init(document: sequence, context: context, what: what, posts: indexedPosts)
    }
}

/// What the index should say of a document, against what it says.
private struct Comparison {
    var problems: [String]
    var olderVersions: [PostHeader] = []
    var olderObjects: [ObjectRow] = []
    var joined: [String] = []
    var timeStamp: TimeStampDocument?

    mutating func compare(_ subject: CheckSubject, _ record: DocumentRecord, _ body: [UInt8]) {
        guard let kind = DocumentKind(rawValue: record.kind) else {
            return problems.append("its record names an unknown kind of document")
        }
        guard let time = Timestamp(iso8601: record.receivedAt) else {
            return problems.append("its record does not say when it came")
        }
        guard (kind == .account) == (record.sequence == 1) else {
            return problems.append(
                "its kind has no place here: the first document, and no other, says whose archive it is")
        }
        let part = kind == .imported ? try? ImportPart(body) : nil
        if kind == .imported, part == nil { problems.append("its body is no part of an export") }
        joined = part?.joined ?? []
        let found = DocumentInspection.posts(in: body, kind, channelID: record.channelID)
        let posts = part?.posts ?? found?.posts
        if posts == nil, kind != .imported { problems.append("its body holds no posts as its kind does") }
        compare(subject.versions, with: posts ?? [])
        let indexed = Set(subject.versions.map(\.range.lowerBound))
        let named =
            (part?.attachments ?? found?.attachments)?.filter { indexed.contains($0.postStart) }.map(\.row) ?? []
        if subject.attachments != named {
            problems.append("the index says something else about the files of its posts than the document")
        }

        if kind == .timeStamp {
            do { timeStamp = try TimeStampDocument(record, body) } catch { problems.append(error.checkText) }
        }
        // Posts that could be read were parsed already, and beside them such a document holds nothing for the index.
        let isRead = kind.holdsPosts && found != nil
        let hasJSON = kind != .walk && kind != .imported && kind != .timeStamp && !isRead
        let root = hasJSON ? try? PostsPage.parse(body) : nil
        if hasJSON, root == nil { problems.append("its body is not JSON") }
        let objects = part?.objects.map { ObjectRow($0.json, kind: $0.kind, id: $0.id, at: time) }
        compare(subject.objects, with: objects ?? root.map { Comparison.objects(in: $0, kind, time) } ?? [])
        compare(subject.keys, with: root.map { kind.keys(in: $0, at: time) } ?? [])
        let keyless = root.map { kind.keyless(in: $0).map { KeylessRow(userID: $0, at: time) } } ?? []
        if subject.keyless != keyless {
            problems.append("the index says something else about users without a key than the document")
        }
        compare(subject.walks, with: record, time)
    }

    private mutating func compare(_ rows: [PostHeader], with posts: [PostHeader]) {
        var expected = Dictionary(posts.map { ($0.range.lowerBound, $0) }, uniquingKeysWith: { first, _ in first })
        for row in rows where expected.removeValue(forKey: row.range.lowerBound) != row {
            problems.append("the index says something else about post \(row.id) than the document")
        }
        requireOrder(rows.map(\.range.lowerBound), posts.map(\.range.lowerBound), "posts")
        olderVersions = expected.values.sorted { $0.range.lowerBound < $1.range.lowerBound }
    }

    private mutating func compare(_ rows: [ObjectRow], with objects: [ObjectRow]) {
        var expected = Dictionary(objects.map { ($0.start, $0) }, uniquingKeysWith: { first, _ in first })
        for row in rows where expected.removeValue(forKey: row.start) != row {
            problems.append("the index says something else about \(row.kind) \(row.id) than the document")
        }
        requireOrder(rows.map(\.start), objects.map(\.start), "descriptions")
        // A row is made of what differs from how it was last seen: in this document, where it stands there twice, or before.
        var last: [String: [UInt8]] = [:]
        for object in objects {
            let name = "\(object.kind) \(object.id)"
            defer { last[name] = object.json }
            guard expected[object.start] != nil else { continue }
            guard let before = last[name] else {
                olderObjects.append(object)
                continue
            }
            if before != object.json { problems.append("the index does not know its description of \(name)") }
        }
    }

    private mutating func compare(_ rows: [KeySighting], with keys: [KeySighting]) {
        var expected = keys
        for row in rows {
            if let place = expected.firstIndex(of: row) {
                expected.remove(at: place)
            } else {
                problems.append("the index says something else about key \(row.keyID) than the document")
            }
        }
        problems += expected.map { "the index does not know its key \($0.keyID) of user \($0.userID)" }
        if problems.isEmpty, rows != keys { problems.append("the index has its keys in another order") }
    }

    /// Of two rows about the same, the one behind counts.
    private mutating func requireOrder(_ rows: [Int], _ document: [Int], _ what: String) {
        let places = Dictionary(
            document.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        let found = rows.compactMap { places[$0] }
        guard zip(found, found.dropFirst()).contains(where: { $0 > $1 }) else { return }
        problems.append("the index has its \(what) in another order")
    }

    private mutating func compare(_ rows: [WalkRow], with record: DocumentRecord, _ time: Timestamp) {
        let expected = record.walk.flatMap { state in
            record.channelID.map { WalkRow(channelID: $0, at: time, state: state) }
        }
        if rows != (expected.map { [$0] } ?? []) {
            problems.append("the index says something else about the walk than the record")
        }
    }

    private static func objects(in root: JSONValue, _ kind: DocumentKind, _ time: Timestamp) -> [ObjectRow] {
        guard let objectKind = ObjectKind(listedIn: kind) else { return [] }
        return kind.objects(in: root).compactMap { object in
            objectKind.identifier(of: object).map { ObjectRow(object, kind: objectKind, id: $0, at: time) }
        }
    }
}

extension DocumentInspection {
    /// nil where there should be posts, and they cannot be read.
    ///
    /// - Parameter channelID: the channel that was asked about, as the record says.
    static func posts(
        in body: [UInt8], _ kind: DocumentKind, channelID: String?
    ) -> (posts: [PostHeader], attachments: [PlacedAttachment])? {
        switch kind {
        case .posts: (try? PostsPage(body, channelID: channelID)).map { ($0.posts, $0.attachments) }
        case .latePosts: (try? OvertakenAnswer(body, channelID: channelID)).map { ($0.posts, $0.attachments) }
        case .history: (try? PostsPage(history: body)).map { ($0.posts, $0.attachments) }
        case .events: (try? PostEvents(body)).map { ($0.posts, $0.attachments) }
        case .lateEvents: (try? PostEvents(body)).map { ($0.posts.map(\.asOldRevision), []) }
        default: ([], [])
        }
    }
}

extension ObjectKind {
    /// What a document of this kind lists.
    init?(listedIn kind: DocumentKind) {
        switch kind {
        case .users: self = .user
        case .channels: self = .channel
        case .teams: self = .team
        case .members: self = .member
        case .emoji: self = .emoji
        case .drafts: self = .draft
        case .server: self = .server
        case .keyEvents: self = .keyEvent
        case .absences: self = .absence
        case .files: self = .file
        case .histories: self = .history
        case .trust: self = .trust
        case .trustList: self = .listedTrust
        case .originals: self = .original
        case .account, .posts, .latePosts, .history, .events, .lateEvents, .keys, .ownKey, .imported, .timeStamp, .walk:
            return nil
        }
    }
}

extension DocumentKind {
    /// Whether a document of this kind is an answer, or events, with posts. An import holds them in lines of its own.
    var holdsPosts: Bool {
        switch self {
        case .posts, .latePosts, .history, .events, .lateEvents: true
        default: false
        }
    }

    /// The objects that a document of this kind lists: the elements of an array, or the one object that it is.
    func objects(in root: JSONValue) -> [JSONValue] {
        if self == .trustList { return root["list"]?["entries"]?.elements ?? [] }
        return root.kind == .array ? root.elements : [root]
    }

    /// The users of whom a document of this kind says that they have no key: null, or what has not the form of one.
    func keyless(in root: JSONValue) -> [String] {
        guard self == .keys else { return [] }
        return (root["pubKeys"]?.members ?? []).filter {
            PostHeader.isIdentifier($0.key) && KeySighting.points(of: $0.value) == nil
        }.map(\.key)
    }

    /// The keys that a document of this kind shows.
    func keys(in root: JSONValue, at time: Timestamp) -> [KeySighting] {
        switch self {
        case .keys: KeySighting.all(in: root, source: .server, at: time)
        case .ownKey: KeySighting.all(in: root, source: .own, at: time)
        default: []
        }
    }
}
