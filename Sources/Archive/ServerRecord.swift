internal import Bytes
internal import GRDB

/// Which version the server said that it has. It says so with each answer; a statement of this program's own keeps it, whenever
/// it is another one than before.
public struct ServerRecord: Equatable, Sendable {
    /// `11.2.0`: numbers and full stops.
    public let version: String

    static let id = "server"

    /// - Parameter versionID: the server's header `X-Version-Id`, which begins with its version: `11.2.0.…`.
    public init?(versionID: String?) {
        let numbers = (versionID ?? "").split(separator: ".", omittingEmptySubsequences: false).prefix(3)
            .prefix { !$0.isEmpty && $0.utf8.count <= 9 && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
        guard !numbers.isEmpty else { return nil }
        version = numbers.joined(separator: ".")
    }

    /// What is no version is none.
    init?(_ json: JSONValue) {
        guard json["id"]?.string == ServerRecord.id, let version = json["version"]?.string,
            let record = ServerRecord(versionID: version), record.version == version
        else { return nil }
        self = record
    }

    /// `{"id":"server","version":VERSION}`
    public func document(at time: Timestamp) -> ReceivedDocument {
        var json = JSONWriter()
        json.object {
            $0.string("id", ServerRecord.id)
            $0.string("version", version)
        }
        return ReceivedDocument(kind: .server, request: "-", channelID: nil, receivedAt: time, body: json.bytes)
    }
}

extension Archive {
    /// Which versions the server had when some documents came, in the order in which it had them. Of documents that came
    /// before it was first noted, nothing is said.
    public func serverVersions(ofDocuments documents: [Int64]) throws(ArchiveError) -> [String] {
        let sql = "SELECT document, json FROM object WHERE kind = 'server' ORDER BY seq"
        let noted = try read { db in
            try Row.fetchAll(db, sql: sql).compactMap { row -> (document: Int64, version: String)? in
                let json: String = try row.decode(forColumn: "json")
                let record = (try? JSONDocument(Array(json.utf8)).root).flatMap(ServerRecord.init)
                return try record.map { (try row.decode(forColumn: "document"), $0.version) }
            }
        }
        let sorted = documents.sorted()
        var (versions, place): ([String], Int) = ([], 0)
        for (index, entry) in noted.enumerated() {
            let end = index + 1 < noted.count ? noted[index + 1].document : .max
            while place < sorted.count, sorted[place] < entry.document { place += 1 }
            guard place < sorted.count, sorted[place] < end else { continue }
            if !versions.contains(entry.version) { versions.append(entry.version) }
        }
        return versions
    }
}
