internal import Bytes
internal import Foundation
internal import GRDB

/// One document held against its record, and the index's rows held against the document.
struct DocumentInspection: Sendable {
    let sequence: Int64
    /// What the record's text hashes to, whether or not that is what it should be.
    let hash: SHA256Digest
    let record: DocumentRecord?
    let versions: Int
    let bytes: Int
    let problems: [String]
    private let indexedPosts: [String]
    /// Versions that stand in the document, but in the index under another one, or not at all.
    private let elsewhere: [PostHeader]

    /// A document with what the index says of it.
    struct Subject: Sendable {
        let document: DocumentRow
        fileprivate let versions: [PostHeader]
        fileprivate let objects: [(start: Int, json: String)]
        fileprivate let keys: [(keyID: String, encryptionPoint: [UInt8], signingPoint: [UInt8])]

        static func fetch(_ database: Database, after sequence: Int64, limit: Int) throws -> [Subject] {
            try DocumentRow.fetch(database, after: sequence, limit: limit).map { document in
                func rows(_ sql: String) throws -> [Row] {
                    try Row.fetchAll(
                        database, sql: sql + " WHERE document = ? ORDER BY seq", arguments: [document.sequence])
                }
                return Subject(
                    document: document,
                    versions: try rows("SELECT * FROM version").map(PostHeader.init),
                    objects: try rows("SELECT start, json FROM object").map { ($0["start"], $0["json"]) },
                    keys: try rows("SELECT key_id, encr, sign FROM key_sighting").map {
                        ($0["key_id"], Array($0["encr"] as Data), Array($0["sign"] as Data))
                    })
            }
        }
    }

    init(_ subject: Subject) {
        let document = subject.document
        sequence = document.sequence
        hash = SHA256Digest(of: Array(document.record.utf8))
        record = DocumentRecord(text: document.record)
        versions = subject.versions.count
        indexedPosts = subject.versions.map(\.id)
        var problems: [String] = []
        if document.hash != hash.description { problems.append("its record does not have the SHA-256 noted beside it") }
        if let record, record.sequence != sequence {
            problems.append("its record is that of document \(record.sequence)")
        }
        var body: [UInt8] = []
        var elsewhere: [PostHeader] = []
        do throws(ArchiveError) {
            body = try document.body()
            let found = DocumentInspection.compare(subject, body, kind: record?.kind)
            problems += found.problems
            elsewhere = found.elsewhere
        } catch {
            if case .damagedDocument(_, let what) = error { problems.append(what) } else { problems.append("\(error)") }
        }
        bytes = body.count
        self.problems = problems
        self.elsewhere = elsewhere
    }

    private static func compare(
        _ subject: Subject, _ body: [UInt8], kind: String?
    ) -> (problems: [String], elsewhere: [PostHeader]) {
        var problems: [String] = []
        var posts: [Int: PostHeader] = [:]
        if kind == DocumentKind.posts.rawValue {
            guard let page = try? PostsPage(body) else { return (["its body is no page of posts"], []) }
            posts = Dictionary(page.posts.map { ($0.range.lowerBound, $0) }, uniquingKeysWith: { first, _ in first })
        }
        for version in subject.versions where posts.removeValue(forKey: version.range.lowerBound) != version {
            problems.append("the index says something else about post \(version.id) than the document")
        }
        for object in subject.objects {
            let text = Array(object.json.utf8)
            guard object.start >= 0, object.start + text.count <= body.count,
                body[object.start..<object.start + text.count].elementsEqual(text)
            else {
                problems.append("the index holds an object that is not in the document")
                continue
            }
        }
        let keys = subject.keys.filter { key in
            let isNamed = key.keyID == SHA256Digest(of: key.encryptionPoint + key.signingPoint).description
            let text = String(decoding: body, as: UTF8.self)
            return !isNamed || !text.contains(Base64.standard.encode(key.encryptionPoint))
                || !text.contains(Base64.standard.encode(key.signingPoint))
        }
        problems += keys.map { "the index holds a key that is not in the document: \($0.keyID)" }
        return (problems, Array(posts.values))
    }

    /// Versions of this document that the index does not have at all.
    func unindexed(in database: Database) throws -> [String] {
        let statement = try database.cachedStatement(sql: "SELECT 1 FROM version WHERE post_id = ? AND identity = ?")
        return try elsewhere.sorted { $0.id < $1.id }.compactMap { post in
            let isKnown = try Int.fetchOne(statement, arguments: [post.id, Data(post.identity)]) != nil
            return isKnown ? nil : "the index does not know its version of post \(post.id)"
        }
    }

    func damage(_ what: String) -> CheckReport.Damage {
        let context =
            record.map { "\($0.kind)\($0.channelID.map { " of channel \($0)" } ?? ""), \($0.receivedAt)" } ?? ""
        return .init(document: sequence, context: context, what: what, posts: indexedPosts)
    }
}

extension PostHeader {
    fileprivate init(_ row: Row) {
        let start: Int = row["start"]
        let length: Int = row["length"]
        self.init(
            id: row["post_id"], channelID: row["channel_id"], userID: row["user_id"], rootID: row["root_id"],
            originalID: row["original_id"], type: row["type"], createAt: row["create_at"], updateAt: row["update_at"],
            editAt: row["edit_at"], deleteAt: row["delete_at"], range: start..<max(start, start + length),
            said: Array(row["said"] as Data), identity: Array(row["identity"] as Data))
    }
}
