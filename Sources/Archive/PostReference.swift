internal import GRDB

/// A post, by what it is told apart by: nothing of what it says.
public struct PostReference: Hashable, Sendable {
    public let id: String
    public let channelID: String
    public let userID: String
    /// In milliseconds.
    public let createAt: Int64

    public init(id: String, channelID: String, userID: String, createAt: Int64) {
        self.id = id
        self.channelID = channelID
        self.userID = userID
        self.createAt = createAt
    }

    /// - Parameter row: with the columns `post_id`, `channel_id`, `user_id` and `create_at`.
    init(_ row: Row) throws {
        id = try row.decode(forColumn: "post_id")
        channelID = try row.decode(forColumn: "channel_id")
        userID = try row.decode(forColumn: "user_id")
        createAt = try row.decode(forColumn: "create_at")
    }
}
