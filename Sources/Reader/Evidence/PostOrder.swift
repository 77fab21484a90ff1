internal import Archive

/// The order of the posts of a channel: by threads, the oldest first, and in each by time; behind a post what it said before,
/// the newest first. A thread is as old as its first post, or, where that one is not there, as the oldest of the others.
struct PostOrder {
    private var channelID = ""
    private var thread: Thread?
    /// By what the thread before was sorted.
    private var before: (createAt: Int64, id: String)?
    private var last: (isReply: Bool, createAt: Int64, id: String)?
    /// By what the versions of the post under way are sorted that were superseded.
    private var former: Former?

    private typealias Former = (saidAt: Int64, editAt: Int64, isRevision: Int, version: Int64)

    private struct Thread {
        let id: String
        /// When its first post, and when the oldest of all was written.
        var began: Int64?
        var oldest: Int64

        var place: (createAt: Int64, id: String) { (began ?? oldest, id) }

        init(_ post: StoredVersion.Header) {
            (id, oldest) = (post.threadID, post.createAt)
            add(post)
        }

        mutating func add(_ post: StoredVersion.Header) {
            oldest = min(oldest, post.createAt)
            if post.id == id { began = min(began ?? post.createAt, post.createAt) }
        }
    }

    /// - Returns: whether the post stands where it belongs, as far as those before it tell.
    mutating func takes(_ post: StoredVersion.Header, _ state: PostState) -> Bool {
        if post.channelID != channelID {
            guard ends() else { return false }
            self = PostOrder(channelID: post.channelID)
        }
        if post.threadID != thread?.id {
            guard ends() else { return false }
            (thread, last) = (Thread(post), nil)
        } else {
            thread?.add(post)
        }
        let place = (isReply: !post.rootID.isEmpty, createAt: post.createAt, id: post.identityID)
        let own: Former? =
            state.isOld
            ? (max(post.updateAt, post.editAt), post.editAt, state == .revision ? 0 : 1, post.sequence) : nil
        defer { (last, former) = (place, own) }
        guard let last else { return true }
        if last.isReply != place.isReply { return place.isReply }
        // What a post said before stands behind it.
        if last.id == place.id, last.createAt == place.createAt {
            return own.map { own in former.map { own < $0 } != false } ?? false
        }
        return (last.createAt, last.id) < (place.createAt, place.id)
    }

    /// Ends a thread.
    ///
    /// - Returns: whether it stands where it belongs among those before it.
    mutating func ends() -> Bool {
        guard let place = thread?.place else { return true }
        defer { (before, thread) = (place, nil) }
        return before.map { $0 < place } ?? true
    }

    init(channelID: String = "") { self.channelID = channelID }
}
