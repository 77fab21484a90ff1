internal import Bytes
internal import Foundation
internal import GRDB

/// What the server said of users' keys, answer by answer, and which keys the archive's owner restored: the part of an
/// archive's record that standing is computed from, besides decisions and names.
public struct KeyRecord: Sendable {
    /// When an answer came.
    public struct Moment: Equatable, Sendable {
        /// The pull, counted from 0: answers that came one after the other, and of which no two name the same user. A user
        /// is asked about once in a pull.
        public let pull: Int
        /// The number of the document.
        public let document: Int64
        public let at: Timestamp

        public init(pull: Int, document: Int64, at: Timestamp) {
            (self.pull, self.document, self.at) = (pull, document, at)
        }
    }

    /// Answers about a user, one after the other, that said the same.
    public struct Run: Sendable {
        /// The key that they showed; nil where they said that there is none.
        public let key: KeySighting?
        public let first: Moment
        public internal(set) var last: Moment
    }

    /// By user, in the order of the answers.
    public private(set) var shown: [String: [Run]] = [:]
    /// The keys that the owner restored, in that order, each as it was noted first, and by which document.
    public private(set) var restored: [(key: KeySighting, document: Int64)] = []
    /// The document with which each pull's answers begin.
    public private(set) var pulls: [Int64] = []
    private var named: Set<String> = []

    public init() {}

    /// Adds an answer. They come in the order of their documents.
    ///
    /// - Parameters:
    ///   - keys: those that it shows.
    ///   - keyless: the users of whom it says that they have none.
    public mutating func add(document: Int64, at: Timestamp, keys: [KeySighting], keyless: [String]) {
        let users = keys.map(\.userID) + keyless
        guard !users.isEmpty else { return }
        if pulls.isEmpty || users.contains(where: named.contains) {
            pulls.append(document)
            named = []
        }
        named.formUnion(users)
        let moment = Moment(pull: pulls.count - 1, document: document, at: at)
        for key in keys { add(key, of: key.userID, moment) }
        for userID in keyless { add(nil, of: userID, moment) }
    }

    private mutating func add(_ key: KeySighting?, of userID: String, _ moment: Moment) {
        let place = (shown[userID]?.count ?? 0) - 1
        if place >= 0, shown[userID]?[place].key?.keyID == key?.keyID {
            shown[userID]?[place].last = moment
        } else {
            shown[userID, default: []].append(Run(key: key, first: moment, last: moment))
        }
    }

    /// Adds a key that the owner restored.
    public mutating func add(restored key: KeySighting, document: Int64) {
        guard !restored.contains(where: { $0.key.userID == key.userID && $0.key.keyID == key.keyID }) else { return }
        restored.append((key, document))
    }

    /// What the server's newest answer about a user says: nil where it shows no key, or was never asked.
    public func shownNow(of userID: String) -> KeySighting? { shown[userID]?.last?.key }

    /// The users of whom the server showed a key once, and whose newest answer is that there is none: when it said so last.
    public var withoutKeyNow: [String: Timestamp] {
        shown.compactMapValues { runs in
            guard let last = runs.last, last.key == nil, runs.contains(where: { $0.key != nil }) else { return nil }
            return last.last.at
        }
    }
}

extension Archive {
    /// What the server showed for users, and what the owner restored.
    public func keyRecord() throws(ArchiveError) -> KeyRecord { try read { try KeyRecord($0) } }
}

extension KeyRecord {
    init(_ db: Database) throws {
        self.init()
        let sql = """
            SELECT document, user_id, key_id, source, at FROM key_sighting
            UNION ALL SELECT document, user_id, '', '', at FROM keyless ORDER BY document
            """
        // A key's points are its id's: they are read once for each key, and not with every answer that shows it.
        var points: [String: KeySighting] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT \(KeySighting.columns) FROM key_sighting GROUP BY key_id") {
            if let key = try KeySighting(row) { points[key.keyID] = key }
        }
        var answer = Answer()
        let rows = try Row.fetchCursor(db, sql: sql)
        while let row = try rows.next() {
            let document: Int64 = try row.decode(atIndex: 0)
            if document != answer.document {
                answer.close(&self)
                answer = Answer(document: document, at: Timestamp(milliseconds: try row.decode(atIndex: 4)))
            }
            let userID: String = try row.decode(atIndex: 1)
            let source: String = try row.decode(atIndex: 3)
            if source.isEmpty {
                answer.keyless.append(userID)
            } else if let source = KeySighting.Source(rawValue: source),
                let known = points[try row.decode(atIndex: 2)]
            {
                let key = KeySighting(
                    userID: userID, keyID: known.keyID, source: source, at: answer.at,
                    encryptionPoint: known.encryptionPoint, signingPoint: known.signingPoint)
                if source == .server { answer.keys.append(key) } else { add(restored: key, document: document) }
            }
        }
        answer.close(&self)
    }
}

/// What the rows of one document say.
private struct Answer {
    var document = Int64.min
    var at = Timestamp(milliseconds: 0)
    var keys: [KeySighting] = []
    var keyless: [String] = []

    func close(_ record: inout KeyRecord) { record.add(document: document, at: at, keys: keys, keyless: keyless) }
}
