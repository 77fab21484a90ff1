internal import Archive
internal import Bytes
internal import NIOHTTP1
internal import Synchronization

/// Asks what the account's own edited posts of a channel said before, where the archive lacks it: of each post once, and
/// again when it has an old revision of later whose text did not come. A server gives this to the author alone, and not every
/// server does.
struct HistoryFetch {
    let client: MattermostClient
    let archive: Archive
    let writer: ArchiveWriter
    let channelID: String
    let userID: String
    let offer: HistoryOffer

    /// Posts after which it is noted that they were asked about: what a kill costs is that these are asked about again.
    private static let batch = 50

    func run() async throws(ExporterError) {
        var place = PostPlace.first
        while offer.isOpen {
            let after = place
            let posts: [PostPlace]
            do throws(ArchiveError) {
                posts = try archive.postsWithUnknownHistory(
                    channelID: channelID, userID: userID, after: after, limit: HistoryFetch.batch)
            } catch { throw .archive(error) }
            guard let last = posts.last else { return }
            var records: [HistoryRecord] = []
            for post in posts where offer.isOpen {
                if Task.isCancelled { throw .cancelled }
                if let status = try await ask(post.postID) {
                    records.append(HistoryRecord(postID: post.postID, status: status))
                }
            }
            if !records.isEmpty {
                do {
                    try await writer.append(
                        HistoryRecord.document(records, channelID: channelID, at: .now), objects: .history)
                } catch { throw .archive(error) }
            }
            place = last
        }
    }

    /// - Returns: HTTP's status; nil where the server does not know the question.
    private func ask(_ postID: String) async throws(ExporterError) -> Int? {
        let (answer, page): (Answer, PostsPage)
        do throws(ExporterError) {
            let request = Request(.GET, "/api/v4/posts/\(postID)/edit_history")
            (answer, page) = try await client.send(request) { answer throws(ExporterError) in
                let page: PostsPage
                do throws(ArchiveError) {
                    page = try PostsPage(history: answer.body)
                } catch .notAPage(let what) {
                    throw answer.garbled(what)
                } catch { throw .archive(error) }
                guard page.unplaced.isEmpty, Set(page.posts.map(\.id)).count == page.posts.count,
                    page.posts.allSatisfy({ $0.originalID == postID && $0.channelID == channelID })
                else {
                    throw answer.garbled("it holds a revision of another post")
                }
                return (answer, page)
            }
        } catch .refused(let status, let id, _, _) where [403, 404, 501].contains(status) {
            guard id == "api.context.404.app_error" else { return status }
            offer.close()
            return nil
        }
        if !page.posts.isEmpty {
            do {
                try await writer.append(answer.document(.history, channelID: channelID), page: page, walk: nil)
            } catch { throw .archive(error) }
        }
        return 200
    }
}

/// Whether the server gives the histories of edited posts: those of 7 and later do, as far as they know the question.
final class HistoryOffer: Sendable {
    private let state = Mutex(false)

    var isOpen: Bool { state.withLock { $0 } }

    /// - Parameter version: the server's header `X-Version-Id`, which begins with its version.
    func open(to version: String?) {
        let major = version?.split(separator: ".").first.flatMap { Int($0) } ?? 0
        state.withLock { $0 = major >= 7 }
    }

    func close() { state.withLock { $0 = false } }
}
