extension WorldState {
    static let postRoutes = [
        Route("GET", "/api/v4/channels/*/posts") { state, call throws(Refusal) in
            _ = try call.id("channel_id")
            let query = try PostsQuery(call.exchange)
            let channel = try state.readableChannel(call)
            return .json(state.postsPage(of: channel.id, query))
        },
        Route("GET", "/api/v4/posts/*") { state, call throws(Refusal) in
            guard let post = state.post(try call.id("post_id")), post.isLive else { throw .noPost }
            try state.checkPeek(call, post)
            return .json(post.json(replyCount: state.replyCount(of: post)) + "\n")
        },
        // The one question that shows tombstones and old revisions for their ids.
        Route("POST", "/api/v4/posts/ids") { state, call throws(Refusal) in
            let ids: [String] = try call.body("post_ids")
            guard (1...1000).contains(ids.count) else { throw .badParameter("post_ids") }
            let found = Set(ids).compactMap(state.post)
            guard !found.isEmpty else { throw .noPost }
            let shown = found.filter { (try? state.checkPeek(call, $0)) != nil }
                .sorted { ($1.createAt, $0.id) < ($0.createAt, $1.id) }
            return .json("[" + shown.map(\.json).joined(separator: ",") + "]")
        },
        Route("GET", "/api/v4/posts/*/thread") { state, call throws(Refusal) in
            guard let post = state.post(try call.id("post_id")), post.isLive else { throw .noPost }
            try state.checkPeek(call, post)
            return .json(state.thread(of: post))
        },
        Route("GET", "/api/v4/posts/*/edit_history") { state, call throws(Refusal) in
            guard (state.version.split(separator: ".").first.flatMap { Int($0) } ?? 0) >= 7 else { throw .noRoute }
            // Whatever is wrong, the author alone may ask: of others' posts and of deleted ones it says the same.
            guard let post = state.post(try call.id("post_id")), post.isLive, post.userID == call.caller,
                state.isMember(call.caller, of: post.channelID)
            else { throw .noPermission }
            let revisions = state.revisions(of: post)
            guard !revisions.isEmpty else { throw .noPost }
            return .json("[" + revisions.map(\.historyJSON).joined(separator: ",") + "]\n")
        },
        Route("GET", "/api/v4/files/*") { state, call throws(Refusal) in
            let (file, post) = try state.file(call)
            return file.answer(to: call.exchange, modifiedAt: post.createAt)
        },
        Route("GET", "/api/v4/files/*/info") { state, call throws(Refusal) in
            let (file, post) = try state.file(call)
            return .json(file.json(in: post) + "\n")
        },
    ]

    private func checkPeek(_ call: Call, _ post: Post) throws(Refusal) {
        guard let channel = channels[post.channelID], mayPeek(call.caller, channel),
            post.createAt >= historyLimit ?? .min
        else {
            throw .noPermission
        }
    }

    /// The old revisions of a post, the last edited first.
    private func revisions(of post: Post) -> [Post] {
        (timelines[post.channelID]?.all ?? []).compactMap { posts[$0.slot] }.filter { $0.originalID == post.id }
            .sorted { ($1.editAt, $0.id) < ($0.editAt, $1.id) }
    }

    /// A file, which is gone for everyone once its post is deleted.
    private func file(_ call: Call) throws(Refusal) -> (StoredFile, Post) {
        let id = try call.id("file_id")
        guard let post = postsOfFiles[id].flatMap(post), let file = post.files.first(where: { $0.id == id }) else {
            throw .noFile
        }
        guard isMember(call.caller, of: post.channelID) else { throw .noPermission }
        return (file, post)
    }
}

extension PostsQuery {
    fileprivate init(_ exchange: Exchange) throws(Refusal) {
        page = exchange.number("page", default: 0)
        perPage = min(200, exchange.number("per_page", default: 60))
        // Beyond any history; kept where products of it do not overflow.
        page = min(page, 1 << 32)
        skipFetchThreads = exchange.query["skipFetchThreads"] == "true"
        if let text = exchange.query["since"], !text.isEmpty {
            guard let time = Int64(text) else { throw .badParameter("since") }
            since = time
        }
        if let post = exchange.query["after"], !post.isEmpty {
            guard Identifier.isValid(post) else { throw .badParameter("after") }
            anchor = .after(post)
        }
        if let post = exchange.query["before"], !post.isEmpty {
            guard Identifier.isValid(post) else { throw .badParameter("before") }
            // Asked for both, the server goes after.
            anchor = anchor ?? .before(post)
        }
    }
}
