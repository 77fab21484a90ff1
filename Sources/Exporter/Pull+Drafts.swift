internal import Archive
internal import NIOHTTP1

extension Pull {
    /// Whether a server may keep drafts: those before version 7 do not.
    ///
    /// - Parameter version: what it says of itself, if it does.
    static func mayKeepDrafts(_ version: String?) -> Bool {
        version?.split(separator: ".").first.flatMap { Int($0) }.map { $0 >= 7 } ?? true
    }

    /// Keeps the account's own drafts, which lie on the server in the clear, and notes those that have gone. A server that has
    /// none to give, or does not keep drafts, keeps nobody from the posts.
    ///
    /// - Parameter teams: the account's. Drafts in direct and group channels stand in the list of each.
    func fetchDrafts(_ client: MattermostClient, of teams: [String]) async throws(ExporterError) {
        var present: Set<String> = []
        var hasAnswered = !teams.isEmpty
        for team in teams {
            do throws(ExporterError) {
                let request = Request(.GET, "/api/v4/users/me/teams/\(team)/drafts")
                present.formUnion(try await fetchList(client, request, .drafts, .draft))
            } catch .refused(let status, _, _, _) {
                hasAnswered = false
                // Where it does not know the question, it knows it for no team.
                guard status == 403 else { break }
            }
        }
        let known = try archived { () throws(ArchiveError) in try archive.drafts() }
        let isBack = known.filter { $0.goneSince != nil && present.contains($0.draft.id) }
        // A draft may stand in the list that was refused.
        let hasGone = hasAnswered ? known.filter { $0.goneSince == nil && !present.contains($0.draft.id) } : []
        try await note(
            hasGone.map { Absence(id: $0.draft.id, what: .draft, reason: .notListed) }
                + isBack.map { Absence(id: $0.draft.id, what: .draft, reason: .back) })
    }
}
