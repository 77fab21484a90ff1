internal import Archive
internal import Bytes

/// Somebody's coming or going, as the server's own posts tell it.
struct MemberMove: Sendable {
    let userID: String
    /// nil where a team was left, and with it all of its channels.
    let channelID: String?
    let at: Int64
    let isPresent: Bool

    private static let types = [
        "system_join_channel", "system_add_to_channel", "system_add_guest_to_chan", "system_leave_channel",
        "system_remove_from_channel", "system_leave_team", "system_remove_from_team",
    ]
    private static let batch = 256

    /// All of them in these channels.
    static func all(in archive: Archive, _ channels: [Channel]) throws(ArchiveError) -> [MemberMove] {
        var moves: [MemberMove] = []
        for channel in channels {
            let plan = try archive.plan(PostQuery(channelID: channel.id, types: types))
            var batches = PlaceBatches(0..<plan.count, of: batch)
            while let places = batches.next() { moves += try plan.load(places).compactMap(MemberMove.init) }
        }
        return moves
    }

    private init?(_ version: StoredVersion) {
        let header = version.header
        let props = (try? JSONDocument(version.json).root)?["props"]
        let user: String?
        switch header.type {
        case "system_join_channel": (user, isPresent) = (header.userID, true)
        case "system_add_to_channel", "system_add_guest_to_chan":
            (user, isPresent) = (props?["addedUserId"]?.string, true)
        // Who removes writes the post.
        case "system_remove_from_channel": (user, isPresent) = (props?["removedUserId"]?.string, false)
        default: (user, isPresent) = (header.userID, false)
        }
        guard let user, !user.isEmpty else { return nil }
        userID = user
        channelID = header.type.hasSuffix("_team") ? nil : header.channelID
        at = header.createAt
    }
}
