/// What people call channels: a direct channel by the other's name, a group by its members', any other by its own.
public struct ChannelNames: Sendable {
    private let users: [String: User]
    private let ownID: String
    /// The names of teams, for channels whose own name another team's channel has, too.
    private let teams: [String: String]
    private let shared: Set<String>

    /// - Parameters:
    ///   - channels: those that stand beside each other; of two with one name, the team is named.
    ///   - teams: the teams that have them.
    public init(users: [User], ownID: String, channels: [Channel] = [], teams: [Team] = []) {
        self.users = Dictionary(users.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.ownID = ownID
        self.teams = Dictionary(
            teams.map { ($0.id, $0.displayName.isEmpty ? $0.name : $0.displayName) },
            uniquingKeysWith: { first, _ in first })
        let named = channels.filter { $0.kind != .direct && !$0.displayName.isEmpty }.map(\.displayName)
        shared = Set(Dictionary(grouping: named, by: { $0 }).filter { $0.value.count > 1 }.keys)
    }

    /// The names of everything in an archive, as they stand beside each other.
    public init(_ archive: Archive) throws(ArchiveError) {
        self.init(
            users: try archive.users(), ownID: try archive.account().userID, channels: try archive.channels(),
            teams: try archive.teams())
    }

    /// For a list or a heading. Foreign text: whoever prints it neutralises it.
    public func label(_ channel: Channel) -> String {
        if channel.kind == .direct { return "@\(other(in: channel)?.username ?? otherID(in: channel))" }
        if !channel.displayName.isEmpty {
            let team = shared.contains(channel.displayName) ? teams[channel.teamID] : nil
            return channel.displayName + (team.map { " (\($0))" } ?? "")
        }
        return channel.name.isEmpty ? channel.id : channel.name
    }

    /// Whether `name` is what a person may call the channel: id, name, label (a direct channel also without the `@`).
    public func matches(_ channel: Channel, _ name: String) -> Bool {
        if [channel.id, channel.name, label(channel)].contains(name) { return true }
        if channel.kind != .direct { return channel.displayName == name || "~\(channel.name)" == name }
        guard let other = other(in: channel) else { return false }
        return other.username == name || other.displayName == name
    }

    /// The other one of a direct channel, whose name is the two user ids joined by `__`; oneself where one is alone.
    private func other(in channel: Channel) -> User? { users[otherID(in: channel)] }

    /// The id of the other one of a direct channel; one's own where one is alone.
    public func otherID(in channel: Channel) -> String {
        let ids = channel.name.split(separator: "_", omittingEmptySubsequences: true).map(String.init)
        return ids.first { $0 != ownID } ?? ownID
    }
}
