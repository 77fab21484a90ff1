internal import Archive
internal import Bytes

/// A finding of the audit as a package carries it: a line of `findings.jsonl`, which `Finding.write` wrote. To make it again
/// takes the whole archive, so that whoever checks a package takes these lines as they are.
struct EvidenceFinding {
    /// Without its end.
    let line: [UInt8]
    private let kind: String
    private let seen: String
    private let canMean: [String]
    private let cannotMean: String
    private let explanation: String?
    private let posts: Int64
    /// In channels that are not in the package: of these no more is said than how many there are.
    private let postsElsewhere: Int64
    private let isOriginalElsewhere: Bool
    /// The posts here that it is about, by id, and by whom and when they are.
    fileprivate let postIDs: [String]
    private let writings: [(postID: String, userID: String, createAt: Int64)]
    /// The post here that others are copies of, by id.
    fileprivate let originalID: String?

    init?(_ line: [UInt8]) {
        guard let json = try? JSONDocument(line).root, let kind = json["kind"]?.string,
            let seen = json["seen"]?.string, let cannotMean = json["cannot_mean"]?.string,
            let posts = json["posts"]?.int, let postsElsewhere = json["posts_elsewhere"]?.int,
            let isOriginalElsewhere = json["original_elsewhere"]?.bool
        else { return nil }
        self.line = line
        (self.kind, self.seen, self.cannotMean, self.posts) = (kind, seen, cannotMean, posts)
        (self.postsElsewhere, self.isOriginalElsewhere) = (postsElsewhere, isOriginalElsewhere)
        canMean = (json["can_mean"]?.elements ?? []).compactMap(\.string)
        explanation = json["explanation"]?.string
        writings = (json["places"]?.elements ?? []).flatMap { $0["posts"]?.elements ?? [] }.compactMap { post in
            post["id"]?.string.map { ($0, post["user_id"]?.string ?? "", post["create_at"]?.int ?? 0) }
        }
        postIDs = writings.map(\.postID)
        originalID = json["original"]?["id"]?.string
    }

    /// - Parameter channels: the ids of those that were chosen.
    /// - Returns: nil for what has to do with none of them, and for drafts: that there are some is nobody's affair but their
    ///   writer's.
    init?(_ finding: Finding, channels: Set<String>) {
        guard finding.kind != .drafts, finding.places.contains(where: { channels.contains($0.channelID) }) else {
            return nil
        }
        var json = JSONWriter()
        finding.write(to: &json, channels: channels)
        self.init(json.bytes)
    }

    /// Whether the key of one of its posts would open a message, too, of which the package does not show the text anyway.
    fileprivate func endangers(_ filter: EvidenceFilter, _ redaction: Redaction) -> Bool {
        kind == Finding.Kind.sharedEphemeralKeys.rawValue
            && (postsElsewhere > 0
                || writings.contains {
                    !filter.takes(userID: $0.userID, createAt: $0.createAt) || redaction.covers($0.postID, $0.userID)
                })
    }

    /// - Parameters:
    ///   - number: by which the posts refer to it.
    ///   - shown: the ids of the posts that stand in the report.
    func blocks(_ number: Int, shown: Set<String>) -> [ReportBlock] {
        let name = kind.replacing("-", with: " ")
        var items = ["Seen: \(seen)"]
        items += canMean.map { "It can mean: \($0)" }
        items.append("Limits: \(cannotMean)")
        if let explanation { items.append("Probable explanation: \(explanation)") }
        if postsElsewhere > 0 {
            items.append("Elsewhere: \(postsElsewhere) more, in channels that are not in this package")
        }
        if isOriginalElsewhere {
            items.append("The post that these are copies of stands in a channel that is not in this package.")
        }
        items.append(
            "Explained at length in \(EvidenceWriter.threatModelName), which is in this package, under “\(name)”.")
        var blocks: [ReportBlock] = [.finding(number, name), .list(items)]
        if let originalID { blocks.append(.posts("The post that was repeated:", [originalID], shown: shown)) }
        if posts > 0 { blocks.append(.posts("Posts here (\(posts)):", postIDs, shown: shown)) }
        return blocks
    }
}

/// The findings of a package, by number, and which of them a post is about.
struct EvidenceFindings {
    let all: [EvidenceFinding]
    private let numbers: [String: [Int]]
    /// Posts of which a key would open another message, too.
    private let endangering: Set<String>

    init(_ all: [EvidenceFinding], _ filter: EvidenceFilter, _ redaction: Redaction) {
        self.all = all
        var numbers: [String: [Int]] = [:]
        for (number, finding) in zip(1..., all) {
            for id in Set(finding.postIDs + [finding.originalID].compactMap { $0 }) {
                numbers[id, default: []].append(number)
            }
        }
        self.numbers = numbers
        endangering = Set(all.filter { $0.endangers(filter, redaction) }.flatMap(\.postIDs))
    }

    /// What stands in the place of a text whose key must not be shown: it would open another message, too. nil for all others.
    func withheld(_ post: ReadPost) -> ShownText? {
        guard post.verdict.content == .decrypted, endangering.contains(post.header.identityID) else { return nil }
        return .withheld("[Text withheld (the key that opens it would open a message that is not shown here, too)]")
    }

    /// The numbers of those that a post is part of, the smallest first.
    func about(_ postID: String) -> [Int] { numbers[postID] ?? [] }
}
