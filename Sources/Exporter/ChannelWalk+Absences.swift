internal import Archive
internal import Bytes
internal import NIOHTTP1

/// After a walk through the whole history: what the archive holds and the walk did not come upon.
extension ChannelWalk {
    /// Posts asked about at a time. The server takes 1,000 ids.
    private static let batch = 200
    /// Posts about which no usable answer came, before it is left at that until another time.
    private static let mostOdd = 20

    /// Asks the server about each post that has gone from its lists without a tombstone, and keeps what it says.
    ///
    /// - Parameter oldest: the `create_at` from which on posts are asked about.
    mutating func noteAbsences(_ unseen: UnseenPosts, from oldest: Int64) async throws(ExporterError) -> AbsentPosts {
        let known = try archived { () throws(ArchiveError) in try archive.absences(.post) }
        var absent = AbsentPosts()
        var place = PostPlace(createAt: oldest)
        var odd = 0
        while true {
            let after = place
            let posts = try archived { () throws(ArchiveError) in
                try unseen.posts(channelID: channelID, after: after, limit: ChannelWalk.batch)
            }
            guard let last = posts.last else { break }
            place = last
            let answer = try await askForPosts(posts.map(\.postID))
            let shown = Set((answer ?? []).map(\.id))
            var absences: [Absence] = []
            for post in posts where !shown.contains(post.postID) {
                if Task.isCancelled { throw .cancelled }
                let reason: Absence.Reason
                do throws(ExporterError) {
                    guard let found = try await absence(of: post.postID) else { continue }
                    reason = found
                } catch  where error.isAboutOneQuestion {
                    absent.unknown += 1
                    odd += 1
                    // One odd answer keeps no other post from being asked about; many would take hours.
                    guard odd < ChannelWalk.mostOdd else { break }
                    continue
                }
                // The tombstone may come another time.
                if answer == nil { absent.unknown += 1 }
                guard known[post.postID]?.reason != reason else {
                    absent.known[reason, default: 0] += 1
                    continue
                }
                absences.append(Absence(id: post.postID, what: .post, reason: reason))
                absent.new[reason, default: 0] += 1
            }
            try await keep(absences)
            if odd >= ChannelWalk.mostOdd { break }
        }
        let back = try archived { () throws(ArchiveError) in try unseen.seen(among: known.keys) }
        try await keep(back.sorted().map { Absence(id: $0, what: .post, reason: .back) })
        return absent
    }

    /// Asks for posts by their ids, and keeps what comes: also the tombstones of deleted posts, which lists do not show and
    /// which nothing else brings once the server has told of more than a thousand later changes.
    ///
    /// - Returns: those that came and are in this channel. Where the server does not know the question, none; nil where there
    ///   is no usable answer.
    mutating func askForPosts(_ ids: [String]) async throws(ExporterError) -> [PostHeader]? {
        var body = JSONWriter()
        body.array { json in for id in ids { json.string(nil, id) } }
        let asked = Set(ids)
        do throws(ExporterError) {
            let (answer, page) = try await fetch(Request(.POST, "/api/v4/posts/ids", body: body.bytes)) { page in
                let came = page.posts.map(\.id) + page.unplaced.map(\.id)
                return !page.isList && came.allSatisfy(asked.contains) && Set(came).count == came.count
            }
            // A post that was moved to another channel is not missing in this one.
            try await keep(answer, page, isList: false)
            return page.posts
        } catch .tooLong where ids.count > 1 {
            let half = ids.count / 2
            guard let first = try await askForPosts(Array(ids[..<half])),
                let second = try await askForPosts(Array(ids[half...]))
            else { return nil }
            return first + second
        } catch .refused {
            return []
        } catch  where error.isAboutOneQuestion {
            return nil
        }
    }

    /// Why the server does not show a post.
    ///
    /// - Returns: nil where it does.
    func absence(of postID: String) async throws(ExporterError) -> Absence.Reason? {
        do throws(ExporterError) {
            try await client.send(Request(.GET, "/api/v4/posts/\(postID)")) { answer throws(ExporterError) in
                guard try answer.json().root["id"]?.string == postID else { throw answer.garbled("it is another post") }
            }
            return nil
        } catch .refused(let status, _, _, _) where status == 404 {
            return .gone
        } catch .refused(let status, _, _, _) where status == 403 {
            return .noAccess
        }
    }

    /// When a post of the channel was changed last, as the server says; nil where it does not show the post here.
    func updateTime(of postID: String) async throws(ExporterError) -> Int64? {
        do throws(ExporterError) {
            return try await client.send(Request(.GET, "/api/v4/posts/\(postID)")) { answer throws(ExporterError) in
                let post = try answer.json().root
                return post["channel_id"]?.string == channelID ? post["update_at"]?.int ?? 0 : nil
            }
        } catch .refused {
            return nil
        } catch .badAnswer {
            return nil
        }
    }

    /// Whether the server shows a post, and in this channel.
    func isHere(_ postID: String) async throws(ExporterError) -> Bool { try await updateTime(of: postID) != nil }

    private func keep(_ absences: [Absence]) async throws(ExporterError) {
        guard !absences.isEmpty else { return }
        do throws(ArchiveError) {
            try await writer.append(Absence.document(absences, at: .now), objects: .absence)
        } catch { throw .archive(error) }
    }

    private func archived<T>(_ body: () throws(ArchiveError) -> T) throws(ExporterError) -> T {
        do { return try body() } catch { throw .archive(error) }
    }
}
