internal import Archive
internal import Bytes

/// Makes parts of an index: reads on all cores, and builds and seals each part while the next is being read.
struct SearchPartMaker {
    let reader: PostReader
    let trusted: TrustedKeys
    let plan: ArrivalPlan
    let manifest: IndexManifest
    let folder: SealedFolder?

    private static let batch = 256

    /// - Returns: the parts; with their segments where those are on no disk.
    func make(progress: (Int, Int) -> Void) async throws -> [(IndexManifest.Part, SearchSegment?)] {
        var result: [(IndexManifest.Part, SearchSegment?)] = []
        var building: Task<(IndexManifest.Part, SearchSegment?), any Error>?
        do {
            for run in plan.runs {
                let read = try await entries(run, progress: progress)
                if let building { result.append(try await building.value) }
                let (manifest, folder) = (manifest, folder)
                building = Task.detached { try SearchPartMaker.build(read, manifest, folder) }
            }
            if let building { result.append(try await building.value) }
        } catch {
            _ = await building?.result
            throw error
        }
        return result
    }

    private struct Read: Sendable {
        var entries: [SearchSegment.Entry] = []
        var unsettled: [String: String] = [:]
    }

    private func entries(_ run: Range<Int>, progress: (Int, Int) -> Void) async throws -> Read {
        var result = Read()
        result.entries.reserveCapacity(run.count)
        var batches = PlaceBatches(run, of: SearchPartMaker.batch)
        let reader = reader
        try await OrderedPipeline.run(
            next: { try batches.next().map(plan.load) },
            work: { batch in
                try batch.map { version in
                    let post = try reader.judge(version)
                    return (SearchSegment.Entry(post), SearchPartMaker.isSettled(post) ? nil : post.header.userID)
                }
            },
            consume: { batch in
                for (entry, unsettled) in batch {
                    result.entries.append(entry)
                    if let unsettled { result.unsettled[unsettled] = trusted.summary(of: unsettled) }
                }
                progress(run.lowerBound + result.entries.count, plan.count)
            })
        return result
    }

    /// Whether whom the signature fits is known, or there is none. What then follows from it is asked of the keys.
    private static func isSettled(_ post: ReadPost) -> Bool {
        post.signer != nil
            || (post.verdict.authenticity != .signatureInvalid && post.verdict.authenticity != .unknownSender)
    }

    private static func build(
        _ read: Read, _ manifest: IndexManifest, _ folder: SealedFolder?
    ) throws -> (IndexManifest.Part, SearchSegment?) {
        let name = Hex.encode(randomBytes(16))
        let times = read.entries.map(\.createAt)
        let part = IndexManifest.Part(
            name: name, generation: manifest.generation, count: read.entries.count, first: times.min() ?? 0,
            last: times.max() ?? 0, unsettled: read.unsettled)
        let segment = try SearchSegment(
            read.entries,
            SearchSegment.Label(
                vault: manifest.vault, head: manifest.head, generation: manifest.generation, name: name))
        guard let folder else { return (part, segment) }
        try folder.write(segment, named: name)
        return (part, nil)
    }
}

extension SearchSegment.Entry {
    fileprivate init(_ post: ReadPost) {
        let text =
            switch post.text {
            case .plain(let text): text
            case .verified(let text): text.string
            case .unanswered(let text): text.markedString
            // Found like any other, and shown as what it is.
            case .unverified(let text): text.withheldString
            case .unreadable, .unknown: ""
            }
        // What the server has beside the message is found as well.
        let words = [text, post.clearText?.withheldString ?? ""].filter { !$0.isEmpty }.joined(separator: "\n")
        self.init(
            createAt: post.header.createAt,
            postID: post.header.identityID,
            version: post.header.sequence, text: SearchText.ofPost(words), tags: Hashtag.all(in: words),
            files: SearchText.ofPost(post.files.compactMap(\.name).joined(separator: " ")),
            facts: SearchFacts.all(of: post))
    }
}
