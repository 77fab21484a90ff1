internal import Archive
internal import Bytes

/// What a package discloses besides what was chosen. Whoever makes one is told before it is written.
public struct EvidenceDisclosure: Equatable, Sendable {
    /// Documents with posts, and the posts and old revisions in them that were not chosen. The server sends a post again
    /// and again: each counts once, and not at all where it was chosen elsewhere.
    public var documents = 0
    public var otherPosts = 0
    /// Of those posts, the ones that are not encrypted, or hold a text in the clear: anybody can read them there.
    public var otherPlainPosts = 0
    /// Channels that were not chosen and of which there are posts.
    public var otherChannels = 0
}

/// Counts what documents disclose, one after the other. Of each post, only a digest is held.
struct EvidenceRemainder {
    private let channels: Set<String>
    private var documents = 0
    private var chosen: Set<UInt128> = []
    private var encrypted: Set<UInt128> = []
    private var plain: Set<UInt128> = []
    private var otherChannels: Set<String> = []

    /// - Parameter channels: the ids of those that were chosen.
    init(channels: Set<String>) { self.channels = channels }

    /// - Parameter starts: where the posts begin that were chosen.
    mutating func add(_ content: DocumentContent, chosen starts: Set<Int>) {
        guard !content.posts.isEmpty else { return }
        documents += 1
        for post in content.posts {
            let digest = EvidenceRemainder.digest(post)
            if starts.contains(post.range.lowerBound) {
                chosen.insert(digest)
            } else if post.type == EncryptedPost.type || post.ciphertext != nil,
                !EvidenceRemainder.hasClearText(post, content)
            {
                encrypted.insert(digest)
            } else {
                plain.insert(digest)
            }
            if !channels.contains(post.channelID) { otherChannels.insert(post.channelID) }
        }
    }

    /// Whether a document holds no posts but such as were chosen.
    func adds(nothingBy content: DocumentContent) -> Bool {
        content.posts.allSatisfy { chosen.contains(EvidenceRemainder.digest($0)) }
    }

    /// What a version says, and not its bytes: the export leaves out what differs in nothing else.
    private static func digest(_ post: PostHeader) -> UInt128 {
        post.said.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
    }

    private static func hasClearText(_ post: PostHeader, _ content: DocumentContent) -> Bool {
        guard let version = content.version(at: post.range, sequence: 0, state: .live),
            let root = try? JSONDocument(Array(version.json)).root
        else { return false }
        return EncryptedPost.clearText(root) != nil
    }

    var disclosure: EvidenceDisclosure {
        let others = plain.count { !chosen.contains($0) }
        return EvidenceDisclosure(
            documents: documents, otherPosts: others + encrypted.count { !chosen.contains($0) },
            otherPlainPosts: others, otherChannels: otherChannels.count)
    }
}
