internal import Archive
internal import E2EE

/// What a search for signers means to an audit: posts by somebody else's key, by keys that nobody saw, and by nobody.
struct SignerFindings {
    private let context: AuditContext
    private var names: AuditNames { context.names }

    init(_ context: AuditContext) { self.context = context }

    var all: [Finding] {
        context.signers.misattributed.map(misattributed) + context.signers.signers.map(unrecorded)
            + context.signers.listed.map { listed($0.signer, by: $0.colleagueID) }
            + context.signers.unexplained.sorted { $0.key < $1.key }.map(unexplained)
    }

    private func misattributed(_ found: MisattributedPosts) -> Finding {
        names.finding(
            .misattributedPosts,
            seen: """
                \(found.posts.inWords) of \(names.user(found.userID)) \(found.posts.count == 1 ? "is" : "are") signed by a \
                key of \(names.user(found.ownerID))\(found.isRejected ? ", which you rejected" : "").
                """,
            canMean: [
                "Somebody put a message of one user's into another one's name.",
                "One user wrote with the other one's account, or with their private key.",
            ],
            cannotMean: """
                \(names.user(found.userID)) did not sign \(found.posts.count == 1 ? "it" : "them") with a key of their own. \
                Who moved \(found.posts.count == 1 ? "it" : "them") is not shown.
                """,
            users: [found.userID, found.ownerID], keys: [found.keyID].compactMap { $0 }, posts: found.posts)
    }

    private func unrecorded(_ signer: UnrecordedSigner) -> Finding {
        let author = names.user(signer.userID)
        return names.finding(
            .unrecordedSigners,
            seen: """
                \(signer.posts.inWords) of \(author), \(signer.posts.datesInWords), \
                \(signer.posts.count == 1 ? "is" : "are") signed by one key that was never seen here.
                """,
            canMean: [
                "\(author) used this key before they made the one that is known.",
                "Somebody who can put posts into \(author)'s name made a key for it.",
            ],
            cannotMean: """
                All these posts are by one signer, and none of them was changed since. Whether it was \(author), only \
                \(author) can say: ask them; “mmvault trust signers” says how to go on.
                """,
            explanation: signer.probableKeyID.map {
                """
                The key id \($0.short) stands among the recipients of each of these posts, is nobody's who is known, and \
                has gone since the next key of \(author) is in use: this is probably \(author)'s key before that. Only \
                \(author) can say so for certain.
                """
            },
            users: [signer.userID], keys: [signer.probableKeyID].compactMap { $0 }, posts: signer.posts)
    }

    private func listed(_ signer: UnrecordedSigner, by colleagueID: String) -> Finding {
        let (author, colleague) = (names.user(signer.userID), names.user(colleagueID))
        return names.finding(
            .unrecordedSigners,
            seen: """
                \(signer.posts.inWords) of \(author), \(signer.posts.datesInWords), \
                \(signer.posts.count == 1 ? "is" : "are") signed by a key that is known only from \(colleague)'s list.
                """,
            canMean: [
                "\(author) used this key, and \(colleague) saw it.",
                "\(colleague) made it, or took it for \(author)'s, and somebody can put posts into \(author)'s name.",
            ],
            cannotMean: "It does not show that the key is \(author)'s. Only \(author) can say so.",
            explanation: """
                \(colleague) says that it is \(author)'s, and you took the list: the posts verify by that word alone.
                """,
            users: [signer.userID, colleagueID], posts: signer.posts)
    }

    private func unexplained(_ userID: String, _ posts: [PostReference]) -> Finding {
        let author = names.user(userID)
        return names.finding(
            .unrecordedSigners,
            seen: """
                \(posts.inWords) of \(author), \(posts.datesInWords), \(posts.count == 1 ? "has a signature" : "have signatures") \
                that \(posts.count == 1 ? "fits" : "fit") no known key and no other post.
                """,
            canMean: [
                "The message was changed after it was signed.",
                "It was signed by a key that signed nothing else here.",
            ],
            cannotMean: """
                \(author) did not sign \(posts.count == 1 ? "it" : "them") as \(posts.count == 1 ? "it stands" : "they stand") \
                here with a key that is known.
                """,
            users: [userID], posts: posts)
    }
}
