/// What people call channels: a direct channel by the other's name, a group by its members', any other by its own.
public struct ChannelNames: Sendable {
    private let users: [String: User]
    private let ownID: String

    public init(users: [User], ownID: String) {
        self.users = Dictionary(users.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.ownID = ownID
    }

    /// For a list or a heading. Foreign text: whoever prints it neutralises it.
    public func label(_ channel: Channel) -> String {
        if channel.kind == .direct { return "@\(other(in: channel)?.username ?? otherID(in: channel))" }
        if !channel.displayName.isEmpty { return channel.displayName }
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
