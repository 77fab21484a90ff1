internal import Archive

/// A version of a post, or of an old revision, that a package shows.
struct ShownVersion {
    /// Its place in the archive's order of arrival.
    let sequence: Int64
    /// The digest of what it says.
    let said: [UInt8]
    let state: PostState
    /// Whether its text was left out: then two versions may look the same.
    let isRedacted: Bool

    /// What keeps them from being the versions of one post; nil where nothing does.
    static func flaw(in versions: [ShownVersion]) -> String? {
        let sorted = versions.sorted { $0.sequence < $1.sequence }
        for (version, next) in zip(sorted, sorted.dropFirst()) {
            if !version.state.isOld {
                return "it is shown as \(version.state.rawValue), and a later version of it, too"
            }
            if version.said == next.said, !version.isRedacted { return "it is shown twice, and says the same" }
        }
        return nil
    }
}
