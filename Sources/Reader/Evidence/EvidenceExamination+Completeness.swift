internal import Archive

/// Nothing that the documents of a package show may be left out, and nothing may be shown as it no longer was.
extension EvidenceExamination {
    /// What was chosen of the documents, and what else they disclose.
    mutating func count(
        _ facts: EvidenceFacts, _ chosen: [Int64: Set<Int>], _ documents: inout EvidenceDocuments
    ) throws {
        let manifest = EvidenceWriter.manifestName
        var remainder = EvidenceRemainder(channels: Set(facts.channels.map(\.channel.id)))
        for document in facts.documents {
            let starts = chosen[document.sequence, default: []]
            if starts.count != document.chosen {
                damage(manifest, "it says of document \(document.sequence) that another number of posts was chosen")
            }
            guard document.posts > 0, let content = try documents.content(document.sequence) else { continue }
            remainder.add(content, chosen: starts)
        }
        if damages.isEmpty, remainder.disclosure != facts.disclosure {
            damage(manifest, "it says something else of what the documents disclose than they do")
        }
    }

    /// No version of a post that the documents show, and that is of the choice which the manifest states, may be left out, and no
    /// post may be shown as it no longer was.
    mutating func requireAll(
        _ facts: EvidenceFacts, _ posts: EvidencePosts, _ documents: inout EvidenceDocuments
    ) throws {
        let (shown, said) = (posts.shown, Set(posts.shown.values.joined().map(\.said)))
        let channels = Set(facts.channels.map(\.channel.id))
        var newest: [String: [UInt8]] = [:]
        var seen: Set<[UInt8]> = []
        var named = 0
        // Whoever makes up a million of them wants to fill the memory.
        func name(_ postID: String, _ what: String, _ damages: inout [EvidenceCheck.Damage]) {
            named += 1
            guard named <= 100 else { return }
            damages.append(.init(file: EvidenceWriter.postsName, post: postID, what: what))
        }
        var (covered, others): (Set<[UInt8]>, [[UInt8]: String]) = ([], [:])
        for document in facts.documents.sorted(by: { $0.sequence < $1.sequence }) where document.posts > 0 {
            guard let content = try documents.content(document.sequence) else { continue }
            let messages = facts.redaction.messages(in: content)
            covered.formUnion(messages.covered)
            others.merge(messages.others) { first, _ in first }
            for post in content.posts where channels.contains(post.channelID) && facts.filter.takes(post) {
                if let gone = posts.gone[post.id], gone < document.sequence, content.kind.isOfPosts {
                    name(post.id, "document \(document.sequence) shows it, after it is said to have gone", &damages)
                }
                // The archive holds each version once, where it came first.
                guard seen.insert(post.identity).inserted else { continue }
                let isKnown = shown[post.id] != nil
                // An import tells of posts that the server had shown before.
                let isShown =
                    content.kind == .imported
                    ? isKnown || shown[post.originalID] != nil
                    : said.contains(post.said) || isKnown && content.isBlankRevision(post)
                if !isShown {
                    name(post.id, "what it says in document \(document.sequence) is left out", &damages)
                }
                if post.originalID.isEmpty, content.kind.isOfPosts { newest[post.id] = post.said }
            }
        }
        for id in covered.compactMap({ others[$0] }).sorted() where shown[id] != nil {
            name(id, "its message is that of a post which is redacted", &damages)
        }
        for (id, versions) in shown.sorted(by: { $0.key < $1.key }) {
            guard let last = versions.first(where: { !$0.state.isOld }), let newest = newest[id], newest != last.said
            else { continue }
            name(id, "a later document shows another version of it", &damages)
        }
    }
}
