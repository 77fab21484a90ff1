import Synchronization

/// What people do to posts. Which of `update_at`, `edit_at` and the old revisions each of these touches is
/// measured on a 6.2 server; the comments say where it was read in the source instead.
extension World {
    /// Writes a post; a reply moves its root's `update_at`.
    /// - Parameters:
    ///   - type: "" for an ordinary post, `custom_e2ee`, `system_join_channel`, …
    ///   - props: A JSON object, served byte for byte from then on. The server keeps its keys sorted and has
    ///     no white space in it; so should this.
    ///   - root: The id of the thread's first post.
    ///   - at: The time of the post, where it is not the clock's next moment.
    /// - Returns: The post's id.
    @discardableResult
    public func post(
        in channelID: String, by userID: String, message: String, type: String = "", props: String = "{}",
        root: String = "", files: [Attachment] = [], at time: Int64? = nil
    ) -> String {
        state.withLock { state in
            state.write(
                in: channelID, by: userID, message: message, type: type, props: props, root: root, files: files,
                at: time)
        }
    }

    /// Adds a post as an import does: dated in the past, with `update_at` = `create_at`, so that `since` never
    /// shows it. The clock stands still.
    /// - Returns: The post's id.
    @discardableResult
    public func importPost(
        in channelID: String, by userID: String, message: String, type: String = "", props: String = "{}",
        root: String = "", createAt: Int64
    ) -> String {
        state.withLock { state in
            state.write(
                in: channelID, by: userID, message: message, type: type, props: props, root: root, at: createAt,
                isImport: true)
        }
    }

    /// Edits a post: an old revision stays behind, and `edit_at` moves if the message is another one.
    public func edit(_ id: String, message: String, props: String? = nil) {
        state.withLock { $0.edit(id, message: message, props: props) }
    }

    /// Edits the props alone: an old revision stays behind and `edit_at` does not move.
    public func editProps(_ id: String, _ props: String) {
        state.withLock { $0.edit(id, message: nil, props: props) }
    }

    /// Pins a post, which leaves an old revision behind as an edit does.
    public func pin(_ id: String) {
        state.withLock { $0.revise(id) { post, _ in post.isPinned = true } }
    }

    /// Puts an emoji on a post: `update_at` moves, no old revision stays behind.
    public func react(_ id: String, by userID: String, emoji: String = "smile") {
        state.withLock { state in
            let moment = state.nextMoment()
            state.change(id) { post in
                precondition(post.isLive, "only a live post takes reactions")
                post.reactions.append(Reaction(userID: userID, emoji: emoji, createAt: moment))
                post.updateAt = moment
            }
            if let post = state.post(id), let reaction = post.reactions.last {
                let data = "{\"reaction\":\(JSONText.string(reaction.json(on: id)))}"
                state.publish("reaction_added", data, to: .channel(post.channelID))
            }
        }
    }

    /// Deletes a post; a root takes its replies with it, a reply leaves its root as it is.
    /// - Parameter by: Who deleted it; its author where nothing is said.
    public func delete(_ id: String, by deleter: String? = nil) {
        state.withLock { state in
            guard let post = state.post(id) else { preconditionFailure("no post has the id \(id)") }
            state.delete(id, by: deleter ?? post.userID)
        }
    }

    /// Removes a post for good, with its old revisions and its replies: no tombstone, and its id is unknown.
    ///
    /// What retention and permanent deletion do.
    public func purge(_ id: String) {
        state.withLock { state in
            guard let post = state.post(id) else { preconditionFailure("no post has the id \(id)") }
            _ = state.nextMoment()
            let replies = state.threads[id, default: []].compactMap { state.posts[$0.slot]?.id }
            let revisions = (state.timelines[post.channelID]?.all ?? [])
                .compactMap { state.posts[$0.slot] }.filter { $0.originalID == id }.map(\.id)
            for row in [id] + replies + revisions { state.remove(row) }
        }
    }

    /// Switches a channel's encryption on or off; the plugin's bot posts its notice.
    /// - Parameter by: Who switched it; the channel's first member where nothing is said.
    /// - Returns: The notice's id, or nil where nothing changed.
    @discardableResult
    public func setEncryption(_ channelID: String, on: Bool, by userID: String? = nil) -> String? {
        state.withLock { $0.setEncryption(channelID, on: on, by: userID) }
    }

    /// Every row of a channel, newest first: live posts, tombstones and old revisions, but nothing purged.
    public func posts(in channelID: String) -> [Post] {
        state.withLock { state in
            (state.timelines[channelID]?.all ?? []).sorted(by: >).compactMap { state.posts[$0.slot] }
        }
    }

    /// A row by its id, whatever it is; nil for what never was or was purged.
    public func post(_ id: String) -> Post? {
        state.withLock { $0.post(id) }
    }
}
