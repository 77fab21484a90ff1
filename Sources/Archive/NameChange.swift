internal import Bytes
internal import GRDB

/// A user came to be called otherwise, or came in under a name that had been another one's. A name is the server's word;
/// what stays is the id.
public struct NameChange: Equatable, Sendable {
    public let userID: String
    /// nil for somebody who was not known before.
    public let before: String?
    public let after: String
    /// When the server's answer came.
    public let at: Timestamp
    /// Others who were called `after` before, or something that looks like it: who looks at names alone takes one for the
    /// other.
    public let formerOwners: [String]
}

/// A name that a user came to bear.
public struct NameBearing: Sendable {
    public let userID: String
    public let name: String
    /// The number of the document, and when it came.
    public let document: Int64
    public let at: Timestamp

    public init(userID: String, name: String, document: Int64, at: Timestamp) {
        (self.userID, self.name, self.document, self.at) = (userID, name, document, at)
    }
}

extension Archive {
    /// Every name that a user came to bear, in the order in which they came. What an import says is left out: there a name
    /// is all that is known.
    public func nameBearings() throws(ArchiveError) -> [NameBearing] {
        let sql = """
            SELECT id, document, at, json FROM object o WHERE kind = 'user' AND \(Archive.isFromServer("o")) ORDER BY seq
            """
        return try read { db in
            var bearings: [NameBearing] = []
            var names: [String: String] = [:]
            let rows = try Row.fetchCursor(db, sql: sql)
            while let row = try rows.next() {
                let json: String = try row.decode(forColumn: "json")
                let user = try? JSONDocument(Array(json.utf8)).root
                // No server leaves a name out; who has none is told by the id.
                guard let name = user?["username"]?.string, !name.isEmpty else { continue }
                let id: String = try row.decode(forColumn: "id")
                guard names[id] != name else { continue }
                names[id] = name
                bearings.append(
                    NameBearing(
                        userID: id, name: name, document: try row.decode(forColumn: "document"),
                        at: Timestamp(milliseconds: try row.decode(forColumn: "at"))))
            }
            return bearings
        }
    }

    /// Every change of a username, in the order in which they came.
    public func nameChanges() throws(ArchiveError) -> [NameChange] {
        var changes: [NameChange] = []
        var names: [String: String] = [:]
        var owners: [String: [String]] = [:]
        for bearing in try nameBearings() {
            let (id, folded) = (bearing.userID, LookAlikes.fold(bearing.name))
            let others = (owners[folded] ?? []).filter { $0 != id }
            if names[id] != nil || !others.isEmpty {
                changes.append(
                    NameChange(
                        userID: id, before: names[id], after: bearing.name, at: bearing.at, formerOwners: others))
            }
            names[id] = bearing.name
            if owners[folded]?.contains(id) != true { owners[folded, default: []].append(id) }
        }
        return changes
    }
}
