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
    /// Others who were called `after` before: who looks at names alone takes one for the other.
    public let formerOwners: [String]
}

extension Archive {
    /// Every change of a username, in the order in which they came. Who came out of an import is left out: there a name is
    /// all that is known.
    public func nameChanges() throws(ArchiveError) -> [NameChange] {
        let sql = "SELECT id, at, json FROM object WHERE kind = 'user' AND id NOT LIKE 'import-%' ORDER BY seq"
        return try read { db in
            var changes: [NameChange] = []
            var names: [String: String] = [:]
            var owners: [String: [String]] = [:]
            let rows = try Row.fetchCursor(db, sql: sql)
            while let row = try rows.next() {
                let json: String = try row.decode(forColumn: "json")
                guard let name = (try? JSONDocument(Array(json.utf8)).root)?["username"]?.string else { continue }
                let id: String = try row.decode(forColumn: "id")
                guard names[id] != name else { continue }
                // The server takes capitals for small letters in a name, and so does who reads it.
                let others = (owners[name.lowercased()] ?? []).filter { $0 != id }
                if names[id] != nil || !others.isEmpty {
                    changes.append(
                        NameChange(
                            userID: id, before: names[id], after: name,
                            at: Timestamp(milliseconds: try row.decode(forColumn: "at")), formerOwners: others))
                }
                names[id] = name
                if owners[name.lowercased()]?.contains(id) != true { owners[name.lowercased(), default: []].append(id) }
            }
            return changes
        }
    }
}
