import Archive
import DemoServer
import Foundation
import Testing

/// What the archive holds, held against what the world knows.
extension Town {
    func stored(_ channelID: String? = nil, in open: Archive? = nil) throws -> [StoredVersion] {
        let archive = try open ?? archive()
        let plan = try archive.plan(PostQuery(channelID: channelID ?? channel))
        return try plan.load(0..<plan.count)
    }

    /// The versions of one post, oldest first; its old revisions are posts of their own.
    func versions(_ id: String, in channelID: String? = nil) throws -> [StoredVersion] {
        try stored(channelID).filter { $0.header.id == id }.sorted { $0.header.sequence < $1.header.sequence }
    }

    func states(_ id: String) throws -> [PostState] { try versions(id).map(\.state) }

    /// The newest version of every post.
    func newest(_ channelID: String? = nil, in open: Archive? = nil) throws -> [String: StoredVersion] {
        var newest: [String: StoredVersion] = [:]
        for version in try stored(channelID, in: open)
        where newest[version.header.id].map({ $0.header.sequence < version.header.sequence }) ?? true {
            newest[version.header.id] = version
        }
        return newest
    }

    /// Where the archive differs from the rows that the world keeps of a channel; empty where nothing is missing.
    func differences(
        _ channelID: String? = nil, in open: Archive? = nil, where isWanted: (Post) -> Bool = { _ in true }
    ) throws -> [String] {
        let newest = try newest(channelID, in: open)
        return world.posts(in: channelID ?? channel).filter(isWanted).compactMap { row in
            guard let version = newest[row.id] else { return "\(Town.describe(row)) is missing" }
            let json = String(decoding: version.json, as: UTF8.self)
            if Town.settled(json) != Town.settled(row.json) {
                return "\(Town.describe(row)) is \(json), not \(row.json)"
            }
            let expected: PostState = row.isOldRevision ? .revision : row.isTombstone ? .deleted : .live
            return version.state == expected ? nil : "\(Town.describe(row)) is \(version.state)"
        }
    }

    /// Nothing is missing, and nothing is damaged.
    func expectTruth(_ channelID: String? = nil, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let differences = try differences(channelID)
        #expect(differences.isEmpty, "\(differences.prefix(3))", sourceLocation: sourceLocation)
        let damages = try await archive().check().damages
        #expect(damages.isEmpty, sourceLocation: sourceLocation)
    }

    private static func describe(_ row: Post) -> String {
        let kind = row.isOldRevision ? "revision" : row.isTombstone ? "tombstone" : "post"
        return "\(kind) \(row.id) of \(row.createAt), changed \(row.updateAt)"
    }

    /// The number of replies differs from one endpoint to the next.
    private static func settled(_ json: String) -> String {
        guard let start = json.range(of: "\"reply_count\":")?.upperBound,
            let end = json[start...].firstIndex(of: ",")
        else { return json }
        return json.replacingCharacters(in: start..<end, with: "0")
    }
}
