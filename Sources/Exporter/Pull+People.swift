internal import Archive
internal import Bytes
internal import NIOHTTP1

/// The people in an archive, by name, and their keys.
extension Pull {
    /// Fetches the names and keys of everybody who wrote or can read, less those already asked for. What keeps the
    /// plugin or the server from telling them is noted in the report, and keeps nobody from the posts.
    @discardableResult
    func fetchPeople(
        _ client: MattermostClient, except asked: Set<String>, _ report: inout PullReport
    ) async throws(ExporterError) -> Set<String> {
        let people = try archived { () throws(ArchiveError) in try archive.peopleIDs() }
            .filter { !asked.contains($0) && PostHeader.isIdentifier($0) }
        guard !people.isEmpty else { return asked }
        onEvent(.stage(.keys))
        let before = try archived { () throws(ArchiveError) in try archive.nameChanges().count }
        var usersFailure: ExporterError?
        for ids in Pull.batches(people) {
            do throws(ExporterError) {
                if usersFailure == nil { try await fetchUsers(client, ids) }
            } catch {
                if PullReport.endsAll(error) { throw error }
                usersFailure = error
            }
            guard report.keysFailure == nil else { continue }
            do throws(ExporterError) {
                report.keyChanges += try await KeyFetch(client, archive, writer).run(ids).changes
            } catch {
                if PullReport.endsAll(error) { throw error }
                report.keysFailure = error
            }
        }
        report.keysFailure = report.keysFailure ?? usersFailure
        report.nameChanges += try archived { () throws(ArchiveError) in
            Array(try archive.nameChanges().dropFirst(before))
        }
        return asked.union(people)
    }

    func fetchUsers(_ client: MattermostClient, _ ids: [String]) async throws(ExporterError) {
        var body = JSONWriter()
        body.array { json in for id in ids { json.string(nil, id) } }
        try await fetchList(client, Request(.POST, "/api/v4/users/ids", body: body.bytes), .users, .user)
    }

    /// As many users to a question as the server's own client asks for.
    static func batches(_ ids: [String]) -> [[String]] {
        stride(from: 0, to: ids.count, by: 100).map { Array(ids[$0..<min($0 + 100, ids.count)]) }
    }
}
