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
    /// The first posts that it is about, by id.
    private let examples: [String]
    private let reference: String

    init?(_ line: [UInt8]) {
        guard let json = try? JSONDocument(line).root, let kind = json["kind"]?.string,
            let seen = json["seen"]?.string, let cannotMean = json["cannot_mean"]?.string,
            let posts = json["posts"]?.int, let postsElsewhere = json["posts_elsewhere"]?.int,
            let isOriginalElsewhere = json["original_elsewhere"]?.bool, let reference = json["see"]?.string
        else { return nil }
        self.line = line
        (self.kind, self.seen, self.cannotMean, self.posts, self.reference) = (kind, seen, cannotMean, posts, reference)
        (self.postsElsewhere, self.isOriginalElsewhere) = (postsElsewhere, isOriginalElsewhere)
        canMean = (json["can_mean"]?.elements ?? []).compactMap(\.string)
        explanation = json["explanation"]?.string
        examples = (json["places"]?.elements ?? []).flatMap { $0["posts"]?.elements ?? [] }
            .prefix(5).compactMap { $0["id"]?.string }
    }

    /// - Parameter channels: the ids of those that were chosen.
    /// - Returns: nil for what has to do with none of them.
    init?(_ finding: Finding, channels: Set<String>) {
        guard finding.places.contains(where: { channels.contains($0.channelID) }) else { return nil }
        var json = JSONWriter()
        finding.write(to: &json, channels: channels)
        self.init(json.bytes)
    }

    var blocks: [ReportBlock] {
        var items = ["Seen: \(seen)"]
        items += canMean.map { "It can mean: \($0)" }
        items.append("Limits: \(cannotMean)")
        if let explanation { items.append("Held to be harmless: \(explanation)") }
        if posts > 0 {
            let more = posts > examples.count ? ", …" : ""
            items.append("Posts: \(posts) here (\(examples.joined(separator: ", "))\(more))")
        }
        if postsElsewhere > 0 {
            items.append("Elsewhere: \(postsElsewhere) more, in channels that are not in this package")
        }
        if isOriginalElsewhere {
            items.append("The post that these are copies of stands in a channel that is not in this package.")
        }
        items.append("More: \(reference) of mmvault")
        return [.subheading(kind.replacing("-", with: " ")), .list(items)]
    }
}
