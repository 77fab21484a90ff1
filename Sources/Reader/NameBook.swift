public import Archive

/// Tells apart whom one may take for one another: users whose name, or one that looks like it, was another user's as well.
public struct NameBook: Sendable {
    /// Those whose present name somebody else bears, or bore.
    private let ambiguous: Set<String>

    /// Nobody is taken for anybody.
    public init() { ambiguous = [] }

    /// - Parameter names: in the order in which users came to bear them.
    public init(_ names: [NameBearing]) {
        var present: [String: String] = [:]
        var bearers: [String: Set<String>] = [:]
        for bearing in names {
            let folded = LookAlikes.fold(bearing.name)
            present[bearing.userID] = folded
            bearers[folded, default: []].insert(bearing.userID)
        }
        ambiguous = Set(present.filter { bearers[$0.value, default: []].count > 1 }.keys)
    }

    public func isAmbiguous(_ userID: String) -> Bool { ambiguous.contains(userID) }

    /// What stands behind the name of a user who may be taken for another: ` [user 7f3kq8]`; else nothing.
    public func distinction(_ userID: String) -> String {
        isAmbiguous(userID) ? " [user \(SafeText.line(String(userID.prefix(6))))]" : ""
    }
}
