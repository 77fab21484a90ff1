public import Archive

/// Tells apart whom one may take for one another: users whose name, or one that looks like it, was another user's as well.
public struct NameBook: Sendable {
    /// Those whose present name somebody else bears, or bore, and as much of their ids as tells them from these.
    private let beginnings: [String: String]

    /// Nobody is taken for anybody.
    public init() { beginnings = [:] }

    /// - Parameter names: in the order in which users came to bear them.
    public init(_ names: [NameBearing]) {
        var present: [String: String] = [:]
        var bearers: [String: Set<String>] = [:]
        for bearing in names {
            let folded = LookAlikes.fold(bearing.name)
            present[bearing.userID] = folded
            bearers[folded, default: []].insert(bearing.userID)
        }
        var beginnings: [String: String] = [:]
        for (name, userIDs) in bearers where userIDs.count > 1 {
            let length = NameBook.tellingLength(userIDs)
            for userID in userIDs where present[userID] == name { beginnings[userID] = String(userID.prefix(length)) }
        }
        self.beginnings = beginnings
    }

    /// How many characters of ids tell these users apart: six, and more where a server made ids that begin alike, or look
    /// alike.
    private static func tellingLength(_ userIDs: Set<String>) -> Int {
        let longest = userIDs.map(\.count).max() ?? 0
        return (6..<max(longest, 7)).first { length in
            Set(userIDs.map { LookAlikes.fold(String($0.prefix(length))) }).count == userIDs.count
        } ?? longest
    }

    public func isAmbiguous(_ userID: String) -> Bool { beginnings[userID] != nil }

    /// What stands behind the name of a user who may be taken for another: ` [user 7f3kq8]`; else nothing.
    public func distinction(_ userID: String) -> String {
        beginnings[userID].map { " [user \(SafeText.line($0))]" } ?? ""
    }

    /// A name with what tells its bearer apart. No name can look as if it had that: its brackets become round.
    public func tell(_ name: String, of userID: String) -> String {
        // Most names have neither a bracket nor anything that may be taken for one.
        guard name.utf8.contains(where: { $0 == UInt8(ascii: "[") || $0 > 0x7F }),
            LookAlikes.fold(name).contains("[user")
        else { return name + distinction(userID) }
        return LookAlikes.roundingBrackets(name) + distinction(userID)
    }

    /// What a channel is called, with what tells the other one of a direct channel apart.
    public func tell(_ channel: Channel, _ names: ChannelNames) -> String {
        channel.kind == .direct ? tell(names.label(channel), of: names.otherID(in: channel)) : names.label(channel)
    }
}
