/// The names that ask for something other than text when a colon follows.
enum SearchFilter: String, CaseIterable {
    case from, `in`, on, before, after, has, `is`, verdict

    /// What Mattermost lets stand before a value, and does not count as part of it; in its full-width form too.
    var sigils: [Unicode.Scalar] {
        switch self {
        case .from: ["@", "\u{FF20}"]
        case .in: ["~", "\u{FF5E}"]
        default: []
        }
    }

    /// What the letters before a colon may be.
    enum Reading {
        case filter(SearchFilter)
        /// Nearly a filter, or another program's name for it: what to type before the value instead.
        case misspelt(String)
    }

    /// nil where the name is nothing like a filter's, and so belongs to a word such as `TODO:` or `12:30`.
    static func reading(of name: ArraySlice<Unicode.Scalar>) -> Reading? {
        // No filter and no name for one is longer; nothing else than ASCII letters comes near.
        guard (2...9).contains(name.count), name.allSatisfy({ $0.isASCII && $0.properties.isAlphabetic }) else {
            return nil
        }
        let lowered = String(String.UnicodeScalarView(name)).lowercased()
        if let filter = SearchFilter(rawValue: lowered) { return .filter(filter) }
        if let meant = otherNames[lowered] { return .misspelt(meant) }
        // The short ones have too many neighbours that are words: `no:`, `an:`, `hash:`.
        let near = allCases.first { $0.rawValue.utf8.count >= 4 && isNear(lowered, $0.rawValue) }
        return near.map { .misspelt("\($0.rawValue):") }
    }

    private static let otherNames = [
        "user": "from:", "users": "from:", "author": "from:", "sender": "from:", "by": "from:",
        "channel": "in:", "channels": "in:", "chan": "in:", "room": "in:",
        "date": "on:", "since": "after:", "until": "before:", "hsa": "has:",
        "tag": "#", "hashtag": "#", "status": "verdict:", "state": "verdict:",
    ]

    /// Whether one letter more, less or changed, or two neighbours swapped, make one word of the other.
    static func isNear(_ left: String, _ right: String) -> Bool {
        var (left, right) = (Array(left.utf8)[...], Array(right.utf8)[...])
        while let first = left.first, first == right.first { (left, right) = (left.dropFirst(), right.dropFirst()) }
        while let last = left.last, last == right.last { (left, right) = (left.dropLast(), right.dropLast()) }
        return max(left.count, right.count) <= 1 || left.count == 2 && left.elementsEqual(right.reversed())
    }
}
