internal import Archive

/// What came before a signer of a user's, and after it.
struct Succession: Sendable {
    /// When the server showed another signer last before it showed this one first.
    var predecessorLastSeen: Timestamp?
    /// When the first of those that the owner said are the user's, and that followed, was shown first.
    var firstSuccessor: Timestamp?
    /// The document that showed the last of these first.
    var lastSuccessor: Int64?
}

/// What precedes and succeeds a user's signers, by the document that showed each first. A signer's own sightings begin with
/// that document, and so are neither before nor behind it.
struct SuccessionTable {
    /// In the order of their first documents: when what was shown up to there was seen last.
    private var before: [(document: Int64, lastSeen: Timestamp)] = []
    /// In the order of documents: the earliest time and the last document of it and those behind it.
    private var behind: [(document: Int64, first: Timestamp, last: Int64)] = []

    init(runs: [KeyRecord.Run], successors: [KeyRecord.Moment]) {
        for run in runs.sorted(by: { $0.first.document < $1.first.document }) {
            before.append((run.first.document, max(before.last?.lastSeen ?? run.last.at, run.last.at)))
        }
        for successor in successors.sorted(by: { $0.document > $1.document }) {
            let next = behind.last
            behind.append(
                (
                    successor.document, min(next?.first ?? successor.at, successor.at),
                    max(next?.last ?? successor.document, successor.document)
                ))
        }
        behind.reverse()
    }

    func succession(ofFirst document: Int64) -> Succession {
        let preceding = before.partitioned { $0.document >= document }
        let following = behind.partitioned { $0.document > document }
        return Succession(
            predecessorLastSeen: preceding > 0 ? before[preceding - 1].lastSeen : nil,
            firstSuccessor: following < behind.count ? behind[following].first : nil,
            lastSuccessor: following < behind.count ? behind[following].last : nil)
    }
}

extension Array {
    /// Where the elements begin for which a condition holds that holds for none before them and all behind.
    fileprivate func partitioned(by holds: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
